//! Several inventories as one.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{Inventory, Note, Package, PackageId, Relation, Scope};

// One and the same package, wherever it was seen.
type Key = (sealift_model::PackageKind, String, Option<String>, String);

/// Joins inventories. A package that several of them have appears once, with the facts and the evidence of all.
pub fn merge(inventories: &[(String, Inventory)]) -> Inventory {
    let mut joined: BTreeMap<Key, Package> = BTreeMap::new();
    let mut edges: BTreeSet<(Key, sealift_model::RelationKind, Key)> = BTreeSet::new();
    let mut merged = Inventory::default();
    for (name, inventory) in inventories {
        for package in &inventory.packages {
            let mut package = package.clone();
            // An owner is known by its place, which changes; the relation says the same.
            let owner = package.owner.take();
            if owner.is_some() {
                continue;
            }
            join(&mut joined, package);
        }
        for relation in &inventory.relations {
            let ends = (resolve(inventory, relation.from), resolve(inventory, relation.to));
            if let (Some(from), Some(to)) = ends
                && from != to
            {
                edges.insert((from, relation.kind, to));
            }
        }
        take_distro(&mut merged, name, inventory);
        merged.notes.extend(inventory.notes.iter().cloned());
    }
    let places: BTreeMap<&Key, PackageId> =
        joined.keys().enumerate().map(|(place, key)| (key, PackageId(place))).collect();
    let relations: BTreeSet<Relation> = edges
        .iter()
        .filter_map(|(from, kind, to)| {
            Some(Relation { from: *places.get(from)?, kind: *kind, to: *places.get(to)? })
        })
        .collect();
    merged.relations = relations.into_iter().collect();
    merged.packages = joined.into_values().collect();
    merged.notes.sort();
    merged.notes.dedup();
    merged
}

fn key(package: &Package) -> Key {
    (package.kind, package.name.clone(), package.version.clone(), package.purl.to_string())
}

// A package that another owns is where its owner is.
fn resolve(inventory: &Inventory, id: PackageId) -> Option<Key> {
    let package = inventory.package(id)?;
    let owner = package.owner.and_then(|owner| inventory.package(owner));
    Some(key(owner.unwrap_or(package)))
}

fn join(joined: &mut BTreeMap<Key, Package>, package: Package) {
    let Some(known) = joined.get_mut(&key(&package)) else {
        joined.insert(key(&package), package);
        return;
    };
    for license in package.licenses {
        if !known.licenses.contains(&license) {
            known.licenses.push(license);
        }
    }
    for evidence in package.evidence {
        if !known.evidence.contains(&evidence) {
            known.evidence.push(evidence);
        }
    }
    for cpe in package.cpes {
        if !known.cpes.contains(&cpe) {
            known.cpes.push(cpe);
        }
    }
    for hash in package.hashes {
        if !known.hashes.contains(&hash) {
            known.hashes.push(hash);
        }
    }
    // What is really there in one of them is there.
    if known.scope != package.scope && package.scope == Scope::Installed {
        known.scope = Scope::Installed;
    }
    known.download_url = known.download_url.take().or(package.download_url);
    known.copyright = known.copyright.take().or(package.copyright);
    known.architecture = known.architecture.take().or(package.architecture);
    known.source = known.source.take().or(package.source);
    known.supplier = known.supplier.take().or(package.supplier);
    known.homepage = known.homepage.take().or(package.homepage);
    known.summary = known.summary.take().or(package.summary);
    known.introduced_by = known.introduced_by.take().or(package.introduced_by);
    if known.files.is_empty() {
        known.files = package.files;
    }
}

fn take_distro(merged: &mut Inventory, name: &str, inventory: &Inventory) {
    let Some(distro) = &inventory.distro else { return };
    let Some(first) = &merged.distro else {
        merged.distro = Some(distro.clone());
        return;
    };
    if (&first.id, &first.version_id) != (&distro.id, &distro.version_id) {
        let version = distro.version_id.as_deref().unwrap_or_default();
        merged.notes.push(Note {
            subject: name.to_owned(),
            message: format!("its distribution {} {version} is not that of the first", distro.id),
        });
    }
}

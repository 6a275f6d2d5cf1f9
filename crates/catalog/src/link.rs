//! From drafts to an inventory: one entry a package, order, owners, edges.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sealift_image::FileTree;
use sealift_model::{
    Distro, Inventory, Note, PackageId, PackageKind, Relation, RelationKind, Scope,
};

use crate::cataloger::Draft;

const NOTES_MAX: usize = 10_000;

/// Makes the inventory.
pub(crate) fn link(
    drafts: Vec<Draft>,
    distro: Option<Distro>,
    mut notes: Vec<Note>,
    tree: &FileTree,
) -> Inventory {
    let mut drafts = merged(drafts);
    let key = |draft: &Draft| {
        let package = &draft.package;
        let path = package.evidence.first().map(|evidence| evidence.path.clone());
        (
            package.kind,
            package.name.clone(),
            package.version.clone(),
            package.architecture.clone(),
            path,
        )
    };
    drafts.sort_by_cached_key(key);
    for draft in &mut drafts {
        // What the package's own record says is better than what is likely.
        if draft.package.cpes.is_empty() {
            draft.package.cpes = sealift_cpe::cpes(&draft.package);
        }
    }
    let owners = owners(&drafts, tree);
    for (place, owner) in &owners {
        drafts[place.0].package.owner = Some(*owner);
    }
    let mut relations = dependencies(&drafts);
    relations.extend(sources(&drafts));
    relations.extend(owners.into_iter().map(|(from, to)| Relation {
        from,
        kind: RelationKind::OwnedBy,
        to,
    }));
    notes.sort();
    notes.dedup();
    notes.truncate(NOTES_MAX);
    Inventory {
        distro,
        packages: drafts.into_iter().map(|draft| draft.package).collect(),
        relations: relations.into_iter().collect(),
        notes,
        ..Inventory::default()
    }
}

// A distribution's package is there once for each architecture, wherever it is recorded; a Python package once a place.
fn merged(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut merged: Vec<Draft> = Vec::with_capacity(drafts.len());
    let mut places = HashMap::new();
    for draft in drafts {
        let package = &draft.package;
        if !package.kind.is_os() {
            merged.push(draft);
            continue;
        }
        let key = (
            package.kind,
            package.name.clone(),
            package.version.clone(),
            package.architecture.clone(),
        );
        let Some(place) = places.get(&key).copied() else {
            places.insert(key, merged.len());
            merged.push(draft);
            continue;
        };
        let known = &mut merged[place];
        if known.provides != draft.provides {
            known.provides.extend(draft.provides);
        }
        if known.requires != draft.requires {
            known.requires.extend(draft.requires);
        }
        let known = &mut known.package;
        for evidence in draft.package.evidence {
            // A source is shown by each package that was built from it.
            if known.evidence.last() != Some(&evidence) {
                known.evidence.push(evidence);
            }
        }
        // Nix has the outputs of a package in folders of their own.
        if known.files.is_empty() || known.kind == PackageKind::Nix {
            known.files.extend(draft.package.files);
        }
        if known.licenses.is_empty() {
            known.licenses = draft.package.licenses;
        }
    }
    merged
}

// A package is owned by the operating-system package that has the file which shows it.
fn owners(drafts: &[Draft], tree: &FileTree) -> Vec<(PackageId, PackageId)> {
    let mut shown: HashMap<&str, Vec<PackageId>> = HashMap::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (place, draft) in drafts.iter().enumerate() {
        if !draft.package.kind.is_os() {
            for evidence in &draft.package.evidence {
                // What is in an archive is owned with it.
                let path = evidence.path.split("!/").next().unwrap_or_default();
                shown.entry(path).or_default().push(PackageId(place));
                names.extend(path.rsplit('/').next());
            }
        }
    }
    let mut owners = BTreeMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        let kind = draft.package.kind;
        if !kind.is_os() && kind != PackageKind::Conda {
            continue;
        }
        let mut brought = BTreeSet::new();
        for file in &draft.package.files {
            if !file.rsplit('/').next().is_some_and(|name| names.contains(name)) {
                continue;
            }
            // The list may say `/lib` where the tree has `/usr/lib`.
            let real = tree.resolve_text(file.as_bytes()).map(|fact| format!("/{}", fact.path));
            let found = shown
                .get(file.as_str())
                .or_else(|| real.as_ref().and_then(|real| shown.get(real.as_str())));
            brought.extend(found.into_iter().flatten().copied());
        }
        if kind.is_os() {
            for package in brought {
                owners.entry(package).or_insert(PackageId(place));
            }
            continue;
        }
        // Advisories know a Python package by its name on PyPI, so that this is the one to list where Conda brought it.
        let mut python =
            brought.into_iter().filter(|id| drafts[id.0].package.kind == PackageKind::Python);
        if let (Some(only), None) = (python.next(), python.next()) {
            owners.entry(PackageId(place)).or_insert(only);
        }
    }
    owners.into_iter().collect()
}

// From packages to the sources whose code they contain.
fn sources(drafts: &[Draft]) -> Vec<Relation> {
    let is_source = |draft: &&Draft| draft.package.scope == Scope::BuiltFrom;
    if !drafts.iter().any(|draft| is_source(&draft)) {
        return Vec::new();
    }
    let places: HashMap<(PackageKind, &str, Option<&str>), usize> = drafts
        .iter()
        .enumerate()
        .filter(|(_, draft)| is_source(draft))
        .map(|(place, draft)| {
            let package = &draft.package;
            ((package.kind, package.name.as_str(), package.version.as_deref()), place)
        })
        .collect();
    let mut relations = Vec::new();
    for (place, draft) in drafts.iter().enumerate() {
        for (name, version) in &draft.built_from {
            let key = (draft.package.kind, name.as_str(), Some(version.as_str()));
            relations.extend(places.get(&key).map(|source| Relation {
                from: PackageId(place),
                kind: RelationKind::BuiltFrom,
                to: PackageId(*source),
            }));
        }
    }
    relations
}

fn dependencies(drafts: &[Draft]) -> BTreeSet<Relation> {
    let mut named: HashMap<(PackageKind, &str), Vec<usize>> = HashMap::new();
    let mut provided: HashMap<(PackageKind, &str), Vec<usize>> = HashMap::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        let mut names = draft.provides.iter();
        if let Some(own) = names.next() {
            // A path is the same to all kinds.
            if own.starts_with('/') {
                places.entry(own.as_str()).or_insert(place);
            }
            named.entry((draft.package.kind, own)).or_default().push(place);
        }
        for name in names {
            provided.entry((draft.package.kind, name)).or_default().push(place);
        }
    }
    let find = |draft: &Draft, name: &str| -> Option<usize> {
        let key = (draft.package.kind, name);
        let Some(candidates) = named.get(&key).or_else(|| provided.get(&key)) else {
            return places.get(name).copied();
        };
        let is_near = |place: &&usize| {
            let other = &drafts[**place].surroundings;
            *other == draft.surroundings || other == "all"
        };
        candidates.iter().find(is_near).or_else(|| candidates.first()).copied()
    };
    let mut relations = BTreeSet::new();
    for (place, draft) in drafts.iter().enumerate() {
        for alternatives in &draft.requires {
            // The first alternative that is installed is the one that is meant to be.
            let found = alternatives.iter().find_map(|name| find(draft, name));
            if let Some(to) = found.filter(|to| *to != place) {
                relations.insert(Relation {
                    from: PackageId(place),
                    kind: RelationKind::DependsOn,
                    to: PackageId(to),
                });
            }
        }
    }
    relations
}

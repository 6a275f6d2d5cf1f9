//! An inventory without what is not really there.

use sealift_model::{ArtifactKind, Inventory, Package, PackageId, Relation, Scope};

/// The inventory without the data of tests, and without packages that a file only names unless these count
/// ([`Inventory::lists_declared`]); relations to them go too. Of a document, whatever it lists: its author has chosen.
pub fn present(inventory: &Inventory, kind: ArtifactKind) -> Inventory {
    part(inventory, |_, package| is_present(inventory, package, kind)).0
}

/// True for what [`present`] keeps.
pub fn is_present(inventory: &Inventory, package: &Package, kind: ArtifactKind) -> bool {
    match package.scope {
        Scope::TestData => !matches!(kind, ArtifactKind::Image | ArtifactKind::Filesystem),
        Scope::Declared => inventory.lists_declared(kind),
        Scope::Installed | Scope::Embedded | Scope::BuiltFrom => true,
    }
}

/// The part of the inventory that is wanted, and where each package is in it.
pub fn part(
    inventory: &Inventory,
    is_wanted: impl Fn(PackageId, &Package) -> bool,
) -> (Inventory, Vec<Option<PackageId>>) {
    let mut places: Vec<Option<PackageId>> = Vec::with_capacity(inventory.packages.len());
    let mut packages: Vec<Package> = Vec::new();
    for (index, package) in inventory.packages.iter().enumerate() {
        let is_kept = is_wanted(PackageId(index), package);
        places.push(is_kept.then_some(PackageId(packages.len())));
        if is_kept {
            packages.push(package.clone());
        }
    }
    let place = |id: PackageId| places.get(id.0).copied().flatten();
    for package in &mut packages {
        package.owner = package.owner.and_then(place);
    }
    let relations = inventory.relations.iter().filter_map(|relation| {
        Some(Relation { from: place(relation.from)?, to: place(relation.to)?, ..*relation })
    });
    let part = Inventory {
        packages,
        relations: relations.collect(),
        distro: inventory.distro.clone(),
        notes: inventory.notes.clone(),
        layers: inventory.layers.clone(),
        repositories: inventory.repositories.clone(),
        coverage: inventory.coverage.clone(),
    };
    (part, places)
}

#[cfg(test)]
mod tests {
    use sealift_model::{PackageKind, RelationKind};

    use super::*;

    #[test]
    fn relations_follow() {
        let scopes = [Scope::Declared, Scope::Installed, Scope::TestData, Scope::BuiltFrom];
        let mut inventory = Inventory::default();
        for scope in scopes {
            let package = Package { scope, ..Package::new(PackageKind::Npm, "x") };
            inventory.packages.push(package);
        }
        inventory.packages[3].owner = Some(PackageId(1));
        let edge = |from, to| Relation {
            from: PackageId(from),
            kind: RelationKind::DependsOn,
            to: PackageId(to),
        };
        inventory.relations = vec![edge(1, 0), edge(1, 3), edge(2, 1)];
        let count = |kind| present(&inventory, kind).packages.len();
        assert_eq!((count(ArtifactKind::Filesystem), count(ArtifactKind::Spdx)), (3, 4));
        let present = present(&inventory, ArtifactKind::Image);
        assert_eq!(present.packages.len(), 2);
        assert_eq!(present.packages[1].owner, Some(PackageId(0)));
        assert_eq!(present.relations, [edge(0, 1)]);
    }
}

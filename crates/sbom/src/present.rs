//! An inventory without what is not really there.

use sealift_model::{Inventory, PackageId, Relation, Scope};

/// The inventory without packages that a file only names, and without the data of tests; relations to them go too.
pub fn present(inventory: &Inventory) -> Inventory {
    let is_there = |scope: Scope| !matches!(scope, Scope::Declared | Scope::TestData);
    let mut places: Vec<Option<PackageId>> = Vec::with_capacity(inventory.packages.len());
    let mut kept = 0;
    for package in &inventory.packages {
        let is_kept = is_there(package.scope);
        places.push(is_kept.then_some(PackageId(kept)));
        kept += usize::from(is_kept);
    }
    let place = |id: PackageId| places.get(id.0).copied().flatten();
    let packages = inventory.packages.iter().filter(|package| is_there(package.scope));
    Inventory {
        packages: packages
            .map(|package| {
                let mut package = package.clone();
                package.owner = package.owner.and_then(place);
                package
            })
            .collect(),
        relations: inventory
            .relations
            .iter()
            .filter_map(|relation| {
                Some(Relation { from: place(relation.from)?, to: place(relation.to)?, ..*relation })
            })
            .collect(),
        distro: inventory.distro.clone(),
        notes: inventory.notes.clone(),
        layers: inventory.layers.clone(),
        coverage: inventory.coverage.clone(),
    }
}

#[cfg(test)]
mod tests {
    use sealift_model::{Package, PackageKind, RelationKind};

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
        let present = present(&inventory);
        assert_eq!(present.packages.len(), 2);
        assert_eq!(present.packages[1].owner, Some(PackageId(0)));
        assert_eq!(present.relations, [edge(0, 1)]);
    }
}

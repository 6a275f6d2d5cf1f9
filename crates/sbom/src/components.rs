//! The components of an inventory and their edges, as both formats need them.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{Inventory, Package, PackageId, RelationKind};

/// Components and edges; a component is known by its place in the list.
pub(crate) struct Components<'a> {
    pub(crate) packages: Vec<&'a Package>,
    /// Where each package of the inventory is, or its owner.
    pub(crate) places: BTreeMap<PackageId, usize>,
    /// What each needs, sorted.
    pub(crate) needs: Vec<BTreeSet<usize>>,
    /// Whose code each contains since it was built, sorted.
    pub(crate) built_from: Vec<BTreeSet<usize>>,
    /// Those from which all others can be reached.
    pub(crate) roots: Vec<usize>,
}

impl<'a> Components<'a> {
    pub(crate) fn new(inventory: &'a Inventory) -> Self {
        let mut packages = Vec::new();
        let mut places: BTreeMap<PackageId, usize> = BTreeMap::new();
        for (id, package) in inventory.components() {
            places.insert(id, packages.len());
            packages.push(package);
        }
        // An owned package is where its owner is.
        for (index, package) in inventory.packages.iter().enumerate() {
            if let Some(place) = package.owner.and_then(|owner| places.get(&owner).copied()) {
                places.insert(PackageId(index), place);
            }
        }
        let mut needs = vec![BTreeSet::new(); packages.len()];
        let mut built_from = needs.clone();
        for relation in &inventory.relations {
            let edges: &mut Vec<BTreeSet<usize>> = match relation.kind {
                RelationKind::DependsOn => &mut needs,
                RelationKind::BuiltFrom => &mut built_from,
                RelationKind::OwnedBy => continue,
            };
            if let (Some(from), Some(to)) = (places.get(&relation.from), places.get(&relation.to))
                && from != to
            {
                edges[*from].insert(*to);
            }
        }
        let mut components = Self { packages, places, needs, built_from, roots: Vec::new() };
        let all: Vec<BTreeSet<usize>> =
            (0..components.packages.len()).map(|place| components.edges(place)).collect();
        components.roots = roots(&all);
        components
    }

    /// What a component leads to, in whatever way.
    pub(crate) fn edges(&self, place: usize) -> BTreeSet<usize> {
        self.needs[place].union(&self.built_from[place]).copied().collect()
    }
}

// First what nothing needs; then, as long as something is out of reach, the first such thing. (Two packages that
// need each other are needed both, and yet hang in the air.)
fn roots(needs: &[BTreeSet<usize>]) -> Vec<usize> {
    let needed: BTreeSet<usize> = needs.iter().flatten().copied().collect();
    let mut is_reached = vec![false; needs.len()];
    let mut roots = Vec::new();
    let unneeded = (0..needs.len()).filter(|place| !needed.contains(place));
    for place in unneeded.chain(0..needs.len()) {
        if is_reached[place] {
            continue;
        }
        roots.push(place);
        let mut pending = vec![place];
        while let Some(next) = pending.pop() {
            if !std::mem::replace(&mut is_reached[next], true) {
                pending.extend(&needs[next]);
            }
        }
    }
    roots.sort_unstable();
    roots
}

/// Makes names unique: the second of a name gets `-2`, and so on.
pub(crate) fn unique(names: Vec<String>) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    names
        .into_iter()
        .map(|name| {
            let mut candidate = name.clone();
            let mut number = 2;
            while !taken.insert(candidate.clone()) {
                candidate = format!("{name}-{number}");
                number += 1;
            }
            candidate
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_reach_everything() {
        let check = |edges: &[(usize, usize)], count: usize, expected: &[usize]| {
            let mut needs = vec![BTreeSet::new(); count];
            for (from, to) in edges {
                needs[*from].insert(*to);
            }
            assert_eq!(roots(&needs), expected);
        };
        check(&[], 0, &[]);
        check(&[], 2, &[0, 1]);
        check(&[(0, 1), (1, 2)], 3, &[0]);
        check(&[(0, 1), (1, 0)], 2, &[0]);
        check(&[(0, 1), (1, 0), (2, 1)], 3, &[2]);
        check(&[(1, 2), (2, 1), (0, 3)], 4, &[0, 1]);
    }

    #[test]
    fn unique_names() {
        let names = ["a", "a", "a-2", "b"].map(str::to_owned).to_vec();
        assert_eq!(unique(names), ["a", "a-2", "a-2-2", "b"]);
    }
}

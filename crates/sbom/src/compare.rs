//! What differs between two inventories.

use std::collections::BTreeMap;

use sealift_model::{Inventory, Package};

use crate::text;

/// What differs between two inventories; lists are sorted by type and name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Packages that only the new one has.
    pub added: Vec<&'a Package>,
    /// Packages that only the old one has.
    pub removed: Vec<&'a Package>,
    /// Packages of another version, old and new.
    pub changed: Vec<(&'a Package, &'a Package)>,
    /// Packages of the same version and other licences, old and new.
    pub relicensed: Vec<(&'a Package, &'a Package)>,
    /// How many packages are the same.
    pub same: usize,
}

impl Difference<'_> {
    /// True if nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.relicensed.is_empty()
    }
}

// A package whatever its version: type, namespace, name, processor.
type Key<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Compares two inventories.
pub fn diff<'a>(old: &'a Inventory, new: &'a Inventory) -> Difference<'a> {
    let mut pairs: BTreeMap<Key<'a>, (Vec<&'a Package>, Vec<&'a Package>)> = BTreeMap::new();
    for (_, package) in old.components() {
        pairs.entry(key(package)).or_default().0.push(package);
    }
    for (_, package) in new.components() {
        pairs.entry(key(package)).or_default().1.push(package);
    }
    let mut difference = Difference::default();
    for (mut before, mut after) in pairs.into_values() {
        before.sort_by_key(|package| &package.version);
        after.sort_by_key(|package| &package.version);
        take_same(&mut before, &mut after, &mut difference);
        let paired = before.len().min(after.len());
        difference.removed.extend(before.split_off(paired));
        difference.added.extend(after.split_off(paired));
        difference.changed.extend(before.into_iter().zip(after));
    }
    difference
}

// Takes out what is in both. Both lists are sorted by version.
fn take_same<'a>(
    before: &mut Vec<&'a Package>,
    after: &mut Vec<&'a Package>,
    difference: &mut Difference<'a>,
) {
    let mut left = std::mem::take(after).into_iter().peekable();
    let mut kept = Vec::new();
    for package in before.drain(..) {
        while let Some(other) = left.next_if(|other| other.version < package.version) {
            after.push(other);
        }
        match left.next_if(|other| other.version == package.version) {
            Some(other) if licenses(package) == licenses(other) => difference.same += 1,
            Some(other) => difference.relicensed.push((package, other)),
            None => kept.push(package),
        }
    }
    after.extend(left);
    *before = kept;
}

fn key(package: &Package) -> Key<'_> {
    (
        text::purl_type(package),
        package.purl.namespace.as_deref().unwrap_or_default(),
        if package.purl.name.is_empty() { &package.name } else { &package.purl.name },
        package.architecture.as_deref().unwrap_or_default(),
    )
}

fn licenses(package: &Package) -> Vec<&str> {
    let licenses = package.licenses.iter();
    let mut texts: Vec<&str> =
        licenses.map(|license| license.spdx.as_deref().unwrap_or(&license.declared)).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

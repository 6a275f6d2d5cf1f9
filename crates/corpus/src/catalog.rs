//! Package databases in an image, and the documents that are made of them.

use std::collections::BTreeMap;

use sealift_archive::{EntryKind, Header, Mtime, RelativePath};
use sealift_image::{FileTree, tree_of};
use sealift_model::Inventory;
use sealift_oci::{Digest, Reference};
use sealift_sbom::{FORMATS, Subject};

use crate::parts;

/// Files, each a line with its path and then its content: catalogued and written as SBOMs.
pub fn catalog(bytes: &[u8]) {
    let inventory = inventory(bytes);
    check_inventory(&inventory);
    let reference = Reference::parse("registry.example/app:1").expect("a constant");
    let subject = Subject::image(&reference, &Digest::sha256(bytes), 0);
    // Writing takes longer than reading; the inputs are many, and each format has its share of them.
    let sum: usize = bytes.iter().map(|byte| usize::from(*byte)).sum();
    for format in FORMATS.iter().skip(sum % FORMATS.len()).take(1) {
        // The usual version stands for the others, which differ in little.
        let usual = format.versions.iter().find(|it| it.version == format.default_version);
        let encode = usual.expect("the default is one of the versions").encode;
        let document = encode(&inventory, &subject);
        assert_eq!(document, encode(&inventory, &subject), "{} changes", format.name);
        if format.name.ends_with("-json") {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&document);
            assert!(parsed.is_ok(), "{} is not JSON", format.name);
        }
    }
}

/// rpm's database in any of its formats and, behind a separator, its write-ahead log.
pub fn rpm(bytes: &[u8]) {
    let parts = parts(bytes);
    let log = parts.get(1).copied().unwrap_or_default();
    let files = [("var/lib/rpm/rpmdb.sqlite", parts[0]), ("var/lib/rpm/rpmdb.sqlite-wal", log)];
    let entries = files.map(|(path, content)| {
        let path = RelativePath::parse(path.as_bytes()).expect("a constant");
        (header(path), content.to_vec())
    });
    let tree = tree_of(vec![entries.to_vec()]).expect("two files are a tree");
    check_inventory(&sealift_catalog::catalog(&tree));
}

/// The inventory of such files.
pub(crate) fn inventory(bytes: &[u8]) -> Inventory {
    sealift_catalog::catalog(&tree(bytes))
}

pub(crate) fn tree(bytes: &[u8]) -> FileTree {
    let files = parts(bytes).into_iter().filter_map(|part| {
        let end = memchr::memchr(b'\n', part)?;
        let path = RelativePath::parse(&part[..end]).ok()?;
        // Files that nobody wants count, too: that they are there, and what inspectors see in them.
        let content = part[end + 1..].to_vec();
        let size = content.len() as u64;
        (!path.is_root()).then(|| (Header { size, ..header(path) }, content))
    });
    tree_of(vec![files.collect()]).unwrap_or_default()
}

fn header(path: RelativePath) -> Header {
    Header {
        path,
        kind: EntryKind::File,
        mode: 0o644,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: Mtime::default(),
        user_name: Vec::new(),
        group_name: Vec::new(),
        xattrs: BTreeMap::new(),
    }
}

fn check_inventory(inventory: &Inventory) {
    let order = |package: &sealift_model::Package| {
        (package.kind, package.name.clone(), package.version.clone())
    };
    let is_sorted = inventory.packages.is_sorted_by_key(order);
    assert!(is_sorted, "the packages are not sorted");
    for package in &inventory.packages {
        assert!(!package.name.is_empty(), "a package has no name: {:?}", package.evidence);
    }
    for (id, _) in inventory.components() {
        inventory.package(id);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn seeds_reach_the_catalogers() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/catalog");
        for seed in fs::read_dir(folder).expect("the seeds are there") {
            let path = seed.expect("a seed").path();
            let bytes = fs::read(&path).expect("a seed can be read");
            let inventory = super::inventory(&bytes);
            assert!(!inventory.packages.is_empty(), "{} shows no package", path.display());
        }
    }
}

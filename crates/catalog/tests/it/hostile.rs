//! Bytes that are no database.

use expect_test::expect;
use proptest::prelude::*;

use crate::{inventory, show};

const PATHS: [&str; 17] = [
    "var/lib/pacman/local/a-1/desc",
    "var/lib/pacman/local/a-1/files",
    "var/db/pkg/a/b-1/CONTENTS",
    "var/db/pkg/a/b-1/LICENSE",
    "var/db/pkg/a/b-1/RDEPEND",
    "var/lib/rpm/Packages",
    "var/lib/rpmmanifest/container-manifest-2",
    "lib/apk/db/installed",
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/a",
    "var/lib/dpkg/info/a.list",
    "usr/share/doc/a/copyright",
    "etc/os-release",
    "x/a.dist-info/METADATA",
    "x/a.dist-info/RECORD",
    "x/b.egg-info/PKG-INFO",
    "x/b.egg-info/requires.txt",
];

#[test]
fn nothing_is_lost_silently() {
    let long = format!("Package: {}\nVersion: 1\n", "n".repeat(301));
    let found = inventory(&[&[
        ("etc/os-release", b"NAME=x\n"),
        ("var/lib/dpkg/status", b"Package: a\nVersion: 1\n\nVersion: 2\n\nPackage: b\njunk\n\nPackage: \xff\nVersion: 1\nDepen"),
        ("var/lib/dpkg/status.d/long", long.as_bytes()),
        ("x/a.dist-info/METADATA", b"\0\xff\xfe\n"),
        ("x/long.dist-info/METADATA", format!("Name: {}\n", "n".repeat(301)).as_bytes()),
    ]]);
    expect![[r#"
        pkg:deb/debian/a@1
          source a 1
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
        pkg:deb/debian/b
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
        pkg:deb/debian/%EF%BF%BD@1
          source � 1
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
        note /etc/os-release: it has no ID
        note /var/lib/dpkg/status: line 11 is no field
        note /var/lib/dpkg/status: line 7 is no field
        note /var/lib/dpkg/status: line 9 is not UTF-8
        note /var/lib/dpkg/status: package 2 has no name
        note /var/lib/dpkg/status: package `b` has no version
        note /var/lib/dpkg/status: the last line has no end, the file may be cut off
        note /var/lib/dpkg/status.d/long: package 1 has a name that is too long
        note /x/a.dist-info/METADATA: it has no name
        note /x/a.dist-info/METADATA: line 1 is no field
        note /x/long.dist-info/METADATA: the name is too long
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn an_empty_image() {
    assert_eq!(show(&inventory(&[])), "");
    assert_eq!(show(&inventory(&[&[("a", b"b")]])), "");
}

#[test]
fn huge_fields() {
    let provides = format!("Package: a\nVersion: 1\nProvides: {}\n", "x,".repeat(400_000));
    let depends = format!("Package: b\nVersion: 1\nDepends: {}\n", "|".repeat(800_000));
    let lines = format!("Package: c\nVersion: 1\nDescription: x\n{}", " y\n".repeat(500_000));
    let found = inventory(&[&[
        ("var/lib/dpkg/status.d/a", provides.as_bytes()),
        ("var/lib/dpkg/status.d/b", depends.as_bytes()),
        ("var/lib/dpkg/status.d/c", lines.as_bytes()),
    ]]);
    assert_eq!(found.packages.len(), 3);
    assert!(!found.notes.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), PATHS.len())) {
        let files: Vec<(&str, &[u8])> =
            PATHS.iter().zip(&contents).map(|(path, content)| (*path, content.as_slice())).collect();
        let first = inventory(&[&files]);
        prop_assert_eq!(first, inventory(&[&files]));
    }

    #[test]
    fn likely_bytes(contents in prop::collection::vec("((Package|Name|Version|Depends|License|Files|Requires-Dist|Format): ?[a-zA-Z()|,;<>='\" +.~:\\-]{0,20}\n| [a-z.]{0,5}\n|\n){0,12}", PATHS.len())) {
        let files: Vec<(&str, &[u8])> = PATHS
            .iter()
            .zip(&contents)
            .map(|(path, content)| (*path, content.as_bytes()))
            .filter(|(_, content)| !content.starts_with(b"-> "))
            .collect();
        inventory(&[&files]);
    }
}

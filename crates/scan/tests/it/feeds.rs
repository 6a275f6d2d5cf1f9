//! Feeds of distributions' own, alone and beside the copies of them in OSV's form.

use std::path::PathBuf;

use sealift_advisory::{Ecosystem, Feed, Wanted};
use sealift_database::{Contents, Database, build};
use sealift_model::{Distro, Package, PackageKind, SourcePackage};

use crate::inventory::{deb, debian, inventory, package, report};

// A database of some places below the shared advisories.
fn database(places: &[&str]) -> Option<Database> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("SEALIFT_SHARED").map_or(beside, PathBuf::from);
    let wanted = ["Debian:12", "Alpine:v3.17"].map(Ecosystem::parse);
    let mut contents = Contents::default();
    for place in places {
        let path = shared.join("advisories").join(place);
        if !path.exists() {
            eprintln!("SKIPPED: no advisories in `{}`", path.display());
            return None;
        }
        let feed = Feed::read(&path, Wanted::Only(&wanted)).unwrap();
        assert!(feed.advisories.len() > 500, "{place}: {}", feed.advisories.len());
        contents.advisories.extend(feed.advisories);
    }
    let built = build(contents);
    Some(Database::of_bytes(built.core, Some(built.texts)).unwrap())
}

fn apk(name: &str, version: &str) -> Package {
    let source = SourcePackage { name: name.to_owned(), version: version.to_owned() };
    Package { source: Some(source), ..package(PackageKind::Apk, name, Some(version)) }
}

// Package, flaw and remedy of each finding, sorted.
fn found(database: &Database, distro: &Distro, packages: &[Package]) -> Vec<String> {
    let report = report(&inventory(distro.clone(), packages.to_vec()), database);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let findings = report.findings.iter();
    findings.map(|it| format!("{} {} {:?}", it.package.name, it.id, it.fix)).collect()
}

#[test]
fn nothing_is_found_twice() {
    let Some(copies) = database(&["osv/Debian/all.zip", "osv/Alpine/all.zip"]) else { return };
    let all = ["osv/Debian/all.zip", "osv/Alpine/all.zip", "feeds/debian", "feeds/alpine-secdb"];
    let Some(both) = database(&all) else { return };
    let Some(own) = database(&["feeds/debian", "feeds/alpine-secdb"]) else { return };
    let alpine = Distro {
        id: "alpine".to_owned(),
        version_id: Some("3.17.0".to_owned()),
        ..Distro::default()
    };
    let packages = [apk("openssl", "3.0.7-r0"), apk("curl", "7.86.0-r0"), apk("zlib", "1.2.12-r0")];
    let expected = found(&copies, &alpine, &packages);
    assert_eq!(expected.len(), 15);
    assert_eq!(found(&both, &alpine, &packages), expected);
    assert_eq!(found(&own, &alpine, &packages), expected);
    let packages = [
        deb("curl", "curl", "7.88.1-10"),
        deb("openssl", "openssl", "3.0.9-1"),
        deb("libc6", "glibc", "2.36-9"),
    ];
    let expected = found(&copies, &debian("12"), &packages);
    assert!(expected.len() > 60, "{}", expected.len());
    assert_eq!(found(&both, &debian("12"), &packages), expected);
    // The lists have what was worth an advisory, and no more.
    let listed = found(&own, &debian("12"), &packages);
    assert!(!listed.is_empty() && listed.iter().all(|line| expected.contains(line)), "{listed:#?}");
}

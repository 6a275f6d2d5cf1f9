//! Feeds of distributions that are not in OSV's form.

use std::path::PathBuf;

use sealift_advisory::{Error, Feed, Wanted};
use sealift_model::{Advisory, Ecosystem, Statement};

use crate::folder::{Folder, ids, open, record};

const TRACKER: &str = r#"{"curl": {"CVE-2023-0001": {"releases": {
    "bookworm": {"status": "resolved", "fixed_version": "7.88.1-10", "urgency": "high"},
    "bullseye": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"}}}}}"#;

const LIST: &str = "[21 Aug 2026] DSA-6458-1 curl - security update\n\t{CVE-2023-0001}\n\t[bookworm] - curl 7.88.1-10\n";

fn secdb(release: &str, package: &str, fixed: &str) -> String {
    format!(
        r#"{{"apkurl": "", "distroversion": "{release}", "packages": [{{"pkg": {{"name": "{package}",
            "secfixes": {{"{fixed}": ["CVE-2023-0001"]}}}}}}]}}"#
    )
}

#[test]
fn alone_they_are_enough() {
    let folder = Folder::new(&[
        ("tracker.json", TRACKER),
        ("DSA/list", LIST),
        ("README.txt", "this is no list"),
    ]);
    let (feed, notes) = open(folder.path(), &["Debian:12"]).unwrap();
    assert_eq!(ids(&feed, "Debian:12", "curl"), ["DEBIAN-CVE-2023-0001", "DSA-6458-1"]);
    assert!(ids(&feed, "Debian:11", "curl").is_empty());
    assert_eq!(notes, []);
    let sources: Vec<(&str, usize)> =
        feed.sources.iter().map(|source| (source.id.as_str(), source.records)).collect();
    assert_eq!(sources, [("debian-advisories", 1), ("debian-tracker", 1)]);
    assert_eq!(feed.sources[0].newest.as_deref(), Some("2026-08-21T00:00:00Z"));
    // Nothing in them is about these, but they say something: that is told when the packages are judged.
    assert!(open(folder.path(), &["Alpine:v3.19"]).unwrap().0.advisories.is_empty());
    let empty = Folder::new(&[("tracker.json", "{}"), ("README.txt", "this is no list")]);
    assert!(matches!(open(empty.path(), &["Debian:12"]), Err(Error::Empty { .. })));
}

#[test]
fn repositories_and_releases_are_one_record() {
    let folder = Folder::new(&[
        ("v3.18/main.json", &secdb("v3.18", "curl", "8-r0")),
        ("v3.19/main.json", &secdb("v3.19", "curl", "9-r0")),
        ("v3.19/community.json", &secdb("v3.19", "curl-again", "0")),
        ("osv.json", &record("ALPINE-CVE-2023-0001", "Alpine:v3.17", "curl")),
    ]);
    let feed = Feed::read(folder.path(), Wanted::All).unwrap();
    let of = |is_original: bool| -> Vec<&Advisory> {
        feed.advisories.iter().filter(|it| it.is_original == is_original).collect()
    };
    let [own] = of(true)[..] else { panic!("one record") };
    assert_eq!(of(false).len(), 1);
    let said: Vec<String> = own
        .affected
        .iter()
        .map(|it| format!("{} {} {:?}", it.ecosystem, it.name, it.statement))
        .collect();
    let expected = [
        "Alpine:v3.18 curl Affected",
        "Alpine:v3.19 curl-again NotAffected",
        "Alpine:v3.19 curl Affected",
    ];
    assert_eq!(said, expected);
}

#[test]
fn ubuntu() {
    let record = |id: &str, ecosystem: &str, upstream: &str| {
        format!(
            r#"{{"id": "{id}", "upstream": [{upstream}], "severity": [{{"type": "Ubuntu", "score": "negligible"}}],
              "affected": [{{"package": {{"ecosystem": "{ecosystem}", "name": "curl"}},
                "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}]}}]}}]}}"#
        )
    };
    let folder = Folder::new(&[
        ("a.json", &record("UBUNTU-CVE-2021-3782", "Ubuntu:22.04", "")),
        ("b.json", &record("USN-5614-1", "Ubuntu:Pro:22.04:LTS", "\"UBUNTU-CVE-2021-3782\"")),
        ("c.json", &record("USN-5614-2", "Ubuntu:23.10", "\"CVE-2021-1\", \"CVE-2021-3783\"")),
    ]);
    let feed = Feed::read(folder.path(), Wanted::All).unwrap();
    let said: Vec<String> = feed
        .advisories
        .iter()
        .map(|it| {
            let rating = &it.ratings[0];
            let ecosystem = &it.affected[0].ecosystem;
            format!(
                "{} {ecosystem} {:?} {} {:?}",
                it.id, it.upstream, rating.severity, rating.basis
            )
        })
        .collect();
    let expected = [
        "UBUNTU-CVE-2021-3782 Ubuntu:22.04:LTS [\"CVE-2021-3782\"] NEGLIGIBLE Distribution",
        "USN-5614-1 Ubuntu:Pro:22.04:LTS [\"UBUNTU-CVE-2021-3782\", \"CVE-2021-3782\"] NEGLIGIBLE Distribution",
        "USN-5614-2 Ubuntu:23.10 [\"CVE-2021-1\", \"CVE-2021-3783\"] NEGLIGIBLE Distribution",
    ];
    assert_eq!(said, expected);
}

#[test]
fn statements_beside_advisories() {
    let vex = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "author": "Canonical Ltd.", "statements": [
      {"vulnerability": {"name": "CVE-2023-0001"}, "status": "fixed",
       "products": [{"@id": "pkg:deb/ubuntu/curl@7?arch=source&distro=jammy"}]}]}"#;
    let folder = Folder::new(&[("vex/CVE-2023-0001.json", vex)]);
    // These alone would find nothing and look clean.
    let alone = open(folder.path(), &["Ubuntu:22.04:LTS"]);
    assert!(matches!(alone, Err(Error::Empty { .. })));
    folder.write("a.json", record("UBUNTU-CVE-2023-0001", "Ubuntu:22.04:LTS", "curl").as_bytes());
    let (feed, _) = open(folder.path(), &["Ubuntu:22.04:LTS"]).unwrap();
    let expected = ["UBUNTU-CVE-2023-0001", "UBUNTU-VEX-CVE-2023-0001"];
    assert_eq!(ids(&feed, "Ubuntu:22.04:LTS", "curl"), expected);
    assert_eq!(feed.sources[0].location, folder.path().display().to_string());
}

#[test]
fn real_feeds() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared =
        std::env::var_os("SEALIFT_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let feeds = shared.join("advisories/feeds");
    if !feeds.is_dir() {
        eprintln!("SKIPPED: no feeds in `{}`", feeds.display());
        return;
    }
    let debian = Feed::read(&feeds.join("debian"), Wanted::All).unwrap();
    let count = |feed: &Feed, statement: Statement| {
        let affected = feed.advisories.iter().flat_map(|it| &it.affected);
        affected.filter(|it| it.statement == statement).count()
    };
    assert!(debian.notes.is_empty(), "{:?}", debian.notes);
    assert_eq!(debian.advisories.len(), 11_374);
    assert!(count(&debian, Statement::NotAffected) > 50);
    let wanted = [Ecosystem::parse("Alpine:v3.17")];
    let alpine = Feed::read(&feeds.join("alpine-secdb"), Wanted::Only(&wanted)).unwrap();
    let openssl = ids(&alpine, "Alpine:v3.17", "openssl");
    eprintln!("{} records of Alpine 3.17", alpine.advisories.len());
    assert!(openssl.contains(&"ALPINE-CVE-2022-4450".to_owned()), "{openssl:?}");
    assert!(alpine.notes.is_empty(), "{:?}", alpine.notes);
}

//! Feeds of distributions with RPM: Oracle's and Azure Linux's OVAL, Amazon's updateinfo, Photon's list.

use expect_test::{Expect, expect};
use sealift_advisory::{Feed, Wanted};

use crate::folder::Folder;
use crate::redhat::shared;

const ORACLE: &str = include_str!("../../../../fuzz/seeds/feed/oracle-oval.xml");
const AZURE: &str = include_str!("../../../../fuzz/seeds/feed/azure-oval.xml");
const UPDATES: &str = include_str!("../../../../fuzz/seeds/feed/updateinfo.xml");
const PHOTON: &str = include_str!("../../../../fuzz/seeds/feed/photon.json");

fn describe(feed: &Feed) -> String {
    let mut lines = Vec::new();
    for advisory in &feed.advisories {
        let severities: Vec<String> =
            advisory.ratings.iter().map(|it| it.severity.to_string()).collect();
        let modified = advisory.modified.as_deref().unwrap_or("-");
        lines.push(format!("{} {:?} {severities:?} {modified}", advisory.id, advisory.upstream));
        for it in &advisory.affected {
            let conditions: Vec<&str> = it.qualifiers.iter().map(|it| it.value.as_str()).collect();
            let severity = it.ratings.first().map_or(String::new(), |it| it.severity.to_string());
            let (ecosystem, name) = (&it.ecosystem, &it.name);
            let said = (it.statement, &it.ranges);
            lines.push(format!("  {ecosystem} {name} {said:?} {conditions:?} {severity}"));
        }
    }
    lines.extend(feed.notes.iter().map(|note| format!("note: {}", note.message)));
    lines.join("\n")
}

fn check(name: &str, text: &str, expected: Expect) {
    let folder = Folder::new(&[(name, text)]);
    let actual = match Feed::read(folder.path(), Wanted::All) {
        Ok(feed) => describe(&feed),
        Err(error) => error.to_string().replace(&folder.path().display().to_string(), "FOLDER"),
    };
    expected.assert_eq(&actual);
}

#[test]
fn oracle() {
    check(
        "a.xml",
        ORACLE,
        expect![[r#"
        ELSA-2023-0001 ["CVE-2023-0001"] ["HIGH"] 2023-05-31T00:00:00Z
          Oracle Linux:8 example (Affected, [[Introduced("0"), Fixed("1.2-3.0.1.el8")]]) ["x86_64"] HIGH
          Oracle Linux:8 example (Affected, [[Introduced("0"), Fixed("1.2-3.0.4.el8")]]) ["aarch64"] HIGH
          Oracle Linux:8 example-libs (Affected, [[Introduced("0"), Fixed("1:1.2-3.el8")]]) [] HIGH
        ELSA-2023-0002 ["CVE-2023-0002", "CVE-2023-0003"] [] -
          Oracle Linux:9 nodejs (Affected, [[Introduced("0"), Fixed("1:18.9-1.module+el9")]]) ["nodejs:18"] 
        note: a definition is not understood"#]],
    );
}

#[test]
fn azure() {
    check(
        "a.xml",
        AZURE,
        expect![[r#"
        AZL-13348 ["CVE-2024-0003"] [] -
          Mariner:2.0 golang (NotAffected, [[LastAffected("1.2-3.cm2"), Introduced("0")]]) [] 
        AZL-39708 ["CVE-2024-0001"] [] 2024-04-17T22:02:46Z
          Azure Linux:3 example (Affected, [[Fixed("3.4.0-1.azl3"), Introduced("0")]]) [] HIGH
        AZL-44771 ["CVE-2024-0002"] [] -
          Mariner:2.0 golang (Affected, [[Fixed("1.20.7-1.cm2"), Introduced("1.19.0.cm2")]]) [] CRITICAL
        note: a definition is not understood"#]],
    );
}

#[test]
fn amazon() {
    check(
        "updateinfo.xml",
        UPDATES,
        expect![[r#"
        ALAS2023-2023-126 ["CVE-2023-0001"] [] 2023-02-22T00:00:00Z
          Amazon Linux:2023 example (Affected, [[Introduced("0"), Fixed("1.2-3.amzn2023.0.1")]]) [] MEDIUM
          Amazon Linux:2023 example-data (Affected, [[Introduced("0"), Fixed("1:1.2-3.amzn2023.0.1")]]) [] MEDIUM
        ALAS2DOCKER-2021-001 [] [] 2021-01-01T00:00:00Z
          Amazon Linux:2 docker (Affected, [[Introduced("0"), Fixed("20-1.amzn2")]]) ["DOCKER"] HIGH
        note: an update is not Amazon's, and is left out"#]],
    );
}

#[test]
fn photon() {
    check(
        "cve_data_photon4.0.json",
        PHOTON,
        expect![[r#"
        PHOTON-CVE-2023-0001 ["CVE-2023-0001"] ["CRITICAL"] -
          Photon OS:4.0 curl (Affected, [[Introduced("0"), Fixed("7.88.1-4.ph4")]]) [] 
          Photon OS:4.0 curl-libs (Affected, [[Introduced("0"), Fixed("7.88.1-4.ph4")]]) [] 
        PHOTON-CVE-2023-0002 ["CVE-2023-0002"] ["HIGH"] -
          Photon OS:4.0 httpd (NotAffected, [[Introduced("0")]]) [] 
        PHOTON-CVE-2023-0004 ["CVE-2023-0004"] ["MEDIUM"] -
          Photon OS:4.0 linux (Affected, [[Introduced("0")]]) [] 
        note: an entry is about a flaw that has no CVE
        note: an entry is not understood
        note: an entry says neither a repaired version nor that there is none"#]],
    );
}

#[test]
fn compressed() {
    let packed = include_bytes!("../../../../fuzz/seeds/feed/photon.json.bz2");
    let folder = Folder::new(&[]);
    std::fs::write(folder.path().join("a.json.bz2"), packed).unwrap();
    let plain = Folder::new(&[("a.json", PHOTON)]);
    let read = |folder: &Folder| Feed::read(folder.path(), Wanted::All).unwrap().advisories;
    assert_eq!(read(&folder), read(&plain));
    assert_eq!(read(&folder).len(), 3);
}

#[test]
fn what_is_not_understood() {
    check(
        "a.xml",
        &ORACLE.replace("com.oracle", "org.other"),
        expect!["there is no advisory in `FOLDER`"],
    );
    check("a.xml", &ORACLE[..900], expect!["there is no advisory in `FOLDER`"]);
    check("a.xml", &ORACLE.replace("&amp;", "&lol;"), expect!["there is no advisory in `FOLDER`"]);
    check(
        "a.xml",
        "<html><body>not found</body></html>",
        expect!["there is no advisory in `FOLDER`"],
    );
    check("a.json", &PHOTON.replace(".ph4", ""), expect!["there is no advisory in `FOLDER`"]);
    for text in [ORACLE, AZURE, UPDATES, PHOTON] {
        for end in (0..text.len()).step_by(53).filter(|end| text.is_char_boundary(*end)) {
            let folder = Folder::new(&[("a.xml", &text[..end])]);
            // Whatever it is, it is no whole feed.
            let told = Feed::read(folder.path(), Wanted::All).map(|feed| feed.notes.len());
            assert!(told.is_err() || told.is_ok_and(|notes| notes > 0), "{end} of {text:.40}");
        }
    }
}

#[test]
fn real_feeds() {
    let Some(shared) = shared() else { return };
    let folder = "vunnel-feed-fixtures.tar.zst";
    let feed = Feed::read(&shared.join("advisories/samples").join(folder), Wanted::All).unwrap();
    for (id, at_least) in [("oval", 5), ("photon", 5)] {
        let source = feed.sources.iter().filter(|it| it.id == id);
        let records: usize = source.map(|it| it.records).sum();
        assert!(records >= at_least, "{id}: {records}");
    }
}

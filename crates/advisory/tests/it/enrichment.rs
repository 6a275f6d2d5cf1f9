//! Scores and texts of CVEs, of which nothing is found by itself: the National Vulnerability Database and CVE records.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use sealift_advisory::{Error, Feed, Wanted};
use sealift_model::{Ecosystem, RatingBasis};

use crate::folder::{Folder, record};
use crate::redhat::shared;

const NVD: &str = include_str!("../../../../fuzz/seeds/feed/nvd.json");
const CVE: &str = include_str!("../../../../fuzz/seeds/feed/cve.json");

fn describe(feed: &Feed) -> String {
    let mut text = String::new();
    for it in &feed.advisories {
        let dates = (it.published.as_deref(), it.modified.as_deref());
        writeln!(text, "{} {:?} {dates:?} {:?} {:?}", it.id, it.upstream, it.cwes, it.references)
            .unwrap();
        writeln!(text, "  {:?} {:?}", it.summary, it.details).unwrap();
        for rating in &it.ratings {
            let RatingBasis::Cvss(cvss) = &rating.basis else { panic!("a word") };
            writeln!(
                text,
                "  {} {} {:?} {:.1}",
                rating.source,
                rating.severity,
                cvss.version,
                cvss.score()
            )
            .unwrap();
        }
        assert!(it.affected.is_empty());
    }
    feed.notes.iter().for_each(|note| writeln!(text, "note: {}", note.message).unwrap());
    text
}

fn check(text: &str, expected: Expect) {
    let folder = Folder::new(&[("a.json", text)]);
    let feed = Feed::read(folder.path(), Wanted::All).unwrap();
    expected.assert_eq(&describe(&feed));
}

#[test]
fn national_vulnerability_database() {
    check(
        NVD,
        expect![[r#"
        NVD-CVE-2023-0001 ["CVE-2023-0001"] (Some("2023-07-11T13:15:08.503Z"), Some("2024-11-21T06:41:00.133Z")) ["CWE-352"] ["https://curl.se/1"]
          None Some("A flaw in curl.")
          cisa CRITICAL V31 9.8
          example.org MEDIUM V31 4.0
          nvd MEDIUM V2 4.3
          nvd MEDIUM V31 6.5
        NVD-CVE-2023-0003 ["CVE-2023-0003"] (None, None) [] []
          None None
        note: a flaw is not understood
    "#]],
    );
}

#[test]
fn cve_records() {
    check(
        CVE,
        expect![[r#"
        CVEORG-CVE-2023-0001 ["CVE-2023-0001"] (Some("2023-02-04T13:58:54.445Z"), Some("2025-02-04T21:12:39.606Z")) ["CWE-362", "CWE-89"] ["https://curl.se/1", "https://curl.se/2"]
          Some("curl: a flaw") Some("A race condition.")
          cisa MEDIUM V31 6.5
          mozilla MEDIUM V4 6.9
        note: a score is not understood
    "#]],
    );
    check(&CVE.replace("PUBLISHED", "REJECTED"), expect![[""]]);
}

#[test]
fn the_newest_page_is_right() {
    let newer = NVD.replace("2025-01-03", "2025-02-03").replace("C:N/I:H/A:N", "C:H/I:H/A:H");
    let folder = Folder::new(&[("b.json", NVD), ("a.json", &newer)]);
    let feed = Feed::read(folder.path(), Wanted::All).unwrap();
    let [source] = &feed.sources[..] else { panic!("one source") };
    assert_eq!((source.id.as_str(), source.records), ("nvd", 4));
    let of_nvd: Vec<String> = feed.advisories[0]
        .ratings
        .iter()
        .filter(|it| it.source == "nvd")
        .map(|it| it.severity.to_string())
        .collect();
    assert_eq!(of_nvd, ["MEDIUM", "HIGH"]);
}

#[test]
fn alone_they_are_not_enough() {
    let wanted = [Ecosystem::parse("Debian:12")];
    let folder = Folder::new(&[("nvd.json", NVD), ("cve.json", CVE)]);
    let alone = Feed::read(folder.path(), Wanted::Only(&wanted));
    assert!(matches!(alone, Err(Error::Empty { .. })));
    let folder = Folder::new(&[
        ("nvd.json", NVD),
        ("osv.json", &record("DEBIAN-CVE-2023-0001", "Debian:12", "curl")),
    ]);
    let both = Feed::read(folder.path(), Wanted::Only(&wanted)).unwrap();
    assert_eq!(both.advisories.len(), 3);
}

#[test]
fn hostile() {
    for text in [NVD, CVE] {
        for end in (0..text.trim_end().len()).step_by(29) {
            let folder = Folder::new(&[("a.json", &text[..end])]);
            assert!(Feed::read(folder.path(), Wanted::All).is_err(), "{end} of {text:.40}");
        }
    }
    let odd = NVD.replace("2023-07-11T13:15:08.503", "é023-07-11T13:15:08.503");
    check(
        &odd.replacen("\"metrics\": {", "\"metrics\": {\"a\": 7, ", 1),
        expect![[r#"
        NVD-CVE-2023-0001 ["CVE-2023-0001"] (None, Some("2024-11-21T06:41:00.133Z")) ["CWE-352"] ["https://curl.se/1"]
          None Some("A flaw in curl.")
          cisa CRITICAL V31 9.8
          example.org MEDIUM V31 4.0
          nvd MEDIUM V2 4.3
          nvd MEDIUM V31 6.5
        NVD-CVE-2023-0003 ["CVE-2023-0003"] (None, None) [] []
          None None
        note: a flaw is not understood
    "#]],
    );
}

#[test]
fn real_samples() {
    let Some(shared) = shared() else { return };
    let samples = shared.join("advisories/samples");
    let count = |name: &str, id: &str| {
        let feed = Feed::read(&samples.join(name), Wanted::All).unwrap();
        let records: usize =
            feed.sources.iter().filter(|it| it.id == id).map(|it| it.records).sum();
        let rated = feed.advisories.iter().filter(|it| !it.ratings.is_empty()).count();
        eprintln!("{name}: {records} of {id}, {rated} rated");
        records
    };
    assert!(count("vunnel-feed-fixtures.tar.zst", "nvd") >= 39);
    assert!(count("osvdev-nvd-cve5.tar.zst", "cve") >= 20);
}

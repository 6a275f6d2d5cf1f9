//! Scores of CVEs: they rate what others name, find nothing, and do not fill the database.

use sealift_model::{Advisory, Rating, RatingBasis, Severity};

use crate::inventory::{advisory, database, deb, debian, inventory, lines, report};

fn score(number: u32, severity: Severity) -> Advisory {
    let rating = Rating { source: "nvd".to_owned(), severity, basis: RatingBasis::Word };
    Advisory {
        id: format!("NVD-CVE-2023-{number}"),
        upstream: vec![format!("CVE-2023-{number}")],
        summary: Some("a flaw in curl".to_owned()),
        ratings: vec![rating],
        ..Advisory::default()
    }
}

#[test]
fn only_what_is_named_is_rated() {
    let named = |id: &str, number: u32| Advisory {
        upstream: vec![format!("CVE-2023-{number}")],
        ..advisory(id, &[], "Debian:12", "curl", "9")
    };
    // By way of an alias, a record that names no package leads to one that does.
    let aliased = Advisory {
        aliases: vec!["CVE-2023-3333".to_owned()],
        ..advisory("GHSA-3", &[], "Debian:12", "curl", "9")
    };
    let scores = (1..=9999).map(|number| score(number, Severity::High));
    let advisories: Vec<Advisory> =
        scores.chain([named("DEBIAN-CVE-2023-1111", 1111), aliased]).collect();
    let database = database(advisories);
    assert_eq!((database.records(), database.flaws()), (4, 2));
    let inventory = inventory(debian("12"), vec![deb("curl", "curl", "1")]);
    let report = report(&inventory, &database);
    assert_eq!(lines(&report), "curl 1 CVE-2023-1111 HIGH 9\ncurl 1 CVE-2023-3333 HIGH 9\n");
    assert_eq!(report.findings[0].title, "a flaw in curl");
    assert_eq!(report.findings[0].severity_source.as_deref(), Some("nvd"));
    assert_eq!(report.findings[0].advisories, ["DEBIAN-CVE-2023-1111"]);
}

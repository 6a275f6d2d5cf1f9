//! Advisories and other feeds, and what they find.

use std::collections::BTreeSet;

use sealift_advisory::{Feed, Limits, Wanted, normalize};
use sealift_database::{Contents, Database, build, scheme};
use sealift_model::{Artifact, Severity};
use sealift_report::{TableOptions, json, table};
use sealift_scan::{Expression, Options, Thresholds, gate, scan, wanted};

use crate::catalog::inventory;
use crate::memory::MemoryFile;

const LIMITS: Limits =
    Limits { files_max: 10, file_bytes_max: 1 << 20, total_bytes_max: 1 << 20, depth_max: 1 };

const INSTALLED: &[u8] = include_bytes!("../fixtures/installed.txt");

/// OSV records in JSON: an image is scanned with them and the report is written.
pub fn advisory(bytes: &[u8]) {
    let inventory = inventory(INSTALLED);
    let file = MemoryFile::new(bytes);
    let read = Feed::read_within(&file.path(), Wanted::Only(&wanted(&inventory)), &LIMITS);
    let Ok(Feed { advisories, notes, .. }) = read else { return };
    let built = build(Contents { advisories, notes, ..Contents::default() });
    let database =
        Database::of_bytes(built.core, Some(built.texts)).expect("what is built can be read");
    let artifact = Artifact { name: "seed".to_owned(), ..Artifact::default() };
    let report = scan(&inventory, &database, &Options::default(), artifact, 0)
        .expect("what is built can be read");
    let judged = gate(
        &report,
        &Thresholds { fail_on: Some(Expression::at_least(Severity::Low)), ..Thresholds::default() },
    );
    for failure in &judged.failures {
        assert!(!failure.describe(&report).is_empty());
        failure.hint(&report);
    }
    let document: serde_json::Value =
        serde_json::from_str(&json(&report)).expect("a report is JSON");
    let listed = document["Results"].as_array().expect("a report has `Results`");
    let count: usize =
        listed.iter().filter_map(|result| result["Vulnerabilities"].as_array()).map(Vec::len).sum();
    assert_eq!(count, report.findings.len(), "JSON and report differ in number");
    table(&report, TableOptions { width: 100, color: false });
    table(&report, TableOptions { width: 1, color: true });
    for name in ["PyPI", "Debian"] {
        let plain = normalize(name, &String::from_utf8_lossy(bytes));
        assert_eq!(normalize(name, &plain), plain, "a normal name is not stable");
    }
}

/// Any feed, all of it: the database of what it says can be made and answers for each of its packages.
pub fn feed(bytes: &[u8]) {
    let file = MemoryFile::new(bytes);
    let Ok(read) = Feed::read_within(&file.path(), Wanted::All, &LIMITS) else { return };
    let ids: BTreeSet<&str> = read.advisories.iter().map(|it| it.id.as_str()).collect();
    assert!(!ids.contains(""), "an advisory has no id");
    let named: Vec<_> = read
        .advisories
        .iter()
        .flat_map(|it| &it.affected)
        .map(|it| (it.ecosystem.clone(), it.name.clone()))
        .collect();
    let Feed { advisories, kev, epss, notes, .. } = read;
    let built = build(Contents { advisories, kev, epss, notes, ..Contents::default() });
    let database = Database::of_bytes(built.core, None).expect("what is built can be read");
    for (ecosystem, name) in named.iter().filter(|(it, _)| scheme(&it.name).is_some()) {
        let rows = database.rows(ecosystem, name).expect("what is built can be read");
        assert!(rows.is_some(), "a package is lost");
    }
}

const PACKAGES_MAX: usize = 40;
const ASKED_MAX: usize = 40;

/// The core of a database with its sums made right: every question has an answer or finds the damage.
pub fn database(bytes: &[u8]) {
    let _ = Database::of_bytes(bytes.to_vec(), None).map(|it| it.check());
    let mut sealed = bytes.to_vec();
    if sealift_database::fuzz::seal(&mut sealed).is_none() {
        return;
    }
    let Ok(database) = Database::of_bytes(sealed, None) else { return };
    assert_eq!(database.check(), Ok(()), "sums that were just written are wrong");
    let _ = (database.sources(), database.notes(), database.entries());
    let _ = (database.find("CVE-2020-1"), database.search_packages("a", PACKAGES_MAX));
    let ecosystems: Vec<_> = database.ecosystems().map(|(it, _)| it.clone()).collect();
    for ecosystem in ecosystems.iter().take(ASKED_MAX) {
        let _ = database.life(ecosystem);
        let Some(scheme) = scheme(&ecosystem.name) else { continue };
        for name in ["flask", "a"] {
            let Ok(Some(rows)) = database.rows(ecosystem, name) else { continue };
            for row in rows.rows.iter().take(ASKED_MAX) {
                assert!(!rows.describe_row(row).is_empty(), "a row says nothing");
            }
            if let Ok(version) = sealift_version::Version::parse(scheme, "1.0") {
                let _ = rows.place(&version);
            }
        }
    }
    let all = u32::try_from(database.flaws().min(ASKED_MAX)).unwrap_or(0);
    for number in 0..all {
        let _ = database.flaw(sealift_database::FlawId(number));
    }
    let all = u32::try_from(database.records().min(ASKED_MAX)).unwrap_or(0);
    for number in 0..all {
        let _ = database.record(sealift_database::RecordId(number));
    }
    let _ = scan(&inventory(INSTALLED), &database, &Options::default(), Artifact::default(), 0);
}

/// An older report to compare with: what is read of it can be written and read again.
pub fn report(bytes: &[u8]) {
    let Ok(old) = sealift_report::read(bytes) else { return };
    let report = sealift_model::Report { findings: old.findings, ..Default::default() };
    let again = sealift_report::read(json(&report).as_bytes()).expect("a report is a report");
    assert_eq!(again.findings.len(), report.findings.len(), "findings were lost");
    let mut same = report.clone();
    let earlier = sealift_scan::Earlier { findings: report.findings, ..Default::default() };
    sealift_scan::compare(&mut same, &earlier);
    let comparison = same.comparison.expect("it was compared");
    assert!(
        comparison.new.is_empty() && comparison.fixed.is_empty(),
        "the same differs from itself"
    );
}

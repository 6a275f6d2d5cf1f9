//! Which advisories are one flaw.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use sealift_database::{Contents, Database, RecordId, build};
use sealift_model::{Advisory, Affected, Ecosystem};

fn advisory(id: &str, aliases: &[&str], upstream: &[&str]) -> Advisory {
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    Advisory {
        id: id.to_owned(),
        aliases: texts(aliases),
        upstream: texts(upstream),
        affected: vec![Affected {
            ecosystem: Ecosystem::parse("PyPI"),
            name: "x".to_owned(),
            ..Affected::default()
        }],
        ..Advisory::default()
    }
}

// One line an advisory: the flaws it speaks of, with their aliases. The order of the records must not matter.
fn check(records: Vec<Advisory>, expected: Expect) {
    let text = |records: Vec<Advisory>| {
        let built = build(Contents { advisories: records, ..Contents::default() });
        let database = Database::of_bytes(built.core, Some(built.texts)).unwrap();
        let mut text = String::new();
        for row in database.rows(&Ecosystem::parse("PyPI"), "x").unwrap().unwrap().rows {
            let record = database.record(RecordId(row.record)).unwrap();
            text.push_str(&record.id);
            for id in record.flaws {
                let flaw = database.flaw(id).unwrap();
                write!(text, " → {} ({})", flaw.id, flaw.aliases.join(" ")).unwrap();
            }
            text.push('\n');
        }
        text
    };
    let forward = text(records.clone());
    assert_eq!(forward, text(records.into_iter().rev().collect()));
    expected.assert_eq(&forward);
}

#[test]
fn over_aliases() {
    check(
        vec![
            advisory("PYSEC-1", &["GHSA-1"], &[]),
            advisory("GHSA-1", &["CVE-1"], &[]),
            advisory("X-1", &["PYSEC-1"], &[]),
        ],
        expect![[r"
            GHSA-1 → CVE-1 (GHSA-1 PYSEC-1 X-1)
            PYSEC-1 → CVE-1 (GHSA-1 PYSEC-1 X-1)
            X-1 → CVE-1 (GHSA-1 PYSEC-1 X-1)
        "]],
    );
}

#[test]
fn without_a_cve() {
    check(
        vec![
            advisory("PYSEC-1", &["GHSA-2", "GHSA-1"], &[]),
            advisory("PYSEC-2", &[], &[]),
            advisory("PYSEC-3", &["OTHER-3"], &[]),
        ],
        expect![[r"
            PYSEC-1 → GHSA-1 (GHSA-2 PYSEC-1)
            PYSEC-2 → PYSEC-2 ()
            PYSEC-3 → PYSEC-3 (OTHER-3)
        "]],
    );
}

#[test]
fn two_cves_never_become_one() {
    check(
        vec![
            advisory("GHSA-1", &["CVE-1", "CVE-2"], &[]),
            advisory("PYSEC-1", &["CVE-1", "GHSA-1"], &[]),
            advisory("PYSEC-2", &["CVE-2", "GHSA-1"], &[]),
            advisory("CVE-3", &["CVE-4"], &[]),
        ],
        expect![[r"
            CVE-3 → CVE-3 () → CVE-4 ()
            GHSA-1 → CVE-1 (GHSA-1 PYSEC-1) → CVE-2 (PYSEC-2)
            PYSEC-1 → CVE-1 (GHSA-1 PYSEC-1)
            PYSEC-2 → CVE-2 (PYSEC-2)
        "]],
    );
}

#[test]
fn upstream_is_no_alias() {
    check(
        vec![
            advisory("DSA-1-1", &[], &["CVE-1", "CVE-2"]),
            advisory("DEBIAN-CVE-1", &[], &["CVE-1"]),
            advisory("PYSEC-1", &["CVE-1"], &[]),
            advisory("DSA-2-1", &[], &["GHSA-9"]),
        ],
        expect![[r"
            DEBIAN-CVE-1 → CVE-1 (PYSEC-1)
            DSA-1-1 → CVE-1 (PYSEC-1) → CVE-2 ()
            DSA-2-1 → DSA-2-1 ()
            PYSEC-1 → CVE-1 (PYSEC-1)
        "]],
    );
}

#[test]
fn references_in_a_circle() {
    check(
        vec![
            advisory("A-1", &["A-2", "A-1"], &[]),
            advisory("A-2", &["A-3"], &[]),
            advisory("A-3", &["A-1"], &[]),
        ],
        expect![[r"
            A-1 → A-1 (A-2 A-3)
            A-2 → A-1 (A-2 A-3)
            A-3 → A-1 (A-2 A-3)
        "]],
    );
}

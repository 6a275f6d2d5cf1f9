//! Thresholds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use expect_test::{Expect, expect};
use sealift_model::{Advisory, PackageKind, Rating, RatingBasis, Report, Severity};
use sealift_scan::{Expression, Thresholds, gate};

use crate::inventory::{advisory, database, inventory, package, python, report};

fn rated(id: &str, name: &str, severity: Severity) -> Advisory {
    let rating = Rating { source: "x".to_owned(), severity, basis: RatingBasis::Word };
    Advisory { ratings: vec![rating], ..advisory(id, &[], "PyPI", name, "2.0") }
}

fn sample() -> Report {
    let inventory = inventory(
        None,
        vec![
            python("a", "1.0"),
            python("b", "1.0"),
            package(PackageKind::Python, "versionless", None),
        ],
    );
    let advisories = database(vec![
        rated("CVE-1-1", "a", Severity::Low),
        rated("CVE-1-2", "b", Severity::High),
        rated("CVE-1-3", "b", Severity::Critical),
        advisory("CVE-1-4", &[], "PyPI", "b", "2.1"),
    ]);
    report(&inventory, &advisories)
}

fn check(thresholds: &Thresholds, expected: Expect) {
    let report = sample();
    let mut actual = String::new();
    for failure in gate(&report, thresholds).failures {
        actual.push_str(&failure.describe(&report));
        actual.push('\n');
        if let Some(hint) = failure.hint(&report) {
            writeln!(actual, "hint: {hint}").unwrap();
        }
    }
    expected.assert_eq(&actual);
}

#[test]
fn without_thresholds_all_passes() {
    check(&Thresholds::default(), expect![""]);
    assert!(gate(&sample(), &Thresholds::default()).passed());
}

#[test]
fn at_or_above() {
    check(
        &Thresholds {
            fail_on: Some(Expression::at_least(Severity::High)),
            ..Thresholds::default()
        },
        expect![[r"
            2 findings at or above HIGH: CVE-1-3 in b 1.0 (fixed in 2.0), CVE-1-2 in b 1.0 (fixed in 2.0)
            hint: upgrade `b` from 1.0 to 2.1: that repairs 3 findings
            1 finding of UNKNOWN severity, which may be any: CVE-1-4 in b 1.0 (fixed in 2.1)
            hint: upgrade `b` from 1.0 to 2.1: that repairs 3 findings
        "]],
    );
    check(
        &Thresholds {
            fail_on: Some(Expression::at_least(Severity::Critical)),
            allow_unknown: true,
            ..Thresholds::default()
        },
        expect![[r"
            1 finding at or above CRITICAL: CVE-1-3 in b 1.0 (fixed in 2.0)
            hint: upgrade `b` from 1.0 to 2.1: that repairs 3 findings
        "]],
    );
}

#[test]
fn unknown_as_threshold_is_everything() {
    let thresholds = Thresholds {
        fail_on: Some(Expression::at_least(Severity::Unknown)),
        ..Thresholds::default()
    };
    let result = gate(&sample(), &thresholds);
    assert_eq!(result.failures.len(), 1);
    assert_eq!(result.failures[0].findings().len(), 4);
}

#[test]
fn maximum() {
    check(
        &Thresholds {
            maximum: BTreeMap::from([(Severity::High, 1), (Severity::Low, 0)]),
            ..Thresholds::default()
        },
        expect![[r"
            1 finding of severity LOW, 0 allowed: CVE-1-1 in a 1.0 (fixed in 2.0)
            hint: upgrade `a` from 1.0 to 2.0: that repairs 1 finding
        "]],
    );
}

#[test]
fn unjudged() {
    check(
        &Thresholds { fail_on_unjudged: true, ..Thresholds::default() },
        expect![[r"
            1 package could not be judged
        "]],
    );
}

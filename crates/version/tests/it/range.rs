//! Ranges of events.

use expect_test::{Expect, expect};
use sealift_version::Event::{Fixed, Introduced, LastAffected, Limit};
use sealift_version::{Event, Range, Scheme, Version};

fn check(events: &[Event<'_>], expected: Expect) {
    let range = Range::new(Scheme::Pep440, events).unwrap();
    let intervals: Vec<String> = range.intervals().iter().map(ToString::to_string).collect();
    let affected: Vec<&str> = ["0.1", "1.0", "1.5", "2.0", "2.5", "3.0", "9"]
        .into_iter()
        .filter(|text| range.contains(&Version::parse(Scheme::Pep440, text).unwrap()))
        .collect();
    expected.assert_eq(&format!("{} → {}", intervals.join(" | "), affected.join(" ")));
}

#[test]
fn plain() {
    check(&[Introduced("0"), Fixed("2.0")], expect!["< 2.0 → 0.1 1.0 1.5"]);
    check(&[Introduced("1.5"), Fixed("2.0")], expect![">= 1.5, < 2.0 → 1.5"]);
    check(&[Introduced("1.5")], expect![">= 1.5 → 1.5 2.0 2.5 3.0 9"]);
    check(&[Introduced("0")], expect!["all versions → 0.1 1.0 1.5 2.0 2.5 3.0 9"]);
    check(&[Introduced("0"), LastAffected("2.0")], expect!["<= 2.0 → 0.1 1.0 1.5 2.0"]);
    check(&[], expect![" → "]);
}

#[test]
fn unsorted_branches() {
    check(
        &[Fixed("3.0"), Introduced("2.0"), Fixed("1.5"), Introduced("0")],
        expect!["< 1.5 | >= 2.0, < 3.0 → 0.1 1.0 2.0 2.5"],
    );
}

#[test]
fn the_second_of_two_fixes_closes_nothing() {
    check(&[Introduced("0"), Fixed("3.0"), Fixed("1.5")], expect!["< 1.5 → 0.1 1.0"]);
}

#[test]
fn events_of_one_version() {
    check(&[Introduced("1.5"), Fixed("1.5")], expect![" → "]);
    check(&[Introduced("0"), Fixed("0")], expect![" → "]);
    check(&[Introduced("1.5"), LastAffected("1.5")], expect![">= 1.5, <= 1.5 → 1.5"]);
    check(
        &[Introduced("0"), Fixed("1.5"), Introduced("1.5"), Fixed("2.0")],
        expect!["< 1.5 | >= 1.5, < 2.0 → 0.1 1.0 1.5"],
    );
}

#[test]
fn a_forgotten_introduced_hides_nothing() {
    check(&[Fixed("2.0")], expect!["< 2.0 → 0.1 1.0 1.5"]);
}

#[test]
fn limits() {
    check(&[Introduced("0"), Limit("2.0")], expect!["< 2.0 → 0.1 1.0 1.5"]);
    check(&[Introduced("0"), Limit("1.0"), Limit("2.0")], expect!["< 2.0 → 0.1 1.0 1.5"]);
    check(&[Introduced("0"), Limit("*"), Fixed("1.5")], expect!["< 1.5 → 0.1 1.0"]);
    check(&[Introduced("2.5"), Limit("2.0")], expect![" → "]);
    check(&[Introduced("0"), LastAffected("2.0"), Limit("2.0")], expect!["< 2.0 → 0.1 1.0 1.5"]);
}

#[test]
fn an_event_that_is_no_version_is_an_error() {
    let error = Range::new(Scheme::Dpkg, &[Introduced("0"), Fixed("<unfixed>")]).unwrap_err();
    assert_eq!(error.text, "<unfixed>");
}

#[test]
fn the_fix_of_the_branch() {
    let events = [Introduced("0"), Fixed("1.5"), Introduced("2.0"), Fixed("2.5")];
    let range = Range::new(Scheme::Pep440, &events).unwrap();
    let version = Version::parse(Scheme::Pep440, "2.0").unwrap();
    let fixed = range.interval_of(&version).and_then(sealift_version::Interval::fixed);
    assert_eq!(fixed.map(Version::as_str), Some("2.5"));
}

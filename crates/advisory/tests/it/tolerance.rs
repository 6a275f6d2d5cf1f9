//! What real feeds have and the schema does not.

use expect_test::{Expect, expect};

use crate::folder::{Folder, entries, open};

// What is read for PyPI's `x`, then the notes.
fn check(document: &str, expected: Expect) {
    let folder = Folder::new(&[("a.json", document)]);
    let (advisories, notes) = open(folder.path(), &["PyPI"]).unwrap();
    let mut lines = Vec::new();
    for (advisory, affected) in entries(&advisories, "PyPI", "x") {
        lines.push(format!("{} {:?}", advisory.id, affected.ranges));
        if !affected.versions.is_empty() {
            lines.push(format!("versions {:?}", affected.versions));
        }
        for rating in affected.ratings.iter().chain(&advisory.ratings) {
            lines.push(format!("{} by {}", rating.severity, rating.source));
        }
        if let Some(date) = &advisory.modified {
            lines.push(date.clone());
        }
    }
    lines.extend(notes.iter().map(|note| format!("note {}: {}", note.subject, note.message)));
    lines.push(String::new());
    expected.assert_eq(&lines.join("\n"));
}

const PACKAGE: &str = r#""package": {"ecosystem": "PyPI", "name": "X"}"#;

#[test]
fn numbers_for_texts() {
    check(
        &format!(
            r#"{{"id": "A-1", "affected": [{{{PACKAGE}, "versions": [1, 1.10, "1.2", null, {{}}],
            "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": 0}}, {{"fixed": 1.20}}]}}]}}]}}"#
        ),
        expect![[r#"
            A-1 [[Introduced("0"), Fixed("1.20")]]
            versions ["1", "1.10", "1.2"]
            note A-1: a version is not understood
        "#]],
    );
}

#[test]
fn bad_dates_and_placeholders() {
    check(
        &format!(
            r#"{{"id": "A-1", "modified": "<RFC3339 timestamp>", "published": "10000-99",
            "database_specific": "<Any value>", "unknown_field": [[[]]], "aliases": null,
            "affected": [{{{PACKAGE}, "versions": ["1"], "database_specific": "<Any value>"}}]}}"#
        ),
        expect![[r#"
            A-1 []
            versions ["1"]
            note A-1: a date is not RFC 3339
        "#]],
    );
}

#[test]
fn no_affected_or_withdrawn() {
    let other = crate::folder::record("A-9", "PyPI", "x");
    check(
        &format!(
            r#"[{{"id": "A-1"}}, {{"id": "A-2", "affected": []}}, {{"id": "A-3", "affected": null}}, {other},
            {{"id": "A-4", "withdrawn": "2024-01-01T00:00:00Z", "affected": [{{{PACKAGE}, "versions": ["1"]}}]}},
            {{"id": "A-5", "affected": [{{"ranges": [{{"type": "GIT", "events": []}}]}}]}}]"#
        ),
        expect![[r#"
            A-9 [[Introduced("0"), Fixed("2")]]
            2024-01-01T00:00:00Z
        "#]],
    );
}

#[test]
fn dates_that_are_not_set() {
    check(
        &format!(
            r#"[{{"id": "A-1", "withdrawn": "0001-01-01T00:00:00Z", "modified": "0001-01-01T00:00:00Z", "published": "",
            "affected": [{{{PACKAGE}, "versions": ["1"]}}]}},
            {{"id": "A-2", "withdrawn": "", "affected": [{{{PACKAGE}, "versions": ["2"]}}]}},
            {{"id": "A-3", "withdrawn": false, "affected": [{{{PACKAGE}, "versions": ["3"]}}]}},
            {{"id": "A-4", "withdrawn": true, "affected": [{{{PACKAGE}, "versions": ["4"]}}]}},
            {{"id": "A-5", "withdrawn": 1700000000, "affected": [{{{PACKAGE}, "versions": ["5"]}}]}},
            {{"id": "A-6", "withdrawn": "yesterday", "affected": [{{{PACKAGE}, "versions": ["6"]}}]}}]"#
        ),
        expect![[r#"
            A-1 []
            versions ["1"]
            A-2 []
            versions ["2"]
            A-3 []
            versions ["3"]
        "#]],
    );
}

#[test]
fn git_ranges_order_nothing() {
    check(
        &format!(
            r#"{{"id": "A-1", "affected": [{{{PACKAGE}, "ranges": [
            {{"type": "GIT", "repo": "https://x", "events": [{{"introduced": "0"}}, {{"fixed": "abc"}}]}},
            {{"type": "ECOSYSTEM", "events": [{{"introduced": "1"}}, {{"last_affected": "3"}}]}}]}}]}}"#
        ),
        expect![[r#"
            A-1 [[Introduced("1"), LastAffected("3")]]
        "#]],
    );
}

#[test]
fn a_package_without_versions_is_noted() {
    check(
        &format!(r#"{{"id": "A-1", "affected": [{{{PACKAGE}}}]}}"#),
        expect![[r"
            A-1 []
            note A-1: it names a package without affected versions
        "]],
    );
}

#[test]
fn severities() {
    check(
        &format!(
            r#"{{"id": "GHSA-1", "severity": [
            {{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}},
            {{"type": "CVSS_V4", "score": "CVSS:4.0/nonsense"}}, "odd"],
            "database_specific": {{"severity": "MODERATE"}},
            "affected": [{{{PACKAGE}, "versions": ["1"], "ecosystem_specific": {{"urgency": "low**"}}}}]}}"#
        ),
        expect![[r#"
            GHSA-1 []
            versions ["1"]
            LOW by ghsa
            CRITICAL by ghsa
            MEDIUM by ghsa
            note GHSA-1: a severity is neither a CVSS vector nor a known word
        "#]],
    );
}

#[test]
fn wrong_shapes_are_noted_one_by_one() {
    check(
        &format!(
            r#"[17, {{"affected": []}}, {{"id": ""}}, {{"id": 5, "affected": [
            {{{PACKAGE}, "ranges": [{{"type": "ECOSYSTEM", "events": [{{}}, "x", {{"introduced": "0"}}]}}, 3]}},
            {{"package": "x"}}, 7]}}]"#
        ),
        expect![[r#"
            5 [[Introduced("0")]]
            note 5: a `package` is not understood
            note 5: a range is not understood
            note 5: an entry of `affected` is not understood
            note 5: an event of a range is not understood
            note a.json: it is not an OSV record: invalid type: integer `17`, expected struct Document at line 1 column 2
            note a.json: it is not an OSV record: its `id` is no id
            note a.json: it is not an OSV record: its `id` is no text
        "#]],
    );
}

#[test]
fn a_bad_habit_is_not_told_ten_thousand_times() {
    let folder = Folder::new(&[("a.json", &format!("[{}]", vec!["1"; 500].join(",")))]);
    folder.write("b.json", crate::folder::record("A-1", "PyPI", "x").as_bytes());
    let list: Vec<String> =
        (0..500).map(|i| format!(r#"{{"id": "A-{i}", "affected": [{{{PACKAGE}}}]}}"#)).collect();
    folder.write("c.json", format!("[{}]", list.join(",")).as_bytes());
    let (_, notes) = open(folder.path(), &["PyPI"]).unwrap();
    assert!(notes.len() < 30, "{}", notes.len());
    assert!(notes.iter().any(|note| note.subject == "480 more advisories"), "{notes:#?}");
}

#[test]
fn functions_of_go() {
    let check = |imports: &str, expected: &[&str]| {
        let document = format!(
            r#"{{"id": "GO-1", "affected": [{{"package": {{"ecosystem": "Go", "name": "stdlib"}},
                "versions": ["1"], "ecosystem_specific": {{"imports": {imports}}}}}]}}"#
        );
        let folder = Folder::new(&[("a.json", &document)]);
        let (advisories, _) = open(folder.path(), &["Go"]).unwrap();
        let values: Vec<&str> = entries(&advisories, "Go", "stdlib")
            .flat_map(|(_, affected)| &affected.qualifiers)
            .map(|qualifier| qualifier.value.as_str())
            .collect();
        assert_eq!(values, expected, "{imports}");
    };
    check(
        r#"[{"path": "net/http", "symbols": ["Get", "Client.Do"]}, {"path": "net/url"}]"#,
        &["net/http:Get,Client.Do", "net/url"],
    );
    // What is only partly understood narrows nothing.
    check(r#"[{"path": "net/http", "symbols": ["Get"]}, {"symbols": ["x"]}]"#, &[]);
    check(r#"[{"path": "net/http", "symbols": ["Get", {}]}]"#, &[]);
    check(r#"[{"path": "net/http", "symbols": "Get"}]"#, &[]);
    check("5", &[]);
    check("[]", &[]);
}

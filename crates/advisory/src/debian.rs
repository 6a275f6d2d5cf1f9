//! Debian's security tracker: source packages, their flaws, and what each release has of them
//! (`https://security-tracker.debian.org/tracker/data/json`), and what all feeds of Debian have in common.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sealift_model::{Advisory, Affected, Ecosystem, RangeEvent, RatingBasis, Statement};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kind::{Found, is_cve};
use crate::rating;

// Codenames and numbers of the releases that feeds speak of.
const RELEASES: [(&str, &str); 15] = [
    ("woody", "3.0"),
    ("sarge", "3.1"),
    ("etch", "4"),
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", ""),
];

// Beyond this a text is cut.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// The number of a release of Debian by its codename; what is not released has none.
pub fn debian_release(codename: &str) -> Option<&'static str> {
    let known = RELEASES.iter().find(|(name, _)| *name == codename)?;
    Some(known.1).filter(|number| !number.is_empty())
}

/// The ecosystem of a codename: none for what is never released, an error for one that is not known.
pub(crate) fn ecosystem(codename: &str) -> Result<Option<Ecosystem>, String> {
    if matches!(codename, "sid" | "experimental") {
        return Ok(None);
    }
    let number = debian_release(codename).ok_or("a release of Debian is not known")?;
    Ok(Some(Ecosystem { name: "Debian".to_owned(), release: Some(number.to_owned()) }))
}

/// An entry on a package: affected up to the version that repairs it, or in all versions.
pub(crate) fn entry(
    ecosystem: Ecosystem,
    name: &str,
    fixed: Option<&str>,
    statement: Statement,
) -> Affected {
    let mut events = vec![RangeEvent::Introduced("0".to_owned())];
    events.extend(fixed.map(|version| RangeEvent::Fixed(version.to_owned())));
    Affected {
        ecosystem,
        name: name.to_owned(),
        ranges: vec![events],
        statement,
        ..Affected::default()
    }
}

type Packages<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

#[derive(Deserialize)]
struct Flaw<'a> {
    #[serde(borrow, default)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    releases: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Deserialize)]
struct Release<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    fixed_version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    urgency: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    nodsa_reason: Option<Cow<'a, str>>,
}

/// True for the tracker's file: an object of objects by CVE. Only its first bytes are looked at, for it is large.
pub(crate) fn is_tracker(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(1024)];
    let mut parts = head.split(|byte| *byte == b'"');
    let mut is_next = |signs: &[u8]| {
        let part = parts.next().unwrap_or_default();
        let found = part.iter().filter(|byte| !byte.is_ascii_whitespace());
        let is_it = found.eq(signs);
        is_it.then(|| parts.next().unwrap_or_default())
    };
    is_next(b"{").is_some()
        && is_next(b":{").is_some_and(|id| std::str::from_utf8(id).is_ok_and(is_flaw))
        && is_next(b":{").is_some()
}

/// Reads the tracker's file.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let packages: Packages<'_> = serde_json::from_str(text)
        .map_err(|error| format!("it is not the file of Debian's tracker: {error}"))?;
    let mut found = Found::default();
    let mut advisories: BTreeMap<String, Advisory> = BTreeMap::new();
    for (package, raw) in packages {
        let Ok(flaws) = serde_json::from_str::<Packages<'_>>(raw.get()) else {
            found.note("a package is not understood");
            continue;
        };
        for (id, raw) in flaws {
            let Some(flaw) =
                serde_json::from_str::<Flaw<'_>>(raw.get()).ok().filter(|_| is_flaw(&id))
            else {
                found.note("a flaw is not understood");
                continue;
            };
            let advisory = advisories.entry(id.to_string()).or_insert_with(|| advisory(&id, &flaw));
            for (codename, raw) in flaw.releases {
                match release(&codename, &package, raw) {
                    Ok(affected) => advisory.affected.extend(affected),
                    Err(message) => found.note(&message),
                }
            }
        }
    }
    found.advisories = advisories.into_values().collect();
    Ok(found)
}

// What the tracker has no CVE for it numbers itself.
fn is_flaw(id: &str) -> bool {
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    is_cve(id) || (id.starts_with("TEMP-") && id.len() <= 100 && is_plain(id))
}

fn advisory(id: &str, flaw: &Flaw<'_>) -> Advisory {
    let is_cve = is_cve(id);
    let mut details = flaw.description.as_deref().map(str::trim).unwrap_or_default().to_owned();
    details.truncate(details.floor_char_boundary(TEXT_BYTES_MAX));
    Advisory {
        // As OSV has it, so that both are one record.
        id: if is_cve { format!("DEBIAN-{id}") } else { id.to_owned() },
        upstream: is_cve.then(|| id.to_owned()).into_iter().collect(),
        details: Some(details).filter(|text| !text.is_empty()),
        references: vec![format!("https://security-tracker.debian.org/tracker/{id}")],
        ..Advisory::default()
    }
}

fn release(codename: &str, package: &str, raw: &RawValue) -> Result<Option<Affected>, String> {
    let Some(ecosystem) = ecosystem(codename)? else { return Ok(None) };
    let release: Release<'_> =
        serde_json::from_str(raw.get()).map_err(|_| "a release is not understood")?;
    let urgency = release.urgency.as_deref().unwrap_or_default();
    let fixed = release.fixed_version.as_deref().filter(|version| !version.is_empty());
    let (fixed, statement) = match (&*release.status, fixed) {
        // It never had the flaw.
        ("resolved", Some("0")) => (None, Statement::NotAffected),
        ("resolved", Some(fixed)) => (Some(fixed), Statement::Affected),
        ("resolved", None) => return Err("a flaw is resolved in no version".to_owned()),
        ("undetermined", _) => (None, Statement::UnderInvestigation),
        ("open", _) => (None, unresolved(urgency, release.nodsa_reason.as_deref())),
        _ => return Err("a status is not known".to_owned()),
    };
    let mut affected = entry(ecosystem, package, fixed, statement);
    if statement != Statement::NotAffected {
        affected.ratings.extend(rating::from_word("debian", urgency, RatingBasis::Distribution));
    }
    Ok(Some(affected))
}

fn unresolved(urgency: &str, reason: Option<&str>) -> Statement {
    match (urgency, reason) {
        ("end-of-life", _) => Statement::EndOfLife,
        (_, Some("ignored")) => Statement::WillNotFix,
        (_, Some("postponed")) => Statement::Deferred,
        _ => Statement::Affected,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const TRACKER: &str = r#"{"openssl": {
        "CVE-2023-0001": {"description": "One.", "scope": "local", "releases": {
            "bookworm": {"status": "resolved", "fixed_version": "3.0.9-1", "urgency": "medium"},
            "bullseye": {"status": "open", "urgency": "unimportant"},
            "buster": {"status": "open", "urgency": "end-of-life"},
            "sid": {"status": "resolved", "fixed_version": "3.0.9-1", "urgency": "medium"}}},
        "CVE-2023-0002": {"releases": {
            "trixie": {"status": "resolved", "fixed_version": "0", "urgency": "unimportant"},
            "bookworm": {"status": "open", "urgency": "low**", "nodsa": "Minor issue", "nodsa_reason": "ignored"},
            "bullseye": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": "postponed"},
            "jessie": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": ""},
            "stretch": {"status": "undetermined", "urgency": "not yet assigned"}}}},
        "openssl1.0": {"CVE-2023-0001": {"releases": {
            "stretch": {"status": "resolved", "fixed_version": "1.0.2u-1", "urgency": "not yet assigned"}}},
            "TEMP-0000001-ABCDEF": {"releases": {"bookworm": {"status": "open", "urgency": "low"}}}}}"#;

    fn check(text: &str, expected: Expect) {
        let found = match read(text) {
            Ok(found) => found,
            Err(message) => return expected.assert_eq(&message),
        };
        let mut lines = Vec::new();
        for advisory in &found.advisories {
            lines.push(format!("{} {:?}", advisory.id, advisory.upstream));
            for it in &advisory.affected {
                let severity =
                    it.ratings.first().map_or(String::new(), |it| it.severity.to_string());
                let range = it.ranges[0].last().unwrap();
                let (ecosystem, name) = (&it.ecosystem, &it.name);
                lines.push(format!("  {ecosystem} {name} {:?} {range:?} {severity}", it.statement));
            }
        }
        lines.extend(found.notes.iter().map(|note| format!("note: {note}")));
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn statuses() {
        assert!(is_tracker(TRACKER.as_bytes()));
        check(
            TRACKER,
            expect![[r#"
            DEBIAN-CVE-2023-0001 ["CVE-2023-0001"]
              Debian:12 openssl Affected Fixed("3.0.9-1") MEDIUM
              Debian:11 openssl Affected Introduced("0") NEGLIGIBLE
              Debian:10 openssl EndOfLife Introduced("0") 
              Debian:9 openssl1.0 Affected Fixed("1.0.2u-1") 
            DEBIAN-CVE-2023-0002 ["CVE-2023-0002"]
              Debian:12 openssl WillNotFix Introduced("0") LOW
              Debian:11 openssl Deferred Introduced("0") LOW
              Debian:8 openssl Affected Introduced("0") LOW
              Debian:9 openssl UnderInvestigation Introduced("0") 
              Debian:13 openssl NotAffected Introduced("0") 
            TEMP-0000001-ABCDEF []
              Debian:12 openssl1.0 Affected Introduced("0") LOW"#]],
        );
    }

    #[test]
    fn what_is_not_understood() {
        check(
            "{",
            expect![
                "it is not the file of Debian's tracker: EOF while parsing an object at line 1 column 1"
            ],
        );
        check(
            r#"{"a": 1, "b": {"CVE-1": {"releases": {}}, "CVE-2023-0001": {"releases": {
                "jammy": {"status": "open"}, "bookworm": {"status": "resolved"},
                "bullseye": {"status": "lost"}, "buster": 7}}}}"#,
            expect![[r#"
                DEBIAN-CVE-2023-0001 ["CVE-2023-0001"]
                note: a package is not understood
                note: a flaw is not understood
                note: a flaw is resolved in no version
                note: a status is not known
                note: a release is not understood
                note: a release of Debian is not known"#]],
        );
        for text in
            ["", "{}", "{\"a\":{}}", "{\"id\":\"CVE-2023-0001\"}", "{\"a\":{\"b\":{", "[\"a\"]"]
        {
            assert!(!is_tracker(text.as_bytes()), "{text}");
        }
        for end in 0..TRACKER.len() {
            assert!(read(&TRACKER[..end]).is_err(), "{end}");
        }
    }
}

//! Ubuntu's statements on one flaw each, OpenVEX (`https://security-metadata.canonical.com/vex/`): what is not affected,
//! what will not be repaired, what is no longer supported. Which version repairs a flaw they do not say: of a repaired
//! package they name the present version.

use std::borrow::Cow;
use std::collections::BTreeSet;

use sealift_model::{Advisory, Affected, Ecosystem, Purl, RangeEvent, Statement};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kind::{Found, is_cve};

// Codenames and numbers, from the oldest release that any feed still speaks of; those with long support are marked.
const RELEASES: [(&str, &str); 29] = [
    ("precise", "12.04:LTS"),
    ("quantal", "12.10"),
    ("raring", "13.04"),
    ("saucy", "13.10"),
    ("trusty", "14.04:LTS"),
    ("utopic", "14.10"),
    ("vivid", "15.04"),
    ("wily", "15.10"),
    ("xenial", "16.04:LTS"),
    ("yakkety", "16.10"),
    ("zesty", "17.04"),
    ("artful", "17.10"),
    ("bionic", "18.04:LTS"),
    ("cosmic", "18.10"),
    ("disco", "19.04"),
    ("eoan", "19.10"),
    ("focal", "20.04:LTS"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04:LTS"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04:LTS"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04:LTS"),
];

const PUBLISHER: &str = "Canonical Ltd.";
// A kernel's flaw has some thousand products.
const PRODUCTS_MAX: usize = 100_000;

#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow, rename = "@context")]
    context: Cow<'a, str>,
    #[serde(borrow)]
    author: Cow<'a, str>,
    #[serde(borrow, rename = "statements")]
    _statements: &'a RawValue,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(borrow)]
    statements: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    vulnerability: Vulnerability<'a>,
    #[serde(borrow)]
    products: Vec<Product<'a>>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    action_statement: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    impact_statement: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Product<'a> {
    #[serde(borrow, rename = "@id")]
    id: Cow<'a, str>,
}

/// True for a document of Ubuntu's.
pub(crate) fn is_document(bytes: &[u8]) -> bool {
    let shape = serde_json::from_slice::<Shape<'_>>(bytes);
    shape.is_ok_and(|it| it.context.starts_with("https://openvex.dev/ns") && it.author == PUBLISHER)
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let document: Document<'_> =
        serde_json::from_str(text).map_err(|error| format!("it is not OpenVEX: {error}"))?;
    let mut found = Found::default();
    for raw in document.statements {
        let said = serde_json::from_str::<Said<'_>>(raw.get()).ok();
        let Some(said) = said.filter(|said| is_cve(&said.vulnerability.name)) else {
            found.note("a statement is not understood");
            continue;
        };
        let affected = affected(&said, &mut found);
        let id = format!("UBUNTU-VEX-{}", said.vulnerability.name);
        match found.advisories.iter_mut().find(|advisory| advisory.id == id) {
            Some(advisory) => advisory.affected.extend(affected),
            None => found.advisories.push(Advisory {
                id,
                upstream: vec![said.vulnerability.name.into_owned()],
                modified: document.timestamp.clone(),
                affected,
                ..Advisory::default()
            }),
        }
    }
    found.advisories.retain(|advisory| !advisory.affected.is_empty());
    found.newest = document.timestamp;
    Ok(found)
}

fn affected(said: &Said<'_>, found: &mut Found) -> Vec<Affected> {
    let statement = match &*said.status {
        "not_affected" => Statement::NotAffected,
        "affected" => unresolved(said.action_statement.as_deref().unwrap_or_default()),
        "under_investigation" => Statement::UnderInvestigation,
        // The present version, and so none after it.
        "fixed" => Statement::NotAffected,
        _ => {
            found.note("a status is not known");
            return Vec::new();
        }
    };
    let impact = said.impact_statement.as_deref().unwrap_or_default();
    if impact.contains("does not exist in the archive") {
        return Vec::new();
    }
    if said.products.len() > PRODUCTS_MAX {
        found.note("a statement has too many products, which were cut");
    }
    let mut named = BTreeSet::new();
    // Others are built from these, and judged with them.
    let sources = said.products.iter().take(PRODUCTS_MAX);
    for product in sources.filter(|product| product.id.contains("arch=source")) {
        match source(&product.id) {
            Ok(source) => named.extend(source),
            Err(message) => found.note(&message),
        }
    }
    let is_fixed = said.status == "fixed";
    named
        .into_iter()
        .map(|(ecosystem, name, version)| {
            let start = if is_fixed { version } else { "0".to_owned() };
            let ranges = vec![vec![RangeEvent::Introduced(start)]];
            Affected { ecosystem, name, ranges, statement, ..Affected::default() }
        })
        .collect()
}

// Canonical's openings; what follows them is for people.
fn unresolved(action: &str) -> Statement {
    let opening = action.split("CVE Notes").next().unwrap_or_default();
    if opening.contains("decided to not fix") {
        Statement::WillNotFix
    } else if opening.contains("no longer supported") {
        Statement::EndOfLife
    } else if opening.contains("deferred") {
        Statement::Deferred
    } else {
        Statement::Affected
    }
}

type Source = (Ecosystem, String, String);

// `pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=source&distro=esm-infra/jammy`
fn source(purl: &str) -> Result<Option<Source>, String> {
    let purl = Purl::parse(purl).ok_or("a product is no package URL")?;
    let (Some(version), Some(distro)) = (purl.version, purl.qualifiers.get("distro")) else {
        return Err("a product does not say its version and release".to_owned());
    };
    let ecosystem = ecosystem(distro)?;
    Ok(ecosystem.map(|it| (it, purl.name, version)))
}

// Beside the codename stands what the archive of a subscription is called; none is what scans do not ask for.
fn ecosystem(distro: &str) -> Result<Option<Ecosystem>, String> {
    let parts: Vec<&str> = distro.split('/').collect();
    let release = RELEASES.iter().find(|(name, _)| parts.contains(name));
    let (codename, release) = release.ok_or("a release of Ubuntu is not known")?;
    let series = match parts.iter().find(|part| *part != codename) {
        None => "",
        Some(pocket) if pocket.starts_with("esm") => "Pro:",
        Some(&"fips-updates") => "Pro:FIPS-updates:",
        Some(&"fips") => "Pro:FIPS:",
        Some(_) => return Ok(None),
    };
    Ok(Some(Ecosystem { name: "Ubuntu".to_owned(), release: Some(format!("{series}{release}")) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"@context": "https://openvex.dev/ns/v0.2.0", "author": "Canonical Ltd.",
      "timestamp": "2026-05-20T15:02:47Z", "statements": [
      {"vulnerability": {"name": "CVE-2023-38545"}, "status": "fixed", "products": [
        {"@id": "pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=source&distro=jammy"},
        {"@id": "pkg:deb/ubuntu/libcurl4@7.81.0-1ubuntu1.24?arch=amd64&distro=jammy"}]},
      {"vulnerability": {"name": "CVE-2023-38545"}, "status": "affected",
        "action_statement": "This package (for the given release) is no longer supported. Please upgrade your system.",
        "products": [{"@id": "pkg:deb/ubuntu/curl@7.47.0-1ubuntu2.19?arch=source&distro=xenial"}]},
      {"vulnerability": {"name": "CVE-2023-38545"}, "status": "affected",
        "action_statement": "The Ubuntu Security Team decided to not fix it. CVE Notes: no longer supported",
        "products": [{"@id": "pkg:deb/ubuntu/sssd@1.11.8-0ubuntu0.7?arch=source&distro=esm-infra-legacy/trusty"}]},
      {"vulnerability": {"name": "CVE-2023-38545"}, "status": "not_affected", "products": [
        {"@id": "pkg:deb/ubuntu/curl@7.68.0-1ubuntu2.25+esm3?arch=source&distro=esm-infra/focal"},
        {"@id": "pkg:deb/ubuntu/curl@7.68.0-1ubuntu2.25?arch=source&distro=realtime/focal"}]},
      {"vulnerability": {"name": "CVE-2023-38545"}, "status": "not_affected",
        "impact_statement": "This package (for the given release) does not exist in the archive.",
        "products": [{"@id": "pkg:deb/ubuntu/zabbix@1:6.0?arch=source&distro=noble"}]},
      {"vulnerability": {"name": "CVE-2023-38545"}, "status": "under_investigation", "products": [
        {"@id": "pkg:deb/ubuntu/curl@1?arch=source&distro=fips-updates/jammy"}]}]}"#;

    #[test]
    fn statements() {
        assert!(is_document(DOCUMENT.as_bytes()));
        assert!(!is_document(DOCUMENT.replace(PUBLISHER, "Docker").as_bytes()));
        let found = read(DOCUMENT).unwrap();
        let [advisory] = &found.advisories[..] else { panic!("one advisory") };
        assert_eq!(advisory.id, "UBUNTU-VEX-CVE-2023-38545");
        let one = |it: &Affected| {
            format!("{} {} {:?} {:?}", it.ecosystem, it.name, it.statement, it.ranges[0])
        };
        let said: Vec<String> = advisory.affected.iter().map(one).collect();
        let expected = [
            "Ubuntu:22.04:LTS curl NotAffected [Introduced(\"7.81.0-1ubuntu1.24\")]",
            "Ubuntu:16.04:LTS curl EndOfLife [Introduced(\"0\")]",
            "Ubuntu:Pro:14.04:LTS sssd WillNotFix [Introduced(\"0\")]",
            "Ubuntu:Pro:20.04:LTS curl NotAffected [Introduced(\"0\")]",
            "Ubuntu:Pro:FIPS-updates:22.04:LTS curl UnderInvestigation [Introduced(\"0\")]",
        ];
        assert_eq!(said, expected);
        assert_eq!(found.notes, [] as [String; 0]);
        assert_eq!(found.newest.as_deref(), Some("2026-05-20T15:02:47Z"));
    }

    #[test]
    fn broken() {
        for end in 0..DOCUMENT.len() {
            assert!(read(&DOCUMENT[..end]).is_err(), "{end}");
        }
        for (from, to, expected) in [
            ("distro=jammy", "distro=zany", "a release of Ubuntu is not known"),
            ("distro=jammy\"},\n", "x=y\"},\n", "a product does not say its version and release"),
            ("pkg:deb/ubuntu/curl@7.81", "curl", "a product is no package URL"),
            ("\"under_investigation\"", "\"odd\"", "a status is not known"),
            ("CVE-2023-38545", "USN-1", "a statement is not understood"),
        ] {
            let found = read(&DOCUMENT.replacen(from, to, 1)).unwrap();
            assert_eq!(found.notes, [expected], "{from}");
        }
    }
}

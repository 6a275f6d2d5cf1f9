//! Ignore files, VEX documents and gate expressions.

use sealift_exception::{Exceptions, Subject, answer};
use sealift_model::{
    Artifact, DataSource, Ecosystem, Finding, FixState, FoundPackage, Origin, PackageId,
    PackageKind, Reason, Severity,
};

use sealift_scan::Expression;

use crate::text;

const NAMES: [&str; 6] =
    ["a.txt", "a.yaml", ".grype.yaml", "osv-scanner.toml", "a.toml", "sealift.toml"];

/// An ignore file under every name that it could have: entries that are over never suppress, and every entry is either
/// asked for or stale.
pub fn ignores(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for name in NAMES {
        let mut exceptions = Exceptions::default();
        match exceptions.read_ignores(name, text) {
            Ok(()) => hold(&exceptions),
            Err(error) => assert!(error.to_string().starts_with(name) && !error.hint().is_empty()),
        }
    }
}

/// A VEX document, by itself and attached to an image.
pub fn vex(bytes: &[u8]) {
    let mut exceptions = Exceptions::default();
    if exceptions.read_vex("a.json", bytes).is_err() {
        return;
    }
    hold(&exceptions);
    let mut attached = Exceptions::default();
    assert!(attached.read_attached_vex("a.json", bytes).is_ok(), "it can be read only once");
    hold(&attached);
}

/// A gate expression: its own text means the same again, and what is not met by itself is met by its opposite.
pub fn expression(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Expression::parse(text) {
        Ok(expression) => {
            let again = Expression::parse(&expression.to_string()).expect("it can be read again");
            let opposite = Expression::parse(&format!("!({text})"));
            let finding = finding("CVE-1-1");
            let is_met = expression.is_met(&finding);
            assert_eq!(again.is_met(&finding), is_met);
            // One more pair of brackets may be one too many.
            assert!(opposite.is_ok_and(|it| it.is_met(&finding) != is_met) || text.len() > 40);
        }
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint.is_empty()),
    }
}

fn hold(exceptions: &Exceptions) {
    let findings = [finding("CVE-1-1"), finding("CVE-1-2")];
    let subject = Subject::new(&Artifact { name: "app:1".to_owned(), ..Artifact::default() }, None);
    let now = answer(exceptions, findings.iter(), &subject, 0);
    let later = answer(exceptions, findings.iter(), &subject, i64::MAX);
    assert_eq!(now.suppressions.len(), findings.len());
    for (now, later) in now.suppressions.iter().zip(&later.suppressions) {
        assert!(later.is_none() || now.is_some(), "an exception began to count");
        assert!(later.as_ref().is_none_or(|it| it.expires.is_none()), "one counts that is over");
    }
    assert!(later.stale.len() >= now.stale.len(), "an entry came to life");
}

fn finding(id: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        aliases: vec!["GHSA-1".to_owned()],
        advisories: vec!["PYSEC-1".to_owned()],
        package: FoundPackage {
            id: PackageId(0),
            kind: PackageKind::Python,
            name: "flask".to_owned(),
            version: "1.0".to_owned(),
            source_name: None,
            purl: "pkg:pypi/flask@1.0".to_owned(),
            path: Some("/usr/lib/python3/flask/METADATA".to_owned()),
            layer: None,
        },
        fix: FixState::Affected,
        severity: Severity::High,
        severity_source: None,
        ratings: Vec::new(),
        kev: None,
        epss: None,
        title: String::new(),
        description: None,
        cwes: Vec::new(),
        primary_url: None,
        references: Vec::new(),
        published: None,
        modified: None,
        data_source: DataSource::default(),
        reasons: vec![Reason {
            advisory: "PYSEC-1".to_owned(),
            ecosystem: Ecosystem::parse("PyPI"),
            matched_name: "flask".to_owned(),
            installed: "1.0".to_owned(),
            comparator: "PEP 440",
            range: "< 2.0".to_owned(),
        }],
        origin: Origin::Unknown,
    }
}

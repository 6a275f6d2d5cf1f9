//! Findings, and what exceptions make of them.

use std::fmt::Write as _;

use sealift_exception::{Exceptions, Subject, answer};
use sealift_model::{
    Artifact, DataSource, Distro, Ecosystem, Finding, FixState, FoundPackage, ImageFacts, Origin,
    PackageId, PackageKind, Reason, Severity,
};
use sealift_oci::Digest;

/// 2024-06-01.
pub(crate) const NOW_SECS: i64 = 1_717_200_000;

fn finding(id: &str, aliases: &[&str], kind: PackageKind, name: &str, version: &str) -> Finding {
    let ecosystem = if kind == PackageKind::Deb { "Debian:12" } else { "PyPI" };
    let namespace = if kind == PackageKind::Deb { "debian/" } else { "" };
    let source = (kind == PackageKind::Deb).then(|| "openssl".to_owned());
    Finding {
        id: id.to_owned(),
        aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        advisories: vec![format!("ADVISORY-{id}")],
        package: FoundPackage {
            id: PackageId(0),
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            source_name: source.clone(),
            purl: format!("pkg:{}/{namespace}{}@{version}", kind.purl_type(), name.to_lowercase()),
            path: Some(match kind {
                PackageKind::Deb => "/var/lib/dpkg/status".to_owned(),
                _ => format!("/usr/lib/python3/{name}-{version}.dist-info/METADATA"),
            }),
            layer: None,
        },
        fix: if version == "1.0" {
            FixState::Fixed("2.0".to_owned())
        } else {
            FixState::WillNotFix
        },
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
            advisory: format!("ADVISORY-{id}"),
            ecosystem: Ecosystem::parse(ecosystem),
            matched_name: source.unwrap_or_else(|| name.to_lowercase()),
            installed: version.to_owned(),
            comparator: "x",
            range: String::new(),
        }],
        origin: Origin::Unknown,
    }
}

/// Four findings: two in a Python package, one in another, one in a Debian package.
pub(crate) fn findings() -> Vec<Finding> {
    vec![
        finding("CVE-1-1", &["GHSA-1"], PackageKind::Python, "PyYAML", "1.0"),
        finding("CVE-1-2", &[], PackageKind::Python, "PyYAML", "1.0"),
        finding("CVE-1-1", &["GHSA-1"], PackageKind::Python, "flask", "0.9"),
        finding("CVE-1-3", &[], PackageKind::Deb, "libssl3", "3.0.9-1"),
    ]
}

fn subject() -> Subject {
    let digest = Digest::sha256(b"manifest");
    let artifact = Artifact {
        name: "team/app:1.0".to_owned(),
        image: Some(ImageFacts {
            id: Digest::sha256(b"config"),
            diff_ids: Vec::new(),
            tags: vec!["team/app:1.0".to_owned()],
            digests: vec![format!("registry.example.com/team/app@{digest}")],
            config: r#"{"architecture": "amd64"}"#.to_owned(),
        }),
        ..Artifact::default()
    };
    let distro =
        Distro { id: "debian".to_owned(), version_id: Some("12".to_owned()), ..Distro::default() };
    Subject::new(&artifact, Some(&distro))
}

/// One line a finding that is suppressed, one a stale entry, one a note.
pub(crate) fn show(exceptions: &Exceptions) -> String {
    let findings = findings();
    let answers = answer(exceptions, findings.iter(), &subject(), NOW_SECS);
    let mut out = String::new();
    for (finding, suppression) in findings.iter().zip(&answers.suppressions) {
        let Some(by) = suppression else { continue };
        let (id, name) = (&finding.id, &finding.package.name);
        write!(out, "{id} {name} {:?} by {}", by.status, by.place).unwrap();
        let rest = [&by.justification, &by.reason, &by.owner, &by.expires];
        for text in rest.into_iter().flatten() {
            write!(out, ", {text}").unwrap();
        }
        out.push('\n');
    }
    for stale in &answers.stale {
        let why = stale.expired.as_ref().map_or("unused".to_owned(), |day| format!("over {day}"));
        writeln!(out, "stale {} {} {why}", stale.place, stale.id).unwrap();
    }
    for note in &exceptions.notes {
        writeln!(out, "note {}: {}", note.subject, note.message).unwrap();
    }
    out
}

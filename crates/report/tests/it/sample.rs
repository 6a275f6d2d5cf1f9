//! A report with something of everything.

use sealift_model::{
    Artifact, ArtifactKind, Cvss, CvssVersion, DataSource, DatabaseInfo, Distro, Ecosystem, Epss,
    Evidence, Finding, FixState, FoundPackage, Hidden, ImageFacts, Inventory, Kev, LayerRef,
    License, Method, Note, Origin, Package, PackageId, PackageKind, Purl, Rating, RatingBasis,
    Reason, ReleaseLife, Remedy, Report, Scanned, Scope, Severity, StaleIgnore, Suppressed,
    Suppression, SuppressionStatus,
};
use sealift_oci::{Digest, Reference};
use sealift_sbom::Subject;

const PACKAGES: [(PackageKind, &str); 7] = [
    (PackageKind::Deb, "adduser"),
    (PackageKind::Deb, "openssl"),
    (PackageKind::Deb, "perl"),
    (PackageKind::Deb, "zlib1g"),
    (PackageKind::Python, "click"),
    (PackageKind::Python, "flask"),
    (PackageKind::Python, "jinja2"),
];

/// What is inside: the packages that have findings, one that has none, and, as the first, one that a file only names.
pub(crate) fn inventory() -> Inventory {
    let package = |(kind, name): &(PackageKind, &str)| {
        let mut package = Package::new(*kind, name);
        package.version = Some("1.0".to_owned());
        package.purl = Purl::parse(&format!("pkg:{}/{name}@1.0", kind.purl_type())).unwrap();
        package.licenses = vec![License::declared("MIT", Some("MIT".to_owned()))];
        package.evidence = vec![Evidence {
            path: "/app/METADATA".to_owned(),
            layer: Some(LayerRef { index: 0, diff_id: Digest::sha256(b"layer") }),
            method: Method::Manifest,
            confidence: Method::Manifest.confidence(),
        }];
        package
    };
    let mut packages: Vec<Package> = PACKAGES.iter().map(package).collect();
    packages.insert(0, Package { scope: Scope::Declared, ..package(&PACKAGES[0]) });
    Inventory { distro: report().distro, packages, ..Inventory::default() }
}

pub(crate) fn subject() -> Subject {
    let reference = Reference::parse("app:1").unwrap();
    Subject::image(&reference, &Digest::sha256(b"manifest"), 1_600_000_000)
}

pub(crate) fn finding(id: &str, kind: PackageKind, name: &str, severity: Severity) -> Finding {
    Finding {
        id: id.to_owned(),
        aliases: Vec::new(),
        advisories: vec![format!("ADVISORY-{id}")],
        package: FoundPackage {
            id: PackageId(PACKAGES.iter().position(|(_, it)| *it == name).unwrap_or(90) + 1),
            kind,
            name: name.to_owned(),
            version: "1.0".to_owned(),
            source_name: None,
            purl: format!("pkg:{}/{name}@1.0", kind.purl_type()),
            path: Some("/app/METADATA".to_owned()),
            layer: Some(LayerRef { index: 0, diff_id: Digest::sha256(b"layer") }),
        },
        fix: FixState::Fixed("1.1".to_owned()),
        severity,
        severity_source: Some("ghsa".to_owned()),
        ratings: Vec::new(),
        title: format!("A flaw in {name}"),
        description: None,
        cwes: Vec::new(),
        primary_url: None,
        references: Vec::new(),
        published: None,
        modified: None,
        data_source: DataSource::default(),
        kev: None,
        epss: None,
        reasons: Vec::new(),
        origin: Origin::Unknown,
    }
}

pub(crate) fn full_finding() -> Finding {
    let cvss = |version, vector: &str, score_tenths| {
        RatingBasis::Cvss(Cvss { version, vector: vector.to_owned(), score_tenths })
    };
    Finding {
        aliases: vec!["GHSA-xxxx".to_owned()],
        ratings: vec![
            Rating {
                source: "ghsa".to_owned(),
                severity: Severity::Critical,
                basis: cvss(CvssVersion::V31, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 98),
            },
            Rating {
                source: "ghsa".to_owned(),
                severity: Severity::High,
                basis: cvss(CvssVersion::V2, "AV:N/AC:L/Au:N/C:P/I:P/A:P", 75),
            },
        ],
        description: Some("Long & <wide>".to_owned()),
        cwes: vec!["CWE-20".to_owned()],
        primary_url: Some("https://nvd.nist.gov/vuln/detail/CVE-2020-1".to_owned()),
        references: vec!["https://example.org/1".to_owned()],
        published: Some("2020-01-01T00:00:00Z".to_owned()),
        modified: Some("2020-02-01T00:00:00Z".to_owned()),
        data_source: DataSource {
            id: "ghsa".to_owned(),
            name: "GitHub Advisory Database".to_owned(),
            url: "https://github.com/advisories".to_owned(),
        },
        kev: Some(Kev {
            added: "2021-12-10".to_owned(),
            due: Some("2021-12-24".to_owned()),
            is_used_by_ransomware: true,
        }),
        epss: Some(Epss { score_millionths: 943_580, percentile_millionths: 999_600 }),
        reasons: vec![Reason {
            advisory: "GHSA-xxxx".to_owned(),
            ecosystem: Ecosystem::parse("PyPI"),
            matched_name: "flask".to_owned(),
            installed: "1.0".to_owned(),
            comparator: "PEP 440",
            range: "< 1.1".to_owned(),
        }],
        origin: Origin::Own,
        ..finding("CVE-2020-1", PackageKind::Python, "flask", Severity::Critical)
    }
}

pub(crate) fn report() -> Report {
    let openssl = finding("CVE-2020-2", PackageKind::Deb, "openssl", Severity::Negligible);
    let unfixed = Finding {
        fix: FixState::Affected,
        severity_source: None,
        ..finding("CVE-2020-3", PackageKind::Deb, "zlib1g", Severity::Unknown)
    };
    Report {
        artifact: Artifact {
            name: "app:1".to_owned(),
            kind: ArtifactKind::Image,
            image: Some(ImageFacts {
                id: Digest::sha256(b"config"),
                diff_ids: vec![Digest::sha256(b"layer")],
                tags: vec!["app:1".to_owned()],
                digests: Vec::new(),
                config: r#"{"architecture":"amd64","os":"linux"}"#.to_owned(),
            }),
        },
        created_secs: 1_600_000_000,
        distro: Some(Distro {
            id: "debian".to_owned(),
            version_id: Some("12".to_owned()),
            ..Distro::default()
        }),
        scanned: vec![
            Scanned { kind: PackageKind::Deb, packages: 90, judged: 89 },
            Scanned { kind: PackageKind::Python, packages: 7, judged: 7 },
        ],
        secrets: None,
        findings: vec![openssl, unfixed, full_finding()],
        hidden: Hidden { by_severity: vec![(Severity::Low, 2)], unfixed: 1, ..Hidden::default() },
        suppressed: suppressed(),
        stale_ignores: vec![
            StaleIgnore {
                place: ".trivyignore:7".to_owned(),
                id: "CVE-2019-7".to_owned(),
                expired: Some("2020-09-01".to_owned()),
            },
            StaleIgnore {
                place: ".trivyignore:8".to_owned(),
                id: "CVE-2019-8".to_owned(),
                expired: None,
            },
        ],
        life: Some(ReleaseLife {
            release: "Debian 12".to_owned(),
            ends: "2020-06-10".to_owned(),
            extended_ends: Some("2028-06-30".to_owned()),
            is_over: true,
        }),
        base: None,
        comparison: None,
        remedies: vec![remedy()],
        database: DatabaseInfo {
            source: "advisories".to_owned(),
            records: 42,
            newest_modified: Some("2020-09-01T12:00:00Z".to_owned()),
            // Three days before the report.
            made_secs: 1_599_740_000,
            example_only: true,
        },
        notes: vec![Note { subject: "x".to_owned(), message: "not judged: y".to_owned() }],
    }
}

fn remedy() -> Remedy {
    Remedy {
        kind: PackageKind::Python,
        name: "flask".to_owned(),
        packages: vec!["flask".to_owned()],
        from: "1.0".to_owned(),
        to: "1.1".to_owned(),
        repairs: 1,
        severity: Severity::Critical,
        layer: None,
        instruction: Some("RUN pip install\tflask".to_owned()),
        action: Some("in the requirements: flask>=1.1".to_owned()),
    }
}

// An answer of each kind.
fn suppressed() -> Vec<Suppressed> {
    let by = |place: &str, status| Suppression {
        place: place.to_owned(),
        status,
        reason: None,
        justification: None,
        owner: None,
        expires: None,
    };
    vec![
        Suppressed {
            finding: finding("CVE-2020-4", PackageKind::Deb, "perl", Severity::High),
            by: Suppression {
                reason: Some("nothing runs it".to_owned()),
                owner: Some("platform".to_owned()),
                expires: Some("2021-01-01".to_owned()),
                ..by(".trivyignore:3", SuppressionStatus::Ignored)
            },
        },
        Suppressed {
            finding: finding("CVE-2020-5", PackageKind::Python, "jinja2", Severity::Medium),
            by: Suppression {
                justification: Some("vulnerable_code_not_present".to_owned()),
                ..by("app.openvex.json", SuppressionStatus::NotAffected)
            },
        },
        Suppressed {
            finding: finding("CVE-2020-6", PackageKind::Python, "click", Severity::Low),
            by: by("app.openvex.json", SuppressionStatus::Fixed),
        },
    ]
}

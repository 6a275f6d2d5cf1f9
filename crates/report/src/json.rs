//! The JSON report, a superset of what `trivy image --format json` writes.
//!
//! `Results` is always there, with one entry for the operating system's packages and one a language, and each entry has
//! its `Vulnerabilities`, empty or not; so `[.Results[].Vulnerabilities | length] | add` is the number of findings. An
//! image without any package has one entry, of nothing: `add` makes `null`, not 0, of an empty list.
//! trivy knows no `NEGLIGIBLE`; what a distribution calls unimportant is `LOW` there, and so it is here.

use std::collections::BTreeMap;

use sealift_model::{
    ArtifactKind, BaseChoice, BaseImage, CvssVersion, Finding, Inventory, PackageKind, Rating,
    RatingBasis, Remedy, Report, Severity, Suppressed,
};
use serde_json::value::RawValue;

use crate::wire::{
    Base, Choice, Cvss, DataSource, Database, Document, Epss, Hidden, Identifier, KnownExploited,
    Layer, Life, Metadata, Modified, Note, Os, RemedyEntry, ResultEntry, Stale, Vulnerability,
};
use crate::{Context, comparison, packages, remark, secrets, text};

/// The report as JSON, indented, with a newline at its end.
pub fn json(report: &Report) -> String {
    document(report, None)
}

/// The same, with all packages if they are asked for.
pub(crate) fn json_within(report: &Report, context: &Context<'_>) -> String {
    document(report, Some(context.inventory).filter(|_| context.lists_packages))
}

fn document(report: &Report, inventory: Option<&Inventory>) -> String {
    // A config that is no JSON is left out; it was verified long before it came here.
    let config = report
        .artifact
        .image
        .as_ref()
        .and_then(|image| serde_json::from_str::<&RawValue>(&image.config).ok());
    let document = Document {
        schema_version: 2,
        created_at: text::time(report.created_secs),
        artifact_name: &report.artifact.name,
        artifact_type: match report.artifact.kind {
            ArtifactKind::Image => "container_image",
            ArtifactKind::Filesystem => "filesystem",
            ArtifactKind::Spdx => "spdx",
            ArtifactKind::CycloneDx => "cyclonedx",
            ArtifactKind::Syft => "syft",
        },
        metadata: metadata(report, config),
        results: results(report, inventory).into_iter().chain(secret_results(report)).collect(),
        advisory_database: database(report),
        example_data_only: report.database.example_only,
        notes: report
            .notes
            .iter()
            .map(|note| Note { subject: &note.subject, message: &note.message })
            .collect(),
        hidden: hidden(report),
        stale_ignores: report
            .stale_ignores
            .iter()
            .map(|entry| Stale {
                place: &entry.place,
                id: &entry.id,
                expired: entry.expired.as_deref(),
            })
            .collect(),
        release_life: report.life.as_ref().map(|life| Life {
            release: &life.release,
            ends: &life.ends,
            extended_ends: life.extended_ends.as_deref(),
            is_over: life.is_over,
        }),
        remedies: report.remedies.iter().map(remedy).collect(),
        base_image: report.base.as_ref().map(base),
        comparison: comparison::changes(report),
    };
    text::document(&document)
}

fn database(report: &Report) -> Database<'_> {
    let database = &report.database;
    Database {
        source: &database.source,
        records: database.records,
        newest_modified: database.newest_modified.as_deref(),
        made_at: (database.made_secs > 0).then(|| text::time(database.made_secs)),
        age_days: remark::age_days(report),
    }
}

fn hidden(report: &Report) -> Option<Hidden> {
    let hidden = &report.hidden;
    let by_severity = hidden.by_severity.iter();
    (hidden.total() > 0).then(|| Hidden {
        total: hidden.total(),
        by_severity: by_severity.map(|(severity, count)| (severity.as_str(), *count)).collect(),
        unfixed: hidden.unfixed,
        by_status: hidden.by_status,
        not_running: hidden.not_running,
        known: hidden.known,
    })
}

fn metadata<'a>(report: &'a Report, image_config: Option<&'a RawValue>) -> Metadata<'a> {
    let image = report.artifact.image.as_ref();
    Metadata {
        os: report.distro.as_ref().map(|distro| Os {
            family: family(&distro.id),
            name: distro.version_id.as_deref().or(distro.codename.as_deref()).unwrap_or_default(),
            is_over: report.life.as_ref().is_some_and(|life| life.is_over),
        }),
        image_id: image.map(|image| image.id.to_string()),
        diff_ids: image
            .map(|image| image.diff_ids.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        repo_tags: image.map_or(&[], |image| &image.tags),
        repo_digests: image.map_or(&[], |image| &image.digests),
        image_config,
    }
}

fn results<'a>(report: &'a Report, inventory: Option<&'a Inventory>) -> Vec<ResultEntry<'a>> {
    let mut packages = inventory.map(packages::packages).unwrap_or_default();
    let mut by_kind: BTreeMap<PackageKind, (Vec<&Finding>, Vec<&Suppressed>)> = BTreeMap::new();
    for kind in report.scanned.iter().map(|scanned| scanned.kind).chain(packages.keys().copied()) {
        by_kind.entry(kind).or_default();
    }
    for finding in &report.findings {
        by_kind.entry(finding.package.kind).or_default().0.push(finding);
    }
    for suppressed in &report.suppressed {
        by_kind.entry(suppressed.finding.package.kind).or_default().1.push(suppressed);
    }
    if by_kind.is_empty() {
        return vec![ResultEntry {
            target: report.artifact.name.clone(),
            class: "os-pkgs",
            kind: "unknown",
            packages: Vec::new(),
            vulnerabilities: Vec::new(),
            secrets: Vec::new(),
            modified: Vec::new(),
        }];
    }
    by_kind
        .into_iter()
        .map(|(kind, (findings, suppressed))| ResultEntry {
            target: target(report, kind),
            class: if kind.is_os() { "os-pkgs" } else { "lang-pkgs" },
            kind: match &report.distro {
                Some(distro) if kind.is_os() => family(&distro.id),
                _ => type_of(kind),
            },
            packages: packages.remove(&kind).unwrap_or_default(),
            vulnerabilities: findings.into_iter().map(vulnerability).collect(),
            secrets: Vec::new(),
            modified: suppressed.into_iter().map(modified).collect(),
        })
        .collect()
}

// One a file, as trivy has them.
fn secret_results(report: &Report) -> impl Iterator<Item = ResultEntry<'_>> {
    secrets::results(report).into_iter().map(|(target, secrets)| ResultEntry {
        target,
        class: "secret",
        kind: "",
        packages: Vec::new(),
        vulnerabilities: Vec::new(),
        secrets,
        modified: Vec::new(),
    })
}

/// A distribution in trivy's words, where they are others than os-release's.
pub(crate) fn family(id: &str) -> &str {
    match id {
        "rhel" => "redhat",
        "almalinux" => "alma",
        "amzn" => "amazon",
        "ol" => "oracle",
        "mariner" => "cbl-mariner",
        other => other,
    }
}

/// A kind of package as trivy's types of results have it, in images.
pub(crate) fn type_of(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Python => "python-pkg",
        PackageKind::Npm => "node-pkg",
        PackageKind::Go => "gobinary",
        PackageKind::Cargo => "rustbinary",
        PackageKind::Maven => "jar",
        PackageKind::Gem => "gemspec",
        PackageKind::Composer => "composer-vendor",
        PackageKind::Nuget => "dotnet-core",
        PackageKind::Conda => "conda-pkg",
        other => other.purl_type(),
    }
}

/// What a result is about, in trivy's words.
pub(crate) fn target(report: &Report, kind: PackageKind) -> String {
    let distro = report.distro.as_ref();
    match kind {
        PackageKind::Python => "Python".to_owned(),
        PackageKind::Npm => "Node.js".to_owned(),
        PackageKind::Maven => "Java".to_owned(),
        PackageKind::Gem => "Ruby".to_owned(),
        PackageKind::Conda => "Conda".to_owned(),
        kind if kind.is_os() => {
            let release = distro.and_then(|distro| distro.version_id.as_deref());
            let words = [distro.map(|distro| family(&distro.id)), release];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            format!("{} ({})", report.artifact.name, words.join(" "))
        }
        other => other.purl_type().to_owned(),
    }
}

fn modified(suppressed: &Suppressed) -> Modified<'_> {
    let by = &suppressed.by;
    Modified {
        kind: "vulnerability",
        status: remark::status(by.status),
        statement: by.reason.as_deref().or(by.justification.as_deref()).unwrap_or_default(),
        source: &by.place,
        finding: vulnerability(&suppressed.finding),
        justification: by.justification.as_deref(),
        owner: by.owner.as_deref(),
        expires: by.expires.as_deref(),
    }
}

fn vulnerability(finding: &Finding) -> Vulnerability<'_> {
    let package = &finding.package;
    let vendor_ids = finding.advisories.iter().map(String::as_str);
    Vulnerability {
        id: &finding.id,
        vendor_ids: vendor_ids.filter(|id| *id != finding.id).collect(),
        pkg_id: format!("{}@{}", package.name, package.version),
        pkg_name: &package.name,
        // An operating system's packages are all in one database; its path says nothing.
        pkg_path: package
            .path
            .as_deref()
            .filter(|_| !package.kind.is_os())
            .map(|path| path.trim_start_matches('/')),
        pkg_identifier: Identifier { purl: &package.purl },
        installed_version: &package.version,
        fixed_version: finding.fix.version(),
        status: finding.fix.as_str(),
        layer: package.layer.as_ref().map(|layer| Layer { diff_id: layer.diff_id.to_string() }),
        severity_source: finding.severity_source.as_deref(),
        primary_url: finding.primary_url.as_deref(),
        data_source: DataSource {
            id: &finding.data_source.id,
            name: &finding.data_source.name,
            url: &finding.data_source.url,
        },
        title: &finding.title,
        description: finding.description.as_deref(),
        severity: word(finding.severity),
        cwe_ids: &finding.cwes,
        vendor_severity: vendor_severity(&finding.ratings),
        cvss: cvss(&finding.ratings),
        references: &finding.references,
        published_date: finding.published.as_deref(),
        last_modified_date: finding.modified.as_deref(),
        aliases: &finding.aliases,
        known_exploited: finding.kev.as_ref().map(|kev| KnownExploited {
            date_added: &kev.added,
            due_date: kev.due.as_deref(),
            ransomware: kev.is_used_by_ransomware,
        }),
        epss: finding.epss.map(|epss| Epss { score: epss.score(), percentile: epss.percentile() }),
        origin: remark::origin(finding),
        reasons: finding.reasons.iter().map(ToString::to_string).collect(),
    }
}

pub(crate) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Negligible => Severity::Low.as_str(),
        other => other.as_str(),
    }
}

// The first rating of a source is the one that counts; trivy's levels go from 0, unknown, to 4, critical.
fn vendor_severity(ratings: &[Rating]) -> BTreeMap<&str, u8> {
    let mut levels = BTreeMap::new();
    for rating in ratings {
        levels.entry(rating.source.as_str()).or_insert(match rating.severity {
            Severity::Unknown => 0,
            Severity::Negligible | Severity::Low => 1,
            Severity::Medium => 2,
            Severity::High => 3,
            Severity::Critical => 4,
        });
    }
    levels
}

fn cvss(ratings: &[Rating]) -> BTreeMap<&str, Cvss<'_>> {
    let mut sources: BTreeMap<&str, Cvss<'_>> = BTreeMap::new();
    for rating in ratings {
        let RatingBasis::Cvss(cvss) = &rating.basis else { continue };
        let entry = sources.entry(&rating.source).or_default();
        let (vector, score) = match cvss.version {
            CvssVersion::V2 => (&mut entry.v2_vector, &mut entry.v2_score),
            CvssVersion::V30 | CvssVersion::V31 => (&mut entry.v3_vector, &mut entry.v3_score),
            CvssVersion::V4 => (&mut entry.v40_vector, &mut entry.v40_score),
        };
        // Ratings come newest standard first, so 3.1 stays before 3.0.
        if vector.is_none() {
            *vector = Some(&cvss.vector);
            *score = Some(cvss.score());
        }
    }
    sources
}

fn remedy(remedy: &Remedy) -> RemedyEntry<'_> {
    RemedyEntry {
        pkg_names: &remedy.packages,
        installed_version: &remedy.from,
        fixed_version: &remedy.to,
        repairs: remedy.repairs,
        severity: word(remedy.severity),
        layer: remedy.layer.as_ref().map(|layer| Layer { diff_id: layer.diff_id.to_string() }),
        created_by: remedy.instruction.as_deref(),
        action: remedy.action.as_deref(),
    }
}

fn base(base: &BaseImage) -> Base<'_> {
    Base {
        name: &base.name,
        layers: base.layers,
        findings: base.findings,
        choices: base.choices.iter().map(choice).collect(),
    }
}

fn choice(choice: &BaseChoice) -> Choice<'_> {
    Choice { name: &choice.name, repairs: choice.repairs, brings: choice.brings }
}

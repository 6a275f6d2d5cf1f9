//! Reading an older JSON report, this program's or trivy's (schema version 2), to compare with.

use jiff::Timestamp;
use sealift_model::{
    DataSource, Finding, FixState, FoundPackage, Origin, PackageId, PackageKind, Purl, Severity,
};
use serde::Deserialize;

/// Bytes that a report may have.
pub const REPORT_BYTES_MAX: usize = 256 << 20;
const FINDINGS_MAX: usize = 1_000_000;

/// What an older report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldReport {
    /// What it is about.
    pub name: String,
    /// When it was made, in seconds since 1970; 0 if it does not say so.
    pub created_secs: i64,
    /// Its findings, with what a comparison needs of each.
    pub findings: Vec<Finding>,
}

/// Why a text is no report to compare with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON, or fields are of another kind.
    #[error("it is no report in JSON: {0}")]
    Syntax(String),
    /// It is JSON without results, so that everything would count as new, or nothing.
    #[error("it has no `Results`")]
    NoResults,
    /// It has too much.
    #[error("it has more than {FINDINGS_MAX} findings")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    artifact_name: String,
    // trivy leaves it out if there is nothing at all; then the schema says that it is such a report.
    results: Option<Vec<Entry>>,
    schema_version: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(default, rename = "Type")]
    kind: String,
    #[serde(default)]
    vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vulnerability {
    #[serde(rename = "VulnerabilityID")]
    id: String,
    pkg_name: String,
    #[serde(default)]
    pkg_path: Option<String>,
    #[serde(default)]
    pkg_identifier: Option<Identifier>,
    #[serde(default)]
    installed_version: String,
    #[serde(default)]
    fixed_version: Option<String>,
    #[serde(default)]
    severity: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    published_date: Option<String>,
}

#[derive(Deserialize)]
struct Identifier {
    #[serde(default, rename = "PURL")]
    purl: Option<String>,
}

/// Reads one.
pub fn read(bytes: &[u8]) -> Result<OldReport, ReadError> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| ReadError::Syntax(error.to_string()))?;
    if document.results.is_none() && document.schema_version != Some(2) {
        return Err(ReadError::NoResults);
    }
    let created = document.created_at.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let mut findings = Vec::new();
    for entry in document.results.unwrap_or_default() {
        for vulnerability in entry.vulnerabilities.unwrap_or_default() {
            findings.push(finding(vulnerability, &entry.kind));
        }
        if findings.len() > FINDINGS_MAX {
            return Err(ReadError::TooMany);
        }
    }
    Ok(OldReport {
        name: document.artifact_name,
        created_secs: created.map_or(0, Timestamp::as_second),
        findings,
    })
}

fn finding(old: Vulnerability, kind: &str) -> Finding {
    let purl = old.pkg_identifier.and_then(|identifier| identifier.purl);
    let known = purl.as_deref().and_then(Purl::parse);
    let kind = known.map_or_else(|| kind_of(kind), |purl| PackageKind::from_purl_type(&purl.kind));
    let fix = old.fixed_version.filter(|version| !version.is_empty());
    let severity = old.severity.as_deref().and_then(|word| word.parse().ok());
    Finding {
        aliases: old.aliases,
        advisories: Vec::new(),
        package: FoundPackage {
            id: PackageId(0),
            kind,
            name: old.pkg_name,
            version: old.installed_version,
            source_name: None,
            purl: purl.unwrap_or_default(),
            path: old.pkg_path,
            layer: None,
        },
        fix: fix.map_or(FixState::Affected, FixState::Fixed),
        severity: severity.unwrap_or(Severity::Unknown),
        severity_source: None,
        ratings: Vec::new(),
        kev: None,
        epss: None,
        title: old.title.unwrap_or_default(),
        description: None,
        cwes: Vec::new(),
        primary_url: None,
        references: Vec::new(),
        published: old.published_date,
        modified: None,
        data_source: DataSource::default(),
        reasons: Vec::new(),
        origin: Origin::Unknown,
        id: old.id,
    }
}

// Where a report has no package URL: the types of trivy's results.
fn kind_of(word: &str) -> PackageKind {
    match word {
        "debian" | "ubuntu" => PackageKind::Deb,
        "alpine" | "wolfi" | "chainguard" => PackageKind::Apk,
        "python-pkg" | "pip" | "pipenv" | "poetry" | "uv" => PackageKind::Python,
        "node-pkg" | "yarn" | "pnpm" | "bun" => PackageKind::Npm,
        "gobinary" | "gomod" => PackageKind::Go,
        "rustbinary" => PackageKind::Cargo,
        "jar" | "pom" | "gradle" | "sbt" => PackageKind::Maven,
        "gemspec" | "bundler" => PackageKind::Gem,
        "composer-vendor" => PackageKind::Composer,
        "dotnet-core" | "packages-props" => PackageKind::Nuget,
        "conda-pkg" => PackageKind::Conda,
        "redhat" | "centos" | "rocky" | "alma" | "oracle" | "amazon" | "photon" | "azurelinux"
        | "cbl-mariner" => PackageKind::Rpm,
        other if other.contains("suse") || other == "fedora" => PackageKind::Rpm,
        other => PackageKind::from_purl_type(other),
    }
}

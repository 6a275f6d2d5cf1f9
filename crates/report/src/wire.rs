//! The JSON document, field names and order as trivy's users know them; fields of our own come last.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::comparison::Changes;
use crate::packages::PackageEntry;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Document<'a> {
    pub(crate) schema_version: u8,
    pub(crate) created_at: String,
    pub(crate) artifact_name: &'a str,
    pub(crate) artifact_type: &'static str,
    pub(crate) metadata: Metadata<'a>,
    pub(crate) results: Vec<ResultEntry<'a>>,
    pub(crate) advisory_database: Database<'a>,
    pub(crate) example_data_only: bool,
    pub(crate) notes: Vec<Note<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hidden: Option<Hidden>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) stale_ignores: Vec<Stale<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release_life: Option<Life<'a>>,
    pub(crate) remedies: Vec<RemedyEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) base_image: Option<Base<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) comparison: Option<Changes<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Metadata<'a> {
    #[serde(rename = "OS", skip_serializing_if = "Option::is_none")]
    pub(crate) os: Option<Os<'a>>,
    #[serde(rename = "ImageID", skip_serializing_if = "Option::is_none")]
    pub(crate) image_id: Option<String>,
    #[serde(rename = "DiffIDs", skip_serializing_if = "Vec::is_empty")]
    pub(crate) diff_ids: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) repo_tags: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) repo_digests: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) image_config: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Os<'a> {
    pub(crate) family: &'a str,
    pub(crate) name: &'a str,
    #[serde(rename = "EOSL", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_over: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResultEntry<'a> {
    pub(crate) target: String,
    pub(crate) class: &'static str,
    #[serde(rename = "Type", skip_serializing_if = "str::is_empty")]
    pub(crate) kind: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) packages: Vec<PackageEntry<'a>>,
    // Always there, so that `.Results[].Vulnerabilities[]` needs no `?`.
    pub(crate) vulnerabilities: Vec<Vulnerability<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) secrets: Vec<Value>,
    #[serde(rename = "ExperimentalModifiedFindings", skip_serializing_if = "Vec::is_empty")]
    pub(crate) modified: Vec<Modified<'a>>,
}

/// A finding that somebody answered for.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Modified<'a> {
    #[serde(rename = "Type")]
    pub(crate) kind: &'static str,
    pub(crate) status: &'static str,
    pub(crate) statement: &'a str,
    pub(crate) source: &'a str,
    pub(crate) finding: Vulnerability<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) justification: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Vulnerability<'a> {
    #[serde(rename = "VulnerabilityID")]
    pub(crate) id: &'a str,
    #[serde(rename = "VendorIDs", skip_serializing_if = "Vec::is_empty")]
    pub(crate) vendor_ids: Vec<&'a str>,
    #[serde(rename = "PkgID")]
    pub(crate) pkg_id: String,
    pub(crate) pkg_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pkg_path: Option<&'a str>,
    pub(crate) pkg_identifier: Identifier<'a>,
    pub(crate) installed_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fixed_version: Option<&'a str>,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layer: Option<Layer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) severity_source: Option<&'a str>,
    #[serde(rename = "PrimaryURL", skip_serializing_if = "Option::is_none")]
    pub(crate) primary_url: Option<&'a str>,
    pub(crate) data_source: DataSource<'a>,
    pub(crate) title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<&'a str>,
    pub(crate) severity: &'static str,
    #[serde(rename = "CweIDs", skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) cwe_ids: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) vendor_severity: BTreeMap<&'a str, u8>,
    #[serde(rename = "CVSS", skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) cvss: BTreeMap<&'a str, Cvss<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) references: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) published_date: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_modified_date: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) aliases: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) known_exploited: Option<KnownExploited<'a>>,
    #[serde(rename = "EPSS", skip_serializing_if = "Option::is_none")]
    pub(crate) epss: Option<Epss>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) origin: &'static str,
    pub(crate) reasons: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KnownExploited<'a> {
    pub(crate) date_added: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) due_date: Option<&'a str>,
    pub(crate) ransomware: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Epss {
    pub(crate) score: f64,
    pub(crate) percentile: f64,
}

#[derive(Serialize)]
pub(crate) struct Identifier<'a> {
    #[serde(rename = "PURL")]
    pub(crate) purl: &'a str,
}

#[derive(Serialize)]
pub(crate) struct Layer {
    #[serde(rename = "DiffID")]
    pub(crate) diff_id: String,
}

#[derive(Serialize)]
pub(crate) struct DataSource<'a> {
    #[serde(rename = "ID")]
    pub(crate) id: &'a str,
    #[serde(rename = "Name")]
    pub(crate) name: &'a str,
    #[serde(rename = "URL", skip_serializing_if = "str::is_empty")]
    pub(crate) url: &'a str,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cvss<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) v2_vector: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) v3_vector: Option<&'a str>,
    #[serde(rename = "V40Vector", skip_serializing_if = "Option::is_none")]
    pub(crate) v40_vector: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) v2_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) v3_score: Option<f64>,
    #[serde(rename = "V40Score", skip_serializing_if = "Option::is_none")]
    pub(crate) v40_score: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Database<'a> {
    pub(crate) source: &'a str,
    pub(crate) records: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) newest_modified: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) made_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age_days: Option<i64>,
}

/// Findings that the options left out.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Hidden {
    pub(crate) total: usize,
    pub(crate) by_severity: BTreeMap<&'static str, usize>,
    pub(crate) unfixed: usize,
    pub(crate) by_status: usize,
    pub(crate) not_running: usize,
    pub(crate) known: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Stale<'a> {
    pub(crate) place: &'a str,
    #[serde(rename = "ID")]
    pub(crate) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) expired: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Life<'a> {
    pub(crate) release: &'a str,
    pub(crate) ends: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extended_ends: Option<&'a str>,
    pub(crate) is_over: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Note<'a> {
    pub(crate) subject: &'a str,
    pub(crate) message: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RemedyEntry<'a> {
    pub(crate) pkg_names: &'a [String],
    pub(crate) installed_version: &'a str,
    pub(crate) fixed_version: &'a str,
    pub(crate) repairs: usize,
    pub(crate) severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layer: Option<Layer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) created_by: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Base<'a> {
    pub(crate) name: &'a str,
    pub(crate) layers: usize,
    pub(crate) findings: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) choices: Vec<Choice<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Choice<'a> {
    pub(crate) name: &'a str,
    pub(crate) repairs: usize,
    pub(crate) brings: usize,
}

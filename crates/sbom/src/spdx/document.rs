//! An SPDX 2 document in parts, as JSON has them.

use serde::Serialize;

use super::{NAMELESS, NO_ASSERTION};
use crate::text;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    pub(super) spdx_version: &'static str,
    pub(super) data_license: &'static str,
    #[serde(rename = "SPDXID")]
    pub(super) spdx_id: &'static str,
    pub(super) name: String,
    #[serde(rename = "documentNamespace")]
    pub(super) namespace: String,
    pub(super) creation_info: CreationInfo,
    pub(super) packages: Vec<SpdxPackage>,
    #[serde(rename = "hasExtractedLicensingInfos", skip_serializing_if = "Vec::is_empty")]
    pub(super) extracted: Vec<ExtractedLicense>,
    pub(super) relationships: Vec<Relationship>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreationInfo {
    pub(super) license_list_version: String,
    pub(super) creators: Vec<String>,
    pub(super) created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpdxPackage {
    pub(super) name: String,
    #[serde(rename = "SPDXID")]
    pub(super) spdx_id: String,
    #[serde(rename = "versionInfo", skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    pub(super) supplier: String,
    pub(super) download_location: String,
    pub(super) files_analyzed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_info: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum>,
    pub(super) license_concluded: String,
    pub(super) license_declared: String,
    pub(super) copyright_text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) comment: Option<String>,
    #[serde(rename = "primaryPackagePurpose", skip_serializing_if = "Option::is_none")]
    pub(super) purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_refs: Vec<ExternalRef>,
}

impl SpdxPackage {
    pub(super) fn new(name: &str, id: &str) -> Self {
        Self {
            name: text::some(name).unwrap_or_else(|| NAMELESS.to_owned()),
            spdx_id: id.to_owned(),
            version: None,
            supplier: NO_ASSERTION.to_owned(),
            download_location: NO_ASSERTION.to_owned(),
            files_analyzed: false,
            homepage: None,
            source_info: None,
            checksums: Vec::new(),
            license_concluded: NO_ASSERTION.to_owned(),
            license_declared: NO_ASSERTION.to_owned(),
            copyright_text: NO_ASSERTION.to_owned(),
            summary: None,
            comment: None,
            purpose: None,
            external_refs: Vec::new(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ExternalRef {
    #[serde(rename = "referenceCategory")]
    pub(super) category: &'static str,
    #[serde(rename = "referenceType")]
    pub(super) kind: &'static str,
    #[serde(rename = "referenceLocator")]
    pub(super) locator: String,
}

impl ExternalRef {
    pub(super) fn purl(category: &'static str, purl: String) -> Self {
        Self { category, kind: "purl", locator: purl }
    }

    pub(super) fn cpe(cpe: String) -> Self {
        Self { category: "SECURITY", kind: "cpe23Type", locator: cpe }
    }
}

#[derive(Serialize)]
pub(super) struct Checksum {
    pub(super) algorithm: &'static str,
    #[serde(rename = "checksumValue")]
    pub(super) value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExtractedLicense {
    pub(super) license_id: String,
    pub(super) name: String,
    pub(super) extracted_text: String,
}

#[derive(Serialize)]
pub(super) struct Relationship {
    #[serde(rename = "spdxElementId")]
    pub(super) from: String,
    #[serde(rename = "relationshipType")]
    pub(super) kind: &'static str,
    #[serde(rename = "relatedSpdxElement")]
    pub(super) to: String,
}

impl Relationship {
    pub(super) fn new(from: &str, kind: &'static str, to: &str) -> Self {
        Self { from: from.to_owned(), kind, to: to.to_owned() }
    }
}

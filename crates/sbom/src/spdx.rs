//! SPDX 2.3 as JSON (<https://spdx.github.io/spdx-spec/v2.3/>).

use sealift_model::{Distro, Inventory, Package};
use serde::Serialize;

use crate::Subject;
use crate::components::{Components, unique};
use crate::license::{Extracted, spdx_expression};
use crate::party::Party;
use crate::text;

const NO_ASSERTION: &str = "NOASSERTION";
const DOCUMENT_ID: &str = "SPDXRef-DOCUMENT";
const ROOT_ID: &str = "SPDXRef-Image";
const DISTRO_ID: &str = "SPDXRef-OperatingSystem";

/// Writes a document.
pub fn encode(inventory: &Inventory, subject: &Subject) -> String {
    let mut document = document(inventory, subject);
    let content = to_json(&document);
    let name = text::identifier(&subject.name);
    document.namespace = format!(
        "https://spdx.org/spdxdocs/sealift-{}-{}",
        name.trim_matches('-'),
        text::content_uuid(content.as_bytes())
    );
    to_json(&document)
}

fn to_json(document: &Document) -> String {
    let mut json = serde_json::to_string_pretty(document).expect("texts and lists are JSON");
    json.push('\n');
    json
}

fn document(inventory: &Inventory, subject: &Subject) -> Document {
    let components = Components::new(inventory);
    let distro = inventory.distro.as_ref();
    let ids = unique(components.packages.iter().map(|package| package_id(package)).collect());
    let mut extracted = Extracted::new();

    let mut packages = vec![root_package(subject)];
    packages.extend(distro.map(distro_package));
    for (package, id) in components.packages.iter().zip(&ids) {
        packages.push(self::package(package, id, distro, &mut extracted));
    }

    let mut relationships = vec![Relationship::new(DOCUMENT_ID, "DESCRIBES", ROOT_ID)];
    if distro.is_some() {
        relationships.push(Relationship::new(ROOT_ID, "CONTAINS", DISTRO_ID));
    }
    relationships.extend(ids.iter().map(|id| Relationship::new(ROOT_ID, "CONTAINS", id)));
    for (from, needs) in components.needs.iter().enumerate() {
        relationships
            .extend(needs.iter().map(|to| Relationship::new(&ids[from], "DEPENDS_ON", &ids[*to])));
    }

    let name = text::some(&subject.name).unwrap_or_else(|| NO_ASSERTION.to_owned());
    Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        spdx_id: DOCUMENT_ID,
        name,
        namespace: String::new(),
        creation_info: creation_info(inventory, subject),
        packages,
        extracted: extracted
            .into_iter()
            .map(|(license_id, text)| ExtractedLicense {
                license_id,
                name: text::line(&text),
                extracted_text: text,
            })
            .collect(),
        relationships,
    }
}

fn creation_info(inventory: &Inventory, subject: &Subject) -> CreationInfo {
    let notes: Vec<String> = inventory
        .notes
        .iter()
        .map(|note| text::line(&format!("{}: {}", note.subject, note.message)))
        .collect();
    CreationInfo {
        license_list_version: list_version(),
        creators: vec![
            "Organization: Sealift".to_owned(),
            format!("Tool: sealift-{}", env!("CARGO_PKG_VERSION")),
        ],
        created: subject.timestamp(),
        comment: if notes.is_empty() { None } else { Some(notes.join("\n")) },
    }
}

// `3.29.0` is `3.29` in the format.
fn list_version() -> String {
    spdx::license_version().split('.').take(2).collect::<Vec<_>>().join(".")
}

fn root_package(subject: &Subject) -> SpdxPackage {
    let supplier = subject.supplier.as_deref().and_then(|name| Party::parse(name, false));
    SpdxPackage {
        version: subject.digest.as_ref().map(ToString::to_string),
        supplier: supplier.map_or_else(|| NO_ASSERTION.to_owned(), |party| party.spdx()),
        purpose: Some("CONTAINER"),
        external_refs: subject
            .purl()
            .iter()
            .map(|purl| ExternalRef::purl(purl.to_string()))
            .collect(),
        ..SpdxPackage::new(&subject.name, ROOT_ID)
    }
}

fn distro_package(distro: &Distro) -> SpdxPackage {
    let supplier = Party::of_distro(&distro.id);
    SpdxPackage {
        version: distro.version_id.as_deref().and_then(text::some),
        supplier: supplier.map_or_else(|| NO_ASSERTION.to_owned(), |party| party.spdx()),
        purpose: Some("OPERATING-SYSTEM"),
        summary: distro.pretty_name.as_deref().and_then(text::some),
        ..SpdxPackage::new(&distro.id, DISTRO_ID)
    }
}

fn package(
    package: &Package,
    id: &str,
    distro: Option<&Distro>,
    extracted: &mut Extracted,
) -> SpdxPackage {
    let supplier = Party::of_package(package, distro.map(|distro| distro.id.as_str()));
    let license = spdx_expression(&package.licenses, extracted);
    SpdxPackage {
        version: package.version.as_deref().and_then(text::some),
        supplier: supplier.map_or_else(|| NO_ASSERTION.to_owned(), |party| party.spdx()),
        homepage: package.homepage.as_deref().and_then(text::web_address),
        source_info: source_info(package),
        license_declared: license.unwrap_or_else(|| NO_ASSERTION.to_owned()),
        summary: package.summary.as_deref().and_then(text::some),
        external_refs: text::purl(package).into_iter().map(ExternalRef::purl).collect(),
        ..SpdxPackage::new(&package.name, id)
    }
}

fn source_info(package: &Package) -> Option<String> {
    let mut parts = Vec::new();
    if let Some(source) = &package.source {
        parts.push(format!("built from source package {} {}", source.name, source.version));
    }
    for evidence in &package.evidence {
        parts.push(match &evidence.layer {
            Some(layer) => format!("found by {} in layer {}", evidence.path, layer.diff_id),
            None => format!("found by {}", evidence.path),
        });
    }
    if let Some(layer) = &package.introduced_by {
        parts.push(format!("introduced by layer {} ({})", layer.index, layer.diff_id));
    }
    text::some(&parts.join("; "))
}

fn package_id(package: &Package) -> String {
    let version = package.version.as_deref().unwrap_or("unknown");
    let architecture = package.architecture.as_deref().unwrap_or_default();
    let readable = format!("{}-{}-{version}", package.kind.purl_type(), package.name);
    let exact = format!("{}\0{architecture}\0{version}", package.purl);
    let digest = sealift_oci::Digest::sha256(exact.as_bytes());
    format!("SPDXRef-Package-{}-{}", text::identifier(&readable), &digest.hex()[..8])
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    spdx_id: &'static str,
    name: String,
    #[serde(rename = "documentNamespace")]
    namespace: String,
    creation_info: CreationInfo,
    packages: Vec<SpdxPackage>,
    #[serde(rename = "hasExtractedLicensingInfos", skip_serializing_if = "Vec::is_empty")]
    extracted: Vec<ExtractedLicense>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreationInfo {
    license_list_version: String,
    creators: Vec<String>,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage {
    name: String,
    #[serde(rename = "SPDXID")]
    spdx_id: String,
    #[serde(rename = "versionInfo", skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    supplier: String,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    homepage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: String,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(rename = "primaryPackagePurpose", skip_serializing_if = "Option::is_none")]
    purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
}

impl SpdxPackage {
    fn new(name: &str, id: &str) -> Self {
        Self {
            name: text::some(name).unwrap_or_else(|| NO_ASSERTION.to_owned()),
            spdx_id: id.to_owned(),
            version: None,
            supplier: NO_ASSERTION.to_owned(),
            download_location: NO_ASSERTION,
            files_analyzed: false,
            homepage: None,
            source_info: None,
            license_concluded: NO_ASSERTION,
            license_declared: NO_ASSERTION.to_owned(),
            copyright_text: NO_ASSERTION,
            summary: None,
            purpose: None,
            external_refs: Vec::new(),
        }
    }
}

#[derive(Serialize)]
struct ExternalRef {
    #[serde(rename = "referenceCategory")]
    category: &'static str,
    #[serde(rename = "referenceType")]
    kind: &'static str,
    #[serde(rename = "referenceLocator")]
    locator: String,
}

impl ExternalRef {
    fn purl(purl: String) -> Self {
        Self { category: "PACKAGE-MANAGER", kind: "purl", locator: purl }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExtractedLicense {
    license_id: String,
    name: String,
    extracted_text: String,
}

#[derive(Serialize)]
struct Relationship {
    #[serde(rename = "spdxElementId")]
    from: String,
    #[serde(rename = "relationshipType")]
    kind: &'static str,
    #[serde(rename = "relatedSpdxElement")]
    to: String,
}

impl Relationship {
    fn new(from: &str, kind: &'static str, to: &str) -> Self {
        Self { from: from.to_owned(), kind, to: to.to_owned() }
    }
}

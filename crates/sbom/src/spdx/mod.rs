//! SPDX 2.1 to 2.3 as JSON and tag-value (<https://spdx.github.io/spdx-spec/v2.3/>), and 3.0.1.

mod document;
pub(crate) mod linked;
mod tag_value;

use sealift_model::{Distro, HashAlgorithm, Inventory, LicenseSource, Package};

use crate::Subject;
use crate::components::{Components, unique};
use crate::facts;
use crate::license::{Extracted, spdx_expression};
use crate::party::Party;
use crate::text;

use document::{
    Checksum, CreationInfo, Document, ExternalRef, ExtractedLicense, Relationship, SpdxPackage,
};

const NO_ASSERTION: &str = "NOASSERTION";
// What has no name. `NOASSERTION` is not allowed there in tag-value.
const NAMELESS: &str = "unknown";
const HOME: &str = "https://github.com/sealift/sealift";
const DOCUMENT_ID: &str = "SPDXRef-DOCUMENT";
const ROOT_ID: &str = "SPDXRef-Image";
const DISTRO_ID: &str = "SPDXRef-OperatingSystem";

/// A version of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V2_1,
    V2_2,
    V2_3,
}

impl Version {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
            Self::V2_3 => "2.3",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::V2_1 => "SPDX-2.1",
            Self::V2_2 => "SPDX-2.2",
            Self::V2_3 => "SPDX-2.3",
        }
    }
}

// The schemas for JSON have underscores where the text of the specification has hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    Json,
    TagValue,
}

impl Notation {
    fn purl_category(self, version: Version) -> &'static str {
        match self {
            Self::Json if version < Version::V2_3 => "PACKAGE_MANAGER",
            _ => "PACKAGE-MANAGER",
        }
    }
}

/// Writes a document, JSON of version 2.3.
pub fn encode(inventory: &Inventory, subject: &Subject) -> String {
    json(inventory, subject, Version::V2_3)
}

/// Writes a document as tags and values, of version 2.3.
pub fn encode_tag_value(inventory: &Inventory, subject: &Subject) -> String {
    tag_value(inventory, subject, Version::V2_3)
}

/// Writes a document as JSON.
pub(crate) fn json(inventory: &Inventory, subject: &Subject, version: Version) -> String {
    let mut document = document(inventory, subject, version, Notation::Json);
    document.namespace = namespace(&subject.name, &to_json(&document));
    to_json(&document)
}

/// Writes a document as tags and values.
pub(crate) fn tag_value(inventory: &Inventory, subject: &Subject, version: Version) -> String {
    let mut document = document(inventory, subject, version, Notation::TagValue);
    document.namespace = namespace(&subject.name, &tag_value::encode(&document));
    tag_value::encode(&document)
}

fn namespace(name: &str, content: &str) -> String {
    let name = text::identifier(name);
    format!(
        "https://spdx.org/spdxdocs/sealift-{}-{}",
        name.trim_matches('-'),
        text::content_uuid(content.as_bytes())
    )
}

fn to_json(document: &Document) -> String {
    let mut json = serde_json::to_string_pretty(document).expect("texts and lists are JSON");
    json.push('\n');
    json
}

fn document(
    inventory: &Inventory,
    subject: &Subject,
    version: Version,
    notation: Notation,
) -> Document {
    let purl_category = notation.purl_category(version);
    let components = Components::new(inventory);
    let distro = inventory.distro.as_ref();
    let ids = unique(components.packages.iter().map(|package| package_id(package)).collect());
    let mut extracted = Extracted::new();

    let mut packages = vec![root_package(subject, inventory, &mut extracted, purl_category)];
    packages.extend(distro.map(distro_package));
    for (package, id) in components.packages.iter().zip(&ids) {
        packages.push(self::package(package, id, inventory, &mut extracted, purl_category));
    }
    for package in &mut packages {
        suit(package, version, notation);
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
    for (from, sources) in components.built_from.iter().enumerate() {
        let linked = sources.iter().map(|to| &ids[*to]);
        relationships.extend(linked.map(|to| Relationship::new(&ids[from], "STATIC_LINK", to)));
    }

    let name = text::some(&subject.name).unwrap_or_else(|| NAMELESS.to_owned());
    Document {
        spdx_version: version.text(),
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

// Takes out what the version does not have, and writes the rest in its words.
fn suit(package: &mut SpdxPackage, version: Version, notation: Notation) {
    // Readers of tag-value take a date for no text: there it only stands in the comment.
    let is_date = |line: &str| line.starts_with("sealift:modified=");
    let comment = package.comment.as_deref().unwrap_or_default();
    if notation == Notation::TagValue && comment.lines().any(is_date) {
        package.version = None;
    }
    if notation == Notation::Json && package.purpose == Some("OPERATING-SYSTEM") {
        package.purpose = Some("OPERATING_SYSTEM");
    }
    if version < Version::V2_3 {
        package.purpose = None;
    }
    if version < Version::V2_2 {
        package.checksums.retain(|checksum| !matches!(checksum.algorithm, "SHA384" | "SHA512"));
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
            creator(subject).spdx(),
            format!("Tool: sealift-{}", env!("CARGO_PKG_VERSION")),
        ],
        created: subject.timestamp(),
        comment: if notes.is_empty() { None } else { Some(notes.join("\n")) },
    }
}

/// Who answers for the document: whom the user names, else those who make the tool.
pub(super) fn creator(subject: &Subject) -> Party {
    let named = subject.creator.as_deref().and_then(Party::parse_either);
    named.unwrap_or_else(|| Party { url: Some(HOME.to_owned()), ..Party::named("Sealift") })
}

// `3.29.0` is `3.29` in the format.
fn list_version() -> String {
    spdx::license_version().split('.').take(2).collect::<Vec<_>>().join(".")
}

fn root_package(
    subject: &Subject,
    inventory: &Inventory,
    extracted: &mut Extracted,
    purl_category: &'static str,
) -> SpdxPackage {
    let license = spdx_expression(&subject.licenses(), extracted);
    let license = license.unwrap_or_else(|| NO_ASSERTION.to_owned());
    let digest = subject.digest.as_ref().filter(|digest| digest.hex().len() == 64);
    let sha256 = digest.map(|it| Checksum { algorithm: "SHA256", value: it.hex().to_owned() });
    let sha512 = subject.manifest_sha512.clone();
    SpdxPackage {
        version: subject.digest.as_ref().map(ToString::to_string),
        supplier: supplier_or_none(Party::of_subject(subject)),
        homepage: subject.homepage.as_deref().and_then(text::web_address),
        checksums: sha256
            .into_iter()
            .chain(sha512.map(|value| Checksum { algorithm: "SHA512", value }))
            .collect(),
        license_concluded: license.clone(),
        license_declared: license,
        comment: facts::to_lines(&facts::of_subject(subject, inventory)),
        purpose: Some("CONTAINER"),
        external_refs: subject
            .purl()
            .iter()
            .map(|purl| ExternalRef::purl(purl_category, purl.to_string()))
            .collect(),
        ..SpdxPackage::new(&subject.name, ROOT_ID)
    }
}

// Nobody is named where nobody is known.
fn supplier_or_none(supplier: Option<Party>) -> String {
    supplier.map_or_else(|| NO_ASSERTION.to_owned(), |party| party.spdx())
}

fn distro_package(distro: &Distro) -> SpdxPackage {
    SpdxPackage {
        version: distro_version(distro),
        supplier: supplier_or_none(Party::of_distro(&distro.id)),
        purpose: Some("OPERATING-SYSTEM"),
        summary: distro.pretty_name.as_deref().and_then(text::some),
        ..SpdxPackage::new(&distro.id, DISTRO_ID)
    }
}

// A distribution without numbers goes by its name.
pub(super) fn distro_version(distro: &Distro) -> Option<String> {
    let version = distro.version_id.as_deref().and_then(text::some);
    version.or_else(|| distro.codename.as_deref().and_then(text::some))
}

fn package(
    package: &Package,
    id: &str,
    inventory: &Inventory,
    extracted: &mut Extracted,
    purl_category: &'static str,
) -> SpdxPackage {
    let distro = inventory.distro.as_ref().map(|distro| distro.id.as_str());
    let (declared, concluded) = license_expressions(package, extracted);
    let no_assertion = || NO_ASSERTION.to_owned();
    let download = package.download_url.as_deref().and_then(text::web_address);
    let cpes = package.cpes.iter().filter_map(|cpe| text::cpe(cpe)).map(ExternalRef::cpe);
    let purl = text::purl(package).map(|purl| ExternalRef::purl(purl_category, purl));
    SpdxPackage {
        version: text::version_or_date(package),
        supplier: supplier_or_none(Party::of_package_or_registry(package, distro)),
        download_location: download.unwrap_or_else(no_assertion),
        homepage: package.homepage.as_deref().and_then(text::web_address),
        source_info: source_info(package),
        checksums: checksums(package),
        license_concluded: concluded.unwrap_or_else(no_assertion),
        license_declared: declared.unwrap_or_else(no_assertion),
        copyright_text: package
            .copyright
            .as_deref()
            .and_then(text::block)
            .unwrap_or_else(no_assertion),
        summary: package.summary.as_deref().and_then(text::some),
        comment: facts::to_lines(&facts::of_package(package, inventory)),
        external_refs: purl.into_iter().chain(cpes).collect(),
        ..SpdxPackage::new(&package.name, id)
    }
}

/// What the package's record says, and what follows from that and from texts that were recognised.
pub(super) fn license_expressions(
    package: &Package,
    extracted: &mut Extracted,
) -> (Option<String>, Option<String>) {
    let licenses = package.licenses.iter();
    let declared = licenses.filter(|license| license.source == LicenseSource::Declared);
    let declared = spdx_expression(declared, extracted);
    (declared, spdx_expression(&package.licenses, extracted))
}

fn checksums(package: &Package) -> Vec<Checksum> {
    let hashes = package.hashes.iter().filter(|hash| text::is_hash(hash));
    hashes
        .map(|hash| Checksum {
            algorithm: match hash.algorithm {
                HashAlgorithm::Md5 => "MD5",
                HashAlgorithm::Sha1 => "SHA1",
                HashAlgorithm::Sha256 => "SHA256",
                HashAlgorithm::Sha384 => "SHA384",
                HashAlgorithm::Sha512 => "SHA512",
            },
            value: hash.hex.clone(),
        })
        .collect()
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

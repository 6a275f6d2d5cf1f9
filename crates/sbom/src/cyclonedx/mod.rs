//! CycloneDX 1.2 to 1.7 as JSON and XML (<https://cyclonedx.org/docs/1.6/json/>).

mod document;
mod xml;

use std::collections::BTreeMap;

use sealift_model::{
    Confidence, Distro, HashAlgorithm, Inventory, LicenseSource, Method, Package, PackageId, Scope,
};
use serde_json::Value;

use crate::Subject;
use crate::components::{Components, unique};
use crate::facts;
use crate::license::{Choice, Named, choice};
use crate::party::Party;
use crate::text;

use document::{
    Component, Composition, Contact, Dependency, Document, Entity, Evidence, ExternalReference,
    Hash, Identities, Identity, IdentityMethod, License, LicenseChoice, Lifecycle, Metadata,
    Occurrence, Property, Tool, Tools,
};

const ROOT_REF: &str = "image";
const DISTRO_REF: &str = "operating-system";

/// A version of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    V1_2,
    V1_3,
    V1_4,
    V1_5,
    V1_6,
    V1_7,
}

impl Version {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V1_2 => "1.2",
            Self::V1_3 => "1.3",
            Self::V1_4 => "1.4",
            Self::V1_5 => "1.5",
            Self::V1_6 => "1.6",
            Self::V1_7 => "1.7",
        }
    }

    fn schema(self) -> &'static str {
        match self {
            Self::V1_2 => "http://cyclonedx.org/schema/bom-1.2.schema.json",
            Self::V1_3 => "http://cyclonedx.org/schema/bom-1.3.schema.json",
            Self::V1_4 => "http://cyclonedx.org/schema/bom-1.4.schema.json",
            Self::V1_5 => "http://cyclonedx.org/schema/bom-1.5.schema.json",
            Self::V1_6 => "http://cyclonedx.org/schema/bom-1.6.schema.json",
            Self::V1_7 => "http://cyclonedx.org/schema/bom-1.7.schema.json",
        }
    }
}

/// Writes a document, JSON of version 1.6.
pub fn encode(inventory: &Inventory, subject: &Subject) -> String {
    json(inventory, subject, Version::V1_6)
}

/// What a document says beside what is inside.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Properties of the whole, name and value.
    pub properties: Vec<(&'static str, String)>,
    /// Entries of `vulnerabilities`, as version 1.6 has them.
    pub vulnerabilities: Vec<Value>,
}

/// Writes a document with vulnerabilities, JSON of version 1.6: [`encode`]'s, and what is found in it.
pub fn encode_with(inventory: &Inventory, subject: &Subject, findings: Findings) -> String {
    let mut document = document(inventory, subject, Version::V1_6);
    let properties = findings.properties.iter();
    let properties = properties.map(|(name, value)| Property::new(name, value));
    document.metadata.properties.extend(properties);
    document.vulnerabilities = findings.vulnerabilities;
    document.serial_number = Some(serial_number(&to_json(&document)));
    to_json(&document)
}

/// What stands for each package in a document; for one that is not listed, its owner's.
pub fn references(inventory: &Inventory) -> BTreeMap<PackageId, String> {
    let components = Components::new(inventory);
    let refs = component_refs(&components);
    components.places.iter().map(|(id, place)| (*id, refs[*place].clone())).collect()
}

fn component_refs(components: &Components<'_>) -> Vec<String> {
    unique(components.packages.iter().map(|package| package.purl.to_string()).collect())
}

/// Writes a document as JSON.
pub(crate) fn json(inventory: &Inventory, subject: &Subject, version: Version) -> String {
    let mut document = document(inventory, subject, version);
    document.serial_number = Some(serial_number(&to_json(&document)));
    to_json(&document)
}

/// Writes a document as XML.
pub(crate) fn xml(inventory: &Inventory, subject: &Subject, version: Version) -> String {
    let mut document = document(inventory, subject, version);
    document.serial_number = Some(serial_number(&xml::encode(&document)));
    xml::encode(&document)
}

fn serial_number(content: &str) -> String {
    format!("urn:uuid:{}", text::content_uuid(content.as_bytes()))
}

fn to_json(document: &Document) -> String {
    let mut json = serde_json::to_string_pretty(document).expect("texts and lists are JSON");
    json.push('\n');
    json
}

fn document(inventory: &Inventory, subject: &Subject, version: Version) -> Document {
    let components = Components::new(inventory);
    let distro = inventory.distro.as_ref();
    let refs = component_refs(&components);

    let mut listed: Vec<Component> = components
        .packages
        .iter()
        .zip(&refs)
        .map(|(package, bom_ref)| component(package, bom_ref, inventory, version))
        .collect();
    listed.extend(distro.map(distro_component));

    let mut root_needs: Vec<String> = Vec::new();
    root_needs.extend(distro.map(|_| DISTRO_REF.to_owned()));
    root_needs.extend(components.roots.iter().map(|place| refs[*place].clone()));
    let mut dependencies = vec![Dependency::new(ROOT_REF, root_needs)];
    dependencies.extend(distro.map(|_| Dependency::new(DISTRO_REF, Vec::new())));
    for (from, reference) in refs.iter().enumerate() {
        let needs = components.edges(from).iter().map(|to| refs[*to].clone()).collect();
        dependencies.push(Dependency::new(reference, needs));
    }

    let mut document = Document {
        schema: version.schema(),
        bom_format: "CycloneDX",
        spec_version: version.as_str(),
        serial_number: None,
        version: 1,
        metadata: metadata(inventory, subject, version),
        components: listed,
        dependencies,
        compositions: compositions(inventory, version),
        vulnerabilities: Vec::new(),
    };
    let root = std::iter::once(&mut document.metadata.component);
    for component in root.chain(&mut document.components) {
        suit(component, version);
    }
    document
}

// What could not be read is missing here, and the reader must be able to know that. Databases say all that their
// packages need, but not what else may be in the image.
fn compositions(inventory: &Inventory, version: Version) -> Vec<Composition> {
    if version < Version::V1_3 {
        return Vec::new();
    }
    let aggregate = if inventory.notes.is_empty() { "unknown" } else { "incomplete" };
    let root = || vec![ROOT_REF.to_owned()];
    vec![
        Composition { aggregate, assemblies: root(), dependencies: Vec::new() },
        Composition { aggregate, assemblies: Vec::new(), dependencies: root() },
    ]
}

// Takes out what the version does not have, and puts in what it demands.
fn suit(component: &mut Component, version: Version) {
    if version < Version::V1_3 {
        component.properties.clear();
    }
    if version < Version::V1_4 && component.version.is_none() {
        component.version = Some(String::new());
    }
    if version < Version::V1_5 {
        component.evidence = None;
    }
    if version < Version::V1_6 {
        for choice in &mut component.licenses {
            match choice {
                LicenseChoice::Expression { acknowledgement, .. } => *acknowledgement = None,
                LicenseChoice::License { license } => license.acknowledgement = None,
            }
        }
    }
}

fn metadata(inventory: &Inventory, subject: &Subject, version: Version) -> Metadata {
    let supplier = || subject.supplier.as_deref().and_then(Party::parse_either);
    let root = Component {
        version: subject.digest.as_ref().map(ToString::to_string),
        purl: subject.purl().map(|purl| purl.to_string()),
        supplier: supplier().map(Entity::from),
        hashes: root_hashes(subject),
        licenses: licenses(&subject.licenses()),
        external_references: reference("website", subject.homepage.as_deref()),
        properties: properties(&facts::of_subject(subject, inventory)),
        ..Component::new("container", ROOT_REF, &subject.name)
    };
    const TOOL_VERSION: &str = env!("CARGO_PKG_VERSION");
    let tools = if version < Version::V1_5 {
        Tools::List(vec![Tool { vendor: "Sealift", name: "sealift", version: TOOL_VERSION }])
    } else {
        let tool = Component {
            bom_ref: None,
            version: Some(TOOL_VERSION.to_owned()),
            ..Component::new("application", "tool", "sealift")
        };
        Tools::Components { components: vec![tool] }
    };
    let notes: &[_] = if version < Version::V1_3 { &[] } else { &inventory.notes };
    let properties = notes
        .iter()
        .map(|note| Property::new("sealift:note", &format!("{}: {}", note.subject, note.message)))
        .collect();
    let creator = subject.creator.as_deref().and_then(Party::parse_either);
    let lifecycle = Lifecycle { phase: "post-build" };
    Metadata {
        timestamp: subject.timestamp(),
        lifecycles: if version < Version::V1_5 { Vec::new() } else { vec![lifecycle] },
        tools,
        authors: creator
            .map(|party| Contact { name: party.name, email: party.mail })
            .into_iter()
            .collect(),
        component: root,
        supplier: supplier().map(Entity::from),
        properties,
    }
}

fn root_hashes(subject: &Subject) -> Vec<Hash> {
    let digest = subject.digest.as_ref().filter(|digest| digest.hex().len() == 64);
    let sha256 = digest.map(|digest| Hash { alg: "SHA-256", content: digest.hex().to_owned() });
    let sha512 = subject.manifest_sha512.clone().map(|content| Hash { alg: "SHA-512", content });
    sha256.into_iter().chain(sha512).collect()
}

fn reference(kind: &'static str, url: Option<&str>) -> Vec<ExternalReference> {
    let url = url.and_then(text::web_address);
    url.into_iter().map(|url| ExternalReference { kind, url }).collect()
}

fn distro_component(distro: &Distro) -> Component {
    Component {
        version: distro.version_id.as_deref().and_then(text::some),
        description: distro.pretty_name.as_deref().and_then(text::some),
        supplier: Party::of_distro(&distro.id).map(Entity::from),
        ..Component::new("operating-system", DISTRO_REF, &distro.id)
    }
}

fn component(
    package: &Package,
    bom_ref: &str,
    inventory: &Inventory,
    version: Version,
) -> Component {
    let distro = inventory.distro.as_ref();
    let supplier = Party::of_package_or_registry(package, distro.map(|distro| distro.id.as_str()));
    let mut references = reference("website", package.homepage.as_deref());
    references.extend(reference("distribution", package.download_url.as_deref()));
    Component {
        supplier: supplier.map(Entity::from),
        version: package.version.as_deref().and_then(text::some),
        description: package.summary.as_deref().and_then(text::some),
        // What is only named, or only there to be tested with, is not what the image ships.
        scope: matches!(package.scope, Scope::Declared | Scope::TestData).then_some("excluded"),
        hashes: hashes(package),
        licenses: licenses(&package.licenses),
        copyright: package.copyright.as_deref().and_then(text::block),
        cpe: package.cpes.iter().find_map(|cpe| text::cpe(cpe)),
        purl: text::purl(package),
        external_references: references,
        properties: component_properties(package, inventory),
        evidence: evidence(package, version),
        ..Component::new("library", bom_ref, &package.name)
    }
}

fn hashes(package: &Package) -> Vec<Hash> {
    let hashes = package.hashes.iter().filter(|hash| text::is_hash(hash));
    hashes
        .map(|hash| Hash {
            alg: match hash.algorithm {
                HashAlgorithm::Md5 => "MD5",
                HashAlgorithm::Sha1 => "SHA-1",
                HashAlgorithm::Sha256 => "SHA-256",
                HashAlgorithm::Sha384 => "SHA-384",
                HashAlgorithm::Sha512 => "SHA-512",
            },
            content: hash.hex.clone(),
        })
        .collect()
}

fn licenses(licenses: &[sealift_model::License]) -> Vec<LicenseChoice> {
    let how = |sources: &[LicenseSource]| {
        let is_detected = sources.iter().all(|source| *source == LicenseSource::Detected);
        Some(if is_detected { "concluded" } else { "declared" })
    };
    let all: Vec<LicenseSource> = licenses.iter().map(|license| license.source).collect();
    match choice(licenses) {
        Choice::None => Vec::new(),
        Choice::Expression(expression) => {
            vec![LicenseChoice::Expression { expression, acknowledgement: how(&all) }]
        }
        Choice::List(list) => list
            .into_iter()
            .map(|(named, source)| {
                let acknowledgement = how(&[source]);
                let license = match named {
                    Named::Id(id) => License { id: Some(id), name: None, acknowledgement },
                    Named::Name(name) => License { id: None, name: Some(name), acknowledgement },
                };
                LicenseChoice::License { license }
            })
            .collect(),
    }
}

fn properties(facts: &[facts::Fact]) -> Vec<Property> {
    facts.iter().map(|(name, value)| Property::new(name, value)).collect()
}

// The format has one place for a CPE; syft's property has the others.
fn component_properties(package: &Package, inventory: &Inventory) -> Vec<Property> {
    let mut properties = properties(&facts::of_package(package, inventory));
    let others = package.cpes.iter().filter_map(|cpe| text::cpe(cpe)).skip(1);
    properties.extend(others.map(|cpe| Property::new("syft:cpe23", &cpe)));
    properties
}

fn evidence(package: &Package, version: Version) -> Option<Evidence> {
    let first = package.evidence.first()?;
    let methods = package.evidence.iter().map(|evidence| IdentityMethod {
        technique: technique(evidence.method),
        confidence: share(evidence.confidence),
        value: text::line(&evidence.path),
    });
    let identity =
        Identity { field: "purl", confidence: share(first.confidence), methods: methods.collect() };
    Some(Evidence {
        identity: if version < Version::V1_7 {
            Identities::One(identity)
        } else {
            Identities::Many([identity])
        },
        occurrences: package
            .evidence
            .iter()
            .map(|evidence| Occurrence { location: text::line(&evidence.path) })
            .collect(),
    })
}

fn share(confidence: Confidence) -> f32 {
    f32::from(confidence.percent()) / 100.0
}

// The schema's words for it.
fn technique(method: Method) -> &'static str {
    match method {
        Method::Database | Method::Manifest | Method::LockFile | Method::Sbom => {
            "manifest-analysis"
        }
        Method::BuildRecord | Method::Signature => "binary-analysis",
        Method::FileName => "filename",
    }
}

//! CycloneDX 1.2 to 1.7 as JSON and XML (<https://cyclonedx.org/docs/1.6/json/>).

mod document;
mod xml;

use sealift_model::{Distro, Inventory, Method, Package};

use crate::Subject;
use crate::components::{Components, unique};
use crate::license::{Choice, Named, choice};
use crate::party::Party;
use crate::text;

use document::{
    Component, Composition, Dependency, Document, Entity, Evidence, ExternalReference, Identities,
    Identity, IdentityMethod, License, LicenseChoice, Metadata, Occurrence, Property, Tool, Tools,
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
    let purls = components.packages.iter().map(|package| package.purl.to_string()).collect();
    let refs = unique(purls);

    let mut listed: Vec<Component> = components
        .packages
        .iter()
        .zip(&refs)
        .map(|(package, bom_ref)| component(package, bom_ref, distro, version))
        .collect();
    listed.extend(distro.map(distro_component));

    let mut root_needs: Vec<String> = Vec::new();
    root_needs.extend(distro.map(|_| DISTRO_REF.to_owned()));
    root_needs.extend(components.roots.iter().map(|place| refs[*place].clone()));
    let mut dependencies = vec![Dependency::new(ROOT_REF, root_needs)];
    dependencies.extend(distro.map(|_| Dependency::new(DISTRO_REF, Vec::new())));
    for (from, needs) in components.needs.iter().enumerate() {
        let needs = needs.iter().map(|to| refs[*to].clone()).collect();
        dependencies.push(Dependency::new(&refs[from], needs));
    }

    // What could not be read is missing here; the reader must be able to know that.
    let aggregate = if inventory.notes.is_empty() { "unknown" } else { "incomplete" };
    let composition = Composition { aggregate, assemblies: vec![ROOT_REF] };
    let mut document = Document {
        schema: version.schema(),
        bom_format: "CycloneDX",
        spec_version: version.as_str(),
        serial_number: None,
        version: 1,
        metadata: metadata(inventory, subject, version),
        components: listed,
        dependencies,
        compositions: if version < Version::V1_3 { Vec::new() } else { vec![composition] },
    };
    let root = std::iter::once(&mut document.metadata.component);
    for component in root.chain(&mut document.components) {
        suit(component, version);
    }
    document
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
    let supplier = subject.supplier.as_deref().and_then(|name| Party::parse(name, false));
    let root = Component {
        version: subject.digest.as_ref().map(ToString::to_string),
        purl: subject.purl().map(|purl| purl.to_string()),
        supplier: supplier.map(Entity::from),
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
    Metadata { timestamp: subject.timestamp(), tools, component: root, properties }
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
    distro: Option<&Distro>,
    version: Version,
) -> Component {
    let supplier = Party::of_package(package, distro.map(|distro| distro.id.as_str()));
    let homepage = package.homepage.as_deref().and_then(text::web_address);
    Component {
        supplier: supplier.map(Entity::from),
        version: package.version.as_deref().and_then(text::some),
        description: package.summary.as_deref().and_then(text::some),
        licenses: licenses(package),
        purl: text::purl(package),
        external_references: homepage
            .into_iter()
            .map(|url| ExternalReference { kind: "website", url })
            .collect(),
        properties: properties(package),
        evidence: evidence(package, version),
        ..Component::new("library", bom_ref, &package.name)
    }
}

fn licenses(package: &Package) -> Vec<LicenseChoice> {
    match choice(&package.licenses) {
        Choice::None => Vec::new(),
        Choice::Expression(expression) => {
            vec![LicenseChoice::Expression { expression, acknowledgement: Some("declared") }]
        }
        Choice::List(list) => list
            .into_iter()
            .map(|named| match named {
                Named::Id(id) => {
                    License { id: Some(id), name: None, acknowledgement: Some("declared") }
                }
                Named::Name(name) => {
                    License { id: None, name: Some(name), acknowledgement: Some("declared") }
                }
            })
            .map(|license| LicenseChoice::License { license })
            .collect(),
    }
}

fn properties(package: &Package) -> Vec<Property> {
    let mut properties = Vec::new();
    if let Some(layer) = &package.introduced_by {
        properties.push(Property::new("sealift:layer", &layer.diff_id.to_string()));
        properties.push(Property::new("sealift:layer:index", &layer.index.to_string()));
    }
    for evidence in &package.evidence {
        properties.push(Property::new("sealift:evidence", &evidence.path));
    }
    if let Some(source) = &package.source {
        properties.push(Property::new("sealift:source:name", &source.name));
        properties.push(Property::new("sealift:source:version", &source.version));
    }
    properties
}

fn evidence(package: &Package, version: Version) -> Option<Evidence> {
    let first = package.evidence.first()?;
    let confidence = f32::from(first.confidence.percent()) / 100.0;
    // The schema's words for it.
    let technique = match first.method {
        Method::Database | Method::Manifest | Method::LockFile | Method::Sbom => {
            "manifest-analysis"
        }
        Method::BuildRecord | Method::Signature => "binary-analysis",
        Method::FileName => "filename",
    };
    let identity = Identity {
        field: "purl",
        confidence,
        methods: vec![IdentityMethod { technique, confidence, value: text::line(&first.path) }],
    };
    Some(Evidence {
        identity: if version < Version::V1_6 {
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

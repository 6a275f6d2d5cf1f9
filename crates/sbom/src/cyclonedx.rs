//! CycloneDX 1.6 as JSON (<https://cyclonedx.org/docs/1.6/json/>).

use sealift_model::{Distro, Inventory, Method, Package};
use serde::Serialize;

use crate::Subject;
use crate::components::{Components, unique};
use crate::license::{Choice, Named, choice};
use crate::party::Party;
use crate::text;

const ROOT_REF: &str = "image";
const DISTRO_REF: &str = "operating-system";

/// Writes a document.
pub fn encode(inventory: &Inventory, subject: &Subject) -> String {
    let mut document = document(inventory, subject);
    let content = to_json(&document);
    document.serial_number = Some(format!("urn:uuid:{}", text::content_uuid(content.as_bytes())));
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
    let purls = components.packages.iter().map(|package| package.purl.to_string()).collect();
    let refs = unique(purls);

    let mut listed: Vec<Component> = components
        .packages
        .iter()
        .zip(&refs)
        .map(|(package, bom_ref)| component(package, bom_ref, distro))
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
    Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: None,
        version: 1,
        metadata: metadata(inventory, subject),
        components: listed,
        dependencies,
        compositions: vec![Composition { aggregate, assemblies: vec![ROOT_REF] }],
    }
}

fn metadata(inventory: &Inventory, subject: &Subject) -> Metadata {
    let supplier = subject.supplier.as_deref().and_then(|name| Party::parse(name, false));
    let root = Component {
        version: subject.digest.as_ref().map(ToString::to_string),
        purl: subject.purl().map(|purl| purl.to_string()),
        supplier: supplier.map(Entity::from),
        ..Component::new("container", ROOT_REF, &subject.name)
    };
    let tool = Component {
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..Component::new("application", "tool", "sealift")
    };
    let properties = inventory
        .notes
        .iter()
        .map(|note| Property::new("sealift:note", &format!("{}: {}", note.subject, note.message)))
        .collect();
    Metadata {
        timestamp: subject.timestamp(),
        tools: Tools { components: vec![Component { bom_ref: None, ..tool }] },
        component: root,
        properties,
    }
}

fn distro_component(distro: &Distro) -> Component {
    Component {
        version: distro.version_id.as_deref().and_then(text::some),
        description: distro.pretty_name.as_deref().and_then(text::some),
        supplier: Party::of_distro(&distro.id).map(Entity::from),
        ..Component::new("operating-system", DISTRO_REF, &distro.id)
    }
}

fn component(package: &Package, bom_ref: &str, distro: Option<&Distro>) -> Component {
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
        evidence: evidence(package),
        ..Component::new("library", bom_ref, &package.name)
    }
}

fn licenses(package: &Package) -> Vec<LicenseChoice> {
    match choice(&package.licenses) {
        Choice::None => Vec::new(),
        Choice::Expression(expression) => {
            vec![LicenseChoice::Expression { expression, acknowledgement: "declared" }]
        }
        Choice::List(list) => list
            .into_iter()
            .map(|named| match named {
                Named::Id(id) => License { id: Some(id), name: None, acknowledgement: "declared" },
                Named::Name(name) => {
                    License { id: None, name: Some(name), acknowledgement: "declared" }
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

fn evidence(package: &Package) -> Option<Evidence> {
    let first = package.evidence.first()?;
    let confidence = 1.0;
    let (Method::Database | Method::Manifest) = first.method;
    Some(Evidence {
        identity: vec![Identity {
            field: "purl",
            confidence,
            methods: vec![IdentityMethod {
                technique: "manifest-analysis",
                confidence,
                value: text::line(&first.path),
            }],
        }],
        occurrences: package
            .evidence
            .iter()
            .map(|evidence| Occurrence { location: text::line(&evidence.path) })
            .collect(),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<String>,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    compositions: Vec<Composition>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Component,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Entity>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
}

impl Component {
    fn new(kind: &'static str, bom_ref: &str, name: &str) -> Self {
        Self {
            kind,
            bom_ref: Some(bom_ref.to_owned()),
            supplier: None,
            name: text::some(name).unwrap_or_else(|| "unknown".to_owned()),
            version: None,
            description: None,
            licenses: Vec::new(),
            purl: None,
            external_references: Vec::new(),
            properties: Vec::new(),
            evidence: None,
        }
    }
}

#[derive(Serialize)]
struct Entity {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<Contact>,
}

#[derive(Serialize)]
struct Contact {
    name: String,
    email: String,
}

impl From<Party> for Entity {
    fn from(party: Party) -> Self {
        let contact = party.mail.map(|email| Contact { name: party.name.clone(), email });
        Self { name: party.name, contact: contact.into_iter().collect() }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum LicenseChoice {
    Expression { expression: String, acknowledgement: &'static str },
    License { license: License },
}

#[derive(Serialize)]
struct License {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    acknowledgement: &'static str,
}

#[derive(Serialize)]
struct ExternalReference {
    #[serde(rename = "type")]
    kind: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

impl Property {
    fn new(name: &'static str, value: &str) -> Self {
        Self { name, value: text::line(value) }
    }
}

#[derive(Serialize)]
struct Evidence {
    identity: Vec<Identity>,
    occurrences: Vec<Occurrence>,
}

#[derive(Serialize)]
struct Identity {
    field: &'static str,
    confidence: f32,
    methods: Vec<IdentityMethod>,
}

#[derive(Serialize)]
struct IdentityMethod {
    technique: &'static str,
    confidence: f32,
    value: String,
}

#[derive(Serialize)]
struct Occurrence {
    location: String,
}

#[derive(Serialize)]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    #[serde(rename = "dependsOn", skip_serializing_if = "Vec::is_empty")]
    depends_on: Vec<String>,
}

impl Dependency {
    fn new(reference: &str, depends_on: Vec<String>) -> Self {
        Self { reference: reference.to_owned(), depends_on }
    }
}

#[derive(Serialize)]
struct Composition {
    aggregate: &'static str,
    assemblies: Vec<&'static str>,
}

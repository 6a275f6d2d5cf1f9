//! A CycloneDX document in parts, as JSON has them.

use serde::Serialize;

use crate::party::Party;
use crate::text;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(rename = "$schema")]
    pub(super) schema: &'static str,
    pub(super) bom_format: &'static str,
    pub(super) spec_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial_number: Option<String>,
    pub(super) version: u32,
    pub(super) metadata: Metadata,
    pub(super) components: Vec<Component>,
    pub(super) dependencies: Vec<Dependency>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) compositions: Vec<Composition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) vulnerabilities: Vec<serde_json::Value>,
}

#[derive(Serialize)]
pub(super) struct Metadata {
    pub(super) timestamp: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) lifecycles: Vec<Lifecycle>,
    pub(super) tools: Tools,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) authors: Vec<Contact>,
    pub(super) component: Component,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Entity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
}

/// When in the life of the subject the document was made.
#[derive(Serialize)]
pub(super) struct Lifecycle {
    pub(super) phase: &'static str,
}

/// Who made the document: components from 1.5 on.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Tools {
    Components { components: Vec<Component> },
    List(Vec<Tool>),
}

#[derive(Serialize)]
pub(super) struct Tool {
    pub(super) vendor: &'static str,
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    pub(super) bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) supplier: Option<Entity>,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) copyright: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) properties: Vec<Property>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) evidence: Option<Evidence>,
}

impl Component {
    pub(super) fn new(kind: &'static str, bom_ref: &str, name: &str) -> Self {
        Self {
            kind,
            bom_ref: Some(bom_ref.to_owned()),
            supplier: None,
            name: text::some(name).unwrap_or_else(|| "unknown".to_owned()),
            version: None,
            description: None,
            scope: None,
            hashes: Vec::new(),
            licenses: Vec::new(),
            copyright: None,
            cpe: None,
            purl: None,
            external_references: Vec::new(),
            properties: Vec::new(),
            evidence: None,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Hash {
    pub(super) alg: &'static str,
    pub(super) content: String,
}

#[derive(Serialize)]
pub(super) struct Entity {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) url: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) contact: Vec<Contact>,
}

#[derive(Serialize)]
pub(super) struct Contact {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) email: Option<String>,
}

impl From<Party> for Entity {
    fn from(party: Party) -> Self {
        let contact =
            party.mail.map(|mail| Contact { name: party.name.clone(), email: Some(mail) });
        Self {
            name: party.name,
            url: party.url.into_iter().collect(),
            contact: contact.into_iter().collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum LicenseChoice {
    Expression {
        expression: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        acknowledgement: Option<&'static str>,
    },
    License {
        license: License,
    },
}

#[derive(Serialize)]
pub(super) struct License {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acknowledgement: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct ExternalReference {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) url: String,
}

#[derive(Serialize)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) value: String,
}

impl Property {
    pub(super) fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: text::line(value) }
    }
}

#[derive(Serialize)]
pub(super) struct Evidence {
    pub(super) identity: Identities,
    pub(super) occurrences: Vec<Occurrence>,
}

/// One until 1.6, a list from 1.7 on. (1.6 allows both, and syft up to 1.18 reads the first only.)
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Identities {
    One(Identity),
    Many([Identity; 1]),
}

impl Identities {
    pub(super) fn first(&self) -> &Identity {
        match self {
            Self::One(identity) | Self::Many([identity]) => identity,
        }
    }
}

#[derive(Serialize)]
pub(super) struct Identity {
    pub(super) field: &'static str,
    pub(super) confidence: f32,
    pub(super) methods: Vec<IdentityMethod>,
}

#[derive(Serialize)]
pub(super) struct IdentityMethod {
    pub(super) technique: &'static str,
    pub(super) confidence: f32,
    pub(super) value: String,
}

#[derive(Serialize)]
pub(super) struct Occurrence {
    pub(super) location: String,
}

#[derive(Serialize)]
pub(super) struct Dependency {
    #[serde(rename = "ref")]
    pub(super) reference: String,
    #[serde(rename = "dependsOn", skip_serializing_if = "Vec::is_empty")]
    pub(super) depends_on: Vec<String>,
}

impl Dependency {
    pub(super) fn new(reference: &str, depends_on: Vec<String>) -> Self {
        Self { reference: reference.to_owned(), depends_on }
    }
}

#[derive(Serialize)]
pub(super) struct Composition {
    pub(super) aggregate: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) assemblies: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) dependencies: Vec<String>,
}

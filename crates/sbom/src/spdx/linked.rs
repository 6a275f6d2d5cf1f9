//! SPDX 3.0.1 as JSON-LD (<https://spdx.github.io/spdx-spec/v3.0.1/>).

use std::collections::BTreeMap;

use sealift_model::{Distro, Inventory, Package};
use serde_json::{Map, Value, json};

use super::{NAMELESS, namespace, package_id, source_info};
use crate::Subject;
use crate::components::{Components, unique};
use crate::license::{Extracted, spdx_expression};
use crate::party::Party;
use crate::text;

const CREATION: &str = "_:creationinfo";
const ROOT: &str = "SPDXRef-Image";
const DISTRO: &str = "SPDXRef-OperatingSystem";
const SBOM: &str = "SPDXRef-Sbom";
const MAKER: &str = "SPDXRef-Organization-Sealift";
const TOOL: &str = "SPDXRef-Tool-sealift";
const DATA_LICENSE: &str = "SPDXRef-DataLicense";

/// Writes a document.
pub(crate) fn encode(inventory: &Inventory, subject: &Subject) -> String {
    let draft = to_json(&Graph::new(inventory, subject, String::new()).document(inventory));
    let namespace = namespace(&subject.name, &draft);
    to_json(&Graph::new(inventory, subject, namespace).document(inventory))
}

fn to_json(document: &Value) -> String {
    let mut json = serde_json::to_string_pretty(document).expect("texts and lists are JSON");
    json.push('\n');
    json
}

struct Graph<'a> {
    subject: &'a Subject,
    namespace: String,
    elements: Vec<Value>,
    parties: BTreeMap<String, String>,
    /// Identifiers of licence expressions, by expression.
    licenses: BTreeMap<String, String>,
    extracted: Extracted,
}

impl<'a> Graph<'a> {
    fn new(inventory: &Inventory, subject: &'a Subject, namespace: String) -> Self {
        let mut graph = Self {
            subject,
            namespace,
            elements: Vec::new(),
            parties: BTreeMap::new(),
            licenses: BTreeMap::new(),
            extracted: Extracted::new(),
        };
        graph.add_tools();
        graph.add_packages(inventory);
        graph.add_licenses();
        graph
    }

    fn id(&self, name: &str) -> String {
        format!("{}#{name}", self.namespace)
    }

    fn element(&self, kind: &str, id: &str) -> Map<String, Value> {
        let mut element = Map::new();
        element.insert("type".to_owned(), json!(kind));
        element.insert("spdxId".to_owned(), json!(self.id(id)));
        element.insert("creationInfo".to_owned(), json!(CREATION));
        element
    }

    fn named(&mut self, kind: &str, id: &str, name: &str) {
        let mut element = self.element(kind, id);
        element.insert("name".to_owned(), json!(name));
        self.elements.push(Value::Object(element));
    }

    fn add_tools(&mut self) {
        self.named("Organization", MAKER, "Sealift");
        self.named("Tool", TOOL, &format!("sealift-{}", env!("CARGO_PKG_VERSION")));
        let mut license = self.element("simplelicensing_LicenseExpression", DATA_LICENSE);
        license.insert("simplelicensing_licenseExpression".to_owned(), json!("CC0-1.0"));
        self.elements.push(Value::Object(license));
    }

    fn add_packages(&mut self, inventory: &Inventory) {
        let components = Components::new(inventory);
        let ids = unique(components.packages.iter().map(|package| package_id(package)).collect());
        self.add_root();
        let distro = inventory.distro.as_ref();
        let mut contained: Vec<&str> = Vec::new();
        if let Some(distro) = distro {
            self.add_distro(distro);
            contained.push(DISTRO);
        }
        for (package, id) in components.packages.iter().zip(&ids) {
            self.add_package(package, id, distro);
            contained.push(id);
        }
        self.relate(ROOT, "contains", &contained);
        for (from, needs) in components.needs.iter().enumerate() {
            let needed: Vec<&str> = needs.iter().map(|to| ids[*to].as_str()).collect();
            self.relate(&ids[from], "dependsOn", &needed);
        }
    }

    fn package(&mut self, id: &str, name: &str, purpose: &str) -> Map<String, Value> {
        let mut package = self.element("software_Package", id);
        let name = text::some(name).unwrap_or_else(|| NAMELESS.to_owned());
        package.insert("name".to_owned(), json!(name));
        package.insert("software_primaryPurpose".to_owned(), json!(purpose));
        package.insert("software_copyrightText".to_owned(), json!("NOASSERTION"));
        package
    }

    fn finish(
        &mut self,
        mut package: Map<String, Value>,
        purl: Option<String>,
        supplier: Option<Party>,
    ) {
        if let Some(purl) = purl {
            let identifier = json!({
                "type": "ExternalIdentifier",
                "externalIdentifierType": "packageUrl",
                "identifier": purl,
            });
            package.insert("software_packageUrl".to_owned(), json!(purl));
            package.insert("externalIdentifier".to_owned(), json!([identifier]));
        }
        if let Some(party) = supplier {
            let id = self.party(&party);
            package.insert("suppliedBy".to_owned(), json!(id));
        }
        self.elements.push(Value::Object(package));
    }

    fn party(&mut self, party: &Party) -> String {
        let key = party.spdx();
        if let Some(id) = self.parties.get(&key) {
            return id.clone();
        }
        let kind = if party.is_person { "Person" } else { "Organization" };
        let digest = sealift_oci::Digest::sha256(key.as_bytes());
        let name = format!("SPDXRef-{kind}-{}", &digest.hex()[..16]);
        let mut element = self.element(kind, &name);
        element.insert("name".to_owned(), json!(party.name));
        if let Some(mail) = &party.mail {
            let identifier = json!({
                "type": "ExternalIdentifier",
                "externalIdentifierType": "email",
                "identifier": mail,
            });
            element.insert("externalIdentifier".to_owned(), json!([identifier]));
        }
        self.elements.push(Value::Object(element));
        let id = self.id(&name);
        self.parties.insert(key, id.clone());
        id
    }

    fn add_root(&mut self) {
        let subject = self.subject;
        let mut root = self.package(ROOT, &subject.name, "container");
        if let Some(digest) = &subject.digest {
            root.insert("software_packageVersion".to_owned(), json!(digest.to_string()));
        }
        let supplier = subject.supplier.as_deref().and_then(|name| Party::parse(name, false));
        self.finish(root, subject.purl().map(|purl| purl.to_string()), supplier);
    }

    fn add_distro(&mut self, distro: &Distro) {
        let mut package = self.package(DISTRO, &distro.id, "operatingSystem");
        if let Some(version) = distro.version_id.as_deref().and_then(text::some) {
            package.insert("software_packageVersion".to_owned(), json!(version));
        }
        if let Some(name) = distro.pretty_name.as_deref().and_then(text::some) {
            package.insert("summary".to_owned(), json!(name));
        }
        self.finish(package, None, Party::of_distro(&distro.id));
    }

    fn add_package(&mut self, package: &Package, id: &str, distro: Option<&Distro>) {
        let mut element = self.package(id, &package.name, "library");
        let mut add = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                element.insert(key.to_owned(), json!(value));
            }
        };
        add("software_packageVersion", package.version.as_deref().and_then(text::some));
        add("software_homePage", package.homepage.as_deref().and_then(text::web_address));
        add("summary", package.summary.as_deref().and_then(text::some));
        add("software_sourceInfo", source_info(package));
        let supplier = Party::of_package(package, distro.map(|distro| distro.id.as_str()));
        self.finish(element, text::purl(package), supplier);
        if let Some(expression) = spdx_expression(&package.licenses, &mut self.extracted) {
            let digest = sealift_oci::Digest::sha256(expression.as_bytes());
            let license = format!("SPDXRef-License-{}", &digest.hex()[..16]);
            self.licenses.insert(expression, license.clone());
            self.relate(id, "hasDeclaredLicense", &[&license]);
        }
    }

    fn relate(&mut self, from: &str, kind: &str, to: &[&str]) {
        if to.is_empty() {
            return;
        }
        let mut element = self.element("Relationship", &format!("{from}-{kind}"));
        element.insert("from".to_owned(), json!(self.id(from)));
        element.insert("relationshipType".to_owned(), json!(kind));
        let to: Vec<String> = to.iter().map(|to| self.id(to)).collect();
        element.insert("to".to_owned(), json!(to));
        self.elements.push(Value::Object(element));
    }

    fn add_licenses(&mut self) {
        for (expression, id) in std::mem::take(&mut self.licenses) {
            let mut element = self.element("simplelicensing_LicenseExpression", &id);
            let words = expression.split([' ', '(', ')']);
            let custom: Vec<Value> = words
                .filter(|word| self.extracted.contains_key(*word))
                .map(|word| json!({"type": "DictionaryEntry", "key": word, "value": self.id(word)}))
                .collect();
            if !custom.is_empty() {
                element.insert("simplelicensing_customIdToUri".to_owned(), json!(custom));
            }
            element.insert("simplelicensing_licenseExpression".to_owned(), json!(expression));
            self.elements.push(Value::Object(element));
        }
        for (id, license) in std::mem::take(&mut self.extracted) {
            let mut element = self.element("simplelicensing_SimpleLicensingText", &id);
            element.insert("name".to_owned(), json!(text::line(&license)));
            element.insert("simplelicensing_licenseText".to_owned(), json!(license));
            self.elements.push(Value::Object(element));
        }
    }

    fn document(mut self, inventory: &Inventory) -> Value {
        let mut creation = json!({
            "@id": CREATION,
            "type": "CreationInfo",
            "specVersion": "3.0.1",
            "created": self.subject.timestamp(),
            "createdBy": [self.id(MAKER)],
            "createdUsing": [self.id(TOOL)],
        });
        if !inventory.notes.is_empty() {
            let notes = inventory.notes.iter();
            let lines: Vec<String> = notes
                .map(|note| text::line(&format!("{}: {}", note.subject, note.message)))
                .collect();
            creation["comment"] = json!(lines.join("\n"));
        }
        let members: Vec<Value> =
            self.elements.iter().map(|element| element["spdxId"].clone()).collect();
        let mut sbom = self.element("software_Sbom", SBOM);
        sbom.insert("software_sbomType".to_owned(), json!(["analyzed"]));
        sbom.insert("rootElement".to_owned(), json!([self.id(ROOT)]));
        sbom.insert("element".to_owned(), json!(members));
        let mut document = self.element("SpdxDocument", "SPDXRef-DOCUMENT");
        let name = text::some(&self.subject.name).unwrap_or_else(|| NAMELESS.to_owned());
        document.insert("name".to_owned(), json!(name));
        document.insert("dataLicense".to_owned(), json!(self.id(DATA_LICENSE)));
        let profiles = json!(["core", "software", "simpleLicensing"]);
        document.insert("profileConformance".to_owned(), profiles);
        document.insert("rootElement".to_owned(), json!([self.id(SBOM)]));
        let mut graph = vec![creation, Value::Object(document), Value::Object(sbom)];
        graph.append(&mut self.elements);
        json!({
            "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
            "@graph": graph,
        })
    }
}

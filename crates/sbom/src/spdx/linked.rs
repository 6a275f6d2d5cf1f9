//! SPDX 3.0.1 as JSON-LD (<https://spdx.github.io/spdx-spec/v3.0.1/>).

use std::collections::BTreeMap;

use sealift_model::{Distro, HashAlgorithm, Inventory, Package};
use sealift_oci::Digest;
use serde_json::{Map, Value, json};

use super::{
    NAMELESS, creator, distro_version, license_expressions, namespace, package_id, source_info,
};
use crate::Subject;
use crate::components::{Components, unique};
use crate::facts;
use crate::license::{Extracted, UNKNOWN_LICENSE, UNKNOWN_LICENSE_TEXT, spdx_expression};
use crate::party::Party;
use crate::text;

const CREATION: &str = "_:creationinfo";
const ROOT: &str = "SPDXRef-Image";
const DISTRO: &str = "SPDXRef-OperatingSystem";
const SBOM: &str = "SPDXRef-Sbom";
const MANIFEST: &str = "SPDXRef-File-Manifest";
const CONFIG: &str = "SPDXRef-File-Config";
const TOOL: &str = "SPDXRef-Tool-sealift";
const DATA_LICENSE: &str = "SPDXRef-DataLicense";

/// What stands for a copyright notice where none is known. Checkers ask for a text and take no `NOASSERTION`.
pub(crate) const UNKNOWN_COPYRIGHT: &str =
    "unknown: no record in the image names a copyright holder";

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
    /// Names of who made or supplied something, and their identifiers.
    parties: BTreeMap<String, String>,
    maker: String,
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
            maker: String::new(),
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
        self.maker = self.party(&creator(self.subject));
        self.named("Tool", TOOL, &format!("sealift-{}", env!("CARGO_PKG_VERSION")));
        let mut license = self.element("simplelicensing_LicenseExpression", DATA_LICENSE);
        license.insert("simplelicensing_licenseExpression".to_owned(), json!("CC0-1.0"));
        self.elements.push(Value::Object(license));
    }

    fn add_packages(&mut self, inventory: &Inventory) {
        let components = Components::new(inventory);
        let ids = unique(components.packages.iter().map(|package| package_id(package)).collect());
        self.add_root(inventory);
        let distro = inventory.distro.as_ref();
        let mut contained: Vec<&str> = Vec::new();
        self.add_files();
        contained.extend(self.subject.config_digest.as_ref().map(|_| CONFIG));
        if let Some(distro) = distro {
            self.add_distro(distro);
            contained.push(DISTRO);
        }
        for (package, id) in components.packages.iter().zip(&ids) {
            self.add_package(package, id, inventory);
            contained.push(id);
        }
        // What could not be read is missing here.
        let completeness = if inventory.notes.is_empty() { "noAssertion" } else { "incomplete" };
        self.relate_so(ROOT, "contains", &contained, completeness);
        for (from, needs) in components.needs.iter().enumerate() {
            let needed: Vec<&str> = needs.iter().map(|to| ids[*to].as_str()).collect();
            self.relate_so(&ids[from], "dependsOn", &needed, "noAssertion");
        }
        for (from, sources) in components.built_from.iter().enumerate() {
            let linked: Vec<&str> = sources.iter().map(|to| ids[*to].as_str()).collect();
            self.relate_so(&ids[from], "hasStaticLink", &linked, "noAssertion");
        }
    }

    fn package(&mut self, id: &str, name: &str, purpose: &str) -> Map<String, Value> {
        let mut package = self.element("software_Package", id);
        let name = text::some(name).unwrap_or_else(|| NAMELESS.to_owned());
        package.insert("name".to_owned(), json!(name));
        package.insert("software_primaryPurpose".to_owned(), json!(purpose));
        package.insert("software_copyrightText".to_owned(), json!(UNKNOWN_COPYRIGHT));
        package
    }

    fn finish(
        &mut self,
        mut package: Map<String, Value>,
        identifiers: &[(&str, String)],
        supplier: Option<Party>,
        maker: Option<Party>,
    ) {
        let purl = identifiers.iter().find(|(kind, _)| *kind == "packageUrl");
        if let Some((_, purl)) = purl {
            package.insert("software_packageUrl".to_owned(), json!(purl));
        }
        let identifiers: Vec<Value> =
            identifiers.iter().map(|(kind, identifier)| external(kind, identifier)).collect();
        if !identifiers.is_empty() {
            package.insert("externalIdentifier".to_owned(), json!(identifiers));
        }
        if let Some(party) = supplier {
            package.insert("suppliedBy".to_owned(), json!(self.party(&party)));
        }
        if let Some(party) = maker {
            package.insert("originatedBy".to_owned(), json!([self.party(&party)]));
        }
        self.elements.push(Value::Object(package));
    }

    fn party(&mut self, party: &Party) -> String {
        let key = format!("{} {}", party.spdx(), party.url.as_deref().unwrap_or_default());
        if let Some(id) = self.parties.get(&key) {
            return id.clone();
        }
        let kind = if party.is_person { "Person" } else { "Organization" };
        let digest = Digest::sha256(key.as_bytes());
        let name = format!("SPDXRef-{kind}-{}", &digest.hex()[..16]);
        let mut element = self.element(kind, &name);
        element.insert("name".to_owned(), json!(party.name));
        let mail = party.mail.iter().map(|mail| external("email", mail));
        let url = party.url.iter().map(|url| external("other", url));
        let identifiers: Vec<Value> = mail.chain(url).collect();
        if !identifiers.is_empty() {
            element.insert("externalIdentifier".to_owned(), json!(identifiers));
        }
        self.elements.push(Value::Object(element));
        let id = self.id(&name);
        self.parties.insert(key, id.clone());
        id
    }

    fn add_root(&mut self, inventory: &Inventory) {
        let subject = self.subject;
        let mut root = self.package(ROOT, &subject.name, "container");
        let mut add = |key: &str, value: Option<String>| {
            root.extend(value.map(|value| (key.to_owned(), json!(value))));
        };
        add("software_packageVersion", subject.digest.as_ref().map(ToString::to_string));
        add("software_homePage", subject.homepage.as_deref().and_then(text::web_address));
        add("comment", facts::to_lines(&facts::of_subject(subject, inventory)));
        let purl = subject.purl().map(|purl| ("packageUrl", purl.to_string()));
        let purl: Vec<_> = purl.into_iter().collect();
        let supplier = Party::of_subject(subject);
        self.finish(root, &purl, supplier.clone(), supplier);
        let license = spdx_expression(&subject.licenses(), &mut self.extracted);
        self.license(ROOT, license.clone(), license);
        self.distribute(ROOT);
    }

    // An image is distributed as its manifest, which names all else by digest.
    fn add_files(&mut self) {
        let subject = self.subject;
        let file = |id: &str, digest: &Digest, purposes: &[&str]| {
            let mut file = self.element("software_File", id);
            file.insert("name".to_owned(), json!(digest.hex()));
            file.insert("software_primaryPurpose".to_owned(), json!("file"));
            if !purposes.is_empty() {
                file.insert("software_additionalPurpose".to_owned(), json!(purposes));
            }
            let mut hashes = Vec::new();
            if digest.hex().len() == 64 {
                hashes.push(hash("sha256", digest.hex()));
            }
            (file, hashes)
        };
        let mut files = Vec::new();
        if let (Some(digest), Some(sha512)) = (&subject.digest, &subject.manifest_sha512) {
            let (file, mut hashes) = file(MANIFEST, digest, &["container"]);
            hashes.push(hash("sha512", sha512));
            files.push((file, hashes));
        }
        files.extend(subject.config_digest.as_ref().map(|digest| file(CONFIG, digest, &[])));
        for (mut file, hashes) in files {
            if !hashes.is_empty() {
                file.insert("verifiedUsing".to_owned(), json!(hashes));
            }
            self.elements.push(Value::Object(file));
        }
    }

    fn distribute(&mut self, id: &str) {
        if self.subject.digest.is_some() && self.subject.manifest_sha512.is_some() {
            self.relate(id, "hasDistributionArtifact", &[MANIFEST]);
        }
    }

    fn add_distro(&mut self, distro: &Distro) {
        let mut package = self.package(DISTRO, &distro.id, "operatingSystem");
        if let Some(version) = distro_version(distro) {
            package.insert("software_packageVersion".to_owned(), json!(version));
        }
        if let Some(name) = distro.pretty_name.as_deref().and_then(text::some) {
            package.insert("summary".to_owned(), json!(name));
        }
        let supplier = Party::of_distro(&distro.id);
        self.finish(package, &[], supplier.clone(), supplier);
        self.license(DISTRO, None, None);
        self.distribute(DISTRO);
    }

    fn add_package(&mut self, package: &Package, id: &str, inventory: &Inventory) {
        let mut element = self.package(id, &package.name, "library");
        let mut add = |key: &str, value: Option<String>| {
            element.extend(value.map(|value| (key.to_owned(), json!(value))));
        };
        add("software_packageVersion", text::version_or_date(package));
        add("software_homePage", package.homepage.as_deref().and_then(text::web_address));
        let download = package.download_url.as_deref().and_then(text::web_address);
        add("software_downloadLocation", download);
        add("software_copyrightText", package.copyright.as_deref().and_then(text::block));
        add("summary", package.summary.as_deref().and_then(text::some));
        add("software_sourceInfo", source_info(package));
        add("comment", facts::to_lines(&facts::of_package(package, inventory)));
        let hashes: Vec<Value> = package
            .hashes
            .iter()
            .filter(|it| text::is_hash(it))
            .map(|it| hash(algorithm(it.algorithm), &it.hex))
            .collect();
        if !hashes.is_empty() {
            element.insert("verifiedUsing".to_owned(), json!(hashes));
        }
        let purl = text::purl(package).map(|purl| ("packageUrl", purl));
        let cpes = package.cpes.iter().filter_map(|cpe| text::cpe(cpe)).map(|cpe| ("cpe23", cpe));
        let identifiers: Vec<(&str, String)> = purl.into_iter().chain(cpes).collect();
        let distro = inventory.distro.as_ref().map(|distro| distro.id.as_str());
        let maker = Party::to_ask(package, distro);
        let supplier = Party::of_package_or_registry(package, distro).and(maker.clone());
        self.finish(element, &identifiers, supplier, maker);
        let (declared, concluded) = license_expressions(package, &mut self.extracted);
        self.license(id, declared, concluded);
        self.distribute(id);
    }

    // A concluded licence is said of everything: that none is known, too.
    fn license(&mut self, id: &str, declared: Option<String>, concluded: Option<String>) {
        let concluded = concluded.unwrap_or_else(|| {
            let text = UNKNOWN_LICENSE_TEXT.to_owned();
            self.extracted.insert(UNKNOWN_LICENSE.to_owned(), text);
            UNKNOWN_LICENSE.to_owned()
        });
        let declared = declared.map(|expression| ("hasDeclaredLicense", expression));
        for (kind, expression) in declared.into_iter().chain([("hasConcludedLicense", concluded)]) {
            let digest = Digest::sha256(expression.as_bytes());
            let license = format!("SPDXRef-License-{}", &digest.hex()[..16]);
            self.licenses.insert(expression, license.clone());
            self.relate(id, kind, &[&license]);
        }
    }

    fn relate(&mut self, from: &str, kind: &str, to: &[&str]) {
        self.add_relation(from, kind, to, None);
    }

    fn relate_so(&mut self, from: &str, kind: &str, to: &[&str], completeness: &str) {
        self.add_relation(from, kind, to, Some(completeness));
    }

    fn add_relation(&mut self, from: &str, kind: &str, to: &[&str], complete: Option<&str>) {
        if to.is_empty() {
            return;
        }
        let mut element = self.element("Relationship", &format!("{from}-{kind}"));
        element.insert("from".to_owned(), json!(self.id(from)));
        element.insert("relationshipType".to_owned(), json!(kind));
        element.extend(complete.map(|complete| ("completeness".to_owned(), json!(complete))));
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
            "createdBy": [self.maker],
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

fn external(kind: &str, identifier: &str) -> Value {
    json!({
        "type": "ExternalIdentifier",
        "externalIdentifierType": kind,
        "identifier": identifier,
    })
}

fn hash(algorithm: &str, value: &str) -> Value {
    json!({"type": "Hash", "algorithm": algorithm, "hashValue": value})
}

fn algorithm(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Md5 => "md5",
        HashAlgorithm::Sha1 => "sha1",
        HashAlgorithm::Sha256 => "sha256",
        HashAlgorithm::Sha384 => "sha384",
        HashAlgorithm::Sha512 => "sha512",
    }
}

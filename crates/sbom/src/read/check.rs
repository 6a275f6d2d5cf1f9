//! Whether a document keeps the rules of its own format, beyond being readable. The schemas say more on types; this
//! says more on what must be unique, must exist, or must be a licence or a package URL.

use std::collections::BTreeSet;

use sealift_model::Purl;
use serde_json::Value;
use spdx::{Expression, ParseMode};

use super::Kind;
use super::json::{items, text, texts};

/// Something wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: a path within the document.
    pub place: String,
    /// What.
    pub message: String,
}

/// Checks a document.
pub(super) fn check(kind: Kind, value: &Value) -> Vec<Problem> {
    let mut checker = Checker::default();
    match kind {
        Kind::CycloneDx => checker.cyclonedx(value),
        Kind::Spdx => checker.spdx(value),
        Kind::Spdx3 => checker.spdx3(value),
        Kind::Syft => checker.syft(value),
    }
    checker.problems
}

#[derive(Default)]
struct Checker<'a> {
    problems: Vec<Problem>,
    ids: BTreeSet<&'a str>,
}

impl<'a> Checker<'a> {
    fn add(&mut self, place: &str, message: impl Into<String>) {
        self.problems.push(Problem { place: place.to_owned(), message: message.into() });
    }

    fn require(&mut self, value: &Value, place: &str, keys: &[&str]) {
        for key in keys {
            let is_there = value.get(key).is_some_and(|it| it.as_str() != Some(""));
            if !is_there {
                self.add(place, format!("has no `{key}`"));
            }
        }
    }

    fn id(&mut self, place: &str, id: Option<&'a str>) {
        if let Some(id) = id
            && !self.ids.insert(id)
        {
            self.add(place, format!("the identifier `{id}` is not unique"));
        }
    }

    fn refer(&mut self, place: &str, id: Option<&str>) {
        match id {
            Some(id) if !self.ids.contains(id) => {
                self.add(place, format!("names `{id}`, which is not in the document"));
            }
            _ => {}
        }
    }

    fn purl(&mut self, place: &str, purl: Option<&str>) {
        if let Some(purl) = purl.filter(|purl| Purl::parse(purl).is_none()) {
            self.add(place, format!("`{purl}` is no package URL"));
        }
    }

    fn time(&mut self, place: &str, time: Option<&str>) {
        if let Some(time) = time.filter(|time| time.parse::<jiff::Timestamp>().is_err()) {
            self.add(place, format!("`{time}` is no time in RFC 3339"));
        }
    }

    // Names that the list does not have are not our business: the document's list may be newer.
    fn expression(&mut self, place: &str, expression: Option<&str>) {
        let said = expression.filter(|it| !matches!(*it, "NOASSERTION" | "NONE"));
        let mode = ParseMode { allow_unknown: true, allow_deprecated: true, ..ParseMode::STRICT };
        if let Some(said) = said
            && let Err(error) = Expression::parse_mode(said, mode)
        {
            self.add(place, format!("`{said}` is no licence expression: {}", error.reason));
        }
    }

    fn cyclonedx(&mut self, value: &'a Value) {
        let metadata = value.get("metadata").unwrap_or(&Value::Null);
        self.time("metadata.timestamp", text(metadata, "timestamp"));
        if let Some(number) = text(value, "serialNumber") {
            let uuid = number.strip_prefix("urn:uuid:").unwrap_or_default();
            let is_hex = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
            if uuid.len() != 36 || !uuid.bytes().all(is_hex) {
                self.add("serialNumber", format!("`{number}` is no `urn:uuid:`"));
            }
        }
        let old = matches!(text(value, "specVersion"), Some("1.0" | "1.1" | "1.2" | "1.3"));
        let mut pending: Vec<(String, &Value)> = Vec::new();
        pending.extend(metadata.get("component").map(|it| ("metadata.component".to_owned(), it)));
        pending.extend(nested("components", value));
        pending.reverse();
        while let Some((place, component)) = pending.pop() {
            let inner: Vec<_> = nested(&format!("{place}.components"), component).collect();
            pending.extend(inner.into_iter().rev());
            self.require(component, &place, &["type", "name"]);
            if old && component.get("version").is_none() {
                self.add(&place, "has no `version`, which this version of the format demands");
            }
            self.id(&place, text(component, "bom-ref"));
            self.purl(&place, text(component, "purl"));
            for choice in items(component, "licenses") {
                self.expression(&place, text(choice, "expression"));
                let id = choice.get("license").and_then(|license| text(license, "id"));
                if let Some(id) = id.filter(|id| spdx::license_id(id).is_none()) {
                    self.add(&place, format!("the SPDX list has no licence `{id}`"));
                }
            }
        }
        for service in items(value, "services") {
            self.id("services", text(service, "bom-ref"));
        }
        for (place, dependency) in nested("dependencies", value) {
            self.require(dependency, &place, &["ref"]);
            self.refer(&place, text(dependency, "ref"));
            for to in texts(dependency, "dependsOn") {
                self.refer(&place, Some(to));
            }
        }
    }

    fn spdx(&mut self, value: &'a Value) {
        const TOP: [&str; 5] =
            ["dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo"];
        self.require(value, "document", &TOP);
        let creation = value.get("creationInfo").unwrap_or(&Value::Null);
        self.require(creation, "creationInfo", &["created", "creators"]);
        self.time("creationInfo.created", text(creation, "created"));
        let namespace = text(value, "documentNamespace").unwrap_or("x:");
        if namespace.contains('#') || !namespace.contains(':') {
            self.add("documentNamespace", format!("`{namespace}` is no URI without a fragment"));
        }
        self.id("document", text(value, "SPDXID"));
        let is_old = !matches!(text(value, "spdxVersion"), Some("SPDX-2.3"));
        for (place, package) in nested("packages", value) {
            self.require(package, &place, &["name", "SPDXID", "downloadLocation"]);
            if is_old {
                const MORE: [&str; 3] = ["licenseConcluded", "licenseDeclared", "copyrightText"];
                self.require(package, &place, &MORE);
            }
            let id = text(package, "SPDXID");
            self.id(&place, id);
            if let Some(id) = id.filter(|id| !is_spdx_id(id)) {
                self.add(&place, format!("`{id}` is no identifier of SPDX"));
            }
            self.expression(&place, text(package, "licenseDeclared"));
            self.expression(&place, text(package, "licenseConcluded"));
            for reference in items(package, "externalRefs") {
                if text(reference, "referenceType") == Some("purl") {
                    self.purl(&place, text(reference, "referenceLocator"));
                }
            }
        }
        for list in ["files", "snippets"] {
            for (place, element) in nested(list, value) {
                self.id(&place, text(element, "SPDXID"));
            }
        }
        for (place, relationship) in nested("relationships", value) {
            const KEYS: [&str; 3] = ["spdxElementId", "relationshipType", "relatedSpdxElement"];
            self.require(relationship, &place, &KEYS);
            for end in [KEYS[0], KEYS[2]] {
                let id = text(relationship, end).filter(|id| {
                    !matches!(*id, "NONE" | "NOASSERTION") && !id.starts_with("DocumentRef-")
                });
                self.refer(&place, id);
            }
        }
    }

    fn spdx3(&mut self, value: &'a Value) {
        let graph: Vec<_> = nested("@graph", value).collect();
        for (place, element) in &graph {
            self.require(element, place, &["type"]);
            self.id(place, text(element, "spdxId").or_else(|| text(element, "@id")));
            self.purl(place, text(element, "software_packageUrl"));
            self.expression(place, text(element, "simplelicensing_licenseExpression"));
            self.time(place, text(element, "created"));
        }
        for (place, element) in &graph {
            if text(element, "type") != Some("CreationInfo") && text(element, "spdxId").is_some() {
                self.require(element, place, &["creationInfo"]);
                self.refer(place, text(element, "creationInfo"));
            }
            for key in ["from", "to", "suppliedBy", "rootElement"] {
                for id in texts(element, key) {
                    self.refer(place, Some(id));
                }
            }
        }
    }

    fn syft(&mut self, value: &'a Value) {
        self.require(value, "document", &["artifacts", "source", "descriptor", "schema"]);
        self.id("source", value.get("source").and_then(|source| text(source, "id")));
        for (place, artifact) in nested("artifacts", value) {
            self.require(artifact, &place, &["id", "name", "type"]);
            self.id(&place, text(artifact, "id"));
            self.purl(&place, text(artifact, "purl"));
        }
        for (place, file) in nested("files", value) {
            self.id(&place, text(file, "id"));
        }
        for (place, relationship) in nested("artifactRelationships", value) {
            self.require(relationship, &place, &["parent", "child", "type"]);
            self.refer(&place, text(relationship, "parent"));
            self.refer(&place, text(relationship, "child"));
        }
    }
}

// The items of a list with their places, `components[3]`. The list's name is the last part of the path.
fn nested<'a>(path: &str, value: &'a Value) -> impl Iterator<Item = (String, &'a Value)> {
    let key = path.rsplit('.').next().unwrap_or(path);
    let path = path.to_owned();
    items(value, key).iter().enumerate().map(move |(n, item)| (format!("{path}[{n}]"), item))
}

fn is_spdx_id(id: &str) -> bool {
    id.strip_prefix("SPDXRef-").is_some_and(|rest| {
        !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    })
}

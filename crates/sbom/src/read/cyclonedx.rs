//! CycloneDX 1.0 to 1.7 (<https://cyclonedx.org/docs/1.6/json/>).

use std::collections::BTreeMap;

use sealift_model::{
    Distro, Layer, License, LicenseSource, Package, Scope, SourcePackage, Supplier,
};
use serde_json::Value;

use super::draft::{Draft, evidence, hash, license, licenses, package};
use super::json::{items, owned, said, text, texts};
use super::{Document, Error, Limits};
use crate::facts;

/// Reads a document.
pub(super) fn decode(
    value: &Value,
    format: &'static str,
    limits: &Limits,
) -> Result<Document, Error> {
    let version = text(value, "specVersion").unwrap_or_default();
    if !matches!(version, "1.0" | "1.1" | "1.2" | "1.3" | "1.4" | "1.5" | "1.6" | "1.7") {
        let version = version.chars().take(40).collect();
        return Err(Error::UnknownVersion { format, version });
    }
    let mut draft = Draft::new();
    if let Some(metadata) = value.get("metadata") {
        self::metadata(&mut draft, metadata);
    }
    // Components may have components; they are taken out level by level.
    let mut pending: Vec<&Value> = items(value, "components").iter().collect();
    pending.reverse();
    while let Some(component) = pending.pop() {
        pending.extend(items(component, "components").iter().rev());
        add_component(&mut draft, component);
        if draft.packages.len() > limits.packages_max {
            return Err(Error::TooMany { what: "packages", max: limits.packages_max });
        }
    }
    for dependency in items(value, "dependencies") {
        let Some(from) = text(dependency, "ref") else { continue };
        for to in items(dependency, "dependsOn").iter().filter_map(Value::as_str) {
            draft.needs.push((from.to_owned(), to.to_owned()));
        }
    }
    draft.finish(format, version, limits)
}

fn metadata(draft: &mut Draft, metadata: &Value) {
    draft.set_created(text(metadata, "timestamp"));
    let supplier = metadata.get("supplier").and_then(party);
    if let Some(root) = metadata.get("component") {
        draft.subject.name = full_name(root);
        draft.set_subject_version(text(root, "version"));
        draft.set_subject_purl(text(root, "purl"));
        draft.others.extend(owned(root, "bom-ref"));
        draft.set_supplier(root.get("supplier").and_then(party).or(supplier));
        draft.subject.homepage = reference(root, "website");
        draft.subject.license =
            component_licenses(root).first().map(|license| license.declared.clone());
        draft.set_facts(properties(root));
    }
    for author in items(metadata, "authors") {
        let Some(name) = text(author, "name") else { continue };
        draft.set_creator(match text(author, "email") {
            Some(mail) => format!("{name} <{mail}>"),
            None => name.to_owned(),
        });
    }
    for (name, value) in properties(metadata) {
        if name == "sealift:note" {
            draft.add_note(value);
        }
    }
}

fn add_component(draft: &mut Draft, component: &Value) {
    let reference = owned(component, "bom-ref").or_else(|| owned(component, "purl"));
    match text(component, "type") {
        Some("operating-system") => {
            draft.others.extend(reference);
            draft.distro = Some(Distro {
                id: owned(component, "name").unwrap_or_default(),
                version_id: owned(component, "version"),
                codename: None,
                pretty_name: owned(component, "description"),
                id_like: Vec::new(),
            });
        }
        // A file is evidence, no package.
        Some("file") if text(component, "purl").is_none() => draft.others.extend(reference),
        _ => {
            let package = read_component(component, &draft.layers);
            draft.packages.push((reference.unwrap_or_default(), package));
        }
    }
}

fn read_component(component: &Value, layers: &[Layer]) -> Package {
    let name = full_name(component);
    let mut package = package(&name, said(component, "version"), text(component, "purl"));
    package.licenses = component_licenses(component);
    package.summary = owned(component, "description");
    let named = component.get("supplier").and_then(party);
    let named = named.or_else(|| owned(component, "publisher"));
    package.supplier = named.or_else(|| owned(component, "author")).map(Supplier::Organization);
    package.homepage = reference(component, "website");
    package.download_url = reference(component, "distribution");
    package.copyright = owned(component, "copyright");
    package.hashes = items(component, "hashes")
        .iter()
        .filter_map(|it| hash(text(it, "alg")?, text(it, "content")?))
        .collect();
    if text(component, "scope") == Some("excluded") {
        package.scope = Scope::Declared;
    }
    package.cpes.extend(owned(component, "cpe"));
    let properties: Vec<(&str, &str)> = properties(component).collect();
    let property = |wanted: &str| {
        properties.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
    };
    for (name, value) in &properties {
        if *name == "syft:cpe23" && package.cpes.iter().all(|known| known != value) {
            package.cpes.push((*value).to_owned());
        }
    }
    if let Some(name) = property("syft:metadata:source").filter(|name| !name.is_empty()) {
        let own = package.version.clone().unwrap_or_default();
        let version = property("syft:metadata:sourceVersion").filter(|text| !text.is_empty());
        package.source = Some(SourcePackage { name, version: version.unwrap_or(own) });
    }
    facts::read_package(&mut package, properties.iter().copied(), layers);
    if package.evidence.is_empty() {
        read_evidence(&mut package, component, &properties);
    }
    package
}

// What others say of the places where a component was seen.
fn read_evidence(package: &mut Package, component: &Value, properties: &[(&str, &str)]) {
    let is_path = |name: &str| name.starts_with("syft:location:") && name.ends_with(":path");
    let mut paths: Vec<&str> =
        properties.iter().filter(|(name, _)| is_path(name)).map(|(_, value)| *value).collect();
    if paths.is_empty()
        && let Some(evidence) = component.get("evidence")
    {
        paths =
            items(evidence, "occurrences").iter().filter_map(|at| text(at, "location")).collect();
    }
    let layer = package.introduced_by.clone();
    package.evidence =
        paths.into_iter().map(|path| evidence(package.kind, path, layer.clone())).collect();
}

fn reference(component: &Value, kind: &str) -> Option<String> {
    items(component, "externalReferences")
        .iter()
        .find(|reference| text(reference, "type") == Some(kind))
        .and_then(|reference| owned(reference, "url"))
}

// npm writes its scope, Maven its group, PHP its vendor as `group`.
fn full_name(component: &Value) -> String {
    let name = text(component, "name").unwrap_or_default();
    let Some(group) = text(component, "group") else { return name.to_owned() };
    let is_maven = text(component, "purl").is_some_and(|purl| purl.starts_with("pkg:maven/"));
    format!("{group}{}{name}", if is_maven { ":" } else { "/" })
}

fn component_licenses(component: &Value) -> Vec<License> {
    let mut found = Vec::new();
    for choice in items(component, "licenses") {
        let one = choice.get("license").unwrap_or(choice);
        let source = match text(one, "acknowledgement") {
            Some("concluded") => LicenseSource::Detected,
            _ => LicenseSource::Declared,
        };
        let named = match text(choice, "expression") {
            Some(expression) => licenses(expression, &BTreeMap::new()),
            None => {
                text(one, "id").or_else(|| text(one, "name")).map(license).into_iter().collect()
            }
        };
        found.extend(named.into_iter().map(|license| License { source, ..license }));
    }
    found
}

fn party(entity: &Value) -> Option<String> {
    let name = text(entity, "name")?;
    let mail = items(entity, "contact").iter().find_map(|contact| text(contact, "email"));
    let mail = mail.or_else(|| texts(entity, "url").into_iter().next());
    Some(match mail {
        Some(mail) => format!("{name} <{mail}>"),
        None => name.to_owned(),
    })
}

fn properties(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    items(value, "properties")
        .iter()
        .filter_map(|property| Some((text(property, "name")?, text(property, "value")?)))
}

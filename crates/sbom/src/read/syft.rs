//! Syft's own JSON, schemas 1 to 16.

use std::collections::BTreeMap;

use sealift_model::{
    Distro, Layer, LayerRef, License, LicenseSource, Package, SourcePackage, Supplier,
};
use sealift_oci::Digest;
use serde_json::Value;

use super::draft::{Draft, evidence, license, package};
use super::json::{items, owned, said, text, texts};
use super::{Document, Error, Limits};
use crate::facts;
use crate::syft::purl_type_of;

/// Reads a document.
pub(super) fn decode(value: &Value, limits: &Limits) -> Result<Document, Error> {
    let format = "syft-json";
    let version = value.get("schema").and_then(|schema| text(schema, "version")).unwrap_or("");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if !major.is_some_and(|major| (1..=16).contains(&major)) {
        let version = version.chars().take(40).collect();
        return Err(Error::UnknownVersion { format, version });
    }
    let mut draft = Draft::new();
    let layers = source(&mut draft, value.get("source").unwrap_or(&Value::Null));
    draft.distro = value.get("distro").and_then(distro);
    let configuration =
        value.get("descriptor").and_then(|descriptor| descriptor.get("configuration"));
    draft.set_created(configuration.and_then(|configuration| text(configuration, "created")));
    for artifact in items(value, "artifacts") {
        let id = owned(artifact, "id").unwrap_or_default();
        let package = read_artifact(artifact, &layers, &draft.layers);
        draft.packages.push((id, package));
    }
    for relation in items(value, "artifactRelationships") {
        let (Some(parent), Some(child)) = (text(relation, "parent"), text(relation, "child"))
        else {
            continue;
        };
        if text(relation, "type") == Some("dependency-of") {
            draft.needs.push((child.to_owned(), parent.to_owned()));
        }
    }
    draft.finish(format, version, limits)
}

// The subject; returns the places of the layers.
fn source(draft: &mut Draft, source: &Value) -> BTreeMap<Digest, usize> {
    draft.subject.name = owned(source, "name").unwrap_or_default();
    draft.set_supplier(owned(source, "supplier"));
    draft.others.extend(owned(source, "id"));
    let Some(metadata) = source.get("metadata").or_else(|| source.get("target")) else {
        return BTreeMap::new();
    };
    if text(source, "type") != Some("image") {
        return BTreeMap::new();
    }
    draft.set_subject_version(text(metadata, "manifestDigest"));
    draft.set_facts(annotations(metadata));
    if let Some(id) = text(metadata, "imageID").and_then(|id| id.parse().ok()) {
        draft.subject.config_digest.get_or_insert(id);
    }
    draft.subject.architecture = owned(metadata, "architecture");
    let input = text(metadata, "userInput");
    let tag = texts(metadata, "tags").into_iter().next().or(input);
    draft.subject.reference = tag.and_then(|tag| tag.parse().ok());
    if draft.subject.name.is_empty() {
        input.unwrap_or_default().clone_into(&mut draft.subject.name);
    }
    items(metadata, "layers")
        .iter()
        .enumerate()
        .filter_map(|(place, layer)| Some((text(layer, "digest")?.parse().ok()?, place)))
        .collect()
}

fn distro(value: &Value) -> Option<Distro> {
    Some(Distro {
        id: owned(value, "id")?,
        version_id: owned(value, "versionID"),
        codename: owned(value, "versionCodename"),
        pretty_name: owned(value, "prettyName"),
        id_like: texts(value, "idLike").into_iter().map(str::to_owned).collect(),
    })
}

// Texts only, and in an order that does not depend on the document.
fn annotations(value: &Value) -> impl Iterator<Item = (&str, &str)> {
    let map = value.get("annotations").and_then(Value::as_object);
    let mut list: Vec<(&str, &str)> = map
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    // `…:layer:10` comes after `…:layer:9`.
    list.sort_by_key(|(name, _)| (name.len(), *name));
    list.into_iter()
}

fn read_artifact(artifact: &Value, layers: &BTreeMap<Digest, usize>, listed: &[Layer]) -> Package {
    let name = text(artifact, "name").unwrap_or_default();
    let mut package = package(name, said(artifact, "version"), text(artifact, "purl"));
    if package.purl.name.is_empty()
        && let Some(kind) = text(artifact, "type").and_then(purl_type_of)
    {
        kind.clone_into(&mut package.purl.kind);
        package.kind = sealift_model::PackageKind::from_purl_type(kind);
    }
    package.licenses = items(artifact, "licenses").iter().filter_map(artifact_license).collect();
    package.cpes = items(artifact, "cpes")
        .iter()
        .filter_map(|cpe| cpe.as_str().or_else(|| text(cpe, "cpe")).map(str::to_owned))
        .collect();
    for location in items(artifact, "locations") {
        let Some(path) = text(location, "path") else { continue };
        let layer =
            text(location, "layerID").and_then(|text| text.parse().ok()).map(|diff_id: Digest| {
                LayerRef { index: layers.get(&diff_id).copied().unwrap_or(0), diff_id }
            });
        let mut found = evidence(package.kind, path, layer);
        let said = annotations(location).find(|(name, _)| *name == "sealift:evidence");
        if let Some((_, kind)) = said {
            // As it stands in other formats, with the path as its value.
            let mut seen = Package::new(package.kind, "");
            facts::read_package(&mut seen, std::iter::once((kind, path)), listed);
            if let Some(known) = seen.evidence.pop() {
                (found.method, found.confidence) = (known.method, known.confidence);
            }
        }
        package.evidence.push(found);
    }
    package.introduced_by = package.evidence.first().and_then(|evidence| evidence.layer.clone());
    if let Some(first) = items(artifact, "locations").first() {
        let facts = annotations(first).filter(|(name, _)| *name != "sealift:evidence");
        facts::read_package(&mut package, facts, listed);
    }
    if let Some(metadata) = artifact.get("metadata") {
        read_metadata(&mut package, metadata);
    }
    package
}

// Objects since schema 7; texts before.
fn artifact_license(value: &Value) -> Option<License> {
    if let Some(text) = value.as_str() {
        return Some(license(text)).filter(|license| !license.declared.is_empty());
    }
    let spdx = owned(value, "spdxExpression");
    let declared = owned(value, "value").or_else(|| spdx.clone())?;
    let source = match text(value, "type") {
        Some("concluded") => LicenseSource::Detected,
        _ => LicenseSource::Declared,
    };
    Some(License { source, ..License::declared(declared, spdx) })
}

fn read_metadata(package: &mut Package, metadata: &Value) {
    if package.source.is_none()
        && let Some(name) = owned(metadata, "source").filter(|_| package.kind.is_os())
    {
        let own = package.version.clone().unwrap_or_default();
        let version = owned(metadata, "sourceVersion").unwrap_or(own);
        package.source = Some(SourcePackage { name, version });
    }
    package.architecture = package.architecture.take().or_else(|| owned(metadata, "architecture"));
    let mail = text(metadata, "authorEmail").map(|mail| format!(" <{mail}>")).unwrap_or_default();
    let named = ["maintainer", "vendor", "packager"].iter().find_map(|key| owned(metadata, key));
    let author = text(metadata, "author").or_else(|| texts(metadata, "authors").first().copied());
    package.homepage = owned(metadata, "homepage");
    package.supplier = match (named, author) {
        (Some(maintainer), _) => Some(Supplier::Organization(maintainer)),
        (None, Some(author)) => Some(Supplier::Person(format!("{author}{mail}"))),
        (None, None) => None,
    };
    package.files = items(metadata, "files")
        .iter()
        .filter_map(|file| text(file, "path").map(str::to_owned))
        .collect();
}

//! SPDX 2.1 to 2.3, in the shape of its JSON (<https://spdx.github.io/spdx-spec/v2.3/>).

use std::collections::BTreeMap;

use sealift_model::{Distro, Layer, LayerRef, Package, SourcePackage, Supplier};
use serde_json::Value;

use super::draft::{Draft, declared_and_concluded, evidence, hash, licenses, package};
use super::json::{items, owned, said, text, texts};
use super::{Document, Error, Limits};
use crate::facts;

/// Reads a document.
pub(super) fn decode(
    value: &Value,
    format: &'static str,
    limits: &Limits,
) -> Result<Document, Error> {
    let version = text(value, "spdxVersion").unwrap_or_default();
    let version = version.strip_prefix("SPDX-").unwrap_or(version);
    if !matches!(version, "2.0" | "2.1" | "2.2" | "2.3") {
        let version = version.chars().take(40).collect();
        return Err(Error::UnknownVersion { format, version });
    }
    let mut draft = Draft::new();
    draft.subject.name = owned(value, "name").unwrap_or_default();
    if let Some(creation) = value.get("creationInfo") {
        draft.set_created(text(creation, "created"));
        let comment = text(creation, "comment").unwrap_or_default();
        comment.lines().filter(|line| !line.is_empty()).for_each(|line| draft.add_note(line));
        for creator in texts(creation, "creators").into_iter().filter_map(party) {
            draft.set_creator(name_of(creator));
        }
    }
    let extracted: BTreeMap<String, String> = items(value, "hasExtractedLicensingInfos")
        .iter()
        .filter_map(|license| {
            let said = said(license, "extractedText").or_else(|| said(license, "name"));
            Some((owned(license, "licenseId")?, said?))
        })
        .collect();
    let root = root(value);
    // The subject first: packages refer to its layers.
    for element in items(value, "packages") {
        if root.is_some() && root.as_deref() == text(element, "SPDXID") {
            self::subject(&mut draft, element, &extracted);
        }
    }
    for element in items(value, "packages") {
        let id = owned(element, "SPDXID").unwrap_or_default();
        if root.as_deref() == Some(id.as_str()) {
            draft.others.insert(id);
        } else if is_distro(element, &id) {
            draft.distro = Some(distro(element));
            draft.others.insert(id);
        } else {
            let package = read_package(element, &extracted, &draft.layers);
            draft.packages.push((id, package));
        }
    }
    draft.others.extend(items(value, "files").iter().filter_map(|file| owned(file, "SPDXID")));
    relationships(&mut draft, value);
    draft.finish(format, version, limits)
}

// What the document is about: the one package that it describes, unless that is the only one in it.
fn root(value: &Value) -> Option<String> {
    let mut described = texts(value, "documentDescribes");
    for relationship in items(value, "relationships") {
        let (from, to) =
            (text(relationship, "spdxElementId")?, text(relationship, "relatedSpdxElement")?);
        match text(relationship, "relationshipType") {
            Some("DESCRIBES") if from == "SPDXRef-DOCUMENT" => described.push(to),
            Some("DESCRIBED_BY") if to == "SPDXRef-DOCUMENT" => described.push(from),
            _ => {}
        }
    }
    described.sort_unstable();
    described.dedup();
    let [one] = described.as_slice() else { return None };
    let element =
        items(value, "packages").iter().find(|element| text(element, "SPDXID") == Some(*one))?;
    let is_container = text(element, "primaryPackagePurpose") == Some("CONTAINER");
    let contains = items(value, "relationships").iter().any(|relationship| {
        text(relationship, "spdxElementId") == Some(*one)
            && text(relationship, "relationshipType") == Some("CONTAINS")
    });
    (is_container || contains || *one == "SPDXRef-Image").then(|| (*one).to_owned())
}

fn subject(draft: &mut Draft, element: &Value, extracted: &BTreeMap<String, String>) {
    if let Some(name) = said(element, "name") {
        draft.subject.name = name;
    }
    draft.set_subject_version(text(element, "versionInfo"));
    draft.set_subject_purl(purl(element));
    draft.set_supplier(text(element, "supplier").and_then(party).map(name_of));
    draft.subject.homepage = said(element, "homepage");
    let expression = said(element, "licenseDeclared").unwrap_or_default();
    let license = licenses(&expression, extracted).into_iter().next();
    draft.subject.license = license.map(|license| license.declared);
    draft.set_facts(facts::from_lines(text(element, "comment").unwrap_or_default()));
}

/// The name of a supplier, which says so if that is a person.
pub(super) fn name_of(supplier: Supplier) -> String {
    match supplier {
        Supplier::Person(name) => format!("Person: {name}"),
        Supplier::Organization(name) => name,
    }
}

fn is_distro(element: &Value, id: &str) -> bool {
    id == "SPDXRef-OperatingSystem"
        || text(element, "primaryPackagePurpose")
            .is_some_and(|purpose| matches!(purpose, "OPERATING-SYSTEM" | "OPERATING_SYSTEM"))
}

fn distro(element: &Value) -> Distro {
    Distro {
        id: owned(element, "name").unwrap_or_default(),
        version_id: owned(element, "versionInfo"),
        codename: None,
        pretty_name: owned(element, "summary"),
        id_like: Vec::new(),
    }
}

fn purl(element: &Value) -> Option<&str> {
    items(element, "externalRefs")
        .iter()
        .find(|reference| text(reference, "referenceType") == Some("purl"))
        .and_then(|reference| text(reference, "referenceLocator"))
}

fn read_package(
    element: &Value,
    extracted: &BTreeMap<String, String>,
    layers: &[Layer],
) -> Package {
    let name = text(element, "name").unwrap_or_default();
    let mut package = package(name, said(element, "versionInfo"), purl(element));
    let expression = |key: &str| licenses(&said(element, key).unwrap_or_default(), extracted);
    package.licenses =
        declared_and_concluded(expression("licenseDeclared"), expression("licenseConcluded"));
    package.copyright = said(element, "copyrightText");
    package.download_url = said(element, "downloadLocation");
    package.hashes = items(element, "checksums")
        .iter()
        .filter_map(|it| hash(text(it, "algorithm")?, text(it, "checksumValue")?))
        .collect();
    package.cpes = items(element, "externalRefs")
        .iter()
        .filter(|reference| text(reference, "referenceType") == Some("cpe23Type"))
        .filter_map(|reference| owned(reference, "referenceLocator"))
        .collect();
    let supplier = text(element, "supplier").and_then(party);
    package.supplier = supplier.or_else(|| text(element, "originator").and_then(party));
    package.homepage = said(element, "homepage");
    package.summary = said(element, "summary").or_else(|| said(element, "description"));
    let comment = text(element, "comment").unwrap_or_default();
    facts::read_package(&mut package, facts::from_lines(comment), layers);
    source_info(&mut package, text(element, "sourceInfo").unwrap_or_default());
    package
}

/// Reads `Person: Name (mail)`.
fn party(text: &str) -> Option<Supplier> {
    let (kind, name) = text.split_once(':')?;
    let name = name.trim();
    let name = match name.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
        Some((name, "")) => name.trim().to_owned(),
        Some((name, mail)) => format!("{} <{mail}>", name.trim()),
        None => name.to_owned(),
    };
    match kind.trim() {
        _ if name.is_empty() => None,
        "Person" => Some(Supplier::Person(name)),
        "Organization" => Some(Supplier::Organization(name)),
        _ => None,
    }
}

/// What our own encoder writes into the source information
/// (in versions that had it nowhere else).
pub(super) fn source_info(package: &mut Package, text: &str) {
    if !package.evidence.is_empty() || package.introduced_by.is_some() {
        return;
    }
    for part in text.split("; ") {
        if let Some(rest) = part.strip_prefix("built from source package ") {
            if let Some((name, version)) = rest.split_once(' ') {
                let source = SourcePackage { name: name.to_owned(), version: version.to_owned() };
                package.source = Some(source);
            }
        } else if let Some(rest) = part.strip_prefix("found by ") {
            let path = rest.rsplit_once(" in layer ").map_or(rest, |(path, _)| path);
            package.evidence.push(evidence(package.kind, path, None));
        } else if let Some(rest) = part.strip_prefix("introduced by layer ") {
            let layer = rest.split_once(' ').and_then(|(index, digest)| {
                let digest = digest.trim_start_matches('(').trim_end_matches(')');
                Some(LayerRef { index: index.parse().ok()?, diff_id: digest.parse().ok()? })
            });
            package.introduced_by = layer;
        }
    }
    for evidence in &mut package.evidence {
        evidence.layer.clone_from(&package.introduced_by);
    }
}

fn relationships(draft: &mut Draft, value: &Value) {
    for relationship in items(value, "relationships") {
        let (Some(from), Some(to), Some(kind)) = (
            text(relationship, "spdxElementId"),
            text(relationship, "relatedSpdxElement"),
            text(relationship, "relationshipType"),
        ) else {
            continue;
        };
        let (from, to) = (from.to_owned(), to.to_owned());
        if matches!(kind, "STATIC_LINK" | "GENERATED_FROM") {
            draft.built_from.push((from, to));
        } else if kind == "DEPENDS_ON" {
            draft.needs.push((from, to));
        } else if kind.ends_with("DEPENDENCY_OF") {
            draft.needs.push((to, from));
        }
    }
}

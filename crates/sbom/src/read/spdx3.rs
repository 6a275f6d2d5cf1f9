//! SPDX 3.0 as JSON-LD (<https://spdx.github.io/spdx-spec/v3.0.1/>).

use std::collections::BTreeMap;

use sealift_model::{Distro, Layer, License, Package, Supplier};
use serde_json::Value;

use super::draft::{Draft, declared_and_concluded, hash, licenses, package};
use super::json::{items, owned, said, text, texts};
use super::spdx::{name_of, source_info};
use super::{Document, Error, Limits};
use crate::facts;
use crate::spdx::linked::UNKNOWN_COPYRIGHT;

/// Elements by their identifiers.
type Elements<'a> = BTreeMap<&'a str, &'a Value>;

/// Reads a document.
pub(super) fn decode(value: &Value, limits: &Limits) -> Result<Document, Error> {
    let format = "spdx-json";
    let graph = items(value, "@graph");
    let elements: Elements<'_> = graph.iter().filter_map(|it| Some((id(it)?, it))).collect();
    let creation = graph.iter().find(|it| text(it, "type") == Some("CreationInfo"));
    let version = creation.and_then(|it| text(it, "specVersion")).unwrap_or_default();
    if !version.starts_with("3.0") {
        let version = version.chars().take(40).collect();
        return Err(Error::UnknownVersion { format, version });
    }
    let mut draft = Draft::new();
    if let Some(creation) = creation {
        draft.set_created(text(creation, "created"));
        let comment = text(creation, "comment").unwrap_or_default();
        comment.lines().filter(|line| !line.is_empty()).for_each(|line| draft.add_note(line));
    }
    let mut licenses_of = Licenses::default();
    for relationship in graph {
        let Some(from) = text(relationship, "from") else { continue };
        let to = texts(relationship, "to");
        match text(relationship, "relationshipType") {
            Some("dependsOn") => {
                draft.needs.extend(to.iter().map(|to| (from.to_owned(), (*to).to_owned())));
            }
            Some("hasStaticLink") => {
                draft.built_from.extend(to.iter().map(|to| (from.to_owned(), (*to).to_owned())));
            }
            Some("hasDeclaredLicense") => {
                licenses_of.declared.extend(to.first().map(|to| (from, *to)));
            }
            Some("hasConcludedLicense") => {
                licenses_of.concluded.extend(to.first().map(|to| (from, *to)));
            }
            _ => {}
        }
    }
    if let Some(creation) = creation {
        let agents = texts(creation, "createdBy").into_iter().filter_map(|id| elements.get(id));
        agents.filter_map(|agent| party(agent)).for_each(|it| draft.set_creator(name_of(it)));
    }
    let root = root(graph, &elements);
    if let Some(element) = root.and_then(|root| elements.get(root)) {
        subject(&mut draft, element, &licenses_of, &elements);
    }
    for element in graph.iter().filter(|it| text(it, "type") == Some("software_Package")) {
        let Some(id) = id(element) else { continue };
        let purpose = text(element, "software_primaryPurpose");
        if root == Some(id) {
            draft.others.insert(id.to_owned());
        } else if purpose == Some("operatingSystem") {
            draft.distro = Some(distro(element));
            draft.others.insert(id.to_owned());
        } else {
            let package = read_package(element, &licenses_of, &elements, &draft.layers);
            draft.packages.push((id.to_owned(), package));
        }
    }
    draft.finish(format, version, limits)
}

fn id(element: &Value) -> Option<&str> {
    text(element, "spdxId").or_else(|| text(element, "@id"))
}

// What the SBOM is about, if it is one package.
fn root<'a>(graph: &'a [Value], elements: &Elements<'a>) -> Option<&'a str> {
    let mut roots = Vec::new();
    for kind in ["software_Sbom", "SpdxDocument"] {
        let of_kind = graph.iter().filter(|it| text(it, "type") == Some(kind));
        roots.extend(of_kind.flat_map(|it| texts(it, "rootElement")));
    }
    let is_package =
        |id: &&str| elements.get(id).is_some_and(|it| text(it, "type") == Some("software_Package"));
    let mut packages: Vec<&str> = roots.into_iter().filter(is_package).collect();
    packages.dedup();
    let [one] = packages.as_slice() else { return None };
    let others = graph.iter().filter(|it| text(it, "type") == Some("software_Package")).count();
    let is_container =
        elements.get(one).and_then(|it| text(it, "software_primaryPurpose")) == Some("container");
    (others > 1 || is_container).then_some(*one)
}

fn purl(element: &Value) -> Option<&str> {
    let identifier = items(element, "externalIdentifier")
        .iter()
        .find(|it| text(it, "externalIdentifierType") == Some("packageUrl"));
    text(element, "software_packageUrl").or_else(|| text(identifier?, "identifier"))
}

// The identifiers of licence expressions, by what they are of.
#[derive(Default)]
struct Licenses<'a> {
    declared: BTreeMap<&'a str, &'a str>,
    concluded: BTreeMap<&'a str, &'a str>,
}

fn subject(
    draft: &mut Draft,
    element: &Value,
    licenses_of: &Licenses<'_>,
    elements: &Elements<'_>,
) {
    draft.subject.name = owned(element, "name").unwrap_or_default();
    draft.set_subject_version(text(element, "software_packageVersion"));
    draft.set_subject_purl(purl(element));
    draft.set_supplier(supplier(element, elements).map(name_of));
    draft.subject.homepage = owned(element, "software_homePage");
    let declared = expression(element, &licenses_of.declared, elements);
    draft.subject.license = declared.into_iter().next().map(|license| license.declared);
    draft.set_facts(facts::from_lines(text(element, "comment").unwrap_or_default()));
}

fn distro(element: &Value) -> Distro {
    Distro {
        id: owned(element, "name").unwrap_or_default(),
        version_id: owned(element, "software_packageVersion"),
        codename: None,
        pretty_name: owned(element, "summary"),
        id_like: Vec::new(),
    }
}

fn supplier(element: &Value, elements: &Elements<'_>) -> Option<Supplier> {
    party(elements.get(text(element, "suppliedBy")?)?)
}

fn party(agent: &Value) -> Option<Supplier> {
    let name = text(agent, "name")?;
    let mail = items(agent, "externalIdentifier")
        .iter()
        .find(|it| text(it, "externalIdentifierType") == Some("email"))
        .and_then(|it| text(it, "identifier"));
    let name = match mail {
        Some(mail) => format!("{name} <{mail}>"),
        None => name.to_owned(),
    };
    match text(agent, "type") {
        Some("Person") => Some(Supplier::Person(name)),
        Some("Organization") => Some(Supplier::Organization(name)),
        _ => None,
    }
}

fn expression(element: &Value, of: &BTreeMap<&str, &str>, elements: &Elements<'_>) -> Vec<License> {
    let license = id(element).and_then(|id| elements.get(of.get(id)?));
    let Some(license) = license else { return Vec::new() };
    let custom: BTreeMap<String, String> = items(license, "simplelicensing_customIdToUri")
        .iter()
        .filter_map(|entry| {
            let element = elements.get(text(entry, "value")?)?;
            let text = owned(element, "simplelicensing_licenseText")?;
            Some((owned(entry, "key")?, text))
        })
        .collect();
    let expression = text(license, "simplelicensing_licenseExpression").unwrap_or_default();
    licenses(expression, &custom)
}

fn read_package(
    element: &Value,
    licenses_of: &Licenses<'_>,
    elements: &Elements<'_>,
    layers: &[Layer],
) -> Package {
    let name = text(element, "name").unwrap_or_default();
    let mut package = package(name, said(element, "software_packageVersion"), purl(element));
    package.supplier = supplier(element, elements);
    package.homepage = owned(element, "software_homePage");
    package.summary = owned(element, "summary");
    package.download_url = owned(element, "software_downloadLocation");
    package.copyright =
        said(element, "software_copyrightText").filter(|text| text != UNKNOWN_COPYRIGHT);
    package.hashes = items(element, "verifiedUsing")
        .iter()
        .filter_map(|it| hash(text(it, "algorithm")?, text(it, "hashValue")?))
        .collect();
    package.cpes = items(element, "externalIdentifier")
        .iter()
        .filter(|it| text(it, "externalIdentifierType") == Some("cpe23"))
        .filter_map(|it| owned(it, "identifier"))
        .collect();
    let comment = text(element, "comment").unwrap_or_default();
    facts::read_package(&mut package, facts::from_lines(comment), layers);
    source_info(&mut package, text(element, "software_sourceInfo").unwrap_or_default());
    package.licenses = declared_and_concluded(
        expression(element, &licenses_of.declared, elements),
        expression(element, &licenses_of.concluded, elements),
    );
    package
}

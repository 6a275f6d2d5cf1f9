//! SPDX 3.0 as JSON-LD (<https://spdx.github.io/spdx-spec/v3.0.1/>).

use std::collections::BTreeMap;

use sealift_model::{Distro, Package, Supplier};
use serde_json::Value;

use super::draft::{Draft, licenses, package};
use super::json::{items, owned, said, text, texts};
use super::spdx::source_info;
use super::{Document, Error, Limits};

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
    let mut licenses_of: BTreeMap<&str, &str> = BTreeMap::new();
    for relationship in graph {
        let Some(from) = text(relationship, "from") else { continue };
        let to = texts(relationship, "to");
        match text(relationship, "relationshipType") {
            Some("dependsOn") => {
                draft.needs.extend(to.iter().map(|to| (from.to_owned(), (*to).to_owned())));
            }
            Some("hasDeclaredLicense") => licenses_of.extend(to.first().map(|to| (from, *to))),
            Some("hasConcludedLicense") => {
                if let Some(to) = to.first() {
                    licenses_of.entry(from).or_insert(to);
                }
            }
            _ => {}
        }
    }
    let root = root(graph, &elements);
    for element in graph.iter().filter(|it| text(it, "type") == Some("software_Package")) {
        let Some(id) = id(element) else { continue };
        let purpose = text(element, "software_primaryPurpose");
        if root == Some(id) {
            subject(&mut draft, element, &elements);
            draft.others.insert(id.to_owned());
        } else if purpose == Some("operatingSystem") {
            draft.distro = Some(distro(element));
            draft.others.insert(id.to_owned());
        } else {
            let license = licenses_of.get(id).and_then(|license| elements.get(license));
            let package = read_package(element, license.copied(), &elements);
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

fn subject(draft: &mut Draft, element: &Value, elements: &Elements<'_>) {
    draft.subject.name = owned(element, "name").unwrap_or_default();
    draft.set_subject_version(text(element, "software_packageVersion"));
    draft.set_subject_purl(purl(element));
    draft.subject.supplier = supplier(element, elements).map(|party| match party {
        Supplier::Person(name) | Supplier::Organization(name) => name,
    });
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
    let agent = elements.get(text(element, "suppliedBy")?)?;
    let name = text(agent, "name")?;
    let mail = items(agent, "externalIdentifier")
        .iter()
        .find(|it| text(it, "externalIdentifierType") == Some("email"))
        .and_then(|it| text(it, "identifier"));
    let name = match mail {
        Some(mail) => format!("{name} <{mail}>"),
        None => name.to_owned(),
    };
    Some(match text(agent, "type") {
        Some("Person") => Supplier::Person(name),
        _ => Supplier::Organization(name),
    })
}

fn read_package(element: &Value, license: Option<&Value>, elements: &Elements<'_>) -> Package {
    let name = text(element, "name").unwrap_or_default();
    let mut package = package(name, said(element, "software_packageVersion"), purl(element));
    package.supplier = supplier(element, elements);
    package.homepage = owned(element, "software_homePage");
    package.summary = owned(element, "summary");
    source_info(&mut package, text(element, "software_sourceInfo").unwrap_or_default());
    if let Some(license) = license {
        let custom: BTreeMap<String, String> = items(license, "simplelicensing_customIdToUri")
            .iter()
            .filter_map(|entry| {
                let element = elements.get(text(entry, "value")?)?;
                let text = owned(element, "simplelicensing_licenseText")?;
                Some((owned(entry, "key")?, text))
            })
            .collect();
        let expression = text(license, "simplelicensing_licenseExpression").unwrap_or_default();
        package.licenses = licenses(expression, &custom);
    }
    package
}

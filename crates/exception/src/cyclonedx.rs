//! CycloneDX's VEX: the analyses of `vulnerabilities` (<https://cyclonedx.org/docs/1.6/json/#vulnerabilities>).

use std::collections::HashMap;

use sealift_model::Purl;
use serde_json::Value;

use crate::vex::{Name, Product, Statement, Status, items, push, text, time};
use crate::{Error, Exceptions};

const DEPTH_MAX: usize = 16;

pub(crate) fn read(file: &str, document: &Value, into: &mut Exceptions) -> Result<(), Error> {
    let mut purls = HashMap::new();
    components(&document["components"], DEPTH_MAX, &mut purls);
    let root = &document["metadata"]["component"];
    let root_reference = text(&root["bom-ref"]);
    // A document on an image speaks of that image's packages only.
    let image = text(&root["purl"])
        .and_then(Purl::parse)
        .filter(|purl| matches!(purl.kind.as_str(), "oci" | "docker"));
    let place = match text(&document["serialNumber"]) {
        Some(serial) => format!("{file} ({serial})"),
        None => file.to_owned(),
    };
    for (number, flaw) in items(&document["vulnerabilities"]).enumerate() {
        let analysis = &flaw["analysis"];
        if analysis.is_null() {
            continue;
        }
        let subject = format!("{file}, vulnerability {}", number + 1);
        let references = items(&flaw["references"]).filter_map(|it| text(&it["id"]));
        let ids: Vec<String> =
            text(&flaw["id"]).into_iter().chain(references).map(str::to_owned).collect();
        let (false, Some(status)) = (ids.is_empty(), status(&analysis["state"])) else {
            into.note(subject, "has no id or no known state, and does not count");
            continue;
        };
        let at = [&analysis["lastUpdated"], &flaw["updated"], &document["metadata"]["timestamp"]]
            .into_iter()
            .find_map(time);
        for affected in items(&flaw["affects"]) {
            let reference = text(&affected["ref"]).unwrap_or_default();
            let Some(names) = names(reference, affected, &purls) else {
                if root_reference == Some(reference) && image.is_some() {
                    let names = image.iter().cloned().map(Name::Purl).collect();
                    let product = Product { names, parts: Vec::new() };
                    let statement = statement(&place, &ids, product, status, analysis, at);
                    push(statement, into)?;
                } else {
                    let message = format!("`{reference}` is no package that is known here");
                    into.note(subject.clone(), message);
                }
                continue;
            };
            let product = match &image {
                Some(image) => {
                    Product { names: vec![Name::Purl(image.clone())], parts: vec![names] }
                }
                None => Product { names, parts: Vec::new() },
            };
            push(statement(&place, &ids, product, status, analysis, at), into)?;
        }
    }
    Ok(())
}

fn statement(
    place: &str,
    ids: &[String],
    product: Product,
    status: Status,
    analysis: &Value,
    at: Option<jiff::Timestamp>,
) -> Statement {
    Statement {
        place: place.to_owned(),
        ids: ids.to_vec(),
        product,
        status,
        justification: text(&analysis["justification"]).map(str::to_owned),
        reason: text(&analysis["detail"]).map(str::to_owned),
        at,
    }
}

fn status(value: &Value) -> Option<Status> {
    Some(match text(value)? {
        "not_affected" | "false_positive" => Status::NotAffected,
        "resolved" | "resolved_with_pedigree" => Status::Fixed,
        "exploitable" => Status::Affected,
        "in_triage" => Status::UnderInvestigation,
        _ => return None,
    })
}

// Package URLs of components by their references.
fn components<'a>(list: &'a Value, depth: usize, into: &mut HashMap<&'a str, &'a str>) {
    for component in items(list) {
        if let (Some(reference), Some(purl)) =
            (text(&component["bom-ref"]), text(&component["purl"]))
        {
            into.insert(reference, purl);
        }
        if depth > 0 {
            components(&component["components"], depth - 1, into);
        }
    }
}

// A reference is a component's of this document, a package URL, or a BOM-Link to one in another document
// (`urn:cdx:SERIAL/VERSION#REFERENCE`). With versions given, it means those only; a range of them is not judged.
fn names(reference: &str, affected: &Value, purls: &HashMap<&str, &str>) -> Option<Vec<Name>> {
    let linked = reference.strip_prefix("urn:cdx:").and_then(|link| link.split_once('#'));
    let target = linked.map_or(reference, |(_, fragment)| fragment);
    let purl = match purls.get(target) {
        Some(purl) => Purl::parse(purl),
        None => Purl::parse(target).or_else(|| Purl::parse(&decoded(target))),
    }?;
    if affected["versions"].is_null() {
        return Some(vec![Name::Purl(purl)]);
    }
    let versions = items(&affected["versions"]).filter_map(|it| text(&it["version"]));
    let named =
        versions.filter(|version| purl.version.as_deref().is_none_or(|own| own == *version));
    Some(
        named.map(|it| Name::Purl(Purl { version: Some(it.to_owned()), ..purl.clone() })).collect(),
    )
}

// A BOM-Link encodes the reference once more.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match byte {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

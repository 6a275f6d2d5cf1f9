//! OpenVEX (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>).

use serde_json::Value;

use crate::vex::{Inherited, Name, Product, Statement, Status, items, push, text, texts, time};
use crate::{Error, Exceptions};

pub(crate) fn read(
    file: &str,
    document: &Value,
    inherited: Inherited,
    into: &mut Exceptions,
) -> Result<(), Error> {
    let place = match text(&document["@id"]) {
        Some(id) => format!("{file} ({id})"),
        None => file.to_owned(),
    };
    for (number, said) in items(&document["statements"]).enumerate() {
        let subject = format!("{file}, statement {}", number + 1);
        let (ids, status) = (flaw(&said["vulnerability"]), status(&said["status"]));
        let (false, Some(status)) = (ids.is_empty(), status) else {
            into.note(subject, "has no flaw or no known status, and does not count");
            continue;
        };
        let justification = text(&said["justification"]);
        let reason = text(&said["impact_statement"]).or_else(|| text(&said["status_notes"]));
        // OpenVEX, "Status Labels": one of both must be there.
        if status == Status::NotAffected
            && justification.is_none()
            && text(&said["impact_statement"]).is_none()
        {
            into.note(subject, "does not say why the product is not affected, and does not count");
            continue;
        }
        let mut products: Vec<Product> = items(&said["products"]).map(product).collect();
        if products.is_empty() && inherited == Inherited::Subject {
            products.push(Product { names: vec![Name::Subject], parts: Vec::new() });
        }
        if products.is_empty() {
            into.note(subject, "names no product, and does not count");
            continue;
        }
        let at = [
            &said["last_updated"],
            &said["timestamp"],
            &document["last_updated"],
            &document["timestamp"],
        ]
        .into_iter()
        .find_map(time);
        for product in products {
            let statement = Statement {
                place: place.clone(),
                ids: ids.clone(),
                product,
                status,
                justification: justification.map(str::to_owned),
                reason: reason.map(str::to_owned),
                at,
            };
            push(statement, into)?;
        }
    }
    Ok(())
}

// Version 0.0.1 has a text where later ones have an object.
fn flaw(value: &Value) -> Vec<String> {
    let name = text(value).or_else(|| text(&value["name"]));
    let id = text(&value["@id"]).and_then(|id| id.rsplit('/').next());
    let ids = name.or(id).into_iter().chain(texts(&value["aliases"]));
    ids.map(str::to_owned).collect()
}

fn status(value: &Value) -> Option<Status> {
    Some(match text(value)? {
        "not_affected" => Status::NotAffected,
        "fixed" => Status::Fixed,
        "affected" => Status::Affected,
        "under_investigation" => Status::UnderInvestigation,
        _ => return None,
    })
}

fn product(value: &Value) -> Product {
    Product { names: names(value), parts: items(&value["subcomponents"]).map(names).collect() }
}

fn names(value: &Value) -> Vec<Name> {
    let id = text(value).or_else(|| text(&value["@id"]));
    let purl = text(&value["identifiers"]["purl"]);
    id.into_iter().chain(purl).map(Name::of).collect()
}

//! CSAF 2.0 documents of the profile VEX (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>, §4.5).

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::vex::{Name, Product, Statement, Status, items, push, text, texts, time};
use crate::{Error, Exceptions};

const DEPTH_MAX: usize = 64;

const LISTS: [(&str, Status); 5] = [
    ("known_affected", Status::Affected),
    ("under_investigation", Status::UnderInvestigation),
    ("first_fixed", Status::Fixed),
    ("fixed", Status::Fixed),
    ("known_not_affected", Status::NotAffected),
];

pub(crate) fn read(file: &str, document: &Value, into: &mut Exceptions) -> Result<(), Error> {
    let tree = Tree::read(&document["product_tree"]);
    let tracking = &document["document"]["tracking"];
    let place = match text(&tracking["id"]) {
        Some(id) => format!("{file} ({id})"),
        None => file.to_owned(),
    };
    let at = [&tracking["current_release_date"], &tracking["initial_release_date"]]
        .into_iter()
        .find_map(time);
    let mut nameless = 0_usize;
    for (number, flaw) in items(&document["vulnerabilities"]).enumerate() {
        let others = items(&flaw["ids"]).filter_map(|it| text(&it["text"]));
        let ids: Vec<String> =
            text(&flaw["cve"]).into_iter().chain(others).map(str::to_owned).collect();
        if ids.is_empty() {
            into.note(
                format!("{file}, vulnerability {}", number + 1),
                "has no id, and does not count",
            );
            continue;
        }
        let flags = by_product(&flaw["flags"], "label", &tree);
        let impacts = items(&flaw["threats"]).filter(|it| it["category"] == "impact");
        let impacts = by_product(&Value::Array(impacts.cloned().collect()), "details", &tree);
        for (list, status) in LISTS {
            for product_id in texts(&flaw["product_status"][list]) {
                let Some(product) = tree.product(product_id) else {
                    nameless += 1;
                    continue;
                };
                let statement = Statement {
                    place: place.clone(),
                    ids: ids.clone(),
                    product,
                    status,
                    justification: flags.get(product_id).cloned(),
                    reason: impacts.get(product_id).cloned(),
                    at,
                };
                push(statement, into)?;
            }
        }
    }
    if nameless > 0 {
        let message = format!(
            "{nameless} of its statements name no product by a package URL, and do not count"
        );
        into.note(file, message);
    }
    Ok(())
}

// The products of a document.
#[derive(Default)]
struct Tree<'a> {
    purls: HashMap<&'a str, Vec<&'a str>>,
    /// Products that are one as a part of another.
    parts: HashMap<&'a str, (&'a str, &'a str)>,
    groups: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Tree<'a> {
    fn read(value: &'a Value) -> Self {
        let mut tree = Self::default();
        for product in items(&value["full_product_names"]) {
            tree.add(product);
        }
        tree.branches(&value["branches"], DEPTH_MAX);
        for relation in items(&value["relationships"]) {
            let name = &relation["full_product_name"];
            let ids = (
                text(&name["product_id"]),
                text(&relation["product_reference"]),
                text(&relation["relates_to_product_reference"]),
            );
            if let (Some(id), Some(part), Some(whole)) = ids {
                tree.parts.insert(id, (part, whole));
            }
            tree.add(name);
        }
        for group in items(&value["product_groups"]) {
            if let Some(id) = text(&group["group_id"]) {
                tree.groups.insert(id, texts(&group["product_ids"]).collect());
            }
        }
        tree
    }

    fn branches(&mut self, branches: &'a Value, depth: usize) {
        for branch in items(branches) {
            self.add(&branch["product"]);
            if depth > 0 {
                self.branches(&branch["branches"], depth - 1);
            }
        }
    }

    fn add(&mut self, product: &'a Value) {
        let helper = &product["product_identification_helper"];
        // CSAF 2.1 has a list of them.
        let purls: Vec<&str> =
            text(&helper["purl"]).into_iter().chain(texts(&helper["purls"])).collect();
        if let Some(id) = text(&product["product_id"])
            && !purls.is_empty()
        {
            self.purls.insert(id, purls);
        }
    }

    fn names(&self, id: &str) -> Vec<Name> {
        self.purls.get(id).into_iter().flatten().map(|purl| Name::of(purl)).collect()
    }

    // `None` if it cannot be recognised.
    fn product(&self, id: &str) -> Option<Product> {
        let own = self.names(id);
        if let (true, Some((part, whole))) = (own.is_empty(), self.parts.get(id)) {
            let (names, parts) = (self.names(whole), self.names(part));
            let is_known = !names.is_empty() && !parts.is_empty();
            return is_known.then(|| Product { names, parts: vec![parts] });
        }
        (!own.is_empty()).then_some(Product { names: own, parts: Vec::new() })
    }
}

// A text of each entry of a list, by the products and groups that the entry is about.
fn by_product<'a>(list: &'a Value, key: &str, tree: &Tree<'a>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in items(list) {
        let Some(value) = text(&entry[key]) else { continue };
        let groups =
            texts(&entry["group_ids"]).filter_map(|group| tree.groups.get(group)).flatten();
        for id in texts(&entry["product_ids"]).chain(groups.copied()) {
            found.insert(id.to_owned(), value.to_owned());
        }
    }
    found
}

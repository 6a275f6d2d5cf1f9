//! OCaml's opam files (opam.ocaml.org, "The opam manual", package definitions).

use crate::listing::{Entry, Listing, decoded, line};
use crate::nodes::{Language, Node, nodes};

/// Reads an opam file: the package itself, if the file names it, and what it needs.
///
/// The first entry is the package, with an empty name if the file does not say it: then the file's name or folder does.
/// The others are what it needs in exact versions, as `opam lock` writes them.
pub fn opam(bytes: &[u8]) -> Listing {
    let parsed =
        decoded(bytes).and_then(|text| nodes(&text, Language::Opam).map_err(Listing::refused));
    let nodes = match parsed {
        Ok(nodes) => nodes,
        Err(refused) => return refused,
    };
    let field = |name: &str| {
        nodes.windows(3).find_map(|part| match part {
            [key, Node::Mark(':'), value] if key.is_word(name) => Some(value),
            _ => None,
        })
    };
    if field("opam-version").is_none() {
        return Listing::refused("it has no opam-version");
    }
    let text = |name: &str| field(name).and_then(Node::text);
    let mut own = Entry::new(text("name").unwrap_or("-"), text("version")).unwrap_or_default();
    if text("name").is_none() {
        own.name.clear();
    }
    own.license = match field("license") {
        Some(Node::Group('[', several)) => {
            let all: Vec<&str> = several.iter().filter_map(Node::text).take(20).collect();
            line(&all.join(" AND "))
        }
        other => other.and_then(Node::text).and_then(line),
    };
    own.homepage = match field("homepage") {
        Some(Node::Group('[', several)) => several.iter().find_map(Node::text).and_then(line),
        other => other.and_then(Node::text).and_then(line),
    };
    own.summary = text("synopsis").and_then(line);
    let mut listing = Listing { entries: vec![own], complaints: Vec::new() };
    let needs = field("depends").and_then(|depends| depends.group('[')).unwrap_or_default();
    for (at, need) in needs.iter().enumerate() {
        let Node::Text(name) = need else { continue };
        let condition = needs.get(at + 1).and_then(|next| next.group('{')).unwrap_or_default();
        // What is for tests, documents or builds only is not in the program.
        let is_used = !condition.iter().any(|node| {
            ["with-test", "with-doc", "with-dev-setup", "build", "dev"]
                .iter()
                .any(|word| node.is_word(word))
        });
        if !is_used {
            continue;
        }
        listing.entries[0].need(name);
        if let [Node::Mark('='), Node::Text(version), ..] = condition
            && let Some(entry) = Entry::new(name, Some(version))
        {
            listing.add(entry);
        }
    }
    listing
}

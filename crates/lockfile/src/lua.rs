//! Rockspecs (github.com/luarocks/luarocks, "Rockspec format"): Lua's assignments of texts and tables.

use std::collections::BTreeMap;

use crate::listing::{Entry, Listing, NAME_BYTES_MAX, decoded, line};
use crate::nodes::{Language, Node, nodes};

/// Reads a rockspec.
pub fn rockspec(bytes: &[u8]) -> Listing {
    let parsed =
        decoded(bytes).and_then(|text| nodes(&text, Language::Lua).map_err(Listing::refused));
    let nodes = match parsed {
        Ok(nodes) => nodes,
        Err(refused) => return refused,
    };
    let known = texts(&nodes, &BTreeMap::new());
    let Some(name) = known.get("package") else {
        return Listing::refused("it has no package");
    };
    let version = known.get("version").map(String::as_str);
    let Some(mut entry) = Entry::new(name, version) else {
        return Listing::refused("the package's name is none");
    };
    if let Some(table) = table(&nodes, "description") {
        let described = texts(table, &known);
        entry.license = described.get("license").and_then(|text| line(text));
        entry.homepage = described.get("homepage").and_then(|text| line(text));
        entry.summary = described.get("summary").and_then(|text| line(text));
        entry.author = described.get("maintainer").and_then(|text| line(text));
    }
    // `lua >= 5.1`, of which only the name is a key.
    for need in table(&nodes, "dependencies").unwrap_or_default() {
        if let Node::Text(need) = need {
            entry.need(need.split([' ', '<', '>', '=', '~']).next().unwrap_or_default());
        }
    }
    Listing { entries: vec![entry], complaints: Vec::new() }
}

fn table<'a>(nodes: &'a [Node], name: &str) -> Option<&'a [Node]> {
    nodes.windows(3).find_map(|part| match part {
        [key, Node::Mark('='), Node::Group('{', table)] if key.is_word(name) => Some(&table[..]),
        _ => None,
    })
}

// Names to the texts that are assigned to them. A text may be joined of others, known before it.
fn texts(nodes: &[Node], known: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut found = known.clone();
    for (at, pair) in nodes.windows(2).enumerate() {
        let [Node::Word(name), Node::Mark('=')] = pair else { continue };
        let mut text = String::new();
        let mut rest = &nodes[at + 2..];
        let is_whole = loop {
            let (part, behind) = match rest {
                [Node::Text(part), behind @ ..] => (Some(part), behind),
                [Node::Word(word), behind @ ..] => (found.get(word), behind),
                _ => break false,
            };
            let Some(part) = part else { break false };
            text.push_str(part);
            match behind {
                [Node::Mark('.'), Node::Mark('.'), behind @ ..] => rest = behind,
                // A call or an index of the text: what comes of it is not known.
                [Node::Group('(', _) | Node::Mark(':' | '.'), ..] => break false,
                _ => break true,
            }
            if text.len() > NAME_BYTES_MAX * 10 {
                break false;
            }
        };
        if is_whole {
            found.entry(name.clone()).or_insert(text);
        }
    }
    found
}

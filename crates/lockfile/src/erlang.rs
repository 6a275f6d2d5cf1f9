//! Erlang's terms: an application's resource file `*.app` (erlang.org, `app(4)`), and rebar3's `rebar.lock`.

use crate::listing::{Entry, HashAlgorithm, Listing, decoded, line};
use crate::nodes::{Language, Node, nodes};

/// Reads a `*.app`: the application, and what it needs.
pub fn erlang_app(bytes: &[u8]) -> Listing {
    let nodes = match terms(bytes) {
        Ok(nodes) => nodes,
        Err(refused) => return refused,
    };
    let term = nodes.first().map(elements).unwrap_or_default();
    let [keyword, name, options] = term[..] else {
        return Listing::refused("it is no application");
    };
    let Some(name) = name.text().filter(|_| keyword.is_word("application")) else {
        return Listing::refused("it is no application");
    };
    let options = elements(options);
    let option = |name: &str| {
        options.iter().find_map(|option| match elements(option)[..] {
            [key, value] if key.is_word(name) => Some(value),
            _ => None,
        })
    };
    // A template has no version yet, or what Git is to say.
    let version = option("vsn").and_then(Node::text);
    let version = version.filter(|text| !text.contains('%') && *text != "git");
    let Some(mut entry) = Entry::new(name, version) else {
        return Listing::refused("the application's name is none");
    };
    entry.summary = option("description").and_then(Node::text).and_then(line);
    entry.license = texts(option("licenses")).first().map(|text| (*text).to_owned());
    for need in
        texts(option("applications")).into_iter().chain(texts(option("included_applications")))
    {
        entry.need(need);
    }
    // `erts-13.0`, of which only the name is a key.
    for need in texts(option("runtime_dependencies")) {
        entry.need(need.rsplit_once('-').map_or(need, |(name, _)| name));
    }
    Listing { entries: vec![entry], complaints: Vec::new() }
}

/// Reads `rebar.lock`: the packages from Hex. What comes from Git has no version.
pub fn rebar_lock(bytes: &[u8]) -> Listing {
    let nodes = match terms(bytes) {
        Ok(nodes) => nodes,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    // The list is alone, or behind the format's version in a tuple; hashes are in a term of their own.
    let lists = nodes.iter().flat_map(|term| match term {
        Node::Group('{', _) => {
            elements(term).into_iter().filter(|it| it.group('[').is_some()).collect()
        }
        other => vec![other],
    });
    for item in lists.flat_map(elements) {
        match elements(item)[..] {
            [name, source, ..] if source.group('{').is_some() => {
                let Some(name) = name.text() else { continue };
                let source = elements(source);
                let from_hex = match source[..] {
                    [keyword, name, version, ..] if keyword.is_word("pkg") => {
                        name.text().zip(version.text())
                    }
                    _ => None,
                };
                let entry = match from_hex {
                    Some((name, version)) => Entry::new(name, Some(version)),
                    None => Entry::new(name, None),
                };
                if let Some(entry) = entry {
                    listing.add(entry);
                }
            }
            [keyword, list] if keyword.is_word("pkg_hash") => hashes(list, &mut listing),
            _ => {}
        }
    }
    listing
}

fn hashes(list: &Node, listing: &mut Listing) {
    for pair in elements(list) {
        let [name, hash] = elements(pair)[..] else { continue };
        let known = listing.entries.iter_mut().find(|it| Some(it.name.as_str()) == name.text());
        if let (Some(entry), Some(hash)) = (known, hash.text())
            && entry.hashes.is_empty()
        {
            entry.hash(HashAlgorithm::Sha256, hash);
        }
    }
}

fn terms(bytes: &[u8]) -> Result<Vec<Node>, Listing> {
    nodes(&decoded(bytes)?, Language::Erlang).map_err(Listing::refused)
}

// The elements of a tuple or list; commas, and the signs around binaries, are none.
fn elements(node: &Node) -> Vec<&Node> {
    match node {
        Node::Group(_, nodes) => {
            nodes.iter().filter(|node| !matches!(node, Node::Mark(_))).collect()
        }
        _ => Vec::new(),
    }
}

fn texts(node: Option<&Node>) -> Vec<&str> {
    node.map(elements).unwrap_or_default().into_iter().filter_map(Node::text).collect()
}

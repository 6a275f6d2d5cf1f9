//! SWI-Prolog's packs: `pack.pl` (swi-prolog.org, "Creating and sharing packs").

use crate::listing::{Entry, Listing, decoded, line};
use crate::nodes::{Language, Node, nodes};

/// Reads `pack.pl`.
pub fn prolog_pack(bytes: &[u8]) -> Listing {
    let parsed =
        decoded(bytes).and_then(|text| nodes(&text, Language::Erlang).map_err(Listing::refused));
    let nodes = match parsed {
        Ok(nodes) => nodes,
        Err(refused) => return refused,
    };
    let facts = |name: &str| {
        let name = name.to_owned();
        nodes.windows(2).filter_map(move |part| match part {
            [key, Node::Group('(', values)] if key.is_word(&name) => values.first()?.text(),
            _ => None,
        })
    };
    let Some(mut entry) =
        facts("name").next().and_then(|name| Entry::new(name, facts("version").next()))
    else {
        return Listing::refused("it has no name");
    };
    entry.summary = facts("title").next().and_then(line);
    entry.author = facts("author").next().and_then(line);
    entry.homepage = facts("home").next().and_then(line);
    facts("requires").for_each(|need| entry.need(need));
    Listing { entries: vec![entry], complaints: Vec::new() }
}

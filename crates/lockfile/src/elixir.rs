//! Mix's `mix.lock`: a map from names to `{:hex, :name, "version", "hash", [managers], [needs], …}`.

use crate::listing::{Entry, HashAlgorithm, Listing, decoded};
use crate::nodes::{Language, Node, nodes};

/// Reads `mix.lock`.
pub fn mix_lock(bytes: &[u8]) -> Listing {
    let parsed =
        decoded(bytes).and_then(|text| nodes(&text, Language::Elixir).map_err(Listing::refused));
    let nodes = match parsed {
        Ok(nodes) => nodes,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    let Some(map) = nodes.iter().find_map(|node| node.group('{')) else {
        listing.complain("it has no map");
        return listing;
    };
    for pair in map.windows(3) {
        let [key, Node::Mark(':'), Node::Group('{', tuple)] = pair else { continue };
        let Some(key) = key.text() else { continue };
        let parts: Vec<&Node> =
            tuple.iter().filter(|node| !matches!(node, Node::Mark(_))).collect();
        let part = |number: usize| parts.get(number).and_then(|node| node.text());
        // What comes from Git or a path has no version.
        let is_hex = part(0) == Some("hex");
        let entry = if is_hex {
            Entry::new(part(1).unwrap_or(key), part(2))
        } else {
            Entry::new(key, None)
        };
        let Some(mut entry) = entry.filter(|_| is_hex || part(0) == Some("git")) else { continue };
        entry.key = Some(key.to_owned());
        if is_hex {
            entry.hash(HashAlgorithm::Sha256, part(3).unwrap_or_default());
            let needs = parts.get(5).and_then(|node| node.group('[')).unwrap_or_default();
            for need in needs.iter().filter_map(|need| need.group('{')) {
                if let Some(name) = need.iter().find_map(Node::text) {
                    entry.need(name);
                }
            }
        }
        listing.add(entry);
    }
    listing
}

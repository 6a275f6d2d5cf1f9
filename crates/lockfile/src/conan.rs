//! Conan's `conan.lock` of versions 1 and 2, `conanfile.txt` and `conaninfo.txt` (docs.conan.io, "Files").

use serde_json::Value;

use crate::lines::sections;
use crate::listing::{Entry, Listing, decoded, json};

/// Reads `conan.lock`.
pub fn conan_lock(bytes: &[u8]) -> Listing {
    let value = match json(bytes) {
        Ok(value) => value,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    if let Some(nodes) = value.get("graph_lock").and_then(|graph| graph.get("nodes")?.as_object()) {
        for (number, node) in nodes {
            let reference = node.get("ref").and_then(Value::as_str).unwrap_or_default();
            let Some(mut entry) = reference_entry(reference) else { continue };
            entry.key = Some(number.clone());
            let needs = node.get("requires").and_then(Value::as_array);
            for need in needs.into_iter().flatten().filter_map(Value::as_str) {
                entry.need(need);
            }
            listing.add(entry);
        }
        return listing;
    }
    // What only builds need is not in the program.
    let Some(references) = value.get("requires").and_then(Value::as_array) else {
        return Listing::refused("it has neither nodes nor requirements");
    };
    for reference in references.iter().filter_map(Value::as_str) {
        match reference_entry(reference) {
            Some(entry) => listing.add(entry),
            None => listing.complain("a requirement is no reference"),
        }
    }
    listing
}

/// Reads `conanfile.txt`: what it requires.
pub fn conan_text(bytes: &[u8]) -> Listing {
    in_section(bytes, &["requires"])
}

/// Reads `conaninfo.txt`: what the package that it is in requires.
pub fn conan_info(bytes: &[u8]) -> Listing {
    in_section(bytes, &["full_requires", "requires"])
}

// The first of these sections that has lines.
fn in_section(bytes: &[u8], names: &[&str]) -> Listing {
    let text = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    for name in names {
        for (_, line) in sections(&text).filter(|(section, _)| section == name) {
            match reference_entry(line) {
                Some(entry) => listing.add(entry),
                None => listing.complain("a requirement is no reference"),
            }
        }
        if !listing.entries.is_empty() {
            break;
        }
    }
    listing
}

// `name/version@user/channel#revision:package`, of which all behind the version may be missing.
fn reference_entry(text: &str) -> Option<Entry> {
    let text = text.trim().split(['#', ':', '%']).next()?;
    let (reference, owner) = text.split_once('@').unwrap_or((text, ""));
    let (name, version) = reference.split_once('/')?;
    // A range is no version; `1.Y.Z` and `1` of package identifiers are none either.
    let is_exact = !version.starts_with('[') && !version.contains(['Y', '*']);
    let mut entry = Entry::new(name, Some(version).filter(|_| is_exact))?;
    if let Some((user, channel)) = owner.split_once('/')
        && user != "_"
    {
        entry.qualifiers = vec![("channel", channel.to_owned()), ("user", user.to_owned())];
    }
    Some(entry)
}

//! Every format: what it lists, and that no bytes harm it.
#![allow(clippy::unwrap_used, clippy::needless_raw_string_hashes, reason = "tests")]

mod formats;
mod pom;

use std::fmt::Write;

use sealift_lockfile::Listing;

/// A line for each entry and complaint.
pub(crate) fn show(listing: &Listing) -> String {
    let mut text = String::new();
    for entry in &listing.entries {
        write!(text, "{} {}", entry.name, entry.version.as_deref().unwrap_or("?")).unwrap();
        if let Some(key) = entry.key.as_ref().filter(|key| **key != entry.name) {
            write!(text, " as {key}").unwrap();
        }
        for (key, value) in &entry.qualifiers {
            write!(text, " {key}={value}").unwrap();
        }
        for (word, value) in
            [("license", &entry.license), ("by", &entry.author), ("at", &entry.homepage)]
        {
            if let Some(value) = value {
                write!(text, " {word} {value}").unwrap();
            }
        }
        for hash in &entry.hashes {
            write!(text, " {:?} {}…", hash.algorithm, &hash.hex[..4]).unwrap();
        }
        if !entry.needs.is_empty() {
            write!(text, " needs {}", entry.needs.join(" ")).unwrap();
        }
        text.push('\n');
    }
    for complaint in &listing.complaints {
        writeln!(text, "complaint: {complaint}").unwrap();
    }
    text
}

//! Cabal's `cabal.project.freeze` (cabal.readthedocs.io, "cabal freeze"): constraints with exact versions.

use crate::listing::{Entry, Listing, decoded};

/// Reads `cabal.project.freeze`.
pub fn cabal_freeze(bytes: &[u8]) -> Listing {
    let text = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    let mut is_constraints = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
        let is_field = !line.starts_with([' ', '\t']);
        let content = match line.split_once(':').filter(|_| is_field) {
            Some((field, rest)) => {
                is_constraints = field.trim() == "constraints";
                rest
            }
            None => line,
        };
        if !is_constraints {
            continue;
        }
        // `any.text ==1.2.5.0`; flags have no version.
        for constraint in content.split(',') {
            let Some((name, version)) = constraint.split_once("==") else { continue };
            let name = name.trim();
            let name = name.strip_prefix("any.").unwrap_or(name);
            if let Some(entry) = Entry::new(name, Some(version)) {
                listing.add(entry);
            }
        }
    }
    listing
}

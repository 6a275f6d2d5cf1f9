//! Haskell Stack's `stack.yaml.lock` (docs.haskellstack.org, "Lock files").

use crate::listing::{Entry, HashAlgorithm, Listing, decoded};
use crate::yaml_lines::lines;

/// Reads `stack.yaml.lock`: the packages from Hackage that are not in a snapshot.
pub fn stack_lock(bytes: &[u8]) -> Listing {
    let text = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    let mut is_completed = false;
    for line in lines(&text) {
        match line.key {
            Some("completed") => is_completed = true,
            Some("original") => is_completed = false,
            Some("hackage") if is_completed => match package(line.value) {
                Some(entry) => listing.add(entry),
                None => listing.complain("a package has no name"),
            },
            _ => {}
        }
    }
    listing
}

// `text-1.2.5.0@sha256:…,4982`.
fn package(text: &str) -> Option<Entry> {
    let (package, hash) = text.split_once('@').unwrap_or((text, ""));
    let (name, version) = package.rsplit_once('-')?;
    let mut entry = Entry::new(name, Some(version))?;
    let hash = hash.strip_prefix("sha256:").and_then(|hash| hash.split(',').next());
    entry.hash(HashAlgorithm::Sha256, hash.unwrap_or_default());
    Some(entry)
}

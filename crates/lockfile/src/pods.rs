//! CocoaPods' `Podfile.lock`: pods with versions, below each what it needs.

use crate::listing::{Entry, HashAlgorithm, Listing, decoded};
use crate::yaml_lines::lines;

/// Reads `Podfile.lock`. The parts of a pod, `Pod/Part`, are one entry.
pub fn pod_lock(bytes: &[u8]) -> Listing {
    let text = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    let mut section = "";
    let mut last = None;
    for line in lines(&text) {
        let key = line.key.unwrap_or(line.value);
        match (line.indent, line.is_item) {
            (0, false) => section = key,
            (4, true) if section == "PODS" => {
                let (name, version) = pod(key);
                last = listing.entries.iter().position(|it| it.name == name);
                if last.is_none()
                    && let Some(entry) = Entry::new(name, version)
                {
                    last = Some(listing.entries.len());
                    listing.add(entry);
                }
            }
            (6, true) if section == "PODS" => {
                let (name, _) = pod(key);
                if let Some(entry) = last.and_then(|place| listing.entries.get_mut(place))
                    && entry.name != name
                {
                    entry.need(name);
                }
            }
            (2, false) if section == "SPEC CHECKSUMS" => {
                let known = listing.entries.iter_mut().find(|it| it.name == key);
                if let Some(entry) = known {
                    entry.hash(HashAlgorithm::Sha1, line.value);
                }
            }
            _ => {}
        }
    }
    if section.is_empty() {
        listing.complain("it has no sections");
    }
    listing
}

// `Pod/Part (1.2)`: the pod and the version.
fn pod(text: &str) -> (&str, Option<&str>) {
    let (name, version) = match text.split_once(" (") {
        Some((name, version)) => (name, version.trim_end_matches(':').strip_suffix(')')),
        None => (text, None),
    };
    (name.split('/').next().unwrap_or_default().trim(), version)
}

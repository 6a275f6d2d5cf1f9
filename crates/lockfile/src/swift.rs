//! Swift's `Package.resolved`, versions 1 to 3 (swiftlang/swift-package-manager, `PinsStore`).

use serde_json::Value;

use crate::listing::{Entry, Listing, json};

/// Reads `Package.resolved`. A name is the repository's host and path, as purls have it.
pub fn swift_resolved(bytes: &[u8]) -> Listing {
    let value = match json(bytes) {
        Ok(value) => value,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    let pins = value.get("pins").or_else(|| value.get("object")?.get("pins"));
    let Some(pins) = pins.and_then(Value::as_array) else {
        return Listing::refused("it has no pins");
    };
    for pin in pins {
        let text = |key: &str| pin.get(key).and_then(Value::as_str);
        let location = text("location").or_else(|| text("repositoryURL")).unwrap_or_default();
        let version = pin.get("state").and_then(|state| state.get("version")?.as_str());
        match repository(location).and_then(|name| Entry::new(&name, version)) {
            Some(entry) => listing.add(entry),
            // A package of a registry has an identity only: `scope.name`.
            None => match text("identity").and_then(|name| Entry::new(name, version)) {
                Some(entry) => listing.add(entry),
                None => listing.complain("a pin has no location"),
            },
        }
    }
    listing
}

// `https://github.com/a/b.git`, `git@github.com:a/b.git`, `ssh://git@github.com/a/b`.
fn repository(location: &str) -> Option<String> {
    let rest = match location.split_once("://") {
        Some((_, rest)) => rest.to_owned(),
        None => location.replacen(':', "/", 1),
    };
    let rest = match rest.split_once('@') {
        Some((user, rest)) if !user.contains('/') => rest.to_owned(),
        _ => rest,
    };
    let rest = rest.trim_end_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let (host, path) = rest.split_once('/')?;
    (host.contains('.') && !path.is_empty())
        .then(|| format!("{}/{path}", host.to_ascii_lowercase()))
}

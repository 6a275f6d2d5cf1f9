//! vcpkg's manifests `vcpkg.json` (learn.microsoft.com, "vcpkg.json reference"): what a project needs.

use serde_json::Value;

use crate::listing::{Entry, Listing, json};

/// Reads `vcpkg.json`: what it depends on, with a version where it overrides that.
pub fn vcpkg_manifest(bytes: &[u8]) -> Listing {
    let value = match json(bytes) {
        Ok(value) => value,
        Err(refused) => return refused,
    };
    let Some(manifest) = value.as_object() else {
        return Listing::refused("it is no manifest");
    };
    let list =
        |key: &str| manifest.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let name = |value: &Value| match value {
        Value::String(name) => Some(name.clone()),
        other => other.get("name").and_then(Value::as_str).map(str::to_owned),
    };
    let overridden = |wanted: &str| {
        let found = list("overrides").iter().find(|it| name(it).as_deref() == Some(wanted))?;
        let keys = ["version", "version-semver", "version-date", "version-string"];
        keys.into_iter().find_map(|key| found.get(key)?.as_str())
    };
    let mut listing = Listing::default();
    for dependency in list("dependencies") {
        // What only the build machine needs is not in the program.
        if dependency.get("host").and_then(Value::as_bool) == Some(true) {
            continue;
        }
        let entry = name(dependency).and_then(|name| Entry::new(&name, overridden(&name)));
        match entry {
            Some(entry) => listing.add(entry),
            None => listing.complain("a dependency has no name"),
        }
    }
    listing
}

//! Julia's `Manifest.toml` and `Project.toml` (pkgdocs.julialang.org, "Project.toml and Manifest.toml").

use toml::{Table, Value};

use crate::listing::{Entry, HashAlgorithm, Listing, decoded, line};

/// Reads `Manifest.toml`. Parts of Julia itself have no version, or no hash, and are left out.
pub fn julia_manifest(bytes: &[u8]) -> Listing {
    let manifest = match table(bytes) {
        Ok(manifest) => manifest,
        Err(refused) => return refused,
    };
    // The first format has the packages at the top.
    let packages = match manifest.get("deps") {
        Some(Value::Table(packages)) if manifest.contains_key("manifest_format") => packages,
        _ => &manifest,
    };
    let mut listing = Listing::default();
    for (name, packages) in packages {
        for package in packages.as_array().into_iter().flatten() {
            let text = |key: &str| package.get(key).and_then(Value::as_str);
            let Some(tree) = text("git-tree-sha1") else { continue };
            let Some(mut entry) = Entry::new(name, text("version")) else { continue };
            entry.hash(HashAlgorithm::Sha1, tree);
            uuid(&mut entry, text("uuid"));
            match package.get("deps") {
                Some(Value::Array(names)) => {
                    names.iter().filter_map(Value::as_str).for_each(|name| entry.need(name));
                }
                Some(Value::Table(names)) => names.keys().for_each(|name| entry.need(name)),
                _ => {}
            }
            listing.add(entry);
        }
    }
    listing
}

/// Reads `Project.toml`: the package itself, and what it needs.
pub fn julia_project(bytes: &[u8]) -> Listing {
    let project = match table(bytes) {
        Ok(project) => project,
        Err(refused) => return refused,
    };
    let text = |key: &str| project.get(key).and_then(Value::as_str);
    let mut listing = Listing::default();
    // An environment has no name, and is no package.
    let Some(mut entry) = text("name").and_then(|name| Entry::new(name, text("version"))) else {
        return listing;
    };
    uuid(&mut entry, text("uuid"));
    entry.license = text("license").and_then(line);
    for name in project.get("deps").and_then(Value::as_table).into_iter().flat_map(Table::keys) {
        entry.need(name);
    }
    listing.add(entry);
    listing
}

// The registry tells packages of one name apart by it (package-url, `julia`).
fn uuid(entry: &mut Entry, uuid: Option<&str>) {
    let is_uuid = |text: &&str| {
        text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    if let Some(uuid) = uuid.filter(is_uuid) {
        entry.qualifiers.push(("uuid", uuid.to_ascii_lowercase()));
    }
}

fn table(bytes: &[u8]) -> Result<Table, Listing> {
    toml::from_str(&decoded(bytes)?).map_err(|error| {
        Listing::refused(format!("it is not the TOML that it should be: {}", error.message()))
    })
}

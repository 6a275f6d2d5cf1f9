//! npm's lock files: `package-lock.json` (versions 1 to 3), `npm-shrinkwrap.json`, and `node_modules/.package-lock.json`, in
//! which npm keeps what it installed. The last tells of what is there where it came from; whether it still is there the
//! folders tell.

use sealift_model::PackageKind;
use serde_json::{Map, Value};

use super::{NEEDS_MAX, PACKAGES_MAX, Places, directory, is_name, is_version};
use super::{licenses, needed, needs, within};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::declared::{admit, declared, download_url, fit, integrity, no_lock};

/// What is meant to be installed.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "npm-lock",
    what: "packages that npm's lock files name",
    evidence: &[Pattern::Named("", "package-lock.json"), Pattern::Named("", "npm-shrinkwrap.json")],
    companions: &[],
    read: |bytes, context| read(bytes, context, false),
};

/// What was installed.
pub(crate) const HIDDEN: Cataloger = Cataloger {
    name: "npm-installed-lock",
    what: "where packages that npm installed came from, and what they need",
    evidence: &[Pattern::Named("node_modules", ".package-lock.json")],
    companions: &[],
    read: |bytes, context| read(bytes, context, true),
};

fn read(bytes: &[u8], context: &Context<'_>, is_hidden: bool) -> Found {
    let admitted = if is_hidden { fit(bytes, context) } else { admit(bytes, context) };
    if let Err(refused) = admitted {
        return refused;
    }
    let mut found = Found::default();
    let lock: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(lock) => lock,
        Err(error) => return no_lock(context, &error),
    };
    let mut root = directory(context);
    if is_hidden {
        root = root.rsplit_once('/').map_or("", |(above, _)| above).to_owned();
    }
    let entries = match lock.get("packages").and_then(Value::as_object) {
        Some(packages) => flat(packages),
        None => nested(&lock),
    };
    if entries.len() > PACKAGES_MAX {
        found.notes.push(context.note("it has too many packages; the first are read"));
    }
    let mut places = Places::new();
    let mut known = Vec::new();
    for (place, name, entry) in entries.into_iter().take(PACKAGES_MAX) {
        let place = within(&root, &place);
        let real = context.resolved(&format!("{place}/package.json"));
        let real = real.and_then(|path| path.strip_suffix("/package.json").map(str::to_owned));
        if is_name(&name) && (!is_hidden || real.is_some()) {
            let real = real.unwrap_or_else(|| place.clone());
            places.insert(place.clone(), real.clone());
            known.push((place, real, name, entry));
        }
    }
    for (place, real, name, entry) in known {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let version = text("version").filter(|text| is_version(text));
        let mut draft = declared(PackageKind::Npm, &name, version, context);
        draft.package.licenses = licenses(entry);
        draft.package.hashes = text("integrity").map(integrity).unwrap_or_default();
        draft.package.download_url = text("resolved").and_then(download_url);
        let needs = entry_needs(entry).take(NEEDS_MAX);
        draft.requires = needs.filter_map(|need| needed(&place, need, &places)).collect();
        draft.provides = vec![real];
        found.drafts.push(draft);
    }
    let packages = lock.get("packages").and_then(Value::as_object).into_iter().flatten();
    let projects = packages.filter(|(place, _)| !place.contains("node_modules/"));
    for (place, project) in projects.take(PACKAGES_MAX) {
        let place = if place.is_empty() { root.clone() } else { within(&root, place) };
        found.drafts.extend(project_draft(&place, project, &places, context));
    }
    found
}

/// The needs of a project of the workspace, which is known by its folder.
pub(super) fn project_draft(
    place: &str,
    project: &Value,
    places: &Places,
    context: &Context<'_>,
) -> Option<Draft> {
    let project = project.as_object()?;
    let develop = project.get("devDependencies").and_then(Value::as_object);
    let develop = develop.into_iter().flat_map(Map::keys).map(String::as_str);
    let needs = needs(project).chain(develop.filter(|name| is_name(name))).take(NEEDS_MAX);
    let mut draft = declared(PackageKind::Npm, "", None, context);
    draft.requires = needs.filter_map(|need| needed(place, need, places)).collect();
    draft.provides = vec![place.to_owned()];
    Some(draft)
}

// An entry's place, name and content.
type Entry<'a> = (String, String, &'a Map<String, Value>);

// Versions 2 and 3: places are the keys.
fn flat<'a>(packages: &'a Map<String, Value>) -> Vec<Entry<'a>> {
    let entry = |(place, entry): (&String, &'a Value)| {
        let name = &place[place.rfind("node_modules/")? + "node_modules/".len()..];
        let entry = entry.as_object()?;
        // An alias has its real name inside; a link leads to a workspace, which is the project itself.
        let name = entry.get("name").and_then(Value::as_str).unwrap_or(name).to_owned();
        (!entry.contains_key("link")).then(|| (place.clone(), name, entry))
    };
    packages.iter().filter_map(entry).collect()
}

// Version 1: a tree of directories.
fn nested(lock: &Map<String, Value>) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut pending = vec![(String::new(), lock)];
    while let Some((place, node)) = pending.pop() {
        let Some(children) = node.get("dependencies").and_then(Value::as_object) else { continue };
        for (name, child) in children {
            let Some(child) = child.as_object() else { continue };
            if entries.len() > PACKAGES_MAX {
                return entries;
            }
            let place = within(&place, &format!("node_modules/{name}"));
            pending.push((place.clone(), child));
            entries.push((place, name.clone(), child));
        }
    }
    entries
}

// Version 1 has the needs in `requires`, and in `dependencies` what is installed below.
fn entry_needs(entry: &Map<String, Value>) -> Box<dyn Iterator<Item = &str> + '_> {
    match entry.get("requires").and_then(Value::as_object) {
        Some(requires) => {
            Box::new(requires.keys().map(String::as_str).filter(|name| is_name(name)))
        }
        None => Box::new(needs(entry)),
    }
}

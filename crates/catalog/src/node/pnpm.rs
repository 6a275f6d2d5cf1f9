//! `pnpm-lock.yaml`, versions 5 to 9 (pnpm/spec, "lockfile").

use sealift_model::PackageKind;

use super::{NEEDS_MAX, PACKAGES_MAX, directory, is_name, is_version, within};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::declared::{Entries, admit, declared, download_url, integrity, no_lock};
use crate::yaml::{self, Yaml};

/// pnpm's lock files.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "pnpm-lock",
    what: "packages that pnpm's lock files name",
    evidence: &[Pattern::Named("", "pnpm-lock.yaml")],
    companions: &[],
    read,
};

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    if let Err(refused) = admit(bytes, context) {
        return refused;
    }
    let mut found = Found::default();
    let text = String::from_utf8_lossy(bytes);
    let lock = match yaml::parse(&text) {
        Ok(lock) => lock,
        Err(error) => return no_lock(context, &error),
    };
    let version = lock.get("lockfileVersion").and_then(Yaml::text).unwrap_or_default();
    let Ok(major) = version.split('.').next().unwrap_or_default().parse::<u32>() else {
        found.notes.push(context.note("it has no version of its format"));
        return found;
    };
    let mut entries = Entries::new();
    // Since version 9 packages are in one list, and what they need, for each set of peers, in another.
    for list in ["packages", "snapshots"] {
        for (key, entry) in lock.get(list).into_iter().flat_map(Yaml::entries).take(PACKAGES_MAX) {
            if let Some(draft) = package(key, entry, major, context) {
                entries.add(draft);
            }
        }
    }
    found.drafts = entries.into_drafts();
    found.drafts.extend(projects(&lock, context));
    found
}

fn package(key: &str, entry: &Yaml<'_>, major: u32, context: &Context<'_>) -> Option<Draft> {
    let text = |name: &str| entry.get(name).and_then(Yaml::text);
    let (name, version) = identity(key, major)?;
    let name = text("name").unwrap_or(name);
    let version = text("version").or(version).filter(|text| is_version(text));
    if !is_name(name) {
        return None;
    }
    let mut draft = declared(PackageKind::Npm, name, version, context);
    if let Some(resolution) = entry.get("resolution") {
        let text = |name: &str| resolution.get(name).and_then(Yaml::text);
        draft.package.hashes = text("integrity").map(integrity).unwrap_or_default();
        draft.package.download_url = text("tarball").and_then(download_url);
    }
    let path = context.path();
    draft.provides = vec![format!("{path}#{key}")];
    let lists = ["dependencies", "optionalDependencies"].map(|name| entry.get(name));
    draft.requires = needs(lists.into_iter().flatten(), &path, "");
    Some(draft)
}

// `/@s/name/1.0.0_peers`, `/@s/name@1.0.0(peers)`, `@s/name@1.0.0(peers)`. What is no registry's has an address as version.
fn identity(key: &str, major: u32) -> Option<(&str, Option<&str>)> {
    let key = key.split('(').next()?;
    if major < 6 {
        let (name, version) = key.rsplit_once('/')?;
        // A registry that is not the usual one is in front.
        let name = name.strip_prefix('/').or_else(|| Some(name.split_once('/')?.1)).unwrap_or(name);
        return Some((name, version.split('_').next()));
    }
    let key = key.strip_prefix('/').unwrap_or(key);
    let at = key.get(1..)?.find('@')? + 1;
    Some((&key[..at], Some(&key[at + 1..])))
}

// A need's version is what is behind its name in the key, or the whole key.
fn needs<'a, 'y: 'a>(
    lists: impl Iterator<Item = &'a Yaml<'y>>,
    path: &str,
    project: &str,
) -> Vec<Vec<String>> {
    let need = |(name, value): (&str, &Yaml<'_>)| {
        let version = value.text().or_else(|| value.get("version")?.text())?;
        if let Some(place) = version.strip_prefix("link:") {
            return Some(vec![beside(project, place)?]);
        }
        Some(vec![
            format!("{path}#{name}@{version}"),
            format!("{path}#/{name}@{version}"),
            format!("{path}#/{name}/{version}"),
            format!("{path}#{version}"),
        ])
    };
    lists.flat_map(Yaml::entries).take(NEEDS_MAX).filter_map(need).collect()
}

// The projects of a workspace, each known by its folder.
fn projects(lock: &Yaml<'_>, context: &Context<'_>) -> Vec<Draft> {
    let root = directory(context);
    let path = context.path();
    let project = |(place, entry): (&str, &Yaml<'_>)| {
        let place = if place == "." { root.clone() } else { within(&root, place) };
        let mut draft = declared(PackageKind::Npm, "", None, context);
        let lists = ["dependencies", "optionalDependencies", "devDependencies"];
        draft.requires = needs(lists.into_iter().filter_map(|it| entry.get(it)), &path, &place);
        draft.provides = vec![place];
        draft
    };
    match lock.get("importers") {
        Some(importers) => importers.entries().take(PACKAGES_MAX).map(project).collect(),
        None => vec![project((".", lock))],
    }
}

// `../..` from a folder.
fn beside(folder: &str, place: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in place.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

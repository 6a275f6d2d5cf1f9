//! `yarn.lock`: the first format, and the YAML of Yarn 2 and later (yarnpkg.com, "Lockfile").

use sealift_model::PackageKind;

use super::{NEEDS_MAX, PACKAGES_MAX, directory, is_name, is_version, within};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::declared::{Entries, admit, declared, download_url, integrity, no_lock};
use crate::yaml::{self, Yaml};

/// Yarn's lock files.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "yarn-lock",
    what: "packages that Yarn's lock files name",
    evidence: &[Pattern::Named("", "yarn.lock")],
    companions: &[],
    read,
};

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    if let Err(refused) = admit(bytes, context) {
        return refused;
    }
    let mut found = Found::default();
    let text = String::from_utf8_lossy(bytes);
    if text.starts_with("__metadata:") || text.contains("\n__metadata:") {
        match yaml::parse(&text) {
            Ok(lock) => found.drafts = berry(&lock, context),
            Err(error) => return no_lock(context, &error),
        }
        return found;
    }
    found.drafts = classic(&text, context);
    found
}

// `"a@^1", "a@~1":`, then lines of two blanks; needs are lines of four below `dependencies:`.
fn classic(text: &str, context: &Context<'_>) -> Vec<Draft> {
    let path = context.path();
    let mut drafts: Vec<Draft> = Vec::new();
    let mut is_needs = false;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if indent == 0 && line.ends_with(':') && drafts.len() < PACKAGES_MAX {
            let specifiers: Vec<&str> =
                line.trim_end_matches(':').split(',').map(unquoted).take(NEEDS_MAX).collect();
            let name = specifiers.first().and_then(|first| specifier_name(first));
            let Some(name) = name.filter(|name| is_name(name)) else { continue };
            let mut draft = declared(PackageKind::Npm, name, None, context);
            draft.provides = specifiers.iter().map(|it| format!("{path}#{it}")).collect();
            drafts.push(draft);
            is_needs = false;
            continue;
        }
        let Some(draft) = drafts.last_mut() else { continue };
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        let value = unquoted(value);
        match indent {
            2 => {
                is_needs = matches!(line, "dependencies:" | "optionalDependencies:");
                match key {
                    "version" if is_version(value) => {
                        draft.package.purl.version = Some(value.to_owned());
                        draft.package.version = Some(value.to_owned());
                    }
                    "resolved" => {
                        // `url#sha1`; an alias has another package's address.
                        draft.package.download_url = value.split('#').next().and_then(download_url);
                    }
                    "integrity" => draft.package.hashes = integrity(value),
                    _ => {}
                }
            }
            4 if is_needs && draft.requires.len() < NEEDS_MAX => {
                draft.requires.push(vec![format!("{path}#{}@{value}", unquoted(key))]);
            }
            _ => {}
        }
    }
    drafts
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

// The name in `left@^1` or, of an alias, in `left@npm:lodash@^4`.
fn specifier_name(specifier: &str) -> Option<&str> {
    let at = specifier.get(1..)?.find('@')? + 1;
    match specifier[at + 1..].strip_prefix("npm:") {
        Some(real) if real.get(1..).is_some_and(|rest| rest.contains('@')) => specifier_name(real),
        _ => Some(&specifier[..at]),
    }
}

fn berry(lock: &Yaml<'_>, context: &Context<'_>) -> Vec<Draft> {
    let path = context.path();
    let root = directory(context);
    let mut entries = Entries::new();
    for (key, entry) in lock.entries().filter(|(key, _)| *key != "__metadata") {
        if entries.len() >= PACKAGES_MAX {
            break;
        }
        let text = |name: &str| entry.get(name).and_then(Yaml::text);
        // `name@protocol:rest`.
        let resolution = text("resolution").unwrap_or(key);
        let Some(at) = resolution.get(1..).and_then(|rest| rest.find('@')) else { continue };
        let (name, source) = (&resolution[..=at], &resolution[at + 2..]);
        let place = source.strip_prefix("workspace:");
        if !is_name(name) {
            continue;
        }
        let version = text("version").filter(|text| place.is_none() && is_version(text));
        let own_name = if place.is_some() { "" } else { name };
        let mut draft = declared(PackageKind::Npm, own_name, version, context);
        // A project of the workspace is known by its folder.
        draft.provides = place.map(|place| folder(&root, place)).into_iter().collect();
        draft.provides.extend(key.split(", ").take(NEEDS_MAX).map(|it| format!("{path}#{it}")));
        let needs = entry.get("dependencies").into_iter().flat_map(Yaml::entries).take(NEEDS_MAX);
        for (need, range) in needs {
            let range = range.text().unwrap_or_default();
            // Older ones leave the usual protocol out.
            draft
                .requires
                .push(vec![format!("{path}#{need}@{range}"), format!("{path}#{need}@npm:{range}")]);
        }
        entries.add(draft);
    }
    entries.into_drafts()
}

fn folder(root: &str, place: &str) -> String {
    if place == "." { root.to_owned() } else { within(root, place) }
}

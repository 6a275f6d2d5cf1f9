//! `deno.lock`, versions 2 to 5 (denoland/deno_lockfile): packages of npm and of JSR. Modules by address have no name and
//! are not listed.

use sealift_model::PackageKind;
use serde_json::{Map, Value};

use super::{NEEDS_MAX, PACKAGES_MAX, directory, is_name, is_version, within};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::declared::{Entries, admit, declared, download_url, hash, integrity, no_lock};

/// Deno's lock files.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "deno-lock",
    what: "packages that Deno's lock files name",
    evidence: &[Pattern::Named("", "deno.lock")],
    companions: &[],
    read,
};

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    if let Err(refused) = admit(bytes, context) {
        return refused;
    }
    let mut found = Found::default();
    let lock: Value = match serde_json::from_slice(bytes) {
        Ok(lock) => lock,
        Err(error) => return no_lock(context, &error),
    };
    let all = |path: &str| lock.pointer(path).and_then(Value::as_object).into_iter().flatten();
    let is_package =
        |(_, entry): &(&String, &Value)| entry.get("integrity").is_some_and(Value::is_string);
    let mut entries = Entries::new();
    // Versions 2, 3, and 4 and later; in version 2 other keys are beside the packages.
    for place in ["/npm/packages", "/packages/npm", "/npm"] {
        for (key, entry) in all(place).filter(is_package).take(PACKAGES_MAX) {
            entries.extend(npm(key, entry, context));
        }
    }
    for place in ["/packages/jsr", "/jsr"] {
        for (key, entry) in all(place).filter(is_package).take(PACKAGES_MAX) {
            entries.extend(jsr(key, entry, context));
        }
    }
    found.drafts = entries.into_drafts();
    found.drafts.extend(project(&lock, context));
    found
}

// `@s/name@1.0.0_peer@2.0.0`.
fn identity(key: &str) -> Option<(&str, &str)> {
    let at = key.get(1..)?.find('@')? + 1;
    let version = key[at + 1..].split('_').next()?;
    (is_name(&key[..at]) && is_version(version)).then_some((&key[..at], version))
}

fn npm(key: &str, entry: &Value, context: &Context<'_>) -> Option<Draft> {
    let (name, version) = identity(key)?;
    let path = context.path();
    let mut draft = declared(PackageKind::Npm, name, Some(version), context);
    draft.package.hashes =
        entry.get("integrity").and_then(Value::as_str).map(integrity).unwrap_or_default();
    draft.package.download_url =
        entry.get("tarball").and_then(Value::as_str).and_then(download_url);
    // Needs name a package by its name where there is one version of it.
    draft.provides = vec![format!("{path}#{key}"), format!("{path}#{name}")];
    for list in ["dependencies", "optionalDependencies"] {
        match entry.get(list) {
            // The keys are the names under which a package is known to the one that needs it.
            Some(Value::Object(needs)) => {
                let needs = needs.values().filter_map(Value::as_str).take(NEEDS_MAX);
                draft.requires.extend(needs.map(|need| vec![format!("{path}#{need}")]));
            }
            Some(Value::Array(needs)) => {
                let needs = needs.iter().filter_map(Value::as_str).take(NEEDS_MAX);
                draft
                    .requires
                    .extend(needs.map(|need| vec![format!("{path}#{}", unaliased(need))]));
            }
            _ => {}
        }
    }
    Some(draft)
}

// `left@npm:lodash@4.0.0`.
fn unaliased(need: &str) -> &str {
    need.split_once("@npm:").map_or(need, |(_, real)| real)
}

// No package URL type is registered for JSR.
fn jsr(key: &str, entry: &Value, context: &Context<'_>) -> Option<Draft> {
    let (name, version) = identity(key)?;
    let path = context.path();
    let mut draft = declared(PackageKind::Other, name, Some(version), context);
    let value = entry.get("integrity").and_then(Value::as_str)?;
    draft.package.hashes = hash("sha256", value).into_iter().collect();
    draft.package.homepage = Some(format!("https://jsr.io/{name}"));
    draft.provides = vec![format!("{path}#jsr:{key}"), format!("{path}#jsr:{name}")];
    let needs = entry.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let needs = needs.filter_map(Value::as_str).take(NEEDS_MAX);
    draft.requires = needs.map(|need| vec![format!("{path}#{need}")]).collect();
    Some(draft)
}

// The project's own needs, with the versions that were chosen for them.
fn project(lock: &Value, context: &Context<'_>) -> Vec<Draft> {
    let path = context.path();
    let root = directory(context);
    let specifiers = ["/specifiers", "/packages/specifiers", "/npm/specifiers"];
    let specifiers = specifiers.iter().find_map(|it| lock.pointer(it)?.as_object());
    let workspace = lock.get("workspace").and_then(Value::as_object);
    let Some((specifiers, workspace)) = specifiers.zip(workspace) else { return Vec::new() };
    let one = |place: &str, project: &Map<String, Value>| {
        let lists = [
            project.get("dependencies"),
            project.get("packageJson").and_then(|it| it.get("dependencies")),
        ];
        let needs = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
        let need = |need: &Value| {
            let need = need.as_str()?.strip_prefix("npm:")?;
            let version = specifiers.get(&format!("npm:{need}"))?.as_str()?;
            if let Some(whole) = version.strip_prefix("npm:") {
                return Some(vec![format!("{path}#{whole}")]);
            }
            let at = need.get(1..)?.find('@').map_or(need.len(), |at| at + 1);
            Some(vec![format!("{path}#{}@{version}", &need[..at])])
        };
        let mut draft = declared(PackageKind::Npm, "", None, context);
        draft.requires = needs.take(NEEDS_MAX).filter_map(need).collect();
        draft.provides = vec![if place.is_empty() { root.clone() } else { within(&root, place) }];
        draft
    };
    let members = workspace.get("members").and_then(Value::as_object).into_iter().flatten();
    let members = members.filter_map(|(place, it)| Some(one(place, it.as_object()?)));
    std::iter::once(one("", workspace)).chain(members.take(PACKAGES_MAX)).collect()
}

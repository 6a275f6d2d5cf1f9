//! Python's lock files: poetry.lock, pdm.lock, uv.lock and its script locks, pylock.toml (PEP 751), Pipfile.lock.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::PackageKind;
use serde_json::Value as Json;
use toml::{Table, Value};

use super::markers::{Environment, normalized, required};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::NAME_BYTES_MAX;
use crate::declared::{Entries, admit, declared, download_url, hash, no_lock};

/// Those in TOML.
pub(crate) const TOML: Cataloger = Cataloger {
    name: "python-lock",
    what: "packages that lock files of Poetry, PDM, uv and pip name",
    evidence: &[
        Pattern::Named("", "poetry.lock"),
        Pattern::Named("", "pdm.lock"),
        Pattern::Named("", "uv.lock"),
        Pattern::Named("", "pylock.toml"),
        Pattern::Ending(".py.lock"),
    ],
    companions: &[],
    read: read_toml,
};

/// Pipenv's.
pub(crate) const PIPFILE: Cataloger = Cataloger {
    name: "pipfile-lock",
    what: "packages that Pipenv's lock files name",
    evidence: &[Pattern::Named("", "Pipfile.lock")],
    companions: &[],
    read: read_pipfile,
};

const PACKAGES_MAX: usize = 50_000;
const NEEDS_MAX: usize = 2_000;

/// A Python package that a file names, known to the others of that file by its name.
pub(super) fn locked(name: &str, version: Option<&str>, context: &Context<'_>) -> Option<Draft> {
    let is_start = |c: char| c.is_ascii_alphanumeric();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() > NAME_BYTES_MAX || !name.starts_with(is_start) || !name.chars().all(is_name) {
        return None;
    }
    let version = version.filter(|text| !text.is_empty() && text.len() <= NAME_BYTES_MAX);
    let mut draft = declared(PackageKind::Python, name, version, context);
    draft.package.purl.name = normalized(name);
    draft.provides = vec![key(name, context)];
    Some(draft)
}

fn key(name: &str, context: &Context<'_>) -> String {
    format!("{}#{}", context.path(), normalized(name))
}

fn read_toml(bytes: &[u8], context: &Context<'_>) -> Found {
    if let Err(refused) = admit(bytes, context) {
        return refused;
    }
    let mut found = Found::default();
    let lock: Table = match toml::from_str(&String::from_utf8_lossy(bytes)) {
        Ok(lock) => lock,
        Err(error) => return no_lock(context, &error.message()),
    };
    let lists = ["package", "packages"].map(|key| lock.get(key).and_then(Value::as_array));
    let packages: Vec<&Table> = lists
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(Value::as_table)
        .take(PACKAGES_MAX)
        .collect();
    let asked = asked_extras(&packages);
    let mut entries = Entries::new();
    for package in packages {
        let name = package.get("name").and_then(Value::as_str).unwrap_or_default();
        if is_project(package) {
            continue;
        }
        match locked(name, package.get("version").and_then(Value::as_str), context) {
            Some(draft) => entries.add(with_details(draft, package, &asked, context)),
            None => found.notes.push(context.note("a package has no name")),
        }
    }
    found.drafts = entries.into_drafts();
    found
}

// Where a package comes from. What is a folder beside the lock file is the project itself.
fn is_project(package: &Table) -> bool {
    let source = package.get("source").and_then(Value::as_table);
    let is_folder = |key: &str| source.is_some_and(|it| it.contains_key(key));
    let is_typed = source.and_then(|it| it.get("type")?.as_str()) == Some("directory");
    let has_path = package.get("path").is_some_and(Value::is_str);
    is_typed
        || ["virtual", "editable", "directory"].into_iter().any(is_folder)
        || package.contains_key("directory")
        || has_path && package.get("editable").and_then(Value::as_bool) == Some(true)
}

fn with_details(
    mut draft: Draft,
    package: &Table,
    asked: &BTreeMap<String, BTreeSet<String>>,
    context: &Context<'_>,
) -> Draft {
    let source = package.get("source").and_then(Value::as_table);
    let url = ["url", "git"].into_iter().find_map(|key| source?.get(key)?.as_str());
    let is_index = source.and_then(|it| it.get("type")?.as_str()) == Some("legacy");
    let archive = package.get("archive").and_then(|it| it.get("url")?.as_str());
    draft.package.download_url = url.filter(|_| !is_index).or(archive).and_then(download_url);
    draft.package.summary = ["description", "summary"]
        .iter()
        .find_map(|key| package.get(*key)?.as_str())
        .map(crate::component::shorten);
    // Of several files it is not known which one is meant.
    let lists = ["files", "wheels"].map(|key| package.get(key).and_then(Value::as_array));
    let mut files = lists.into_iter().flatten().flatten().filter_map(Value::as_table);
    if let (Some(only), None) = (files.next(), files.next()) {
        draft.package.hashes = hashes(only);
    }
    let mut needs = needs(package.get("dependencies"));
    let extras = asked.get(&normalized(&draft.package.name));
    let optional = package.get("optional-dependencies").and_then(Value::as_table);
    for extra in extras.into_iter().flatten() {
        needs.extend(self::needs(optional.and_then(|it| it.get(extra))));
    }
    draft.requires = needs.into_iter().take(NEEDS_MAX).map(|it| vec![key(&it, context)]).collect();
    draft
}

fn hashes(file: &Table) -> Vec<sealift_model::Hash> {
    if let Some((name, hex)) = file.get("hash").and_then(|it| it.as_str()?.split_once(':')) {
        return hash(name, hex).into_iter().collect();
    }
    let all = file.get("hashes").and_then(Value::as_table).into_iter().flatten();
    all.filter_map(|(name, hex)| hash(name, hex.as_str()?)).take(4).collect()
}

// The names that apply here. A table by name (Poetry), a list of specifiers (PDM), a list of tables (uv, pylock).
fn needs(list: Option<&Value>) -> Vec<String> {
    let environment = Environment::default();
    let name = |name: &str, marker: Option<&str>| match marker {
        Some(marker) => required(&format!("{name}; {marker}"), &environment),
        None => required(name, &environment),
    };
    let is_optional = |it: &Value| it.get("optional").and_then(Value::as_bool) == Some(true);
    let marker = |it: &Value| {
        let text = it.get("markers").or_else(|| it.get("marker"))?;
        text.as_str().map(str::to_owned)
    };
    match list {
        Some(Value::Table(table)) => table
            .iter()
            .filter_map(|(key, value)| {
                // Several constraints, each for other environments.
                let one =
                    |it: &Value| (!is_optional(it)).then(|| name(key, marker(it).as_deref()))?;
                match value {
                    Value::Array(several) => several.iter().find_map(one),
                    other => one(other),
                }
            })
            .collect(),
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|it| match it.as_str() {
                Some(specifier) => required(specifier, &environment),
                None => name(it.get("name")?.as_str()?, marker(it).as_deref()),
            })
            .collect(),
        _ => Vec::new(),
    }
}

// Extras that some package asks another for; uv says them where it says what is needed.
fn asked_extras(packages: &[&Table]) -> BTreeMap<String, BTreeSet<String>> {
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages {
        let optional = package.get("optional-dependencies").and_then(Value::as_table);
        let lists = optional.into_iter().flat_map(Table::values).chain(package.get("dependencies"));
        for need in lists.filter_map(Value::as_array).flatten().take(NEEDS_MAX) {
            let Some(name) = need.get("name").and_then(Value::as_str) else { continue };
            let extras = need.get("extra").and_then(Value::as_array).into_iter().flatten();
            let extras: Vec<&str> = extras.filter_map(Value::as_str).take(100).collect();
            if !extras.is_empty() {
                let known = asked.entry(normalized(name)).or_default();
                known.extend(extras.into_iter().map(str::to_owned));
            }
        }
    }
    asked
}

fn read_pipfile(bytes: &[u8], context: &Context<'_>) -> Found {
    if let Err(refused) = admit(bytes, context) {
        return refused;
    }
    let mut found = Found::default();
    let lock: Json = match serde_json::from_slice(bytes) {
        Ok(lock) => lock,
        Err(error) => return no_lock(context, &error),
    };
    let mut entries = Entries::new();
    let groups = lock.as_object().into_iter().flatten().filter(|(name, _)| *name != "_meta");
    let packages = groups.filter_map(|(_, group)| group.as_object()).flatten();
    for (name, entry) in packages.take(PACKAGES_MAX) {
        let text = |key: &str| entry.get(key).and_then(Json::as_str);
        if text("path").is_some() {
            continue;
        }
        let version = text("version").map(|text| text.trim_start_matches('='));
        let Some(mut draft) = locked(name, version, context) else {
            found.notes.push(context.note("a package has no name"));
            continue;
        };
        draft.package.download_url = text("git").or(text("file")).and_then(download_url);
        let hashes = entry.get("hashes").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        if let [Json::String(only)] = hashes {
            draft.package.hashes =
                only.split_once(':').and_then(|(name, hex)| hash(name, hex)).into_iter().collect();
        }
        entries.add(draft);
    }
    found.drafts = entries.into_drafts();
    found
}

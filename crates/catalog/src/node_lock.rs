//! Node's lock files: npm's package-lock.json (versions 1 to 3) and yarn's first format. They say what is meant to be;
//! what is there says so itself, and is left out here.

use sealift_model::{Method, PackageKind, Scope};
use serde_json::{Map, Value};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{component, is_test_data};
use crate::node::{candidates, is_name, licenses, needs};

/// npm's.
pub(crate) const NPM: Cataloger = Cataloger {
    name: "npm-lock",
    what: "Node packages that npm's lock file names, and what needs what",
    evidence: &[Pattern::Named("", "package-lock.json"), Pattern::Named("", "npm-shrinkwrap.json")],
    companions: &[],
    read: read_npm,
};

/// Yarn's.
pub(crate) const YARN: Cataloger = Cataloger {
    name: "yarn-lock",
    what: "Node packages that Yarn's lock file names",
    evidence: &[Pattern::Named("", "yarn.lock")],
    companions: &[],
    read: read_yarn,
};

const LOCK_BYTES_MAX: usize = 32 << 20;
const PACKAGES_MAX: usize = 100_000;
const NEEDS_MAX: usize = 500;

fn directory(context: &Context<'_>) -> String {
    let path = String::from_utf8_lossy(context.path_bytes());
    path.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned()
}

fn within(directory: &str, path: &str) -> String {
    if directory.is_empty() { path.to_owned() } else { format!("{directory}/{path}") }
}

fn read_npm(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if bytes.len() > LOCK_BYTES_MAX {
        found.notes.push(context.note("it is too large for a lock file"));
        return found;
    }
    let lock: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(lock) => lock,
        Err(error) => {
            found.notes.push(context.note(format!("it is no lock file: {error}")));
            return found;
        }
    };
    let root = directory(context);
    let entries = match lock.get("packages").and_then(Value::as_object) {
        Some(packages) => flat(packages),
        None => nested(&lock),
    };
    for (place, name, entry) in entries.into_iter().take(PACKAGES_MAX) {
        let place = within(&root, &place);
        if context.resolved(&format!("{place}/package.json")).is_some() || !is_name(&name) {
            continue;
        }
        let version = entry.get("version").and_then(Value::as_str).filter(|text| is_version(text));
        let mut draft = declared(&name, version, context);
        draft.package.licenses = licenses(entry);
        draft.requires =
            entry_needs(entry).take(NEEDS_MAX).map(|need| candidates(&place, need)).collect();
        draft.provides = vec![place];
        found.drafts.push(draft);
    }
    found
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
            if entries.len() >= PACKAGES_MAX {
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

// A version may be the address of an archive or a repository, which is none.
fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.len() < 200
}

fn declared(name: &str, version: Option<&str>, context: &Context<'_>) -> Draft {
    let evidence = context.evidence(Method::Manifest);
    let mut draft = component(PackageKind::Npm, name, version, evidence, context);
    let is_test = is_test_data(&context.path());
    draft.package.scope = if is_test { Scope::TestData } else { Scope::Declared };
    draft
}

// `"a@^1", "a@~1":`, then lines of two blanks; needs are lines of four below `dependencies:`.
fn read_yarn(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if bytes.len() > LOCK_BYTES_MAX {
        found.notes.push(context.note("it is too large for a lock file"));
        return found;
    }
    let text = String::from_utf8_lossy(bytes);
    if text.contains("\n__metadata:") {
        found.notes.push(context.note("this format of yarn's lock file cannot be read yet"));
        return found;
    }
    let path = context.path();
    let root = directory(context);
    let mut is_needs = false;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let indent = line.len() - line.trim_start().len();
        let line = line.trim();
        if indent == 0 && line.ends_with(':') && found.drafts.len() < PACKAGES_MAX {
            let specifiers: Vec<&str> =
                line.trim_end_matches(':').split(',').map(unquoted).take(NEEDS_MAX).collect();
            let name = specifiers.first().and_then(|first| specifier_name(first));
            let Some(name) = name.filter(|name| is_name(name)) else { continue };
            let mut draft = declared(name, None, context);
            draft.provides = specifiers.iter().map(|it| format!("{path}#{it}")).collect();
            found.drafts.push(draft);
            is_needs = false;
            continue;
        }
        let Some(draft) = found.drafts.last_mut() else { continue };
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match indent {
            2 => {
                is_needs = matches!(line, "dependencies:" | "optionalDependencies:");
                if key == "version" && is_version(unquoted(value)) {
                    let version = unquoted(value).to_owned();
                    draft.package.purl.version = Some(version.clone());
                    draft.package.version = Some(version);
                }
            }
            4 if is_needs && draft.requires.len() < NEEDS_MAX => {
                let need = format!("{path}#{}@{}", unquoted(key), unquoted(value));
                draft.requires.push(vec![need]);
            }
            _ => {}
        }
    }
    found.drafts.retain(|draft| {
        let place = within(&root, &format!("node_modules/{}/package.json", draft.package.name));
        context.resolved(&place).is_none()
    });
    found
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches('"')
}

fn specifier_name(specifier: &str) -> Option<&str> {
    let at = specifier.get(1..)?.find('@')? + 1;
    Some(&specifier[..at])
}

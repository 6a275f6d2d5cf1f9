//! Node's packages that are there, by their `package.json`.
//!
//! A directory right below `node_modules` is an installed package (npm's folders(5)); its needs are looked up as Node
//! looks up modules: in `node_modules` of its own directory, then of each one above. What else has a manifest inside of a
//! package is a part of it, unless it is where others' code is kept.

pub(crate) mod bun;
pub(crate) mod deno;
pub(crate) mod npm_lock;
pub(crate) mod pnpm;
pub(crate) mod yarn;
pub(crate) mod yarn_cache;

use std::collections::HashMap;

use sealift_model::{Evidence, License, Method, PackageKind, Scope, Supplier};
use serde_json::{Map, Value};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data, license, shorten};
use crate::supplier::supplier;

/// Packages with their manifest.
pub(crate) const PACKAGE: Cataloger = Cataloger {
    name: "node-package",
    what: "Node packages below `node_modules`",
    evidence: &[Pattern::Named("", "package.json")],
    companions: &[],
    read,
};

const MANIFEST_BYTES_MAX: usize = 16 << 20;
const PACKAGES_MAX: usize = 100_000;
const NEEDS_MAX: usize = 2_000;
const FILES_MAX: usize = 50_000;
const LEVELS_MAX: usize = 32;
// Where Debian has Node's packages; Debian's node looks there.
const SYSTEM: [&str; 2] = ["usr/share/nodejs", "usr/lib/nodejs"];

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let path = String::from_utf8_lossy(context.path_bytes()).into_owned();
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let place = Place::of(directory);
    let mut found = Found::default();
    if bytes.len() > MANIFEST_BYTES_MAX {
        found.notes.push(context.note("it is too large for a manifest"));
        return found;
    }
    if place.is_test_of_package() {
        return found;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let parsed = serde_json::from_slice::<Map<String, Value>>(bytes);
    let is_broken = parsed.is_err();
    let manifest = match parsed {
        Ok(manifest) => manifest,
        // Tests of packages have broken ones on purpose.
        Err(_) if place.scope != Scope::Installed || !place.is_instance => return found,
        Err(error) => {
            found.notes.push(context.note(format!("it is no manifest: {error}")));
            Map::new()
        }
    };
    let (name, version) = identity(&manifest);
    let is_package = place.is_package(name, version) || place.is_instance && is_broken;
    let Some(name) = name.or(place.instance).filter(|_| is_package) else {
        return found;
    };
    if version.is_none() && place.scope == Scope::Installed {
        found.notes.push(context.note(format!("package `{name}` has no version")));
    }
    let evidence = context.evidence(Method::Manifest);
    let mut draft = described(&manifest, name, version, evidence, context);
    draft.package.scope = place.scope;
    if place.is_instance {
        draft.package.files = files(directory, context);
    }
    draft.provides = vec![directory.to_owned()];
    // What is not there is known to lock files only, which say so themselves.
    let installed = |need: &str| {
        candidates(directory, need).iter().find_map(|candidate| {
            let resolved = context.resolved(&format!("{candidate}/package.json"))?;
            Some(vec![resolved.strip_suffix("/package.json")?.to_owned()])
        })
    };
    draft.requires = needs(&manifest).take(NEEDS_MAX).filter_map(installed).collect();
    found.drafts.push(draft);
    found
}

// What is below a package's folder, but not the packages that are installed there for it.
fn files(directory: &str, context: &Context<'_>) -> Vec<String> {
    let mut files = context.files_below(directory, FILES_MAX);
    let own = directory.len() + 1;
    files.retain(|file| !file.get(own..).is_some_and(|rest| rest.starts_with("/node_modules/")));
    files
}

// Name and version, as far as they are some.
fn identity(manifest: &Map<String, Value>) -> (Option<&str>, Option<&str>) {
    let text = |key: &str| {
        let text = manifest.get(key).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty() && text.len() <= NAME_BYTES_MAX)
    };
    (text("name"), text("version"))
}

// A package with what its manifest says about it.
fn described(
    manifest: &Map<String, Value>,
    name: &str,
    version: Option<&str>,
    evidence: Evidence,
    context: &Context<'_>,
) -> Draft {
    let text = |key: &str| {
        let text = manifest.get(key).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty()).map(shorten)
    };
    let mut draft = component(PackageKind::Npm, name, version, evidence, context);
    let package = &mut draft.package;
    package.licenses = licenses(manifest);
    package.supplier = manifest.get("author").and_then(author);
    package.homepage = text("homepage");
    package.summary = text("description");
    draft
}

// Where a manifest is.
struct Place<'a> {
    /// True for a directory that Node finds by the package's name.
    is_instance: bool,
    /// That name.
    instance: Option<&'a str>,
    /// True inside of a package.
    is_inner: bool,
    /// True where others' code is kept.
    is_marked: bool,
    scope: Scope,
}

impl<'a> Place<'a> {
    fn of(directory: &'a str) -> Self {
        let system = SYSTEM.iter().find(|system| {
            directory.strip_prefix(*system).is_some_and(|rest| rest.starts_with('/'))
        });
        let rest = system.map_or(directory, |system| &directory[system.len() + 1..]);
        // Parts that are names of packages say nothing about the place.
        let mut is_name = system.is_some();
        let mut is_inner = is_name;
        let mut start = if is_name { Some(0) } else { None };
        let mut inner_parts = Vec::new();
        let mut at = 0;
        for part in rest.split('/') {
            if part == "node_modules" {
                (is_name, is_inner) = (true, true);
                start = Some(at + part.len() + 1);
            } else if is_name {
                is_name = part.starts_with('@');
            } else if is_inner {
                inner_parts.push(part);
                start = None;
            }
            at += part.len() + 1;
        }
        let instance = start.and_then(|start| rest.get(start..)).filter(|name| {
            let is_scoped = name.starts_with('@');
            !name.is_empty() && !name.starts_with('.') && name.contains('/') == is_scoped
        });
        let has = |names: &[&str]| inner_parts.iter().any(|part| names.contains(part));
        let is_marked =
            has(&["compiled", "vendor", "vendored", "third_party", "bundled", "_vendor"]);
        let scope = if has(&["test", "tests", "spec"]) || is_test_data(directory) {
            Scope::TestData
        } else if is_marked || instance.is_none() && is_inner {
            Scope::Embedded
        } else {
            Scope::Installed
        };
        Self { is_instance: instance.is_some(), instance, is_inner, is_marked, scope }
    }

    // Packages come with projects to try them on, none of which is there to be used.
    fn is_test_of_package(&self) -> bool {
        self.is_inner && self.scope == Scope::TestData
    }

    // A manifest without a name tells Node how to load files, and so do most of those inside of a package.
    fn is_package(&self, name: Option<&str>, version: Option<&str>) -> bool {
        if self.is_instance {
            return name.is_some() || version.is_some();
        }
        name.is_some() && version.is_some() && (self.is_marked || !self.is_inner)
    }
}

/// Directories in which Node looks for a package, for a file in this one; the first that is there counts.
fn candidates(directory: &str, need: &str) -> Vec<String> {
    let mut candidates = Vec::new();
    let mut here = Some(directory);
    while let Some(path) = here.filter(|_| candidates.len() < LEVELS_MAX) {
        let (above, last) = match path.rsplit_once('/') {
            Some((above, last)) => (Some(above), last),
            None => ((!path.is_empty()).then_some(""), path),
        };
        if last != "node_modules" {
            let slash = if path.is_empty() { "" } else { "/" };
            candidates.push(format!("{path}{slash}node_modules/{need}"));
        }
        here = above;
    }
    candidates.extend(SYSTEM.iter().map(|system| format!("{system}/{need}")));
    candidates
}

/// The folder of a file.
fn directory(context: &Context<'_>) -> String {
    let path = String::from_utf8_lossy(context.path_bytes());
    path.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned()
}

/// A path in a folder.
fn within(directory: &str, path: &str) -> String {
    if directory.is_empty() { path.to_owned() } else { format!("{directory}/{path}") }
}

/// A version may be the address of an archive or a repository, which is none.
fn is_version(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) && text.len() < 200
}

/// The places of a lock file's packages, and the names under which these are known.
type Places = HashMap<String, String>;

/// What is needed by what is at a place, by the place where Node finds it among those of a lock file.
fn needed(place: &str, need: &str, places: &Places) -> Option<Vec<String>> {
    candidates(place, need).iter().find_map(|candidate| Some(vec![places.get(candidate)?.clone()]))
}

/// Names that a manifest, or its entry in a lock file, needs at run time.
fn needs(manifest: &Map<String, Value>) -> impl Iterator<Item = &str> {
    ["dependencies", "optionalDependencies", "peerDependencies"]
        .into_iter()
        .filter_map(|key| manifest.get(key)?.as_object())
        .flat_map(Map::keys)
        .map(String::as_str)
        .filter(|name| is_name(name))
}

/// True for what may be a package's name, which never leads out of its directory.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && !name.is_empty()
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// `license`: an expression, an object with `type`, or a list of either (npm's package.json(5) and what came before).
fn licenses(manifest: &Map<String, Value>) -> Vec<License> {
    let one = |value: &Value| {
        let text = value.as_str().or_else(|| value.get("type")?.as_str())?;
        license(text)
    };
    let values = [manifest.get("license"), manifest.get("licenses")];
    values
        .into_iter()
        .flatten()
        .flat_map(|value| match value {
            Value::Array(list) => list.iter().take(20).filter_map(one).collect(),
            other => one(other).into_iter().collect::<Vec<_>>(),
        })
        .collect()
}

fn author(value: &Value) -> Option<Supplier> {
    if let Some(text) = value.as_str() {
        // `Name <mail> (url)`.
        return supplier(text.split('(').next()?);
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match (text("name")?, text("email")) {
        (name, Some(mail)) if !name.contains('<') => supplier(&format!("{name} <{mail}>")),
        (name, _) => supplier(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let check = |directory: &str, instance: Option<&str>, scope: Scope| {
            let place = Place::of(directory);
            assert_eq!((place.instance, place.scope), (instance, scope), "{directory}");
        };
        check("app/node_modules/a", Some("a"), Scope::Installed);
        check("app/node_modules/@s/a", Some("@s/a"), Scope::Installed);
        check("app/node_modules/test", Some("test"), Scope::Installed);
        check("app/node_modules/a/node_modules/b", Some("b"), Scope::Installed);
        check("app/node_modules/a/test/node_modules/b", Some("b"), Scope::TestData);
        check("app/node_modules/next/dist/compiled/b", None, Scope::Embedded);
        check("app/node_modules/terser/bin", None, Scope::Embedded);
        check("app/node_modules/@s", None, Scope::Embedded);
        check("app/node_modules", None, Scope::Embedded);
        check("usr/share/nodejs/a", Some("a"), Scope::Installed);
        check("usr/share/nodejs/a/fixtures/b", None, Scope::TestData);
        check("app", None, Scope::Installed);
        check("", None, Scope::Installed);
    }

    #[test]
    fn lookups() {
        let found = candidates("app/node_modules/a", "b");
        assert_eq!(
            found[..3],
            ["app/node_modules/a/node_modules/b", "app/node_modules/b", "node_modules/b"]
        );
        assert!(candidates(&"a/".repeat(9_000), "b").len() < 40);
        assert!(!is_name("../../etc"));
        assert!(is_name("@a/b"));
    }
}

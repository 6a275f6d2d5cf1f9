//! `bun.lock`, the text form (bun.sh, "Lockfile"): JSON with comments and commas at the end of lists. Its keys are the
//! paths of packages below `node_modules`, without that word.

use sealift_model::PackageKind;
use serde_json::{Map, Value};

use super::npm_lock::project_draft;
use super::{NEEDS_MAX, PACKAGES_MAX, Places, directory, is_name, is_version};
use super::{needed, needs, within};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::declared::{admit, declared, download_url, integrity, no_lock};

/// Bun's lock files.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "bun-lock",
    what: "packages that Bun's lock files name",
    evidence: &[Pattern::Named("", "bun.lock")],
    companions: &[],
    read,
};

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    if let Err(refused) = admit(bytes, context) {
        return refused;
    }
    let mut found = Found::default();
    let lock: Map<String, Value> = match serde_json::from_slice(&plain(bytes)) {
        Ok(lock) => lock,
        Err(error) => return no_lock(context, &error),
    };
    let root = directory(context);
    let packages = lock.get("packages").and_then(Value::as_object);
    let packages = || packages.into_iter().flatten().take(PACKAGES_MAX);
    let own = |key: &String| {
        let place = place(key, &root);
        (place.clone(), place)
    };
    let places: Places = packages().map(|(key, _)| own(key)).collect();
    for (key, entry) in packages() {
        let entry = entry.as_array().map(Vec::as_slice);
        match entry.and_then(|it| package(&place(key, &root), it, &places, context)) {
            Some(draft) => found.drafts.push(draft),
            None => found.notes.push(context.note(format!("package `{key}` cannot be read"))),
        }
    }
    found.notes.truncate(100);
    // A project of the workspace is no component.
    found.drafts.retain(|draft| !draft.package.name.is_empty());
    let projects = lock.get("workspaces").and_then(Value::as_object).into_iter().flatten();
    for (place, project) in projects.take(PACKAGES_MAX) {
        let place = if place.is_empty() { root.clone() } else { within(&root, place) };
        found.drafts.extend(project_draft(&place, project, &places, context));
    }
    found
}

// `["name@version", "registry", {needs}, "integrity"]`; other sources have other fields between.
fn package(place: &str, entry: &[Value], places: &Places, context: &Context<'_>) -> Option<Draft> {
    let resolution = entry.first()?.as_str()?;
    let at = resolution.get(1..)?.find('@')? + 1;
    let (name, version) = (&resolution[..at], &resolution[at + 1..]);
    let is_own = ["workspace:", "link:", "root:"].iter().any(|start| version.starts_with(start));
    let name = Some(name).filter(|name| is_name(name))?;
    let name = if is_own { "" } else { name };
    let version = Some(version).filter(|text| is_version(text));
    let mut draft = declared(PackageKind::Npm, name, version, context);
    let info = entry.iter().find_map(Value::as_object);
    let needs = info.into_iter().flat_map(needs).take(NEEDS_MAX);
    draft.requires = needs.filter_map(|need| needed(place, need, places)).collect();
    let texts = || entry.iter().skip(1).filter_map(Value::as_str);
    draft.package.hashes = texts().next_back().map(integrity).unwrap_or_default();
    draft.package.download_url =
        texts().next().and_then(download_url).filter(|it| it.ends_with("gz"));
    draft.provides = vec![place.to_owned()];
    Some(draft)
}

// `a/@s/b` is `node_modules/a/node_modules/@s/b`.
fn place(key: &str, root: &str) -> String {
    let mut place = String::new();
    let mut is_scope = false;
    for part in key.split('/') {
        let between = match (place.is_empty(), is_scope) {
            (true, _) => "node_modules/",
            (false, true) => "/",
            (false, false) => "/node_modules/",
        };
        place.push_str(between);
        place.push_str(part);
        is_scope = part.starts_with('@');
    }
    within(root, &place)
}

// Without comments, and without commas before a closing bracket.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut plain: Vec<u8> = Vec::new();
    let mut comma = None;
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let rest = &bytes[at..];
        let length = match byte {
            b'"' => {
                let mut end = 1;
                while end < rest.len() && rest[end] != b'"' {
                    end += if rest[end] == b'\\' { 2 } else { 1 };
                }
                (end + 1).min(rest.len())
            }
            b'/' if rest.starts_with(b"//") => {
                at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                at += memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
                continue;
            }
            _ => 1,
        };
        match (byte, comma.take()) {
            (b'}' | b']', Some(place)) => plain[place] = b' ',
            (b' ' | b'\t' | b'\r' | b'\n', pending) => comma = pending,
            _ => {}
        }
        if byte == b',' {
            comma = Some(plain.len());
        }
        plain.extend_from_slice(&rest[..length]);
        at += length;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_comments() {
        let check = |text: &str, expected: &str| {
            assert_eq!(String::from_utf8_lossy(&plain(text.as_bytes())), expected);
        };
        check("{\"a,]\": [1, 2, ], // x,\n}", "{\"a,]\": [1, 2  ]  \n}");
        check("[\"\\\",\", /* , */ ]", "[\"\\\",\"   ]");
        check("[,\"", "[,\"");
        check("\"\\", "\"\\");
        check("/*", "");
    }

    #[test]
    fn places() {
        assert_eq!(place("a", ""), "node_modules/a");
        assert_eq!(place("a/@s/b/c", "x"), "x/node_modules/a/node_modules/@s/b/node_modules/c");
    }
}

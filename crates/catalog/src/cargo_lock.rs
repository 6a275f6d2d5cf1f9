//! Cargo's lock files.

use sealift_model::{Method, PackageKind, Scope};
use toml::{Table, Value};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data};

/// Crates that a workspace is built from.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "cargo-lock",
    what: "Rust crates that a lock file names",
    evidence: &[Pattern::Named("", "Cargo.lock")],
    companions: &[],
    read,
};

const LOCK_BYTES_MAX: usize = 8 << 20;
const CRATES_MAX: usize = 50_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if bytes.len() > LOCK_BYTES_MAX {
        found.notes.push(context.note("it is too large for a lock file"));
        return found;
    }
    let lock: Table = match toml::from_str(&String::from_utf8_lossy(bytes)) {
        Ok(lock) => lock,
        Err(error) => {
            found.notes.push(context.note(format!("it is no lock file: {}", error.message())));
            return found;
        }
    };
    let scope = if is_test_data(&context.path()) { Scope::TestData } else { Scope::Declared };
    let packages = lock.get("package").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for package in packages.iter().take(CRATES_MAX) {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let Some(name) = text("name").filter(|it| !it.is_empty() && it.len() <= NAME_BYTES_MAX)
        else {
            continue;
        };
        let version = text("version").filter(|it| it.len() <= NAME_BYTES_MAX);
        let evidence = context.evidence(Method::Manifest);
        let mut draft = component(PackageKind::Cargo, name, version, evidence, context);
        draft.package.scope = scope;
        let key = |words: &[&str]| format!("{}#{}", context.path(), words.join(" "));
        // A need is a name, with a version only where there are several, and perhaps a source.
        draft.provides = vec![key(&[name, version.unwrap_or_default()]), key(&[name])];
        let needs = package.get("dependencies").and_then(Value::as_array);
        let needs = needs.into_iter().flatten().filter_map(Value::as_str).take(CRATES_MAX);
        draft.requires = needs
            .map(|need| {
                let words: Vec<&str> = need.split(' ').take(2).collect();
                vec![key(&words)]
            })
            .collect();
        found.drafts.push(draft);
    }
    found
}

//! Go's `go.mod`: what a module asks for (Go modules reference, go.mod files).

use sealift_model::{Method, Scope};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, is_test_data};
use crate::go_binary::module;

/// Requirements of modules.
pub(crate) const MODULE: Cataloger = Cataloger {
    name: "go-mod",
    what: "Go modules that a module file requires",
    evidence: &[Pattern::Named("", "go.mod")],
    companions: &[],
    read,
};

const REQUIREMENTS_MAX: usize = 20_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let text = String::from_utf8_lossy(bytes);
    let scope = if is_test_data(&context.path()) { Scope::TestData } else { Scope::Declared };
    let mut block: Option<&str> = None;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or("").trim();
        let words: Vec<&str> = line.split_whitespace().take(3).collect();
        let requirement = match (&words[..], block) {
            ([")", ..], _) => {
                block = None;
                continue;
            }
            ([directive, "("], None) => {
                block = Some(*directive);
                continue;
            }
            ([path, version, ..], Some("require")) | (["require", path, version], None) => {
                (path.trim_matches('"'), *version)
            }
            _ => continue,
        };
        let (path, version) = requirement;
        let is_sound = !path.is_empty() && path.len().max(version.len()) <= NAME_BYTES_MAX;
        if is_sound && found.drafts.len() < REQUIREMENTS_MAX {
            let mut draft = module(path, Some(version), Method::Manifest, context);
            draft.package.scope = scope;
            found.drafts.push(draft);
        }
    }
    found
}

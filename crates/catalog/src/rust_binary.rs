//! Rust programs: the crates that cargo-auditable recorded, or those whose places the program's texts tell.

use sealift_archive::RelativePath;
use sealift_model::{Method, PackageKind, Scope};
use sealift_program::{Program, rust};
use serde_json::Value;

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Found};
use crate::component::{NAME_BYTES_MAX, component};

const CRATES_MAX: usize = 50_000;

/// The part `crates` of a program that cargo-auditable made; of another, the part `texts` with a line for each crate that
/// it names.
pub(crate) fn extract(_: &RelativePath, content: &[u8]) -> Option<Extract> {
    let program = Program::parse(content)?;
    let part = |name: &str, bytes: Vec<u8>| vec![(name.to_owned(), bytes)];
    match rust::auditable(&program) {
        Some(Ok(json)) => return Some(Extract { parts: part("crates", json), complaints: vec![] }),
        Some(Err(complaint)) => {
            return Some(Extract { parts: vec![], complaints: vec![complaint] });
        }
        None => {}
    }
    let mut lines = String::new();
    for (name, version) in rust::crates_in_texts(&program) {
        lines.extend([&name, " ", &version, "\n"]);
    }
    (!lines.is_empty())
        .then(|| Extract { parts: part("texts", lines.into_bytes()), complaints: vec![] })
}

/// The crates. Of a record the root is the program, the others are part of it or built it.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    found.notes.extend(extract.complaints.iter().map(|complaint| context.note(complaint)));
    let texts = String::from_utf8_lossy(extract.part("texts").unwrap_or_default());
    for (name, version) in texts.lines().filter_map(|line| line.split_once(' ')) {
        let evidence = context.evidence(Method::Signature);
        let mut draft = component(PackageKind::Cargo, name, Some(version), evidence, context);
        draft.package.scope = Scope::Embedded;
        found.drafts.push(draft);
    }
    let json = extract.part("crates").unwrap_or_default();
    if json.is_empty() {
        return found;
    }
    let value: Value = match serde_json::from_slice(json) {
        Ok(value) => value,
        Err(error) => {
            found.notes.push(context.note(format!("its list of crates is no JSON: {error}")));
            return found;
        }
    };
    let key = |place: usize| format!("{}#{place}", context.path());
    let packages = value.get("packages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (place, package) in packages.iter().take(CRATES_MAX).enumerate() {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let Some(name) = text("name").filter(|it| !it.is_empty() && it.len() <= NAME_BYTES_MAX)
        else {
            found.notes.push(context.note(format!("crate {place} has no name")));
            continue;
        };
        let version = text("version").filter(|it| it.len() <= NAME_BYTES_MAX);
        let evidence = context.evidence(Method::BuildRecord);
        let mut draft = component(PackageKind::Cargo, name, version, evidence, context);
        draft.package.scope = if package.get("root").and_then(Value::as_bool) == Some(true) {
            Scope::Installed
        } else if text("kind") == Some("build") {
            Scope::BuiltFrom
        } else {
            Scope::Embedded
        };
        let needs = package.get("dependencies").and_then(Value::as_array);
        draft.requires = needs
            .into_iter()
            .flatten()
            .filter_map(|need| usize::try_from(need.as_u64()?).ok())
            .take(CRATES_MAX)
            .map(|need| vec![key(need)])
            .collect();
        draft.provides = vec![key(place)];
        found.drafts.push(draft);
    }
    found
}

//! What cargo-auditable leaves in programs: the section `.dep-v0` with the crates as compressed JSON
//! (cargo-auditable, PARSING.md).

use std::io::Read;

use flate2::read::ZlibDecoder;
use object::read::elf::{ElfFile32, ElfFile64};
use object::{Endianness, Object, ObjectSection};
use sealift_model::{Method, PackageKind, Scope};
use serde_json::Value;

use crate::cataloger::{Context, Found};
use crate::component::{NAME_BYTES_MAX, component};
use crate::inspection::Extract;

const SECTION: &[u8] = b".dep-v0";
const JSON_BYTES_MAX: u64 = 8 << 20;
const CRATES_MAX: usize = 50_000;

/// The part `crates` of a program that has them.
pub(crate) fn extract(content: &[u8]) -> Option<Extract> {
    let compressed = section(content)?;
    let mut json = Vec::new();
    let mut complaints = Vec::new();
    match ZlibDecoder::new(compressed).take(JSON_BYTES_MAX + 1).read_to_end(&mut json) {
        Err(error) => complaints.push(format!("its list of crates cannot be read: {error}")),
        Ok(_) if json.len() as u64 > JSON_BYTES_MAX => {
            complaints.push("its list of crates is too large".to_owned());
        }
        Ok(_) => {}
    }
    if !complaints.is_empty() {
        json.clear();
    }
    Some(Extract { parts: vec![("crates".to_owned(), json)], complaints })
}

fn section(content: &[u8]) -> Option<&[u8]> {
    if let Ok(file) = ElfFile64::<Endianness>::parse(content) {
        return file.section_by_name_bytes(SECTION)?.data().ok();
    }
    let file = ElfFile32::<Endianness>::parse(content).ok()?;
    file.section_by_name_bytes(SECTION)?.data().ok()
}

/// The crates; the root is the program, the others are part of it or built it.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    found.notes.extend(extract.complaints.iter().map(|complaint| context.note(complaint)));
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
        let evidence = context.evidence(Method::Manifest);
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

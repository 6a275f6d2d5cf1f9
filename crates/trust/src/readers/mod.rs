//! Policies in the languages of others. Each says which of them it is by its fields.

mod containers;
mod notation;
mod signers;

use std::path::Path;

use sealift_crypto::strict_json;
use serde_json::Value;

use crate::policy::{FileRead, Policy};
use crate::text::clean;
use crate::{Error, document};

/// Whether a file is a trust policy, by its ending and, for JSON, its fields. Policies about images in other languages
/// (Rego) are not.
pub fn is_trust_policy(file: &str, bytes: &[u8]) -> bool {
    if has_ending(file, "toml") {
        return true;
    }
    if !has_ending(file, "json") {
        return false;
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return false };
    ["trust", "trustPolicies", "default", "transports"].iter().any(|name| value.get(name).is_some())
}

/// Reads a policy; `file` names it in messages, and its ending says whether it is TOML or JSON.
pub fn read_policy(file: &str, bytes: &[u8], files: FileRead<'_>) -> Result<Policy, Error> {
    let syntax = |reason: String| Error::Syntax { file: file.to_owned(), reason };
    if bytes.len() > document::FILE_BYTES_MAX {
        return Err(syntax("it is larger than 1 MiB".to_owned()));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| syntax("it is not text".to_owned()))?;
    if !has_ending(file, "json") {
        return document::read(file, text, files);
    }
    let value: Value = strict_json::from_slice(bytes, "trust policy")
        .map_err(|error| syntax(clean(&error.to_string())))?;
    if value.get("trust").is_some() {
        return signers::read(file, &value, files);
    }
    if value.get("trustPolicies").is_some() {
        return notation::read(file, bytes);
    }
    if value.get("default").is_some() || value.get("transports").is_some() {
        return containers::read(file, &value, files);
    }
    Err(syntax(
        "it has neither `trust` (signers), `trustPolicies` (notation) nor `default` (containers)"
            .to_owned(),
    ))
}

fn has_ending(file: &str, ending: &str) -> bool {
    Path::new(file).extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// An error with its place.
fn error(file: &str, place: &str, reason: impl Into<String>) -> Error {
    Error::Policy {
        file: file.to_owned(),
        place: place.to_owned(),
        reason: reason.into(),
        hint: None,
    }
}

/// Refuses fields that are not understood.
fn check_fields(file: &str, place: &str, value: &Value, known: &[&str]) -> Result<(), Error> {
    let Some(object) = value.as_object() else {
        return Err(error(file, place, "it is not an object"));
    };
    let Some(name) = object.keys().find(|name| !known.contains(&name.as_str())) else {
        return Ok(());
    };
    let meant = sealift_diagnostic::closest(name, known.iter().copied());
    Err(Error::Policy {
        file: file.to_owned(),
        place: place.to_owned(),
        reason: format!("`{}` is not a field that is understood", clean(name)),
        hint: Some(meant.map_or_else(
            || format!("known: {}", known.join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        )),
    })
}

/// The texts of a list.
fn texts(file: &str, place: &str, value: &Value, name: &str) -> Result<Vec<String>, Error> {
    let wrong = || error(file, place, format!("`{name}` is not a list of texts"));
    let Some(list) = value.get(name) else { return Ok(Vec::new()) };
    let list = list.as_array().filter(|list| list.len() <= 1000).ok_or_else(wrong)?;
    list.iter()
        .map(|entry| {
            entry.as_str().filter(|text| !text.is_empty()).map(str::to_owned).ok_or_else(wrong)
        })
        .collect()
}

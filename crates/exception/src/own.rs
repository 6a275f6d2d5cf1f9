//! Our own ignore files: `[[ignore]]` in `.sealift-ignore.toml`, `[[scan.ignore]]` in `sealift.toml`.

use sealift_model::Purl;
use serde::Deserialize;
use toml::{Spanned, Value};

use crate::condition::Condition;
use crate::expiry::Expiry;
use crate::ignore::{place, toml_error};
use crate::pattern::Pattern;
use crate::{Error, Exception, Exceptions};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    ignore: Vec<Spanned<Entry>>,
}

// The other keys of the settings are checked where they are read.
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    scan: Scan,
}

#[derive(Default, Deserialize)]
struct Scan {
    #[serde(default)]
    ignore: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Option<String>,
    package: Option<String>,
    version: Option<String>,
    purl: Option<String>,
    path: Option<String>,
    reason: Option<String>,
    owner: Option<String>,
    expires: Option<Value>,
}

/// Reads the file.
pub(crate) fn read(
    file: &str,
    text: &str,
    is_settings: bool,
    into: &mut Exceptions,
) -> Result<(), Error> {
    let fail = |error: toml::de::Error| toml_error(file, text, &error);
    let entries = if is_settings {
        toml::from_str::<Settings>(text).map_err(fail)?.scan.ignore
    } else {
        toml::from_str::<File>(text).map_err(fail)?.ignore
    };
    for entry in entries {
        let place = place(file, text, entry.span().start);
        into.add(exception(place, entry.into_inner())?)?;
    }
    Ok(())
}

fn exception(place: String, entry: Entry) -> Result<Exception, Error> {
    let bad = |key: &str, reason: String| Error::Value {
        place: place.clone(),
        key: key.to_owned(),
        reason,
    };
    let missing = |key| Error::Missing { place: place.clone(), key };
    let reason = entry.reason.filter(|text| !text.trim().is_empty());
    let reason = reason.ok_or_else(|| missing("reason"))?;
    let id = match (&entry.id, &entry.package, &entry.purl) {
        (Some(id), ..) => id.clone(),
        (None, Some(name), _) => format!("package {name}"),
        (None, None, Some(purl)) => purl.clone(),
        // A version or a path alone would cover what nobody thought of.
        (None, None, None) => return Err(missing("id")),
    };
    let mut conditions = Vec::new();
    for (key, value) in [("id", entry.id), ("version", entry.version)] {
        let Some(text) = value else { continue };
        if text.is_empty() {
            return Err(bad(key, "is empty".to_owned()));
        }
        conditions.push(match key {
            "id" => Condition::Id(text),
            _ => Condition::Version(text),
        });
    }
    if let Some(text) = entry.package {
        conditions.push(Condition::Name(Pattern::glob(&text).map_err(|it| bad("package", it))?));
    }
    if let Some(text) = entry.path {
        conditions.push(Condition::Location(Pattern::glob(&text).map_err(|it| bad("path", it))?));
    }
    if let Some(text) = entry.purl {
        let purl = Purl::parse(&text);
        let purl = purl.ok_or_else(|| bad("purl", format!("`{text}` is no package URL")))?;
        conditions.push(Condition::Purls(vec![purl]));
    }
    let expiry = entry.expires.map(|value| day(&place, "expires", &value)).transpose()?;
    Ok(Exception { place, id, conditions, reason: Some(reason), owner: entry.owner, expiry })
}

/// A date of TOML, or a text that is one.
pub(crate) fn day(place: &str, key: &str, value: &Value) -> Result<Expiry, Error> {
    let text = match value {
        Value::Datetime(date) => date.to_string(),
        Value::String(text) => text.clone(),
        other => other.type_str().to_owned(),
    };
    Expiry::parse(&text).ok_or_else(|| Error::Value {
        place: place.to_owned(),
        key: key.to_owned(),
        reason: format!("`{text}` is not a day like 2024-12-31"),
    })
}

//! osv-scanner's settings, `osv-scanner.toml` (<https://google.github.io/osv-scanner/configuration/>).

use serde::Deserialize;
use toml::{Spanned, Value};

use crate::condition::Condition;
use crate::ignore::{place, toml_error};
use crate::own::day;
use crate::pattern::Pattern;
use crate::{Error, Exception, Exceptions};

// Keys that have nothing to do with flaws are named so that they are known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "IgnoredVulns")]
    flaws: Vec<Spanned<Flaw>>,
    #[serde(default, rename = "PackageOverrides")]
    packages: Vec<Spanned<Package>>,
    #[serde(rename = "GoVersionOverride")]
    _go_version: Option<Value>,
    #[serde(rename = "ScanGoModVersion")]
    _go_mod: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flaw {
    id: String,
    #[serde(rename = "ignoreUntil")]
    until: Option<Value>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    ecosystem: String,
    #[serde(default)]
    group: String,
    #[serde(default, rename = "nameIsRegex")]
    name_is_regex: bool,
    #[serde(default)]
    ignore: bool,
    vulnerability: Option<Override>,
    #[serde(rename = "license")]
    _license: Option<Value>,
    #[serde(rename = "effectiveUntil")]
    until: Option<Value>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Override {
    #[serde(default)]
    ignore: bool,
}

/// Reads the file.
pub(crate) fn read(file: &str, text: &str, into: &mut Exceptions) -> Result<(), Error> {
    let read: File = toml::from_str(text).map_err(|error| toml_error(file, text, &error))?;
    let mut known = std::collections::BTreeSet::new();
    for flaw in read.flaws {
        let place = place(file, text, flaw.span().start);
        let Flaw { id, until, reason } = flaw.into_inner();
        // Of several entries on one id the first counts, also when it is over.
        if !known.insert(id.clone()) {
            into.note(place, format!("there is an entry on {id} before, and that one counts"));
            continue;
        }
        let expiry = until.map(|until| day(&place, "ignoreUntil", &until)).transpose()?;
        let conditions = vec![Condition::Id(id.clone())];
        into.add(Exception { place, id, conditions, reason, owner: None, expiry })?;
    }
    for package in read.packages {
        let place = place(file, text, package.span().start);
        let package = package.into_inner();
        let hides = package.ignore || package.vulnerability.as_ref().is_some_and(|it| it.ignore);
        if !hides {
            continue;
        }
        if !package.group.is_empty() {
            into.note(place, "it is not known to which group a package of an image belongs");
            continue;
        }
        into.add(entry(place, package)?)?;
    }
    Ok(())
}

fn entry(place: String, package: Package) -> Result<Exception, Error> {
    let mut conditions = Vec::new();
    let named = if package.name.is_empty() { "all packages" } else { &package.name };
    let id = format!("package {named}");
    if !package.name.is_empty() {
        let text = &package.name;
        let bad = |reason| Error::Value { place: place.clone(), key: "name".to_owned(), reason };
        let pattern = if package.name_is_regex { text.clone() } else { regex::escape(text) };
        conditions.push(Condition::AdvisoryName(Pattern::regex(&pattern).map_err(bad)?));
    }
    if !package.version.is_empty() {
        conditions.push(Condition::Version(package.version));
    }
    if !package.ecosystem.is_empty() {
        conditions.push(Condition::Ecosystem(package.ecosystem));
    }
    let expiry = package.until.map(|until| day(&place, "effectiveUntil", &until)).transpose()?;
    Ok(Exception { place, id, conditions, reason: package.reason, owner: None, expiry })
}

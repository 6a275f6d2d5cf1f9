//! What catalogers of languages have in common: a package without what its ecosystem does not tell.

use sealift_model::{Evidence, License, Package, PackageKind, Purl};

use crate::{Context, Draft};
use sealift_license::name::python_expression;

/// Longest name of a package.
pub const NAME_BYTES_MAX: usize = 500;
const TEXT_CHARS_MAX: usize = 200;

/// A package by name and version, with the purl's namespace before the last slash if it has one.
pub fn component(
    kind: PackageKind,
    name: &str,
    version: Option<&str>,
    evidence: Evidence,
    context: &Context<'_>,
) -> Draft {
    let mut purl = Purl::new(kind.purl_type(), name);
    if let Some((namespace, rest)) = name.rsplit_once('/')
        && !namespace.is_empty()
        && !rest.is_empty()
    {
        purl.namespace = Some(namespace.to_owned());
        rest.clone_into(&mut purl.name);
    }
    let version = version.map(str::trim).filter(|version| !version.is_empty()).map(str::to_owned);
    purl.version.clone_from(&version);
    Draft {
        built_from: Vec::new(),
        package: Package {
            name: name.to_owned(),
            version,
            purl,
            evidence: vec![evidence],
            introduced_by: context.introduced(),
            ..Package::new(kind, "")
        },
        surroundings: String::new(),
        provides: Vec::new(),
        requires: Vec::new(),
    }
}

/// A licence as a language's manifest writes it.
pub fn license(text: &str) -> Option<License> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    Some(License::declared(shorten(text), python_expression(text)))
}

/// The beginning of a text.
pub fn shorten(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// True if a part of the path names tests' data.
pub fn is_test_data(path: &str) -> bool {
    const NAMES: [&str; 6] =
        ["testdata", "test-data", "fixtures", "fixture", "__fixtures__", "__tests__"];
    path.split('/').any(|part| NAMES.contains(&part))
}

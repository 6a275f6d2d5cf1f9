//! The formats by name.

use std::path::PathBuf;

use sealift_model::Inventory;

use crate::{Subject, cyclonedx, spdx};

/// A format of documents.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name, as `-o` has it.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Version of the specification; `NAME@VERSION` asks for it.
    pub version: &'static str,
    /// Media type.
    pub media_type: &'static str,
    /// Type of an in-toto attestation that carries it.
    pub predicate_type: &'static str,
    /// Usual end of a file's name.
    pub file_suffix: &'static str,
    /// Writes a document.
    pub encode: fn(&Inventory, &Subject) -> String,
}

/// All formats.
pub const FORMATS: &[Format] = &[
    Format {
        name: "spdx-json",
        aliases: &["spdxjson"],
        version: "2.3",
        media_type: "application/spdx+json",
        predicate_type: "https://spdx.dev/Document",
        file_suffix: ".spdx.json",
        encode: spdx::encode,
    },
    Format {
        name: "cyclonedx-json",
        aliases: &["cyclonedxjson", "cdx-json"],
        version: "1.6",
        media_type: "application/vnd.cyclonedx+json",
        predicate_type: "https://cyclonedx.org/bom",
        file_suffix: ".cdx.json",
        encode: cyclonedx::encode,
    },
];

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format of SBOMs; known are {known}", known = known_names())]
pub struct UnknownFormat(pub String);

/// The format of a name, an alias, or either with `@` and its version.
pub fn find_format(text: &str) -> Result<&'static Format, UnknownFormat> {
    let unknown = || UnknownFormat(text.chars().take(40).collect());
    let (name, version) = match text.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let name = name.trim().to_ascii_lowercase();
    FORMATS
        .iter()
        .find(|format| {
            (format.name == name || format.aliases.contains(&name.as_str()))
                && version.is_none_or(|version| version == format.version)
        })
        .ok_or_else(unknown)
}

/// Where a document goes: `FORMAT` to the standard output, `FORMAT=FILE` to a file.
#[derive(Clone, Debug)]
pub struct Output {
    /// The format.
    pub format: &'static Format,
    /// The file; the standard output if absent.
    pub path: Option<PathBuf>,
}

impl Output {
    /// Reads `FORMAT[@VERSION][=FILE]`.
    pub fn parse(text: &str) -> Result<Self, UnknownFormat> {
        match text.split_once('=') {
            Some((format, path)) if !path.is_empty() => {
                Ok(Self { format: find_format(format)?, path: Some(PathBuf::from(path)) })
            }
            Some((format, _)) => Ok(Self { format: find_format(format)?, path: None }),
            None => Ok(Self { format: find_format(text)?, path: None }),
        }
    }
}

fn known_names() -> String {
    let names: Vec<String> = FORMATS.iter().map(|format| format!("`{}`", format.name)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs() {
        let check = |text: &str, name: &str, path: Option<&str>| {
            let output = Output::parse(text).unwrap();
            assert_eq!((output.format.name, output.path), (name, path.map(PathBuf::from)));
        };
        check("spdx-json", "spdx-json", None);
        check("spdx-json@2.3=a=b", "spdx-json", Some("a=b"));
        check("CycloneDX-JSON=x.json", "cyclonedx-json", Some("x.json"));
        let message = Output::parse("spdx-json@2.2").unwrap_err().to_string();
        assert_eq!(
            message,
            "`spdx-json@2.2` is not a format of SBOMs; known are `spdx-json`, `cyclonedx-json`"
        );
        assert!(Output::parse("").is_err());
    }
}

//! The formats by name.

use std::path::PathBuf;

use sealift_diagnostic::closest;
use sealift_model::Inventory;

use crate::cyclonedx::Version as Cdx;
use crate::spdx::Version as Spdx;
use crate::{Subject, cyclonedx, github, listing, spdx, syft};

/// A format of documents.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name, as `-o` has it.
    pub name: &'static str,
    /// Other names; syft's, all of them.
    pub aliases: &'static [&'static str],
    /// Versions of the specification, oldest first; never empty.
    pub versions: &'static [FormatVersion],
    /// The version that the name alone stands for; empty if the format has none.
    pub default_version: &'static str,
    /// Media type.
    pub media_type: &'static str,
}

/// What writes a document.
pub type Encode = fn(&Inventory, &Subject) -> String;

/// A format in one version of its specification.
#[derive(Clone, Copy, Debug)]
pub struct FormatVersion {
    /// `NAME@VERSION` asks for it; empty if the format has no versions.
    pub version: &'static str,
    /// Writes a document.
    pub encode: Encode,
}

macro_rules! versions {
    ($encode:path: $($version:expr),+) => {
        &[$(FormatVersion {
            version: $version.as_str(),
            encode: |inventory, subject| $encode(inventory, subject, $version),
        }),+]
    };
}

const fn only(encode: Encode) -> FormatVersion {
    FormatVersion { version: "", encode }
}

/// All formats.
pub const FORMATS: &[Format] = &[
    Format {
        name: "table",
        aliases: &["syft-table"],
        versions: &[only(listing::table)],
        default_version: "",
        media_type: "text/plain",
    },
    Format {
        name: "text",
        aliases: &["syft-text"],
        versions: &[only(listing::paragraphs)],
        default_version: "",
        media_type: "text/plain",
    },
    Format {
        name: "purls",
        aliases: &["purl"],
        versions: &[only(listing::purls)],
        default_version: "",
        media_type: "text/plain",
    },
    Format {
        name: "spdx-json",
        aliases: &["spdxjson"],
        versions: &[
            FormatVersion {
                version: "2.2",
                encode: |inventory, subject| spdx::json(inventory, subject, Spdx::V2_2),
            },
            FormatVersion {
                version: "2.3",
                encode: |inventory, subject| spdx::json(inventory, subject, Spdx::V2_3),
            },
            FormatVersion { version: "3.0.1", encode: spdx::linked::encode },
        ],
        default_version: "2.3",
        media_type: "application/spdx+json",
    },
    Format {
        name: "spdx-tag-value",
        aliases: &["spdx", "spdx-tv", "spdxtagvalue"],
        versions: versions!(spdx::tag_value: Spdx::V2_1, Spdx::V2_2, Spdx::V2_3),
        default_version: "2.3",
        media_type: "text/spdx",
    },
    Format {
        name: "cyclonedx-json",
        aliases: &["cyclonedxjson", "cdx-json"],
        versions: versions!(
            cyclonedx::json: Cdx::V1_2, Cdx::V1_3, Cdx::V1_4, Cdx::V1_5, Cdx::V1_6, Cdx::V1_7
        ),
        default_version: "1.6",
        media_type: "application/vnd.cyclonedx+json",
    },
    Format {
        name: "cyclonedx-xml",
        aliases: &["cyclonedx", "cyclone", "cdx", "cyclonedxxml", "cdx-xml"],
        versions: versions!(
            cyclonedx::xml: Cdx::V1_2, Cdx::V1_3, Cdx::V1_4, Cdx::V1_5, Cdx::V1_6, Cdx::V1_7
        ),
        default_version: "1.6",
        media_type: "application/vnd.cyclonedx+xml",
    },
    Format {
        name: "syft-json",
        aliases: &["json", "syft", "syftjson"],
        versions: &[only(syft::encode)],
        default_version: "",
        media_type: "application/vnd.syft+json",
    },
    Format {
        name: "github-json",
        aliases: &["github", "githubjson"],
        versions: &[only(github::encode)],
        default_version: "",
        media_type: "application/json",
    },
];

/// A word that names no format, or no version of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownFormat {
    /// There is no such format.
    #[error("`{0}` is not a format of SBOMs")]
    Name(String),
    /// The format has no such version.
    #[error("`{name}` has no version `{version}`")]
    Version {
        /// The format.
        name: &'static str,
        /// The version.
        version: String,
    },
}

impl UnknownFormat {
    /// What to write instead.
    pub fn hint(&self) -> String {
        match self {
            Self::Name(word) => {
                let names = FORMATS
                    .iter()
                    .flat_map(|format| std::iter::once(&format.name).chain(format.aliases))
                    .copied();
                let meant = closest(word, names)
                    .map(|name| format!("did you mean `{name}`? "))
                    .unwrap_or_default();
                let known: Vec<String> = FORMATS.iter().map(Format::describe).collect();
                format!("{meant}known formats: {}, template", known.join(", "))
            }
            Self::Version { name, .. } => {
                let versions = FORMATS
                    .iter()
                    .find(|format| format.name == *name)
                    .map(Format::describe)
                    .unwrap_or_default();
                format!("known: {versions}")
            }
        }
    }
}

impl Format {
    /// Name and versions, `spdx-json@2.2,2.3,3.0.1`.
    pub fn describe(&self) -> String {
        let versions: Vec<&str> = self.versions.iter().map(|version| version.version).collect();
        match versions.as_slice() {
            [""] => self.name.to_owned(),
            versions => format!("{}@{}", self.name, versions.join(",")),
        }
    }

    // The newest version that begins with the parts asked for: `2` is 2.3, `3.0` is 3.0.1.
    fn version(&self, asked: Option<&str>) -> Option<&'static FormatVersion> {
        let Some(asked) = asked else {
            return self.versions.iter().find(|version| version.version == self.default_version);
        };
        let asked = asked.trim().trim_start_matches('v');
        let asked_parts: Vec<&str> = asked.split('.').collect();
        self.versions.iter().rev().find(|version| {
            let parts: Vec<&str> = version.version.split('.').collect();
            !asked.is_empty() && parts.starts_with(&asked_parts)
        })
    }
}

/// The format of a name or an alias, and its version if `@` names one, else the usual one.
pub fn find_format(text: &str) -> Result<(&'static Format, &'static FormatVersion), UnknownFormat> {
    let shorten = |text: &str| -> String { text.chars().take(40).collect() };
    let (name, version) = match text.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let name = name.trim().to_ascii_lowercase();
    let format = FORMATS
        .iter()
        .find(|format| format.name == name || format.aliases.contains(&name.as_str()))
        .ok_or_else(|| UnknownFormat::Name(shorten(&name)))?;
    let found = format.version(version).ok_or_else(|| UnknownFormat::Version {
        name: format.name,
        version: shorten(version.unwrap_or_default()),
    })?;
    Ok((format, found))
}

/// Where a document goes: `FORMAT` to the standard output, `FORMAT=FILE` to a file.
#[derive(Clone, Debug)]
pub struct Output {
    /// The format.
    pub format: &'static Format,
    /// Its version.
    pub version: &'static FormatVersion,
    /// The file; the standard output if absent.
    pub path: Option<PathBuf>,
}

impl Output {
    /// Reads `FORMAT[@VERSION][=FILE]`.
    pub fn parse(text: &str) -> Result<Self, UnknownFormat> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(path).filter(|path| !path.is_empty())),
            None => (text, None),
        };
        let (format, version) = find_format(name)?;
        Ok(Self { format, version, path: path.map(PathBuf::from) })
    }

    /// Writes the document.
    pub fn encode(&self, inventory: &Inventory, subject: &Subject) -> String {
        (self.version.encode)(inventory, subject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs() {
        let check = |text: &str, name: &str, version: &str, path: Option<&str>| {
            let output = Output::parse(text).unwrap();
            let found = (output.format.name, output.version.version, output.path);
            assert_eq!(found, (name, version, path.map(PathBuf::from)), "{text}");
        };
        check("spdx-json", "spdx-json", "2.3", None);
        check("spdx-json@2.3=a=b", "spdx-json", "2.3", Some("a=b"));
        check("spdx-json@2.2", "spdx-json", "2.2", None);
        check("spdx-json@3", "spdx-json", "3.0.1", None);
        check("spdx-json@v3.0", "spdx-json", "3.0.1", None);
        check("spdx", "spdx-tag-value", "2.3", None);
        check("spdx-tv@2.1", "spdx-tag-value", "2.1", None);
        check("cyclonedx", "cyclonedx-xml", "1.6", None);
        check("cyclone", "cyclonedx-xml", "1.6", None);
        check("cdx@1.2", "cyclonedx-xml", "1.2", None);
        check("CycloneDX-JSON=x.json", "cyclonedx-json", "1.6", Some("x.json"));
        check("json", "syft-json", "", None);
        check("syft-table", "table", "", None);
        check("syft-text", "text", "", None);
        check("github", "github-json", "", None);
        check("purls=", "purls", "", None);
    }

    #[test]
    fn names_are_unique() {
        let names = FORMATS.iter().flat_map(|format| [&[format.name], format.aliases].concat());
        let mut seen = std::collections::BTreeSet::new();
        for name in names {
            assert!(seen.insert(name), "{name}");
        }
    }

    #[test]
    fn unknown() {
        let check = |text: &str, message: &str, hint: &str| {
            let error = Output::parse(text).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(error.hint().starts_with(hint), "{}", error.hint());
        };
        check(
            "spdx-jsno",
            "`spdx-jsno` is not a format of SBOMs",
            "did you mean `spdx-json`? known formats: table, text, purls, spdx-json@2.2,2.3,3.0.1",
        );
        check("", "`` is not a format of SBOMs", "known formats: ");
        check(
            "spdx-json@2.1",
            "`spdx-json` has no version `2.1`",
            "known: spdx-json@2.2,2.3,3.0.1",
        );
        check("spdx-json@2.", "`spdx-json` has no version `2.`", "known: ");
        check("spdx-json@", "`spdx-json` has no version ``", "known: ");
        check("table@1", "`table` has no version `1`", "known: table");
    }
}

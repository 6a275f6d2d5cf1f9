//! Documents of others, read back into an inventory.
//!
//! Invariants: bytes, nesting and counts are limited; nothing in a document makes the reader panic, recurse without
//! end or look anywhere else; what names no package is counted in a note.

mod check;
mod cyclonedx;
mod draft;
mod json;
mod spdx;
mod spdx3;
mod syft;
mod tag_value;
mod xml;

use sealift_model::Inventory;
use serde_json::Value;

use crate::Subject;

pub use check::Problem;

/// Name of what a document is about that does not say it.
pub const NAME_UNKNOWN: &str = "unknown";

/// How much a document may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the whole.
    pub bytes_max: usize,
    /// Elements within elements, in XML. (JSON has a fixed limit of 127.)
    pub depth_max: usize,
    /// Elements in all, in XML.
    pub elements_max: usize,
    /// Packages.
    pub packages_max: usize,
    /// Relations.
    pub relations_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 128 << 20,
            depth_max: 64,
            elements_max: 4_000_000,
            packages_max: 1_000_000,
            relations_max: 10_000_000,
        }
    }
}

/// A document that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Name of its format, as `-o` has it.
    pub format: &'static str,
    /// Version of the specification that it follows.
    pub version: String,
    /// What it is about.
    pub subject: Subject,
    /// What it lists.
    pub inventory: Inventory,
}

/// Why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is too large.
    #[error("the document has {bytes} bytes; at most {max} are read")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// It has too many of something.
    #[error("the document has more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// It is none of the formats.
    #[error("the document is no SBOM in a known format")]
    UnknownFormat,
    /// Its version is not one that can be read.
    #[error("the document is {format} of version `{version}`, which cannot be read")]
    UnknownVersion {
        /// Its format.
        format: &'static str,
        /// Its version.
        version: String,
    },
    /// It breaks off or is not well-formed.
    #[error("the document is not well-formed: {0}")]
    Malformed(String),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        matches!(self, Self::UnknownFormat).then(|| {
            "SPDX (tag-value, JSON), CycloneDX (JSON, XML) and syft's JSON can be read".to_owned()
        })
    }
}

/// What a document is, as soon as it is JSON.
#[derive(Clone, Copy)]
enum Kind {
    CycloneDx,
    Spdx,
    Spdx3,
    Syft,
}

/// Reads a document of any known format.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document, Error> {
    let (kind, format, value) = parse(bytes, limits)?;
    decode(kind, format, &value, limits)
}

/// Reads a document, and says what is wrong with it beyond that.
pub fn check(bytes: &[u8], limits: &Limits) -> Result<(Document, Vec<Problem>), Error> {
    let (kind, format, value) = parse(bytes, limits)?;
    let document = decode(kind, format, &value, limits)?;
    Ok((document, check::check(kind, &value)))
}

fn decode(
    kind: Kind,
    format: &'static str,
    value: &Value,
    limits: &Limits,
) -> Result<Document, Error> {
    match kind {
        Kind::CycloneDx => cyclonedx::decode(value, format, limits),
        Kind::Spdx => spdx::decode(value, format, limits),
        Kind::Spdx3 => spdx3::decode(value, limits),
        Kind::Syft => syft::decode(value, limits),
    }
}

fn parse(bytes: &[u8], limits: &Limits) -> Result<(Kind, &'static str, Value), Error> {
    if bytes.len() > limits.bytes_max {
        return Err(Error::TooLarge { bytes: bytes.len(), max: limits.bytes_max });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Error::Malformed(format!("byte {} is not UTF-8", error.valid_up_to())))?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.as_bytes().first() {
        Some(b'{') => {
            let value = serde_json::from_str(text)
                .map_err(|error: serde_json::Error| Error::Malformed(error.to_string()))?;
            recognize(value)
        }
        Some(b'<') => Ok((Kind::CycloneDx, "cyclonedx-xml", xml::to_json(text, limits)?)),
        _ => match tag_value::to_json(text, limits)? {
            Some(value) => Ok((Kind::Spdx, "spdx-tag-value", value)),
            None => Err(Error::UnknownFormat),
        },
    }
}

fn recognize(value: Value) -> Result<(Kind, &'static str, Value), Error> {
    // An attestation carries the document as its predicate.
    let value = match value {
        Value::Object(mut statement) if statement.contains_key("predicateType") => {
            statement.remove("predicate").unwrap_or_default()
        }
        value => value,
    };
    let has = |key: &str| value.get(key).is_some();
    let (kind, format) = if json::text(&value, "bomFormat") == Some("CycloneDX") {
        (Kind::CycloneDx, "cyclonedx-json")
    } else if has("spdxVersion") {
        (Kind::Spdx, "spdx-json")
    } else if has("@graph") && has("@context") {
        (Kind::Spdx3, "spdx-json")
    } else if has("artifacts") && has("schema") {
        (Kind::Syft, "syft-json")
    } else {
        return Err(Error::UnknownFormat);
    };
    Ok((kind, format, value))
}

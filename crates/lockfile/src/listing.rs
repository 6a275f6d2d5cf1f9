//! What every format comes down to.

use serde_json::Value;

/// Larger files are not read.
pub const BYTES_MAX: usize = 32 << 20;
/// Longest name and version.
pub const NAME_BYTES_MAX: usize = 300;
const ENTRIES_MAX: usize = 50_000;
const NEEDS_MAX: usize = 1_000;
const COMPLAINTS_MAX: usize = 20;

/// What a file lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Packages, in the order of the file.
    pub entries: Vec<Entry>,
    /// What could not be read.
    pub complaints: Vec<String>,
}

/// A package that a file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Name; what is before its last `/` is its namespace.
    pub name: String,
    /// Version, if the file says one.
    pub version: Option<String>,
    /// The word by which the file's other entries need it, where that is not its name.
    pub key: Option<String>,
    /// Keys of what it needs.
    pub needs: Vec<String>,
    /// Licence, verbatim.
    pub license: Option<String>,
    /// Home page.
    pub homepage: Option<String>,
    /// One line about it.
    pub summary: Option<String>,
    /// Who made it.
    pub author: Option<String>,
    /// Hashes of what is downloaded.
    pub hashes: Vec<Hash>,
    /// What identifies it beside name and version, as purl qualifiers.
    pub qualifiers: Vec<(&'static str, String)>,
}

/// A hash of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hash {
    /// Which function.
    pub algorithm: HashAlgorithm,
    /// Value, lower-case hexadecimal.
    pub hex: String,
}

/// A hash function that lock files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Entry {
    /// An entry, if the name is one. A version that is none is left out.
    pub fn new(name: &str, version: Option<&str>) -> Option<Self> {
        let name = text(name)?;
        Some(Self { name, version: version.and_then(text), ..Self::default() })
    }

    pub(crate) fn need(&mut self, key: &str) {
        if let Some(key) = text(key)
            && self.needs.len() < NEEDS_MAX
            && !self.needs.contains(&key)
        {
            self.needs.push(key);
        }
    }

    pub(crate) fn hash(&mut self, algorithm: HashAlgorithm, hex: &str) {
        let digits = match algorithm {
            HashAlgorithm::Sha1 => 40,
            HashAlgorithm::Sha256 => 64,
            HashAlgorithm::Sha512 => 128,
        };
        if hex.len() == digits && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.hashes.push(Hash { algorithm, hex: hex.to_ascii_lowercase() });
        }
    }
}

impl Listing {
    pub(crate) fn add(&mut self, entry: Entry) {
        if self.entries.len() < ENTRIES_MAX {
            self.entries.push(entry);
        } else {
            self.complain("it has more entries than the limit, the rest is not read");
        }
    }

    pub(crate) fn complain(&mut self, what: impl Into<String>) {
        let what = what.into();
        if self.complaints.len() < COMPLAINTS_MAX && !self.complaints.contains(&what) {
            self.complaints.push(what);
        }
    }

    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self { complaints: vec![what.into()], ..Self::default() }
    }
}

/// A name or version: trimmed, not empty, not too long, one line.
pub(crate) fn text(text: &str) -> Option<String> {
    let text = text.trim();
    let is_text = !text.is_empty() && text.len() <= NAME_BYTES_MAX;
    (is_text && !text.contains(char::is_control)).then(|| text.to_owned())
}

/// The beginning of a longer text, on one line.
pub(crate) fn line(text: &str) -> Option<String> {
    let text = text.trim();
    let short = text.chars().take(NAME_BYTES_MAX);
    let short: String = short.map(|c| if c.is_control() { ' ' } else { c }).collect();
    (!short.is_empty()).then_some(short)
}

/// The file as text, if it is not too large. What is not UTF-8 is replaced.
pub(crate) fn decoded(bytes: &[u8]) -> Result<std::borrow::Cow<'_, str>, Listing> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.len() > BYTES_MAX {
        return Err(Listing::refused("it is too large to be read"));
    }
    Ok(String::from_utf8_lossy(bytes))
}

/// The file as JSON.
pub(crate) fn json(bytes: &[u8]) -> Result<Value, Listing> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.len() > BYTES_MAX {
        return Err(Listing::refused("it is too large to be read"));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Listing::refused(format!("it is not the JSON that it should be: {error}")))
}

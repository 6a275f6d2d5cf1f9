//! A secret that was found, without itself.

use std::borrow::Cow;
use std::ops::Range;

use sealift_model::{Confidence, Severity};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A secret that was found in a text. It holds the first and last letters of the secret at most; the text has the rest,
/// at `range`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The rule that found it.
    pub rule: Cow<'static, str>,
    /// Whose it is; `generic` if the form does not tell.
    pub provider: Cow<'static, str>,
    /// What it is, `GitHub personal access token`.
    pub title: String,
    /// How bad it is that it is there.
    #[serde(with = "severity_as_text")]
    pub severity: Severity,
    /// How sure it is that it is one.
    pub confidence: Confidence,
    /// Where it is, in bytes.
    pub range: Range<usize>,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// The line on which it ends.
    pub end_line: usize,
    /// Its first and last letters.
    pub masked: String,
    /// SHA-256 over rule, secret and path, hex.
    pub fingerprint: String,
}

// Letters shown of a secret: few of a short one.
const SHOWN_START_MAX: usize = 6;
const SHOWN_END_MAX: usize = 4;

/// The first and last letters of a secret, and never more than a quarter of it.
pub fn mask(secret: &[u8]) -> String {
    let text = String::from_utf8_lossy(secret);
    let text = text.trim();
    if let Some(label) = key_label(text) {
        return format!("-----BEGIN {label}…");
    }
    let letters: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let shown = letters.len() / 4;
    let start = (shown * 2 / 3 + usize::from(shown % 3 == 1)).min(SHOWN_START_MAX).min(shown);
    let end = (shown - start).min(SHOWN_END_MAX);
    let head: String = letters[..start].iter().collect();
    let tail: String = letters[letters.len() - end..].iter().collect();
    format!("{head}…{tail}")
}

/// What a PEM header says that follows: words in capitals, and nothing of the key.
fn key_label(text: &str) -> Option<&str> {
    const LABEL_BYTES_MAX: usize = 60;
    let (label, _) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let is_word = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
    let is_key = label.ends_with("KEY") || label.ends_with("KEY BLOCK");
    (is_key && label.len() <= LABEL_BYTES_MAX && label.bytes().all(is_word)).then_some(label)
}

/// What tells a secret at one place from others, without telling it.
pub fn fingerprint(rule: &str, secret: &[u8], path: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [rule.as_bytes(), secret, path.as_bytes()] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

mod severity_as_text {
    use sealift_model::Severity;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(severity: &Severity, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(severity.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Severity, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| D::Error::custom("no severity"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_shown() {
        assert_eq!(mask(b"sk_live_abcd1234"), "sk_…4");
        assert_eq!(mask(b"ghp_9nbddeg8pe7o4wdfiinlfzdoh9oqjw9qj32i"), "ghp_9n…j32i");
        assert_eq!(mask(b"abc"), "…");
        assert_eq!(mask(b"-----BEGIN RSA PRIVATE KEY-----\nMIIE"), "-----BEGIN RSA PRIVATE KEY…");
        // A password may look like the beginning of a key.
        assert_eq!(mask(b"-----BEGIN hunter2"), "---…2");
        for length in 0..100 {
            let secret = "x".repeat(length);
            assert!(mask(secret.as_bytes()).matches('x').count() <= length / 4);
        }
    }

    #[test]
    fn fingerprints_tell_apart() {
        let one = fingerprint("a", b"bc", "d");
        assert_eq!(one.len(), 64);
        assert_ne!(one, fingerprint("ab", b"c", "d"));
        assert_eq!(one, fingerprint("a", b"bc", "d"));
    }
}

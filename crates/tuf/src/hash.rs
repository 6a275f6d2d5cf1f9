//! Hashes and lengths of documents and images, as snapshots, timestamps and tags have them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};

use crate::{Error, Role};

const SHA256: &str = "sha256";
const SHA512: &str = "sha512";

/// Lower-case hex of bytes.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Lower-case hex of the SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Hashes and length of a file, and for a tag what its publisher added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMeta {
    /// Hashes in base64, by algorithm.
    pub hashes: BTreeMap<String, String>,
    /// Length in bytes.
    pub length: u64,
    /// Anything else that was signed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<Value>,
}

impl FileMeta {
    /// What a snapshot or timestamp says of a document.
    pub fn of(bytes: &[u8]) -> Self {
        let hashes = BTreeMap::from([
            (SHA256.to_owned(), STANDARD.encode(Sha256::digest(bytes))),
            (SHA512.to_owned(), STANDARD.encode(Sha512::digest(bytes))),
        ]);
        Self { hashes, length: bytes.len() as u64, custom: None }
    }

    /// What a tag says of a manifest.
    pub fn of_manifest(sha256: [u8; 32], length: u64) -> Self {
        let hashes = BTreeMap::from([(SHA256.to_owned(), STANDARD.encode(sha256))]);
        Self { hashes, length, custom: None }
    }

    /// The SHA-256, if there is one of the right length.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        STANDARD.decode(self.hashes.get(SHA256)?).ok()?.try_into().ok()
    }

    /// Checks the form of what is there: a hash of a known algorithm has its length.
    pub(crate) fn check_form(&self) -> Result<(), String> {
        for (algorithm, expected) in [(SHA256, 32), (SHA512, 64)] {
            if let Some(hash) = self.hashes.get(algorithm) {
                let length = STANDARD.decode(hash).map(|hash| hash.len());
                if length != Ok(expected) {
                    return Err(format!("invalid {algorithm}"));
                }
            }
        }
        Ok(())
    }

    /// Checks bytes against length and all hashes of known algorithms; a SHA-256 must be there.
    pub fn check(&self, role: &Role, by: &Role, bytes: &[u8]) -> Result<(), Error> {
        let length = bytes.len() as u64;
        if !self.hashes.contains_key(SHA256) {
            return Err(Error::NoHash { role: role.clone(), by: by.clone() });
        }
        for (algorithm, found) in
            [(SHA256, Sha256::digest(bytes).to_vec()), (SHA512, Sha512::digest(bytes).to_vec())]
        {
            let Some(hash) = self.hashes.get(algorithm) else { continue };
            let expected = STANDARD.decode(hash).unwrap_or_default();
            if found != expected {
                return Err(Error::Hash {
                    role: role.clone(),
                    by: by.clone(),
                    algorithm: algorithm.to_owned(),
                    expected: hex(&expected),
                    found: hex(&found),
                });
            }
        }
        if self.length != length {
            let (role, by, expected) = (role.clone(), by.clone(), self.length);
            return Err(Error::Length { role, by, expected, found: length });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_hashes_count() {
        let good = FileMeta::of(b"x");
        let check = |meta: &FileMeta| meta.check(&Role::TARGETS, &Role::SNAPSHOT, b"x");
        check(&good).unwrap();
        assert_eq!(hex(&good.sha256().unwrap()), sha256_hex(b"x"));
        for algorithm in [SHA256, SHA512] {
            let mut bad = good.clone();
            bad.hashes.insert(algorithm.to_owned(), STANDARD.encode([0; 32]));
            assert!(matches!(check(&bad), Err(Error::Hash { .. })));
        }
        let mut bad = good.clone();
        bad.hashes.remove(SHA256);
        assert!(matches!(check(&bad), Err(Error::NoHash { .. })));
        assert!(matches!(check(&FileMeta { length: 2, ..good }), Err(Error::Length { .. })));
    }
}

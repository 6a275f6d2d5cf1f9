//! A document with the bytes it was read from.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Digest;

/// A parsed document beside its exact bytes and their digest.
#[derive(Clone, Debug)]
pub struct Raw<T> {
    bytes: Vec<u8>,
    digest: Digest,
    value: T,
}

/// Why bytes are not the document that was expected.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// The bytes are not this JSON document.
    #[error("not a valid {what} ({digest}): {source}")]
    Json {
        /// What was expected.
        what: &'static str,
        /// Digest of the bytes.
        digest: Digest,
        /// What the JSON reader says.
        source: serde_json::Error,
    },
    /// The document is larger than any real one.
    #[error("{what} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// What was expected.
        what: &'static str,
        /// Size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
}

/// Manifests, indexes and configs above this size are refused (distribution-spec asks for at least 4 MiB).
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;

impl<T: DeserializeOwned> Raw<T> {
    /// Parses a document that came from outside; `what` names it in errors.
    pub fn parse(bytes: Vec<u8>, what: &'static str) -> Result<Self, RawError> {
        if bytes.len() > DOCUMENT_BYTES_MAX {
            return Err(RawError::TooLarge { what, size: bytes.len(), limit: DOCUMENT_BYTES_MAX });
        }
        let digest = Digest::sha256(&bytes);
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Self { bytes, digest, value }),
            Err(source) => Err(RawError::Json { what, digest, source }),
        }
    }
}

impl<T: Serialize> Raw<T> {
    /// Serialises a document that we made.
    pub fn encode(value: T) -> Self {
        let bytes = serde_json::to_vec(&value).expect("our documents have string keys only");
        let digest = Digest::sha256(&bytes);
        Self { bytes, digest, value }
    }
}

impl<T> Raw<T> {
    /// The exact bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The parsed view.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Size in bytes, as a descriptor has it.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

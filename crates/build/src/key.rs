//! Keys of the cache.

use sealift_oci::{Algorithm, Digest, Hasher};

/// Hashes named fields, each with its length, so that no two lists of fields give the same bytes.
pub(crate) struct KeyHasher(Hasher);

impl KeyHasher {
    /// A key of some kind. The version is raised when the meaning of a key changes.
    pub(crate) fn new(kind: &str) -> Self {
        let mut hasher = Self(Hasher::new(Algorithm::Sha256));
        hasher.field("sealift-build-1", kind.as_bytes());
        hasher
    }

    /// Takes in a field.
    pub(crate) fn field(&mut self, name: &str, value: &[u8]) {
        self.0.update(&(name.len() as u64).to_le_bytes());
        self.0.update(name.as_bytes());
        self.0.update(&(value.len() as u64).to_le_bytes());
        self.0.update(value);
    }

    /// Takes in a number.
    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.field(name, &value.to_le_bytes());
    }

    /// Takes in something that need not be there.
    pub(crate) fn option(&mut self, name: &str, value: Option<&str>) {
        self.number(name, u64::from(value.is_some()));
        self.field(name, value.unwrap_or_default().as_bytes());
    }

    /// The key.
    pub(crate) fn finish(self) -> Digest {
        self.0.finish()
    }
}

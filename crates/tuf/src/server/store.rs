//! What a server keeps: documents of all versions, its keys, and the list of changes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Change;
use crate::{Gun, Role};

/// A document that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Version.
    pub version: u64,
    /// Bytes as they came.
    pub bytes: Vec<u8>,
    /// When it came.
    pub modified: Timestamp,
    /// When it has to be made again.
    pub expires: Timestamp,
}

/// A document to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDocument {
    /// Role.
    pub role: Role,
    /// Version.
    pub version: u64,
    /// Bytes.
    pub bytes: Vec<u8>,
    /// When it has to be made again.
    pub expires: Timestamp,
}

/// A key that the server holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Id.
    pub id: String,
    /// Public part, as documents have it.
    pub public: Value,
    /// Private part, sealed; base64.
    pub sealed: String,
}

/// Why a store does not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A document of this version or a later one is there already.
    #[error("a newer version is there already")]
    OldVersion,
    /// It failed.
    #[error("{0}")]
    Failed(String),
}

/// Where a server keeps what it has. Whoever implements it makes [`Store::update`] one transaction.
pub trait Store: Send + Sync {
    /// The newest document of a role.
    fn newest(&self, gun: &Gun, role: &Role) -> Result<Option<Document>, StoreError>;

    /// A document by version.
    fn by_version(
        &self,
        gun: &Gun,
        role: &Role,
        version: u64,
    ) -> Result<Option<Document>, StoreError>;

    /// A document by the SHA-256 of its bytes in lower-case hex.
    fn by_sha256(
        &self,
        gun: &Gun,
        role: &Role,
        sha256: &str,
    ) -> Result<Option<Document>, StoreError>;

    /// Keeps all of them or none: none if one is not newer than what is there. A timestamp among them is a change.
    fn update(
        &self,
        gun: &Gun,
        documents: &[NewDocument],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes everything of a repository but its keys. That it was there is a change.
    fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), StoreError>;

    /// All changes in order, or those of one repository.
    fn changes(&self, gun: Option<&Gun>) -> Result<Vec<Change>, StoreError>;

    /// The keys of a role, the oldest first.
    fn keys(&self, gun: &Gun, role: &Role) -> Result<Vec<KeyRecord>, StoreError>;

    /// Adds a key, and drops the oldest besides those to keep if there are too many.
    fn add_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
        keep: &[String],
    ) -> Result<(), StoreError>;
}

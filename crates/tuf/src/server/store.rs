//! What a server keeps: documents of all versions, its keys, and the list of changes.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::Change;
use crate::hash::hex;
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Id.
    pub id: String,
    /// Public part, as documents have it.
    pub public: Value,
    /// Private part, sealed; base64.
    pub sealed: String,
}

const KEYS_MAX: usize = 16;

/// Drops the oldest of too many keys, besides those to keep: whoever asks for new ones again and again must not fill
/// the disk.
pub fn trim_keys(keys: &mut Vec<KeyRecord>, keep: &[String]) {
    while keys.len() > KEYS_MAX {
        let Some(oldest) = keys.iter().position(|key| !keep.contains(&key.id)) else { break };
        keys.remove(oldest);
    }
}

/// A hash by which documents are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashKind {
    /// SHA-256, the one that clients use.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl HashKind {
    /// The kind whose hex has this many digits.
    pub fn of_digits(n_digits: usize) -> Option<Self> {
        match n_digits {
            64 => Some(Self::Sha256),
            96 => Some(Self::Sha384),
            128 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Lower-case hex of the hash of bytes.
    pub fn hex(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha256 => hex(&Sha256::digest(bytes)),
            Self::Sha384 => hex(&Sha384::digest(bytes)),
            Self::Sha512 => hex(&Sha512::digest(bytes)),
        }
    }
}

/// Which changes are wanted; they come in the order in which they happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeRange {
    /// The first ones after this number.
    After {
        /// The number.
        number: u64,
        /// At most so many.
        count: usize,
    },
    /// The last ones before this number, or the last ones of all.
    Before {
        /// The number.
        number: Option<u64>,
        /// At most so many.
        count: usize,
    },
}

impl ChangeRange {
    /// All changes.
    pub const ALL: Self = Self::After { number: 0, count: usize::MAX };

    pub(super) fn cut(self, changes: Vec<Change>) -> Vec<Change> {
        match self {
            Self::After { number, count } => {
                changes.into_iter().filter(|change| change.number() > number).take(count).collect()
            }
            Self::Before { number, count } => {
                let is_before =
                    |change: &Change| number.is_none_or(|number| change.number() < number);
                let mut before: Vec<Change> = changes.into_iter().filter(is_before).collect();
                before.split_off(before.len().saturating_sub(count))
            }
        }
    }
}

/// Why a store does not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A document of this version or a later one is there already.
    #[error("a newer version is there already")]
    OldVersion,
    /// It cannot be reached for the moment.
    #[error("{0}")]
    Unavailable(String),
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

    /// A document by a hash of its bytes in lower-case hex.
    fn by_hash(
        &self,
        gun: &Gun,
        role: &Role,
        kind: HashKind,
        hash: &str,
    ) -> Result<Option<Document>, StoreError>;

    /// Keeps all of them or none: none if one is not newer than what is there, or if the repository has no root and is given
    /// none, since somebody deleted it meanwhile. A timestamp among them is a change.
    fn update(
        &self,
        gun: &Gun,
        documents: &[NewDocument],
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes everything of a repository but its keys. That it was there is a change.
    fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), StoreError>;

    /// Changes of all repositories, or of one.
    fn changes(&self, gun: Option<&Gun>, range: ChangeRange) -> Result<Vec<Change>, StoreError>;

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

    /// Adds a key if the role has none; the newest key that it has then. All who ask at once get the same.
    fn add_first_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
    ) -> Result<KeyRecord, StoreError>;
}

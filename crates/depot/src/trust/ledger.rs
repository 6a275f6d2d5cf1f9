//! Trust data of Docker Content Trust, in the ledger that several replicas share.
//!
//! [`TrustStore`] keeps what a server of trust data has, as `SqliteTrustStore` does for one process. An update is one
//! change of the ledger, and changes come one after another over all replicas: of two that bring the same version one is
//! refused, and whatever was answered with success every replica reads. Nothing is kept in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sealift_tuf::server::{
    Change, ChangeRange, Document, HashKind, KeyRecord, NewDocument, Store, StoreError, trim_keys,
};
use sealift_tuf::{Gun, Role};

use crate::Error;
use crate::change::count_change;
use crate::depot::{Depot, Inner};
use crate::ledger::{Row, Transaction, values};

/// A store of trust data that replicas share.
pub struct TrustStore(Arc<Inner>);

impl Depot {
    /// Where trust data are kept. One process keeps them in a folder of their own: that is a refusal.
    pub fn trust_store(&self) -> Result<TrustStore, Error> {
        if !self.is_shared() {
            return Err(Error::NotShared { what: "trust data" });
        }
        Ok(TrustStore(Arc::clone(&self.0)))
    }
}

impl TrustStore {
    fn read<T>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.0.ledger.main().read_little(job).map_err(failed)
    }

    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.ledger.main().write_blocking(job).map_err(failed)
    }
}

fn failed(error: Error) -> StoreError {
    match error {
        Error::Unavailable { .. } => StoreError::Unavailable(error.to_string()),
        error => StoreError::Failed(error.to_string()),
    }
}

impl Store for TrustStore {
    fn newest(&self, gun: &Gun, role: &Role) -> Result<Option<Document>, StoreError> {
        let sql = "SELECT version, bytes, modified, expires FROM trust_document
                   WHERE gun = ?1 AND role = ?2 ORDER BY version DESC LIMIT 1";
        self.read(|transaction| {
            transaction.one(sql, values![gun.as_str(), role.as_str()], read_document)
        })
    }

    fn by_version(
        &self,
        gun: &Gun,
        role: &Role,
        version: u64,
    ) -> Result<Option<Document>, StoreError> {
        // No document has a version that the database cannot hold.
        let Ok(version) = i64::try_from(version) else { return Ok(None) };
        let sql = "SELECT version, bytes, modified, expires FROM trust_document
                   WHERE gun = ?1 AND role = ?2 AND version = ?3";
        self.read(|transaction| {
            transaction.one(sql, values![gun.as_str(), role.as_str(), version], read_document)
        })
    }

    fn by_hash(
        &self,
        gun: &Gun,
        role: &Role,
        kind: HashKind,
        hash: &str,
    ) -> Result<Option<Document>, StoreError> {
        let sql = match kind {
            HashKind::Sha256 => {
                "SELECT version, bytes, modified, expires FROM trust_document
                 WHERE gun = ?1 AND role = ?2 AND sha256 = ?3 ORDER BY version DESC LIMIT 1"
            }
            HashKind::Sha384 => {
                "SELECT version, bytes, modified, expires FROM trust_document
                 WHERE gun = ?1 AND role = ?2 AND sha384 = ?3 ORDER BY version DESC LIMIT 1"
            }
            HashKind::Sha512 => {
                "SELECT version, bytes, modified, expires FROM trust_document
                 WHERE gun = ?1 AND role = ?2 AND sha512 = ?3 ORDER BY version DESC LIMIT 1"
            }
        };
        self.read(|transaction| {
            transaction.one(sql, values![gun.as_str(), role.as_str(), hash], read_document)
        })
    }

    fn update(
        &self,
        gun: &Gun,
        documents: &[NewDocument],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // What takes long is done before the others have to wait.
        let brought: Vec<Brought> = documents.iter().map(Brought::new).collect::<Result<_, _>>()?;
        let gun = gun.clone();
        let is_kept = self.write(move |transaction| add_all(transaction, &gun, &brought, now))?;
        is_kept.then_some(()).ok_or(StoreError::OldVersion)
    }

    fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), StoreError> {
        let gun = gun.clone();
        self.write(move |transaction| {
            let sql = "DELETE FROM trust_document WHERE gun = ?1";
            if transaction.execute(sql, values![gun.as_str()])? == 0 {
                return Ok(());
            }
            add_change(transaction, &Change::deletion(0, &gun, now))?;
            count_change(transaction, gun.repository())
        })
    }

    fn changes(&self, gun: Option<&Gun>, range: ChangeRange) -> Result<Vec<Change>, StoreError> {
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (is_backwards, number, count) = match range {
            ChangeRange::After { number, count } => (false, whole(number), count),
            ChangeRange::Before { number, count } => (true, number.map_or(i64::MAX, whole), count),
        };
        let sql = match (gun.is_some(), is_backwards) {
            (false, false) => {
                "SELECT number, created_at, gun, version, sha256, category FROM trust_change
                 WHERE number > ?1 ORDER BY number LIMIT ?2"
            }
            (false, true) => {
                "SELECT number, created_at, gun, version, sha256, category FROM trust_change
                 WHERE number < ?1 ORDER BY number DESC LIMIT ?2"
            }
            (true, false) => {
                "SELECT number, created_at, gun, version, sha256, category FROM trust_change
                 WHERE gun = ?3 AND number > ?1 ORDER BY number LIMIT ?2"
            }
            (true, true) => {
                "SELECT number, created_at, gun, version, sha256, category FROM trust_change
                 WHERE gun = ?3 AND number < ?1 ORDER BY number DESC LIMIT ?2"
            }
        };
        let mut changes = self.read(|transaction| match gun {
            Some(gun) => transaction.query(sql, values![number, count, gun.as_str()], read_change),
            None => transaction.query(sql, values![number, count], read_change),
        })?;
        if is_backwards {
            changes.reverse();
        }
        Ok(changes)
    }

    fn keys(&self, gun: &Gun, role: &Role) -> Result<Vec<KeyRecord>, StoreError> {
        self.read(|transaction| keys(transaction, gun, role))
    }

    fn add_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
        keep: &[String],
    ) -> Result<(), StoreError> {
        let (gun, role, key, keep) = (gun.clone(), role.clone(), key.clone(), keep.to_vec());
        self.write(move |transaction| {
            let mut all = keys(transaction, &gun, &role)?;
            all.push(key);
            trim_keys(&mut all, &keep);
            let sql = "DELETE FROM trust_key WHERE gun = ?1 AND role = ?2";
            transaction.execute(sql, values![gun.as_str(), role.as_str()])?;
            (0_i64..)
                .zip(&all)
                .try_for_each(|(place, key)| insert_key(transaction, &gun, &role, (place, key)))
        })
    }

    fn add_first_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
    ) -> Result<KeyRecord, StoreError> {
        let (gun, role, key) = (gun.clone(), role.clone(), key.clone());
        self.write(move |transaction| {
            if let Some(newest) = keys(transaction, &gun, &role)?.pop() {
                return Ok(newest);
            }
            insert_key(transaction, &gun, &role, (0, &key))?;
            Ok(key)
        })
    }
}

/// A document to be kept, ready for the database.
struct Brought {
    role: Role,
    version: i64,
    bytes: Vec<u8>,
    hashes: [String; 3],
    expires: String,
}

impl Brought {
    fn new(document: &NewDocument) -> Result<Self, StoreError> {
        let NewDocument { role, version, bytes, expires } = document;
        let version = i64::try_from(*version).map_err(|_| {
            StoreError::Failed(format!("version {version} of `{role}` is too high"))
        })?;
        let hashes = [HashKind::Sha256, HashKind::Sha384, HashKind::Sha512];
        Ok(Self {
            role: role.clone(),
            version,
            bytes: bytes.clone(),
            hashes: hashes.map(|kind| kind.hex(bytes)),
            expires: expires.to_string(),
        })
    }
}

// False if one of them is not newer than what is there, or there is no root; then nothing was written.
fn add_all(
    transaction: &Transaction<'_>,
    gun: &Gun,
    brought: &[Brought],
    now: Timestamp,
) -> Result<bool, Error> {
    if brought.is_empty() {
        return Ok(true);
    }
    let mut newest: BTreeMap<&Role, i64> = BTreeMap::new();
    for Brought { role, version, .. } in brought {
        let known = match newest.get(role) {
            Some(known) => Some(*known),
            None => newest_version(transaction, gun, role)?,
        };
        if known.is_some_and(|known| known >= *version) {
            return Ok(false);
        }
        newest.insert(role, *version);
    }
    let brings_root = newest.contains_key(&Role::ROOT);
    if !brings_root && newest_version(transaction, gun, &Role::ROOT)?.is_none() {
        return Ok(false);
    }
    let modified = now.to_string();
    for Brought { role, version, bytes, hashes, expires } in brought {
        let [sha256, sha384, sha512] = hashes;
        let (name, bytes) = (role.as_str(), bytes.as_slice());
        transaction.execute(
            "INSERT INTO trust_document
             (gun, role, version, bytes, sha256, sha384, sha512, modified, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            values![
                gun.as_str(),
                name,
                *version,
                bytes,
                sha256,
                sha384,
                sha512,
                &modified,
                expires
            ],
        )?;
        if *role == Role::TIMESTAMP {
            let version = version.unsigned_abs();
            add_change(transaction, &Change::update(0, gun, version, sha256.clone(), now))?;
        }
    }
    // Whoever keeps what it made of the repository, as the gate of another replica, makes it anew.
    count_change(transaction, gun.repository())?;
    Ok(true)
}

fn newest_version(
    transaction: &Transaction<'_>,
    gun: &Gun,
    role: &Role,
) -> Result<Option<i64>, Error> {
    let sql = "SELECT version FROM trust_document
               WHERE gun = ?1 AND role = ?2 ORDER BY version DESC LIMIT 1";
    transaction.one(sql, values![gun.as_str(), role.as_str()], |row| row.integer(0))
}

// Its number follows the last one. A sequence of the database would leave out those of changes that were taken back, and
// whoever reads the list would wait for them.
fn add_change(transaction: &Transaction<'_>, change: &Change) -> Result<(), Error> {
    let Change { created_at, gun, version, sha256, category, .. } = change;
    transaction.execute(
        "INSERT INTO trust_change (number, created_at, gun, version, sha256, category)
         VALUES ((SELECT COALESCE(MAX(number), 0) + 1 FROM trust_change), ?1, ?2, ?3, ?4, ?5)",
        values![created_at, gun, *version, sha256, category],
    )?;
    Ok(())
}

fn keys(transaction: &Transaction<'_>, gun: &Gun, role: &Role) -> Result<Vec<KeyRecord>, Error> {
    let sql =
        "SELECT id, public, sealed FROM trust_key WHERE gun = ?1 AND role = ?2 ORDER BY place";
    transaction.query(sql, values![gun.as_str(), role.as_str()], |row| {
        let (id, public) = (row.text(0)?, row.text(1)?);
        let public = serde_json::from_str(&public)
            .map_err(|error| Error::Format { reason: format!("key {id} of `{gun}`: {error}") })?;
        Ok(KeyRecord { id, public, sealed: row.text(2)? })
    })
}

fn insert_key(
    transaction: &Transaction<'_>,
    gun: &Gun,
    role: &Role,
    (place, key): (i64, &KeyRecord),
) -> Result<(), Error> {
    let KeyRecord { id, public, sealed } = key;
    transaction.execute(
        "INSERT INTO trust_key (gun, role, place, id, public, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        values![gun.as_str(), role.as_str(), place, id, &public.to_string(), sealed],
    )?;
    Ok(())
}

fn read_document(row: &Row<'_>) -> Result<Document, Error> {
    Ok(Document {
        version: row.size(0)?,
        bytes: row.bytes(1)?,
        modified: row.parsed(2)?,
        expires: row.parsed(3)?,
    })
}

fn read_change(row: &Row<'_>) -> Result<Change, Error> {
    Ok(Change {
        id: row.integer(0)?.to_string(),
        created_at: row.text(1)?,
        gun: row.text(2)?,
        version: row.size(3)?,
        sha256: row.text(4)?,
        category: row.text(5)?,
    })
}

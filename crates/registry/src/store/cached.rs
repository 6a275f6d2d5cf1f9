//! What is asked for again and again, kept in memory in the form in which it is answered.
//!
//! One process has the folder, so that nobody else changes what is kept here. A reader that found an old document just
//! before a writer replaced it must not keep it: the count of changes says whether one came in between. What replicas share
//! another one may replace at any time, and is not kept: to ask whether it was would be as long as to ask for it.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use jiff::Timestamp;
use sealift_tuf::server::{
    Change, ChangeRange, Document, HashKind, KeyRecord, NewDocument, Pick, Served, Store,
    StoreError,
};
use sealift_tuf::{Gun, Role, sha256_hex};

const BYTES_MAX: usize = 64 << 20;

/// An answer that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The document.
    pub bytes: Bytes,
    /// Its SHA-256 in lower-case hex.
    pub sha256: String,
    /// When it came.
    pub modified: Timestamp,
    /// Whether this address will always give these bytes.
    pub is_immutable: bool,
    // When it has to be asked for again.
    fresh_until: Timestamp,
}

#[derive(Default)]
struct Shelf {
    n_changes: u64,
    n_bytes: usize,
    answers: HashMap<Gun, HashMap<(Role, Pick), Kept>>,
}

/// A store that remembers answers, if it is its process's own.
pub struct CachedStore {
    store: Box<dyn Store>,
    shelf: Option<RwLock<Shelf>>,
}

impl CachedStore {
    /// Remembers answers of this store, which nobody else changes.
    pub fn own(store: impl Store + 'static) -> Self {
        Self { store: Box::new(store), shelf: Some(RwLock::default()) }
    }

    /// Asks this store each time, since others change it too.
    pub fn shared(store: impl Store + 'static) -> Self {
        Self { store: Box::new(store), shelf: None }
    }

    // What is on the shelf is whole at any time, and can be thrown away at any time.
    fn read(&self) -> Option<RwLockReadGuard<'_, Shelf>> {
        Some(self.shelf.as_ref()?.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self) -> Option<RwLockWriteGuard<'_, Shelf>> {
        Some(self.shelf.as_ref()?.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// An answer that is kept, if it still holds.
    pub fn recall(&self, gun: &Gun, role: &Role, pick: &Pick, now: Timestamp) -> Option<Kept> {
        let shelf = self.read()?;
        let kept = shelf.answers.get(gun)?.get(&(role.clone(), pick.clone()))?;
        (kept.fresh_until > now).then(|| kept.clone())
    }

    /// How many changes there were; to be asked before an answer is read that shall be kept.
    pub fn n_changes(&self) -> u64 {
        self.read().map_or(0, |shelf| shelf.n_changes)
    }

    /// Keeps an answer, if nothing has changed since; `fresh_until` is when it has to be asked for again.
    pub fn keep(
        &self,
        (gun, role, pick): (&Gun, &Role, &Pick),
        served: Served,
        fresh_until: Timestamp,
        n_changes: u64,
    ) -> Kept {
        let Served { bytes, modified, is_immutable, .. } = served;
        let sha256 = sha256_hex(&bytes);
        let kept = Kept { bytes: bytes.into(), sha256, modified, is_immutable, fresh_until };
        if let Some(mut shelf) = self.write().filter(|shelf| shelf.n_changes == n_changes) {
            if shelf.n_bytes + kept.bytes.len() > BYTES_MAX {
                shelf.answers.clear();
                shelf.n_bytes = 0;
            }
            shelf.n_bytes += kept.bytes.len();
            let key = (role.clone(), pick.clone());
            let replaced = shelf.answers.entry(gun.clone()).or_default().insert(key, kept.clone());
            shelf.n_bytes -= replaced.map_or(0, |replaced| replaced.bytes.len());
        }
        kept
    }

    // After the change: whoever read before it sees another count, whoever reads after it sees the change.
    fn forget(&self, gun: &Gun) {
        let Some(mut shelf) = self.write() else { return };
        shelf.n_changes += 1;
        let forgotten = shelf.answers.remove(gun).unwrap_or_default();
        let n_bytes: usize = forgotten.values().map(|kept| kept.bytes.len()).sum();
        shelf.n_bytes = shelf.n_bytes.saturating_sub(n_bytes);
    }
}

impl Store for CachedStore {
    fn newest(&self, gun: &Gun, role: &Role) -> Result<Option<Document>, StoreError> {
        self.store.newest(gun, role)
    }

    fn by_version(
        &self,
        gun: &Gun,
        role: &Role,
        version: u64,
    ) -> Result<Option<Document>, StoreError> {
        self.store.by_version(gun, role, version)
    }

    fn by_hash(
        &self,
        gun: &Gun,
        role: &Role,
        kind: HashKind,
        hash: &str,
    ) -> Result<Option<Document>, StoreError> {
        self.store.by_hash(gun, role, kind, hash)
    }

    fn update(
        &self,
        gun: &Gun,
        documents: &[NewDocument],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let result = self.store.update(gun, documents, now);
        self.forget(gun);
        result
    }

    fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), StoreError> {
        let result = self.store.delete(gun, now);
        self.forget(gun);
        result
    }

    fn changes(&self, gun: Option<&Gun>, range: ChangeRange) -> Result<Vec<Change>, StoreError> {
        self.store.changes(gun, range)
    }

    fn keys(&self, gun: &Gun, role: &Role) -> Result<Vec<KeyRecord>, StoreError> {
        self.store.keys(gun, role)
    }

    fn add_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
        keep: &[String],
    ) -> Result<(), StoreError> {
        self.store.add_key(gun, role, key, keep)
    }

    fn add_first_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
    ) -> Result<KeyRecord, StoreError> {
        self.store.add_first_key(gun, role, key)
    }
}

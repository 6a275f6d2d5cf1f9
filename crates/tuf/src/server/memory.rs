//! A store that forgets: for tests, and for servers that only pass on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::shelf::{Entry, Shelf};
use super::{Change, ChangeRange, Document, HashKind, KeyRecord, NewDocument, Store, StoreError};
use crate::hash::sha256_hex;
use crate::{Gun, Role};

/// A store in memory.
#[derive(Default)]
pub struct MemoryStore(Mutex<Content>);

#[derive(Default)]
struct Content {
    shelves: BTreeMap<Gun, Shelf>,
    bytes: HashMap<String, Vec<u8>>,
    changes: Vec<Change>,
}

impl MemoryStore {
    // No change is half done when it panics: what can fail comes before what is changed.
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, gun: &Gun, find: impl Fn(&Shelf) -> Option<&Entry>) -> Option<Document> {
        let content = self.content();
        let entry = find(content.shelves.get(gun)?)?;
        let bytes = content.bytes.get(&entry.sha256)?.clone();
        let (modified, expires) = (entry.modified, entry.expires);
        Some(Document { version: entry.version, bytes, modified, expires })
    }
}

impl Content {
    fn sha256_of(&self, gun: &Gun, role: &Role, kind: HashKind, hash: &str) -> Option<String> {
        let entries = self.shelves.get(gun)?.roles.get(role.as_str())?;
        let has_hash =
            |sha256: &&String| self.bytes.get(*sha256).is_some_and(|bytes| kind.hex(bytes) == hash);
        entries.iter().map(|entry| &entry.sha256).find(has_hash).cloned()
    }
}

impl Store for MemoryStore {
    fn newest(&self, gun: &Gun, role: &Role) -> Result<Option<Document>, StoreError> {
        Ok(self.find(gun, |shelf| shelf.newest(role)))
    }

    fn by_version(
        &self,
        gun: &Gun,
        role: &Role,
        version: u64,
    ) -> Result<Option<Document>, StoreError> {
        Ok(self.find(gun, |shelf| shelf.find(role, |entry| entry.version == version)))
    }

    fn by_hash(
        &self,
        gun: &Gun,
        role: &Role,
        kind: HashKind,
        hash: &str,
    ) -> Result<Option<Document>, StoreError> {
        if kind == HashKind::Sha256 {
            return Ok(self.find(gun, |shelf| shelf.find(role, |entry| entry.sha256 == hash)));
        }
        let found = self.content().sha256_of(gun, role, kind, hash);
        Ok(self.find(gun, |shelf| {
            shelf.find(role, |entry| found.as_ref().is_some_and(|sha256| entry.sha256 == *sha256))
        }))
    }

    fn update(
        &self,
        gun: &Gun,
        documents: &[NewDocument],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut content = self.content();
        let mut shelf = content.shelves.get(gun).cloned().unwrap_or_default();
        shelf.add(documents, now)?;
        content.shelves.insert(gun.clone(), shelf);
        for document in documents {
            let sha256 = sha256_hex(&document.bytes);
            if document.role == Role::TIMESTAMP {
                let number = content.changes.len() as u64 + 1;
                content.changes.push(Change::update(
                    number,
                    gun,
                    document.version,
                    sha256.clone(),
                    now,
                ));
            }
            content.bytes.insert(sha256, document.bytes.clone());
        }
        Ok(())
    }

    fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), StoreError> {
        let mut content = self.content();
        if content.shelves.get_mut(gun).is_some_and(Shelf::clear) {
            let number = content.changes.len() as u64 + 1;
            content.changes.push(Change::deletion(number, gun, now));
        }
        Ok(())
    }

    fn changes(&self, gun: Option<&Gun>, range: ChangeRange) -> Result<Vec<Change>, StoreError> {
        let is_wanted = |change: &&Change| gun.is_none_or(|gun| change.gun == gun.as_str());
        Ok(range.cut(self.content().changes.iter().filter(is_wanted).cloned().collect()))
    }

    fn keys(&self, gun: &Gun, role: &Role) -> Result<Vec<KeyRecord>, StoreError> {
        Ok(self.content().shelves.get(gun).map(|shelf| shelf.keys(role)).unwrap_or_default())
    }

    fn add_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
        keep: &[String],
    ) -> Result<(), StoreError> {
        self.content().shelves.entry(gun.clone()).or_default().add_key(role, key, keep);
        Ok(())
    }

    fn add_first_key(
        &self,
        gun: &Gun,
        role: &Role,
        key: &KeyRecord,
    ) -> Result<KeyRecord, StoreError> {
        Ok(self.content().shelves.entry(gun.clone()).or_default().add_first_key(role, key))
    }
}

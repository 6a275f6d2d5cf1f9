//! One repository of a store: which versions there are, and under which hashes their bytes lie.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::store::trim_keys;
use super::{KeyRecord, NewDocument, StoreError};
use crate::Role;
use crate::hash::sha256_hex;

/// One repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shelf {
    pub(super) roles: BTreeMap<String, Vec<Entry>>,
    pub(super) keys: BTreeMap<String, Vec<KeyRecord>>,
}

/// A document of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) version: u64,
    pub(super) sha256: String,
    pub(super) modified: Timestamp,
    pub(super) expires: Timestamp,
}

impl Shelf {
    pub(super) fn newest(&self, role: &Role) -> Option<&Entry> {
        self.roles.get(role.as_str())?.last()
    }

    pub(super) fn find(&self, role: &Role, is_wanted: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        self.roles.get(role.as_str())?.iter().rev().find(|entry| is_wanted(entry))
    }

    /// Adds documents; each must be newer than what is there, none may come twice, and there must be a root.
    pub(super) fn add(
        &mut self,
        documents: &[NewDocument],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for document in documents {
            let entries = self.roles.entry(document.role.as_str().to_owned()).or_default();
            if entries.last().is_some_and(|last| last.version >= document.version) {
                return Err(StoreError::OldVersion);
            }
            entries.push(Entry {
                version: document.version,
                sha256: sha256_hex(&document.bytes),
                modified: now,
                expires: document.expires,
            });
        }
        if documents.is_empty() || self.roles.contains_key(Role::ROOT.as_str()) {
            return Ok(());
        }
        Err(StoreError::OldVersion)
    }

    /// Forgets all documents; says whether there were any.
    pub(super) fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.roles).is_empty()
    }

    pub(super) fn keys(&self, role: &Role) -> Vec<KeyRecord> {
        self.keys.get(role.as_str()).cloned().unwrap_or_default()
    }

    pub(super) fn add_key(&mut self, role: &Role, key: &KeyRecord, keep: &[String]) {
        let keys = self.keys.entry(role.as_str().to_owned()).or_default();
        keys.push(key.clone());
        trim_keys(keys, keep);
    }

    pub(super) fn add_first_key(&mut self, role: &Role, key: &KeyRecord) -> KeyRecord {
        let keys = self.keys.entry(role.as_str().to_owned()).or_default();
        if let Some(newest) = keys.last() {
            return newest.clone();
        }
        keys.push(key.clone());
        key.clone()
    }
}

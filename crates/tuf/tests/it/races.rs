//! What somebody else does while a server reads and writes: in a store, nothing comes between by itself.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use sealift_tuf::server::{
    Change as Listed, ChangeRange, Code, Document, HashKind, KeyRecord, MemoryStore, NewDocument,
    Pick, Store, StoreError,
};
use sealift_tuf::{Gun, Role};

use crate::lab::{Lab, gun};
use crate::store_suite::{check_races, check_store};

#[test]
fn the_store_in_memory_is_one() {
    check_store(&|| Box::<MemoryStore>::default());
    check_races(&[&MemoryStore::default()]);
}

type Act<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Does something right after a role's newest document was read for the first time.
struct Meddled<'a> {
    store: &'a MemoryStore,
    role: Role,
    act: Mutex<Option<Act<'a>>>,
}

impl<'a> Meddled<'a> {
    fn new(store: &'a MemoryStore, role: Role, act: impl FnOnce() + Send + 'a) -> Self {
        Self { store, role, act: Mutex::new(Some(Box::new(act))) }
    }
}

impl Store for Meddled<'_> {
    fn newest(&self, gun: &Gun, role: &Role) -> Result<Option<Document>, StoreError> {
        let found = self.store.newest(gun, role);
        if *role == self.role
            && let Some(act) = self.act.lock().unwrap().take()
        {
            act();
        }
        found
    }

    fn by_version(&self, gun: &Gun, role: &Role, n: u64) -> Result<Option<Document>, StoreError> {
        self.store.by_version(gun, role, n)
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
        self.store.update(gun, documents, now)
    }

    fn delete(&self, gun: &Gun, now: Timestamp) -> Result<(), StoreError> {
        self.store.delete(gun, now)
    }

    fn changes(&self, gun: Option<&Gun>, range: ChangeRange) -> Result<Vec<Listed>, StoreError> {
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

// When the timestamp has expired.
fn late(lab: &Lab) -> Timestamp {
    lab.now + SignedDuration::from_hours(24 * 15)
}

fn tags(lab: &Lab) -> Vec<String> {
    lab.look(None).unwrap().0.tags().into_iter().map(|tag| tag.tag).collect()
}

#[test]
fn a_timestamp_that_is_signed_again_takes_no_publication_back() {
    let lab = Lab::new();
    let store = Meddled::new(lab.store, Role::SNAPSHOT, || lab.sign("v2", 2));
    let served =
        lab.server_over(&store).document(&gun(), &Role::TIMESTAMP, &Pick::Newest, late(&lab));
    assert_eq!(served.unwrap().bytes, lab.newest(&Role::TIMESTAMP));
    assert_eq!(tags(&lab), ["v1", "v2"]);
}

#[test]
fn a_publisher_does_not_lose_against_a_timestamp() {
    let lab = Lab::new();
    let sign_again = || {
        lab.server.document(&gun(), &Role::TIMESTAMP, &Pick::Newest, late(&lab)).unwrap();
    };
    let store = Meddled::new(lab.store, Role::TIMESTAMP, sign_again);
    let mut repository = lab.open();
    repository.apply(&crate::flows::sign("v2", 2)).unwrap();
    let upload = repository.upload(&lab.publisher.keys, lab.now).unwrap();
    let files: Vec<(String, Vec<u8>)> =
        upload.into_iter().map(|(role, bytes)| (role.to_string(), bytes)).collect();
    let before = lab.store.newest(&gun(), &Role::TIMESTAMP).unwrap().unwrap().version;
    lab.server_over(&store).upload(&gun(), &files, lab.now).unwrap();
    let after = lab.store.newest(&gun(), &Role::TIMESTAMP).unwrap().unwrap().version;
    assert_eq!(after, before + 2);
    assert_eq!(tags(&lab), ["v1", "v2"]);
}

#[test]
fn what_is_deleted_meanwhile_stays_so() {
    let lab = Lab::new();
    let delete = || lab.server.delete(&gun(), lab.now).unwrap();
    let store = Meddled::new(lab.store, Role::SNAPSHOT, delete);
    let server = lab.server_over(&store);
    let served = server.document(&gun(), &Role::TIMESTAMP, &Pick::Newest, late(&lab));
    assert_eq!(served.unwrap_err().code, Code::MetadataNotFound);
    assert_eq!(lab.store.newest(&gun(), &Role::TIMESTAMP).unwrap(), None);

    let lab = Lab::new();
    let mut repository = lab.open();
    repository.apply(&crate::flows::sign("v2", 2)).unwrap();
    let upload = repository.upload(&lab.publisher.keys, lab.now).unwrap();
    let files: Vec<(String, Vec<u8>)> =
        upload.into_iter().map(|(role, bytes)| (role.to_string(), bytes)).collect();
    let delete = || lab.server.delete(&gun(), lab.now).unwrap();
    let store = Meddled::new(lab.store, Role::SNAPSHOT, delete);
    let refusal = lab.server_over(&store).upload(&gun(), &files, lab.now).unwrap_err();
    assert_eq!(refusal.code, Code::Version);
    assert_eq!(lab.store.newest(&gun(), &Role::TARGETS).unwrap(), None);
}

//! Stores of trust data: all are the same, and in the ledger that replicas share whichever replica is asked.
#![allow(clippy::unwrap_used, reason = "a test says by panic what is wrong")]

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};
use sealift_depot::{Depot, Error, SqliteTrustStore, TrustStore};
use sealift_tuf::server::{NewDocument, Store, StoreError};
use sealift_tuf::{Gun, Role};
use tokio::runtime::Runtime;

use crate::common::{SERVERS, make_schema, name, settings, shared_settings, yard};
use crate::replicas::{Stores, stores};
use crate::store_suite::{check_races, check_store};

fn open(stores: &Stores, own: &str) -> Depot {
    let shared = shared_settings(&stores.s3.address(), &stores.database, own);
    Runtime::new().unwrap().block_on(Depot::open_shared(shared, &settings())).unwrap()
}

fn trust(stores: &Stores, own: &str) -> TrustStore {
    open(stores, own).trust_store().unwrap()
}

fn root(version: u64) -> NewDocument {
    let expires = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
    NewDocument { role: Role::ROOT, version, bytes: b"root".to_vec(), expires }
}

#[test]
fn the_store_in_the_ledger_is_one() {
    let Some(stores) = stores() else { return };
    let n_made = Cell::new(0);
    check_store(&|| {
        n_made.set(n_made.get() + 1);
        let own = format!("made{}", n_made.get());
        make_schema(&stores.database, &own);
        Box::new(trust(&stores, &own))
    });
    check_races(&[&trust(&stores, "own"), &trust(&stores, "own"), &trust(&stores, "own")]);
}

#[test]
fn the_store_in_sqlite_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let n_made = Cell::new(0);
    let open = |name: &str| SqliteTrustStore::open(&folder.path().join(name)).unwrap();
    check_store(&|| {
        n_made.set(n_made.get() + 1);
        Box::new(open(&format!("{}.db", n_made.get())))
    });
    check_races(&[&open("raced.db")]);
}

#[test]
fn a_publication_counts_as_a_change_of_its_repository() {
    let Some(stores) = stores() else { return };
    let runtime = Runtime::new().unwrap();
    let (one, two) = (trust(&stores, "own"), open(&stores, "own"));
    let changes = || runtime.block_on(two.changes(&name("team/app"))).unwrap();
    let gun = Gun::parse("registry.example:5000/team/app").unwrap();
    let update = |version| one.update(&gun, &[root(version)], Timestamp::UNIX_EPOCH);
    update(1).unwrap();
    assert_eq!(changes(), 1);
    assert_eq!(update(1), Err(StoreError::OldVersion));
    assert_eq!(changes(), 1);
    one.delete(&gun, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(changes(), 2);
    one.delete(&gun, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(changes(), 2);
}

#[test]
fn a_ledger_of_the_version_before_gets_the_tables() {
    let Some(stores) = stores() else { return };
    let own = |statement: &str| {
        let (is_done, told) = stores.postgres.sql("registry", statement);
        assert!(is_done, "{statement}: {told}");
        told
    };
    let runtime = Runtime::new().unwrap();
    let before = open(&stores, "own");
    runtime.block_on(before.put_record("kind", "key", b"kept")).unwrap();
    own("DROP TABLE own.trust_document; DROP TABLE own.trust_key; DROP TABLE own.trust_change");
    // A replica of that version goes on; a newer one starts beside it, and another one.
    let (first, second) = (open(&stores, "own"), open(&stores, "own"));
    assert_eq!(own("SELECT value FROM own.meta WHERE name = 'format'"), "sealift 1");
    let gun = Gun::parse("registry.example/app").unwrap();
    first.trust_store().unwrap().update(&gun, &[root(1)], Timestamp::UNIX_EPOCH).unwrap();
    let found = second.trust_store().unwrap().newest(&gun, &Role::ROOT).unwrap().unwrap();
    assert_eq!(found.version, 1);
    for depot in [&before, &first] {
        let record = runtime.block_on(depot.record("kind", "key")).unwrap().unwrap();
        assert_eq!(record, &b"kept"[..]);
    }
}

#[test]
fn a_database_that_is_away_is_told_apart() {
    let Some(mut stores) = stores() else { return };
    let store = trust(&stores, "own");
    let gun = Gun::parse("registry.example/app").unwrap();
    store.update(&gun, &[root(1)], Timestamp::UNIX_EPOCH).unwrap();
    stores.postgres.stop();
    let refused = [
        store.newest(&gun, &Role::ROOT).unwrap_err(),
        store.update(&gun, &[root(2)], Timestamp::UNIX_EPOCH).unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    stores.postgres.resume();
    // It was told that it was not done, and was not.
    let found = store.newest(&gun, &Role::ROOT).unwrap().unwrap();
    assert_eq!(found.version, 1);
    store.update(&gun, &[root(2)], Timestamp::UNIX_EPOCH).unwrap();
}

#[test]
fn a_folder_has_none() {
    if std::env::var_os(SERVERS).is_none() {
        let refused = yard().depot.trust_store().err().unwrap();
        assert!(matches!(refused, Error::NotShared { .. }), "{refused}");
    }
}

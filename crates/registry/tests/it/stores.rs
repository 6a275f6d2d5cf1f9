//! The store in SQLite is one like any other.

use std::path::Path;

use sealift_registry::store::SqliteStore;
use sealift_tuf::server::Store;

use crate::store_suite::{check_races, check_store};

#[test]
fn the_store_in_sqlite_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let n_made = std::cell::Cell::new(0);
    let open = |path: &Path| SqliteStore::open(path).unwrap();
    let make = || -> Box<dyn Store> {
        n_made.set(n_made.get() + 1);
        Box::new(open(&folder.path().join(format!("{}.db", n_made.get()))))
    };
    check_store(&make);
    check_races(&[&open(&folder.path().join("raced.db"))]);
}

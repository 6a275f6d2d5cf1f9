//! The example recipes against a real archive: `SEALIFT_TEST_ARCHIVE=http://deb.debian.org/debian cargo test`.
//!
//! `SEALIFT_TEST_STORE` names a store to keep, `SEALIFT_TEST_RECIPE` one recipe to build, or a
//! file of your own.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use jiff::Timestamp;
use sealift_debian::{Event, Freshness, Options, Progress, Recipe, assemble};
use sealift_oci::{Manifest, Platform, Raw};
use sealift_store::Store;

use crate::curl::Curl;

const RECIPES: [&str; 3] =
    ["secure-app/bases/python.toml", "bases/debian.toml", "bases/static.toml"];

struct Loud;

impl Progress for Loud {
    fn event(&self, event: Event<'_>) {
        if !matches!(event, Event::Fetched { .. } | Event::Unpacked { .. }) {
            eprintln!("{event:?}");
        }
    }
}

#[test]
fn example_recipes() {
    let Ok(archive) = std::env::var("SEALIFT_TEST_ARCHIVE") else {
        eprintln!(
            "SKIPPED: set SEALIFT_TEST_ARCHIVE=http://deb.debian.org/debian to run against an archive"
        );
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let root = std::env::var("SEALIFT_TEST_STORE").map_or(folder.path().to_owned(), PathBuf::from);
    let store = Store::open(&root).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let wanted = std::env::var("SEALIFT_TEST_RECIPE").unwrap_or_default();
    let given = Path::new(&wanted).is_file().then_some(wanted.as_str());
    for name in RECIPES.into_iter().filter(|name| name.contains(&wanted)).chain(given) {
        let text = std::fs::read_to_string(examples.join(name)).unwrap();
        let text = text.replace("http://deb.debian.org/debian", archive.trim_end_matches('/'));
        let recipe = Recipe::parse(&text).unwrap();
        let options = Options {
            platform: Platform::host(),
            now: Timestamp::now(),
            source_date_epoch: None,
            freshness: Freshness::Refresh,
            folder: &examples,
        };
        let run = |options: &Options<'_>, store: &Store| {
            let start = Instant::now();
            let assembled =
                assemble(&recipe, options, store, &Curl, &Loud, &AtomicBool::new(false)).unwrap();
            eprintln!("{name}: {:.2?}, from memory: {}", start.elapsed(), assembled.is_cached);
            assembled
        };
        let first = run(&options, &store);
        let again = run(&Options { freshness: Freshness::Offline, ..options.clone() }, &store);
        assert_eq!(first.descriptor, again.descriptor);
        assert!(again.is_cached);
        // And once more from the cache without the memory of it.
        std::fs::remove_dir_all(root.join("cache/debian/images")).unwrap();
        let rebuilt = run(&Options { freshness: Freshness::Offline, ..options }, &store);
        assert_eq!(first.descriptor, rebuilt.descriptor);
        assert!(!rebuilt.is_cached);

        let manifest: Raw<Manifest> =
            Raw::parse(store.read_blob(&first.descriptor.digest).unwrap(), "manifest").unwrap();
        let layer = &manifest.value().layers[0];
        for package in &first.packages {
            eprintln!(
                "  {} {} {} {}",
                package.name, package.version, package.architecture, package.size
            );
        }
        eprintln!(
            "{name}: {} packages, layer {} bytes at {}",
            first.packages.len(),
            layer.size,
            store.blob_path(&layer.digest).display()
        );
        for warning in &first.warnings {
            eprintln!("{name}: warning: {warning}");
        }
    }
}

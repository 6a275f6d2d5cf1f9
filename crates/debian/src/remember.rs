//! Remembers what was assembled from which recipe and archive state, so that a rebuild is a look-up.

use std::fmt::Write as _;

use sealift_oci::{Descriptor, Digest, Manifest, Raw};
use sealift_store::Store;
use serde::{Deserialize, Serialize};

use crate::cache::{self, Cache};
use crate::overlay::Contents;
use crate::{Assembled, Error, InstalledPackage, Options, Recipe, SuiteState};

/// Raised whenever the same recipe and archive state give other bytes than before.
const FORMAT: u32 = 3;
const RECORD_BYTES_MAX: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
struct Record {
    descriptor: Descriptor,
    recipe: Digest,
    packages: Vec<(String, String, String, u64)>,
    suites: Vec<(String, String, String, Digest)>,
    warnings: Vec<String>,
}

/// The digest of all that decides about the image's bytes.
pub(crate) fn key(
    recipe: &Recipe,
    options: &Options<'_>,
    suites: &[SuiteState],
    contents: &Contents,
) -> Digest {
    let mut text = format!(
        "{FORMAT} {}\n{}\n{}\n{:?}\n",
        env!("CARGO_PKG_VERSION"),
        recipe.digest(),
        options.platform,
        options.source_date_epoch
    );
    for suite in suites {
        let _ = writeln!(text, "suite {} {} {}", suite.url, suite.suite, suite.digest);
    }
    for digest in contents.digests() {
        let _ = writeln!(text, "file {digest}");
    }
    Digest::sha256(text.as_bytes())
}

/// What was made before, if all of it still lies in the store.
pub(crate) fn recall(cache: &Cache, store: &Store, key: &Digest) -> Option<Assembled> {
    let bytes = cache::read(&cache.image(key), RECORD_BYTES_MAX)?;
    let record: Record = serde_json::from_slice(&bytes).ok()?;
    let manifest = store.read_blob(&record.descriptor.digest).ok()?;
    let manifest = Raw::<Manifest>::parse(manifest, "manifest").ok()?;
    store.read_blob(&manifest.value().config.digest).ok()?;
    let has_layers = manifest.value().layers.iter().all(|layer| {
        std::fs::metadata(store.blob_path(&layer.digest))
            .is_ok_and(|metadata| metadata.len() == layer.size)
    });
    has_layers.then(|| Assembled {
        descriptor: record.descriptor,
        recipe: record.recipe,
        packages: record
            .packages
            .into_iter()
            .map(|(name, version, architecture, size)| InstalledPackage {
                name,
                version,
                architecture,
                size,
            })
            .collect(),
        suites: record
            .suites
            .into_iter()
            .map(|(url, suite, date, digest)| SuiteState { url, suite, date, digest })
            .collect(),
        warnings: record.warnings,
        is_cached: true,
    })
}

/// Keeps what was made.
pub(crate) fn remember(cache: &Cache, key: &Digest, assembled: &Assembled) -> Result<(), Error> {
    let record = Record {
        descriptor: assembled.descriptor.clone(),
        recipe: assembled.recipe.clone(),
        packages: assembled
            .packages
            .iter()
            .cloned()
            .map(|package| (package.name, package.version, package.architecture, package.size))
            .collect(),
        suites: assembled
            .suites
            .iter()
            .cloned()
            .map(|state| (state.url, state.suite, state.date, state.digest))
            .collect(),
        warnings: assembled.warnings.clone(),
    };
    let bytes = serde_json::to_vec(&record).expect("the record has string keys only");
    cache::write(&cache.image(key), &bytes)
}

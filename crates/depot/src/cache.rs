//! What is read again and again, in memory: manifests by tag and digest, and which blobs a repository has.
//!
//! Every change of a repository forgets all of it before its writer is answered. A reader that read the ledger just
//! before a change must not keep what it read: the shard's stamp says whether a change came in between.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use sealift_oci::{Digest, RepositoryName, Tag};

use crate::manifest::{Manifest, Target};

const N_SHARDS: usize = 32;
// What an entry costs beside its bytes, roughly.
const OVERHEAD: usize = 512;

/// The cache.
pub(crate) struct Cache {
    hash: RandomState,
    shards: Box<[RwLock<Shard>]>,
    shard_bytes_max: usize,
}

#[derive(Default)]
struct Shard {
    stamp: u64,
    n_bytes: usize,
    repositories: HashMap<RepositoryName, Repository>,
}

#[derive(Default)]
struct Repository {
    n_bytes: usize,
    manifests: HashMap<Digest, Arc<Kept>>,
    tags: HashMap<Tag, Arc<Kept>>,
    blobs: HashMap<Digest, u64>,
}

/// A manifest that is kept.
pub(crate) struct Kept {
    /// The manifest.
    pub(crate) manifest: Arc<Manifest>,
    /// Whether it is known already that it was pulled.
    pub(crate) is_pulled: AtomicBool,
}

/// The state of a shard before a reader asked the ledger.
#[derive(Clone, Copy)]
pub(crate) struct Stamp(u64);

impl Cache {
    /// A cache of so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            hash: RandomState::new(),
            shards: (0..N_SHARDS).map(|_| RwLock::default()).collect(),
            shard_bytes_max: bytes_max / N_SHARDS,
        }
    }

    fn shard(&self, repository: &RepositoryName) -> &RwLock<Shard> {
        let place = self.hash.hash_one(repository) % (N_SHARDS as u64);
        &self.shards[usize::try_from(place).unwrap_or(0)]
    }

    /// A manifest, or the stamp with which the ledger's answer can be kept.
    pub(crate) fn manifest(
        &self,
        repository: &RepositoryName,
        target: &Target,
    ) -> Result<Arc<Kept>, Stamp> {
        let shard = self.shard(repository).read().unwrap_or_else(PoisonError::into_inner);
        let found = shard.repositories.get(repository).and_then(|repository| match target {
            Target::Tag(tag) => repository.tags.get(tag),
            Target::Digest(digest) => repository.manifests.get(digest),
        });
        found.cloned().ok_or(Stamp(shard.stamp))
    }

    /// The size of a blob, or the stamp.
    pub(crate) fn blob(&self, repository: &RepositoryName, digest: &Digest) -> Result<u64, Stamp> {
        let shard = self.shard(repository).read().unwrap_or_else(PoisonError::into_inner);
        let found = shard.repositories.get(repository).and_then(|found| found.blobs.get(digest));
        found.copied().ok_or(Stamp(shard.stamp))
    }

    fn keep(
        &self,
        repository: &RepositoryName,
        stamp: Stamp,
        n_bytes: usize,
        insert: impl FnOnce(&mut Repository),
    ) {
        if n_bytes > self.shard_bytes_max / 2 {
            return;
        }
        let mut shard = self.shard(repository).write().unwrap_or_else(PoisonError::into_inner);
        if shard.stamp != stamp.0 {
            return;
        }
        if shard.n_bytes + n_bytes > self.shard_bytes_max {
            shard.repositories.clear();
            shard.n_bytes = 0;
        }
        shard.n_bytes += n_bytes;
        let kept = shard.repositories.entry(repository.clone()).or_default();
        kept.n_bytes += n_bytes;
        insert(kept);
    }

    /// Keeps a manifest under what it was asked by, and under its digest.
    pub(crate) fn keep_manifest(
        &self,
        repository: &RepositoryName,
        target: &Target,
        manifest: Arc<Manifest>,
        stamp: Stamp,
    ) -> Arc<Kept> {
        let kept = Arc::new(Kept { manifest, is_pulled: AtomicBool::new(false) });
        let mine = Arc::clone(&kept);
        let n_bytes = kept.manifest.bytes.len() + 2 * OVERHEAD;
        self.keep(repository, stamp, n_bytes, move |repository| {
            if let Target::Tag(tag) = target {
                repository.tags.insert(tag.clone(), Arc::clone(&mine));
            }
            repository.manifests.insert(mine.manifest.digest.clone(), mine);
        });
        kept
    }

    /// Keeps the size of a blob.
    pub(crate) fn keep_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        size: u64,
        stamp: Stamp,
    ) {
        self.keep(repository, stamp, OVERHEAD, |repository| {
            repository.blobs.insert(digest.clone(), size);
        });
    }

    /// Forgets all of a repository, and what readers are just about to keep.
    pub(crate) fn forget(&self, repository: &RepositoryName) {
        let mut shard = self.shard(repository).write().unwrap_or_else(PoisonError::into_inner);
        shard.stamp += 1;
        if let Some(forgotten) = shard.repositories.remove(repository) {
            shard.n_bytes = shard.n_bytes.saturating_sub(forgotten.n_bytes);
        }
    }
}

impl Kept {
    /// True the first time since [`Kept::was_noted`].
    pub(crate) fn note_pull(&self) -> bool {
        !self.is_pulled.load(Ordering::Relaxed) && !self.is_pulled.swap(true, Ordering::Relaxed)
    }

    /// Notes are taken again.
    pub(crate) fn was_noted(&self) {
        self.is_pulled.store(false, Ordering::Relaxed);
    }
}

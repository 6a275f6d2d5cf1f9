//! Leases in memory: a client that was told that a blob is here may name it in a manifest later.
//!
//! A lease is taken before the ledger is asked, and the collector looks for leases once more after it has taken a blob
//! out of the ledger: whoever was told of the blob has a lease by then. After a start nobody knows who was told
//! what, so that nothing is collected until a whole lease has passed.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use sealift_oci::{Digest, RepositoryName};

const N_SHARDS: usize = 16;

/// Which blobs of which repositories somebody was told of.
#[derive(Default)]
pub(crate) struct Leases {
    hash: RandomState,
    // Two blobs with one hash lengthen each other's lease, no more.
    shards: [Mutex<HashMap<u64, i64>>; N_SHARDS],
}

impl Leases {
    fn shard(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> (u64, &Mutex<HashMap<u64, i64>>) {
        let key = self.hash.hash_one((repository, digest));
        (key, &self.shards[usize::from((key >> 60) as u8) % N_SHARDS])
    }

    /// Takes a lease or lengthens it; true if there was none.
    pub(crate) fn take(&self, repository: &RepositoryName, digest: &Digest, until: i64) -> bool {
        let (key, shard) = self.shard(repository, digest);
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shard.len();
        let lease = shard.entry(key).or_insert(until);
        *lease = until.max(*lease);
        shard.len() > before
    }

    /// Gives a new lease back, since there is no such blob: who asks for anything must not fill the memory. If it was
    /// pushed just now, its own lease is in the ledger.
    pub(crate) fn give_back(&self, repository: &RepositoryName, digest: &Digest) {
        let (key, shard) = self.shard(repository, digest);
        shard.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
    }

    /// True if somebody has one.
    pub(crate) fn has(&self, repository: &RepositoryName, digest: &Digest, now: i64) -> bool {
        let (key, shard) = self.shard(repository, digest);
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.get(&key).is_some_and(|until| *until > now)
    }

    /// Forgets those that have ended.
    pub(crate) fn tidy(&self, now: i64) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, until| *until > now);
            shard.shrink_to_fit();
        }
    }
}

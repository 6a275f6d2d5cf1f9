//! Leases in memory: a client that was told that a blob is here may name it in a manifest later.
//!
//! A lease is taken before the ledger is asked, and the collector looks for leases once more after it has taken a blob
//! out of the ledger: whoever was told of the blob has a lease by then, and gets it back. A manifest that comes before
//! that gets it back itself. After a start nobody knows who was told what, so that nothing is collected until a whole
//! lease has passed.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use sealift_oci::{Digest, RepositoryName};

const N_SHARDS: usize = 16;

/// A blob of a repository, as the ledger has it.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) repository: RepositoryName,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// The lease of its push or mount.
    pub(crate) lease: i64,
}

/// Which blobs of which repositories somebody was told of.
#[derive(Default)]
pub(crate) struct Leases {
    // What the collector is taking out of the ledger, and when it looked for leases.
    leaving: Mutex<(i64, Vec<Link>)>,
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

    /// Says what the collector takes out of the ledger from now on.
    pub(crate) fn set_leaving(&self, now: i64, links: Vec<Link>) {
        *self.leaving.lock().unwrap_or_else(PoisonError::into_inner) = (now, links);
    }

    /// Which of these blobs the collector is taking out of the ledger although somebody was told of them.
    pub(crate) fn leaving(&self, repository: &RepositoryName, digests: &[Digest]) -> Vec<Link> {
        let leaving = self.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        let (now, links) = &*leaving;
        let is_wanted = |link: &&Link| {
            link.repository == *repository
                && digests.contains(&link.digest)
                && self.has(repository, &link.digest, *now)
        };
        links.iter().filter(is_wanted).cloned().collect()
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

//! What follows from a change or a pull of a repository: what is remembered is forgotten, changes are counted, pulls noted.

use std::sync::{Arc, PoisonError};

use sealift_oci::{Digest, RepositoryName};

use crate::Error;
use crate::cache::{Cache, Kept};
use crate::depot::{Depot, Inner};
use crate::ledger::{Transaction, values};

const PULLED_MAX: usize = 1 << 16;

impl Depot {
    /// How often manifests, tags and trust data of a repository changed on any replica, for whoever keeps what it made of them.
    /// A depot of one process does not count: whoever changes it is heard there.
    pub async fn changes(&self, repository: &RepositoryName) -> Result<u64, Error> {
        if !self.is_shared() {
            return Ok(0);
        }
        let read = |transaction: &Transaction<'_>| {
            transaction.one(
                "SELECT number FROM change WHERE repository = ?1",
                values![repository.as_str()],
                |row| row.size(0),
            )
        };
        Ok(self.0.ledger.main().read(read).await?.unwrap_or(0))
    }
}

impl Inner {
    /// Changes a repository; what memory has of it is forgotten before anybody is answered.
    pub(crate) async fn change<T: Send + 'static>(
        &self,
        repository: &RepositoryName,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (cache, repository): (Arc<Cache>, _) = (Arc::clone(&self.cache), repository.clone());
        let changed = repository.clone();
        let job = move |transaction: &Transaction<'_>| {
            let done = job(transaction)?;
            if transaction.is_shared() {
                count_change(transaction, changed.as_str())?;
            }
            Ok(done)
        };
        self.ledger.main().write(job, move |_| cache.forget(&repository)).await
    }

    /// Notes that a manifest of the cache was pulled.
    pub(crate) fn note_pull(&self, repository: &RepositoryName, kept: &Arc<Kept>) {
        let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
        if pulled.kept.len() < PULLED_MAX {
            pulled.kept.push((repository.clone(), Arc::clone(kept)));
        } else {
            kept.was_noted();
        }
    }

    /// The same of a manifest that is in no cache.
    pub(crate) fn note_other_pull(&self, repository: &RepositoryName, digest: &Digest) {
        let mut pulled = self.pulled.lock().unwrap_or_else(PoisonError::into_inner);
        if pulled.others.len() < PULLED_MAX {
            pulled.others.insert((repository.clone(), digest.clone()));
        }
    }
}

/// Counts a change of a repository for the other replicas.
pub(crate) fn count_change(transaction: &Transaction<'_>, repository: &str) -> Result<(), Error> {
    transaction.execute(
        "INSERT INTO change (repository, number) VALUES (?1, 1)
         ON CONFLICT (repository) DO UPDATE SET number = change.number + 1",
        values![repository],
    )?;
    Ok(())
}

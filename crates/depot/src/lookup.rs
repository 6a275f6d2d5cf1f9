//! Questions that run from content to names: which repositories have a blob, which tags show a manifest.

use sealift_oci::{Digest, RepositoryName, Tag};

use crate::Error;
use crate::depot::Depot;
use crate::ledger::{Transaction, values};

impl Depot {
    /// Repositories that have a blob, in the order of their bytes: for who mounts without saying from where.
    pub async fn repositories_with(
        &self,
        digest: &Digest,
        limit: usize,
    ) -> Result<Vec<RepositoryName>, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.query(
                "SELECT repository FROM link WHERE digest = ?1 AND hidden = 0 ORDER BY repository LIMIT ?2",
                values![&digest.to_string(), limit],
                |row| row.parsed(0),
            )
        };
        self.0.ledger.main().read(read).await
    }

    /// Tags that show a manifest.
    pub async fn tags_of(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Vec<Tag>, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.query(
                "SELECT name FROM tag WHERE repository = ?1 AND digest = ?2 ORDER BY name",
                values![repository.as_str(), &digest.to_string()],
                |row| row.parsed(0),
            )
        };
        self.0.ledger.main().read(read).await
    }
}

//! How much a repository has, counted in the transaction that changes it, and the quotas judged there.

use sealift_oci::RepositoryName;

use crate::Error;
use crate::ledger::{Transaction, values};
use crate::settings::{Quota, Rules};

/// A change of what a repository has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Change {
    /// Bytes of blobs and manifests.
    pub(crate) bytes: i64,
    /// Manifests that are not deleted.
    pub(crate) manifests: i64,
    /// Tags.
    pub(crate) tags: i64,
}

#[derive(Clone, Copy, Default)]
struct Usage {
    bytes: u64,
    manifests: u64,
    tags: u64,
    repositories: u64,
}

/// A size as the ledger counts.
pub(crate) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Counts a change.
pub(crate) fn count(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    change: Change,
) -> Result<(), Error> {
    transaction.execute(
        "INSERT INTO repository (name, bytes, manifests, tags) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET bytes = repository.bytes + excluded.bytes,
         manifests = repository.manifests + excluded.manifests, tags = repository.tags + excluded.tags",
        values![repository.as_str(), change.bytes, change.manifests, change.tags],
    )?;
    Ok(())
}

/// Refuses a change for which a quota has no room, in the transaction that will make it.
pub(crate) fn check(
    transaction: &Transaction<'_>,
    rules: &Rules,
    repository: &RepositoryName,
    change: Change,
) -> Result<(), Error> {
    for quota in rules.quotas.iter().filter(|q| q.repositories.matches(repository.as_str())) {
        let (used, is_new) = used(transaction, quota, repository)?;
        let added = |number: i64| u64::try_from(number).unwrap_or(0);
        let is_new = u64::from(is_new);
        for (limit, used, added, unit) in [
            (quota.bytes, used.bytes, added(change.bytes), "bytes"),
            (quota.tags, used.tags, added(change.tags), "tags"),
            (quota.manifests, used.manifests, added(change.manifests), "manifests"),
            (quota.repository_count, used.repositories, is_new, "repositories"),
        ] {
            if let Some(limit) = limit
                && added > 0
                && used.saturating_add(added) > limit
            {
                return Err(Error::Quota {
                    path: quota.repositories.as_str().to_owned(),
                    limit,
                    unit,
                });
            }
        }
    }
    Ok(())
}

/// How many bytes the quotas still have room for.
pub(crate) fn bytes_left(
    transaction: &Transaction<'_>,
    rules: &Rules,
    repository: &RepositoryName,
) -> Result<Option<(u64, Error)>, Error> {
    let mut least: Option<(u64, Error)> = None;
    for quota in rules.quotas.iter().filter(|q| q.repositories.matches(repository.as_str())) {
        let Some(limit) = quota.bytes else { continue };
        let left = limit.saturating_sub(used(transaction, quota, repository)?.0.bytes);
        if least.as_ref().is_none_or(|(least, _)| left < *least) {
            let path = quota.repositories.as_str().to_owned();
            least = Some((left, Error::Quota { path, limit, unit: "bytes" }));
        }
    }
    Ok(least)
}

// What the repositories of a quota have together, and whether this one has nothing yet.
fn used(
    transaction: &Transaction<'_>,
    quota: &Quota,
    repository: &RepositoryName,
) -> Result<(Usage, bool), Error> {
    let prefix = quota.repositories.prefix();
    let mut usage = Usage::default();
    let mut is_new = true;
    transaction.query(
        // No name has a character above `z`.
        "SELECT name, bytes, manifests, tags FROM repository WHERE name >= ?1 AND name < ?2",
        values![prefix, &format!("{prefix}{{")],
        |row| {
            let name = row.text(0)?;
            if quota.repositories.matches(&name) {
                is_new &= name != repository.as_str();
                usage.bytes += row.size(1)?;
                usage.manifests += row.size(2)?;
                usage.tags += row.size(3)?;
                usage.repositories += 1;
            }
            Ok(())
        },
    )?;
    Ok((usage, is_new))
}

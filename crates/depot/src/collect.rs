//! The collector: what nothing refers to leaves the disk, while the registry goes on.
//!
//! 1. Manifests whose window has passed go, and with them what they referred to.
//! 2. A blob leaves a repository if no manifest there refers to it, deleted ones included, and no lease is left. Leases
//!    are looked at once more after the commit: whoever was told of the blob before it has one, and gets it back.
//! 3. A blob that is in no repository is marked in one transaction, so that from then nobody finds it; then its file goes,
//!    under the lock of its digest; then its row. A push in between makes it live again, and it stays.
//! 4. Files that no ledger knows, and uploads that rested too long, go.
//!
//! A crash at any point leaves marks and files that the next start or the next collection takes up.

use std::sync::Arc;

use sealift_oci::{Digest, RepositoryName};

use crate::Error;
use crate::depot::{Depot, Inner, Place};
use crate::files::{folders, remove};
use crate::lease::{Leases, Link};
use crate::ledger::{BLOB, DELETING, Database, LIVE, Transaction, Value, values};
use crate::shared::give_up_objects;
use crate::upload::UploadId;
use crate::usage::{self, Change, signed};

const BATCH: usize = 100;
const CANDIDATES_MAX: usize = 10_000;

/// How to collect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectOptions {
    /// Only tell what would go.
    pub dry_run: bool,
    /// Also what somebody was told of lately; right only if nobody pushes.
    pub ignore_leases: bool,
}

/// What was collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Manifests that had been deleted, and cannot be had back now.
    pub manifests: u64,
    /// Blobs that left a repository.
    pub links: u64,
    /// Blobs that left the disk.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Uploads that had rested too long.
    pub uploads: u64,
    /// Files that no ledger knew.
    pub orphans: u64,
    /// Seconds for which blobs are not collected yet, since the depot was opened only lately.
    pub wait_secs: u64,
}

impl Depot {
    /// Collects what nothing refers to.
    pub async fn collect(&self, options: &CollectOptions) -> Result<Collected, Error> {
        let inner = &self.0;
        let _turn = inner.collecting.lock().await;
        let now = inner.clock.now();
        let grace_end = inner
            .clock
            .at_start()
            .saturating_add(i64::try_from(inner.settings.lease_secs).unwrap_or(i64::MAX));
        // Replicas have all leases in the ledger.
        let grace_end = if inner.is_shared() { now } else { grace_end };
        let wait_secs = u64::try_from(grace_end.saturating_sub(now)).unwrap_or(0);
        let leases_end = if options.ignore_leases { i64::MAX } else { now };
        let may_collect = wait_secs == 0 || options.ignore_leases;
        let mut collected = Collected {
            wait_secs: if options.ignore_leases { 0 } else { wait_secs },
            ..Collected::default()
        };
        if options.dry_run {
            return inner.foresee(collected, leases_end, may_collect).await;
        }
        collected.manifests = inner.purge_manifests(now).await?;
        if may_collect {
            collected.links = inner.collect_links(now, leases_end).await?;
            inner.mark_blobs().await?;
            (collected.blobs, collected.bytes) = match &inner.place {
                Place::Folder(_) => inner.remove_marked().await?,
                Place::Bucket(shelf) => inner.remove_objects(shelf).await?,
            };
        }
        collected.uploads = inner.collect_uploads(now).await?;
        collected.orphans = match &inner.place {
            Place::Folder(_) => inner.collect_orphans().await?,
            Place::Bucket(shelf) => inner.remove_unknown(shelf).await?,
        };
        inner.ledger.main().write(tidy_repositories, |_| ()).await?;
        inner.leases.tidy(now);
        inner.wake();
        Ok(collected)
    }
}

impl Inner {
    fn window_end(&self, now: i64) -> i64 {
        now.saturating_sub(i64::try_from(self.settings.undelete_secs).unwrap_or(i64::MAX))
    }

    async fn purge_manifests(&self, now: i64) -> Result<u64, Error> {
        let until = self.window_end(now);
        let mut n_manifests = 0;
        loop {
            let purge = move |transaction: &Transaction<'_>| purge(transaction, until);
            let n_purged = self.ledger.main().write(purge, |_| ()).await?;
            n_manifests += n_purged as u64;
            if n_purged < BATCH {
                return Ok(n_manifests);
            }
        }
    }

    async fn collect_links(self: &Arc<Self>, now: i64, leases_end: i64) -> Result<u64, Error> {
        let mut n_links = 0;
        let mut after = (String::new(), String::new());
        loop {
            let page = after.clone();
            let candidates = self
                .look(move |transaction| link_candidates(transaction, leases_end, &page))
                .await?;
            let Some(last) = candidates.last() else { return Ok(n_links) };
            after = (last.repository.to_string(), last.digest.to_string());
            let mut candidates = candidates.into_iter().peekable();
            while candidates.peek().is_some() {
                let batch: Vec<_> = candidates.by_ref().take(BATCH).collect();
                n_links += self.unlink(batch, now, leases_end).await?;
            }
        }
    }

    // On a task of its own: whoever asked for the collection may go away, but not before all have back what they were
    // told of.
    async fn unlink(
        self: &Arc<Self>,
        batch: Vec<Link>,
        now: i64,
        leases_end: i64,
    ) -> Result<u64, Error> {
        let inner = Arc::clone(self);
        let work = async move {
            if leases_end != i64::MAX {
                inner.leases.set_leaving(now, batch.clone());
            }
            let done = inner.unlink_batch(batch, now, leases_end).await;
            inner.leases.set_leaving(now, Vec::new());
            done
        };
        tokio::spawn(work).await.map_err(|_| Error::lost("the collector"))?
    }

    async fn unlink_batch(
        &self,
        batch: Vec<Link>,
        now: i64,
        leases_end: i64,
    ) -> Result<u64, Error> {
        let is_leased = leases_end != i64::MAX;
        let (leases, cache) = (Arc::clone(&self.leases), Arc::clone(&self.cache));
        let job = move |transaction: &Transaction<'_>| {
            let mut removed = Vec::new();
            for link in batch {
                if is_leased && leases.has(&link.repository, &link.digest, now) {
                    continue;
                }
                if delete_link(transaction, &link, leases_end)? {
                    removed.push(link);
                }
            }
            Ok(removed)
        };
        let forget = move |removed: &Vec<Link>| {
            for link in removed {
                cache.forget(&link.repository);
            }
        };
        let mut removed = self.ledger.main().write(job, forget).await?;
        let n_removed = removed.len() as u64;
        // Whoever was told of one before this commit has a lease by now.
        removed.retain(|link| is_leased && self.leases.has(&link.repository, &link.digest, now));
        if removed.is_empty() {
            return Ok(n_removed);
        }
        let n_back = removed.len() as u64;
        let back = move |transaction: &Transaction<'_>| {
            removed.iter().try_for_each(|link| restore_link(transaction, link))
        };
        self.ledger.main().write(back, |()| ()).await?;
        Ok(n_removed - n_back)
    }

    async fn mark_blobs(self: &Arc<Self>) -> Result<(), Error> {
        loop {
            let candidates = self
                .look(|transaction| {
                    transaction.query(
                        "SELECT digest FROM blob WHERE state <> ?1
                         AND NOT EXISTS (SELECT 1 FROM link WHERE link.digest = blob.digest) LIMIT ?2",
                        values![DELETING, BATCH],
                        |row| row.text(0),
                    )
                })
                .await?;
            if candidates.is_empty() {
                return Ok(());
            }
            let mark = move |transaction: &Transaction<'_>| {
                for digest in &candidates {
                    transaction.execute(
                        "UPDATE blob SET state = ?2 WHERE digest = ?1
                         AND NOT EXISTS (SELECT 1 FROM link WHERE link.digest = blob.digest)",
                        values![digest, DELETING],
                    )?;
                    if transaction.is_shared() {
                        give_up_objects(transaction, digest)?;
                    }
                }
                Ok(())
            };
            self.ledger.main().write(mark, |()| ()).await?;
        }
    }

    pub(crate) async fn remove_marked(self: &Arc<Self>) -> Result<(u64, u64), Error> {
        let (mut n_blobs, mut n_bytes) = (0, 0);
        loop {
            let marked = self.look(marked).await?;
            if marked.is_empty() {
                return Ok((n_blobs, n_bytes));
            }
            let digests: Vec<_> = marked.into_iter().map(|(digest, _)| digest).collect();
            // No push brings one of these files until its row is gone.
            let _guards = self.lock_digests(&digests).await;
            let inner = Arc::clone(self);
            let remove = move || inner.remove_files(&digests);
            let removed = tokio::task::spawn_blocking(remove)
                .await
                .map_err(|_| Error::lost("the collector"))??;
            n_blobs += removed.len() as u64;
            n_bytes += removed.iter().map(|(_, size)| size).sum::<u64>();
            let delete = move |transaction: &Transaction<'_>| delete_rows(transaction, &removed);
            self.ledger.main().write(delete, |()| ()).await?;
        }
    }

    // Those that are still marked lose their files.
    fn remove_files(&self, digests: &[Digest]) -> Result<Vec<(Digest, u64)>, Error> {
        let files = self.files()?;
        let mut removed = Vec::new();
        for digest in digests {
            let size = self.ledger.main().read_blocking(|transaction| {
                transaction.one(
                    "SELECT size FROM blob WHERE digest = ?1 AND state = ?2",
                    values![&digest.to_string(), DELETING],
                    |row| row.size(0),
                )
            })?;
            let Some(size) = size else { continue };
            for path in [files.blob(digest), files.quarantine(digest)] {
                remove(&path).map_err(Error::file("the blob's file"))?;
            }
            removed.push((digest.clone(), size));
        }
        Ok(removed)
    }

    /// Takes up what a collection that was broken off had marked. Nobody else has the folder yet.
    pub(crate) fn recover_marked(&self) -> Result<(), Error> {
        loop {
            let marked = self.ledger.main().read_blocking(marked)?;
            if marked.is_empty() {
                return Ok(());
            }
            let digests: Vec<_> = marked.into_iter().map(|(digest, _)| digest).collect();
            let removed = self.remove_files(&digests)?;
            self.ledger
                .main()
                .write_blocking(move |transaction| delete_rows(transaction, &removed))?;
        }
    }

    async fn collect_uploads(&self, now: i64) -> Result<u64, Error> {
        let rest = i64::try_from(self.settings.upload_secs).unwrap_or(i64::MAX);
        let until = now.saturating_sub(rest);
        let read = |transaction: &Transaction<'_>| {
            transaction.query(
                "SELECT id FROM upload WHERE touched <= ?1 LIMIT ?2",
                values![until, CANDIDATES_MAX],
                |row| row.text(0),
            )
        };
        let mut n_uploads = 0;
        for id in self.ledger.uploads().read(read).await? {
            let Some(id) = UploadId::parse(&id) else { continue };
            // Whoever holds it is writing to it.
            if self.upload_lock(&id).try_lock_owned().is_err() {
                continue;
            }
            let Ok(_hold) = self.hold_upload(&id).await else { continue };
            self.drop_upload(&id).await?;
            n_uploads += 1;
        }
        Ok(n_uploads)
    }

    async fn collect_orphans(self: &Arc<Self>) -> Result<u64, Error> {
        let mut n_orphans = 0;
        for (algorithm, first) in folders() {
            let inner = Arc::clone(self);
            let find = move || inner.orphans(algorithm, first);
            let orphans = tokio::task::spawn_blocking(find)
                .await
                .map_err(|_| Error::lost("the collector"))??;
            for digest in orphans {
                // A push holds the lock from before the file is there until the ledger knows of it.
                let _guard = self.lock_digest(&digest).await;
                let is_known = {
                    let read = |transaction: &Transaction<'_>| is_known(transaction, &digest);
                    self.ledger.main().read(read).await?
                };
                if !is_known {
                    remove(&self.files()?.blob(&digest)).map_err(Error::file("the blob's file"))?;
                    n_orphans += 1;
                }
            }
        }
        Ok(n_orphans)
    }

    fn orphans(&self, algorithm: sealift_oci::Algorithm, first: u8) -> Result<Vec<Digest>, Error> {
        let found = self.files()?.list(algorithm, first)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        self.ledger.main().read_blocking(|transaction| {
            let mut orphans = Vec::new();
            for found in found {
                if !is_known(transaction, &found.digest)? {
                    orphans.push(found.digest);
                }
            }
            Ok(orphans)
        })
    }

    async fn foresee(
        self: &Arc<Self>,
        mut collected: Collected,
        leases_end: i64,
        may_collect: bool,
    ) -> Result<Collected, Error> {
        let until = self.window_end(self.clock.now());
        self.look(move |transaction| {
            let purged = "SELECT COUNT(*) FROM manifest WHERE deleted <= ?1";
            let purged = transaction.one(purged, values![until], |row| row.size(0))?;
            collected.manifests = purged.unwrap_or(0);
            if may_collect {
                let going = |sql, values: &[Value<'_>]| {
                    transaction.one(sql, values, |row| Ok((row.size(0)?, row.size(1)?)))
                };
                let links = going(
                    "SELECT COUNT(*), 0 FROM link WHERE lease <= ?1 AND NOT EXISTS (SELECT 1 FROM child
                     JOIN manifest ON manifest.repository = child.repository AND manifest.digest = child.parent
                     WHERE child.repository = link.repository AND child.digest = link.digest
                     AND child.kind = ?2 AND (manifest.deleted IS NULL OR manifest.deleted > ?3))",
                    values![leases_end, BLOB, until],
                )?;
                let blobs = going(
                    "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM blob WHERE NOT EXISTS (SELECT 1 FROM link
                     WHERE link.digest = blob.digest AND (lease > ?1 OR EXISTS (SELECT 1 FROM child
                     JOIN manifest ON manifest.repository = child.repository AND manifest.digest = child.parent
                     WHERE child.repository = link.repository AND child.digest = link.digest
                     AND child.kind = ?2 AND (manifest.deleted IS NULL OR manifest.deleted > ?3))))",
                    values![leases_end, BLOB, until],
                )?;
                collected.links = links.unwrap_or_default().0;
                (collected.blobs, collected.bytes) = blobs.unwrap_or_default();
            }
            Ok(collected)
        })
        .await
    }

    /// Reads much, on a thread that may wait.
    pub(crate) async fn look<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let inner = Arc::clone(self);
        let read = move || Database::read_blocking(inner.ledger.main(), job);
        tokio::task::spawn_blocking(read).await.map_err(|_| Error::lost("the ledger"))?
    }
}

fn purge(transaction: &Transaction<'_>, until: i64) -> Result<usize, Error> {
    let rows = transaction.query(
        "SELECT repository, digest, size FROM manifest WHERE deleted <= ?1 LIMIT ?2",
        values![until, BATCH],
        |row| Ok((row.parsed::<RepositoryName>(0)?, row.text(1)?, row.size(2)?)),
    )?;
    for (repository, digest, size) in &rows {
        transaction.execute(
            "DELETE FROM child WHERE repository = ?1 AND parent = ?2",
            values![repository.as_str(), digest],
        )?;
        transaction.execute(
            "DELETE FROM manifest WHERE repository = ?1 AND digest = ?2",
            values![repository.as_str(), digest],
        )?;
        let change = Change { bytes: -signed(*size), ..Change::default() };
        usage::count(transaction, repository, change)?;
    }
    Ok(rows.len())
}

fn link_candidates(
    transaction: &Transaction<'_>,
    leases_end: i64,
    after: &(String, String),
) -> Result<Vec<Link>, Error> {
    transaction.query(
        "SELECT repository, digest, size, lease FROM link WHERE (repository, digest) > (?1, ?2) AND lease <= ?3
         AND NOT EXISTS (SELECT 1 FROM child WHERE child.repository = link.repository
         AND child.digest = link.digest AND child.kind = ?4) ORDER BY repository, digest LIMIT ?5",
        &[
            Value::from(&after.0),
            Value::from(&after.1),
            Value::from(leases_end),
            Value::from(BLOB),
            Value::from(CANDIDATES_MAX),
        ],
        |row| {
            let (repository, digest) = (row.parsed(0)?, row.parsed(1)?);
            Ok(Link { repository, digest, size: row.size(2)?, lease: row.integer(3)? })
        },
    )
}

fn delete_link(transaction: &Transaction<'_>, link: &Link, leases_end: i64) -> Result<bool, Error> {
    let n_deleted = transaction.execute(
        "DELETE FROM link WHERE repository = ?1 AND digest = ?2 AND lease <= ?3
         AND NOT EXISTS (SELECT 1 FROM child WHERE child.repository = link.repository
         AND child.digest = link.digest AND child.kind = ?4)",
        values![link.repository.as_str(), &link.digest.to_string(), leases_end, BLOB],
    )?;
    if n_deleted == 0 {
        return Ok(false);
    }
    let change = Change { bytes: -signed(link.size), ..Change::default() };
    usage::count(transaction, &link.repository, change)?;
    Ok(true)
}

/// Gives a repository back what a manifest names and somebody was told of, but the collector is taking just now.
pub(crate) fn keep_leased(
    transaction: &Transaction<'_>,
    leases: &Leases,
    repository: &RepositoryName,
    blobs: &[Digest],
) -> Result<(), Error> {
    leases.leaving(repository, blobs).iter().try_for_each(|link| restore_link(transaction, link))
}

fn restore_link(transaction: &Transaction<'_>, link: &Link) -> Result<(), Error> {
    let digest = link.digest.to_string();
    let n_inserted = transaction.execute(
        "INSERT INTO link (repository, digest, size, hidden, lease)
         SELECT ?1, digest, size, 0, ?3 FROM blob WHERE digest = ?2 AND state = ?4
         ON CONFLICT (repository, digest) DO NOTHING",
        values![link.repository.as_str(), &digest, link.lease, LIVE],
    )?;
    if n_inserted > 0 {
        let change = Change { bytes: signed(link.size), ..Change::default() };
        usage::count(transaction, &link.repository, change)?;
    }
    Ok(())
}

fn marked(transaction: &Transaction<'_>) -> Result<Vec<(Digest, u64)>, Error> {
    transaction.query(
        "SELECT digest, size FROM blob WHERE state = 1 LIMIT ?1",
        values![BATCH],
        |row| Ok((row.parsed(0)?, row.size(1)?)),
    )
}

fn delete_rows(transaction: &Transaction<'_>, removed: &[(Digest, u64)]) -> Result<(), Error> {
    for (digest, _) in removed {
        transaction.execute(
            "DELETE FROM blob WHERE digest = ?1 AND state = ?2",
            values![&digest.to_string(), DELETING],
        )?;
    }
    Ok(())
}

fn is_known(transaction: &Transaction<'_>, digest: &Digest) -> Result<bool, Error> {
    transaction.exists("SELECT 1 FROM blob WHERE digest = ?1", values![&digest.to_string()])
}

fn tidy_repositories(transaction: &Transaction<'_>) -> Result<usize, Error> {
    transaction.execute(
        "DELETE FROM repository WHERE bytes = 0 AND manifests = 0 AND tags = 0
         AND NOT EXISTS (SELECT 1 FROM link WHERE link.repository = repository.name)",
        &[],
    )
}

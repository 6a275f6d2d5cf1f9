//! Scrubbing: every byte is hashed again; what is damaged is set aside and, if somebody has it, made whole.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use sealift_oci::{Digest, RepositoryName};

use crate::Error;
use crate::blob::Blob;
use crate::depot::{Depot, Inner, Place};
use crate::files::hash_file;
use crate::ledger::{DAMAGED, Transaction, values};

const PAGE: usize = 100;

/// The bytes of a blob from elsewhere.
pub type RepairBody = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;
/// A look for them.
pub type RepairFuture<'a> = Pin<Box<dyn Future<Output = Option<RepairBody>> + Send + 'a>>;

/// Somebody who may have a blob that is damaged here: an upstream, a replica, a backup.
pub trait Repair: Send + Sync {
    /// Its bytes, which are hashed before they are believed.
    fn fetch<'a>(&'a self, repository: &'a RepositoryName, blob: &'a Blob) -> RepairFuture<'a>;
}

/// How to scrub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubOptions {
    /// Blobs after this one, in the order of their digests.
    pub after: Option<Digest>,
    /// At most so many blobs; none is all.
    pub blobs_max: Option<u64>,
    /// At most so many bytes a second, so that pulls go on undisturbed.
    pub bytes_per_second: Option<u64>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Blobs that were hashed.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Manifests that were hashed.
    pub manifests: u64,
    /// What is damaged.
    pub damaged: Vec<Damage>,
    /// Where the next scrub goes on, if this one came to its limit.
    pub next: Option<Digest>,
}

/// Something damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its digest.
    pub digest: Digest,
    /// The repositories that have it.
    pub repositories: Vec<RepositoryName>,
    /// What is wrong.
    pub reason: String,
    /// Whether it is whole again.
    pub is_repaired: bool,
}

impl Depot {
    /// Hashes blobs and manifests again. A damaged blob is not served any more until it is repaired or pushed again.
    pub async fn scrub(
        &self,
        repair: Option<&dyn Repair>,
        options: &ScrubOptions,
    ) -> Result<Scrubbed, Error> {
        let mut scrubbed = Scrubbed::default();
        let mut after = options.after.clone();
        let limit = options.blobs_max.unwrap_or(u64::MAX);
        loop {
            let page = self.0.blobs_after(after.as_ref()).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.digest.clone());
            for (blob, is_damaged) in page {
                if scrubbed.blobs >= limit {
                    return Ok(scrubbed);
                }
                scrubbed.next = Some(blob.digest.clone());
                scrubbed.blobs += 1;
                scrubbed.bytes += blob.size;
                let reason = if is_damaged {
                    Some("it was found damaged before".to_owned())
                } else {
                    self.0.examine(&blob, options.bytes_per_second).await?
                };
                if let Some(reason) = reason {
                    scrubbed.damaged.extend(self.set_aside(repair, blob, reason).await?);
                }
            }
        }
        let (manifests, damaged) = self.0.examine_manifests().await?;
        scrubbed.manifests = manifests;
        scrubbed.damaged.extend(damaged);
        scrubbed.next = None;
        Ok(scrubbed)
    }

    async fn set_aside(
        &self,
        repair: Option<&dyn Repair>,
        blob: Blob,
        reason: String,
    ) -> Result<Option<Damage>, Error> {
        let Some(repositories) = self.0.quarantine(&blob).await? else { return Ok(None) };
        let mut damage =
            Damage { digest: blob.digest.clone(), repositories, reason, is_repaired: false };
        let Some(repair) = repair else { return Ok(Some(damage)) };
        for repository in &damage.repositories {
            let Some(body) = repair.fetch(repository, &blob).await else { continue };
            let algorithm = blob.digest.algorithm();
            let upload = self.begin_upload(repository, algorithm, "scrub").await?.id;
            let result = match self.append(repository, &upload, None, Some(blob.size), body).await {
                Ok(_) => self.finish_upload(repository, &upload, &blob.digest).await,
                Err(error) => {
                    self.cancel_upload(repository, &upload).await?;
                    Err(error)
                }
            };
            match result {
                Ok(_) => {
                    damage.is_repaired = true;
                    break;
                }
                // What it has is no better; somebody else may have it whole.
                Err(Error::DigestWrong { .. } | Error::LengthWrong | Error::Aborted(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(damage))
    }
}

impl Inner {
    // Blobs in the order of their digests, and whether each is known to be damaged.
    async fn blobs_after(
        self: &Arc<Self>,
        after: Option<&Digest>,
    ) -> Result<Vec<(Blob, bool)>, Error> {
        let after = after.map(ToString::to_string).unwrap_or_default();
        self.look(move |transaction| {
            transaction.query(
                "SELECT digest, size, state FROM blob WHERE digest > ?1 AND state <> 1 ORDER BY digest LIMIT ?2",
                values![&after, PAGE],
                |row| {
                    let blob = Blob { digest: row.parsed(0)?, size: row.size(1)? };
                    Ok((blob, row.integer(2)? == DAMAGED))
                },
            )
        })
        .await
    }

    // Why a blob is damaged, if it is.
    async fn examine(
        self: &Arc<Self>,
        blob: &Blob,
        bytes_per_second: Option<u64>,
    ) -> Result<Option<String>, Error> {
        let files = match &self.place {
            Place::Folder(files) => Arc::clone(files),
            Place::Bucket(shelf) => {
                return self.examine_object(shelf, blob, bytes_per_second).await;
            }
        };
        let blob = blob.clone();
        let examine = move || {
            let path = files.blob(&blob.digest);
            let started = Instant::now();
            let mut n_read = 0_u64;
            // One byte more, so that a file that grew is seen.
            let hashed = hash_file(&path, blob.digest.algorithm(), blob.size + 1, |n_bytes| {
                n_read += n_bytes as u64;
                if let Some(rate) = bytes_per_second {
                    let due = Duration::from_micros(n_read.saturating_mul(1_000_000) / rate.max(1));
                    std::thread::sleep(due.saturating_sub(started.elapsed()));
                }
            });
            match hashed {
                Ok(hasher) => {
                    let found = hasher.finish();
                    (found != blob.digest).then(|| format!("its bytes have digest `{found}`"))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Some("its file is missing".to_owned())
                }
                Err(error) => Some(format!("its file cannot be read: {}", error.kind())),
            }
        };
        let reason =
            tokio::task::spawn_blocking(examine).await.map_err(|_| Error::lost("the scrub"))?;
        Ok(reason)
    }

    // From here on nobody is served the blob; told is who has it. Nothing is told if it is whole after all.
    async fn quarantine(
        self: &Arc<Self>,
        blob: &Blob,
    ) -> Result<Option<Vec<RepositoryName>>, Error> {
        let _guard = self.lock_digest(&blob.digest).await;
        // It may have been pushed again or collected since it was read; one more look under the lock is certain.
        if self.examine(blob, None).await?.is_none() {
            return Ok(None);
        }
        if let Place::Folder(files) = &self.place {
            match std::fs::rename(files.blob(&blob.digest), files.quarantine(&blob.digest)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::file("the blob's file")(error));
                }
                _ => {}
            }
        }
        let (digest, cache) = (blob.digest.to_string(), Arc::clone(&self.cache));
        let job = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "UPDATE blob SET state = ?2 WHERE digest = ?1 AND state = 0",
                values![&digest, DAMAGED],
            )?;
            transaction.query(
                "SELECT repository FROM link WHERE digest = ?1 ORDER BY repository",
                values![&digest],
                |row| row.parsed(0),
            )
        };
        let forget = move |repositories: &Vec<RepositoryName>| {
            for repository in repositories {
                cache.forget(repository);
            }
        };
        let repositories = self.ledger.main().write(job, forget).await?;
        // One that was collected meanwhile concerns nobody.
        Ok((!repositories.is_empty()).then_some(repositories))
    }

    async fn examine_manifests(self: &Arc<Self>) -> Result<(u64, Vec<Damage>), Error> {
        let (mut n_manifests, mut damaged) = (0, Vec::new());
        let mut after = (String::new(), String::new());
        loop {
            let page = after.clone();
            let rows = self.look(move |transaction| manifest_page(transaction, &page)).await?;
            let Some((repository, digest, _)) = rows.last() else {
                return Ok((n_manifests, damaged));
            };
            after = (repository.to_string(), digest.to_string());
            for (repository, digest, bytes) in rows {
                n_manifests += 1;
                if !digest.matches(&bytes) {
                    damaged.push(Damage {
                        digest,
                        repositories: vec![repository],
                        reason: "the ledger has other bytes for this manifest".to_owned(),
                        is_repaired: false,
                    });
                }
            }
        }
    }
}

type ManifestRow = (RepositoryName, Digest, Vec<u8>);

fn manifest_page(
    transaction: &Transaction<'_>,
    after: &(String, String),
) -> Result<Vec<ManifestRow>, Error> {
    transaction.query(
        "SELECT repository, digest, bytes FROM manifest WHERE (repository, digest) > (?1, ?2)
         ORDER BY repository, digest LIMIT ?3",
        values![&after.0, &after.1, PAGE],
        |row| Ok((row.parsed(0)?, row.parsed(1)?, row.bytes(2)?)),
    )
}

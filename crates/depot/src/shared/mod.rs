//! Blobs in a bucket that several replicas share.
//!
//! Each object has a name of its own, that of the upload that brought it, and the ledger says which object has a blob's
//! bytes. So nothing is copied when an upload is finished, what a collection deletes is never what was pushed meanwhile,
//! and nobody has to wait for anybody else's lock before bytes are written. What is in the bucket and not in the ledger
//! is nothing.

mod finish;
mod intake;
mod row;
mod sweep;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, TryStreamExt as _, try_unfold};
use sealift_bucket::{Bucket, PART_BYTES_MIN, Settings as BucketSettings};
use sealift_oci::{Digest, RepositoryName};
use tokio::io::AsyncReadExt as _;

use crate::adopt::Adopted;
use crate::blob::Blob;
use crate::body::BlobBody;
use crate::depot::{Depot, Inner};
use crate::ledger::{DAMAGED, LIVE, Transaction, values};
use crate::{Error, upload};

pub(crate) use intake::receive_parts;
pub(crate) use sweep::give_up_objects;

const NAMES_MAX: usize = 10_000;
const PIECE_BYTES: usize = 1 << 20;

/// The bucket, and what is remembered of it.
pub(crate) struct Shelf {
    pub(crate) bucket: Bucket,
    /// How large the parts of an upload are.
    pub(crate) part_bytes: usize,
    // Which object has a blob's bytes: one that is gone is asked for anew.
    names: Mutex<HashMap<Digest, String>>,
}

/// Where an object is.
pub(crate) fn path(name: &str) -> String {
    format!("blobs/{}/{name}", name.get(..2).unwrap_or("00"))
}

impl Shelf {
    /// A shelf in a bucket.
    pub(crate) fn new(settings: BucketSettings, part_bytes: usize) -> Result<Self, Error> {
        if part_bytes < PART_BYTES_MIN {
            return Err(Error::Setting {
                reason: format!("a part has at least {PART_BYTES_MIN} bytes, not {part_bytes}"),
            });
        }
        let bucket = Bucket::new(settings);
        let bucket = bucket.map_err(|error| Error::Setting { reason: error.to_string() })?;
        Ok(Self { bucket, part_bytes, names: Mutex::default() })
    }

    /// Refuses a bucket that cannot be read.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        match self.bucket.list("blobs/", "").await {
            Ok(_) => Ok(()),
            Err(error @ sealift_bucket::Error::Unavailable { .. }) => Err(error.into()),
            Err(error) => Err(Error::Setting { reason: error.to_string() }),
        }
    }

    fn known_name(&self, digest: &Digest) -> Option<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    fn keep_name(&self, digest: &Digest, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        names.insert(digest.clone(), name.to_owned());
    }

    fn forget_name(&self, digest: &Digest) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).remove(digest);
    }
}

impl Depot {
    /// Takes in a whole blob.
    pub(crate) async fn put_shared(
        &self,
        repository: &RepositoryName,
        blob: Blob,
        bytes: Bytes,
    ) -> Result<Blob, Error> {
        if !blob.digest.matches(&bytes) {
            let mut hasher = sealift_oci::Hasher::new(blob.digest.algorithm());
            hasher.update(&bytes);
            return Err(Error::DigestWrong { wanted: blob.digest, found: hasher.finish() });
        }
        let body = stream::iter([Ok(bytes)]);
        self.bring(repository, &blob, body).await?;
        Ok(blob)
    }

    /// Takes in a file of this machine, which is removed.
    pub(crate) async fn adopt_shared(
        &self,
        repository: &RepositoryName,
        blob: &Blob,
        file: &Path,
    ) -> Result<(), Error> {
        let body = Box::pin(file_body(file).await?);
        self.bring(repository, blob, body).await?;
        crate::files::remove(file).map_err(Error::file("the file"))
    }

    /// Takes in a file of this machine, which stays as it is.
    pub(crate) async fn adopt_copy(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
        file: &Path,
    ) -> Result<Adopted, Error> {
        let unknown = || Error::BlobUnknown { digest: digest.clone() };
        let metadata = tokio::fs::symlink_metadata(file).await.map_err(|_| unknown())?;
        // A link to elsewhere is not what was meant.
        if !metadata.is_file() {
            return Err(unknown());
        }
        let blob = Blob { digest: digest.clone(), size: metadata.len() };
        let body = Box::pin(file_body(file).await?);
        self.bring(repository, &blob, body).await?;
        Ok(Adopted::Copied(blob.size))
    }

    async fn bring(
        &self,
        repository: &RepositoryName,
        blob: &Blob,
        body: impl stream::Stream<Item = std::io::Result<Bytes>> + Send + Unpin,
    ) -> Result<(), Error> {
        let upload = self.begin_upload(repository, blob.digest.algorithm(), "").await?.id;
        let brought = match self.append(repository, &upload, None, Some(blob.size), body).await {
            Ok(_) => self.finish_upload(repository, &upload, &blob.digest).await,
            Err(error) => Err(error),
        };
        if let Err(error) = brought {
            // It is collected if it cannot be removed now.
            drop(self.cancel_upload(repository, &upload).await);
            return Err(error);
        }
        Ok(())
    }
}

async fn file_body(
    path: &Path,
) -> Result<impl stream::Stream<Item = std::io::Result<Bytes>> + Send + use<>, Error> {
    let file = tokio::fs::File::open(path).await.map_err(Error::file("the file"))?;
    Ok(try_unfold(file, |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let n_bytes = (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).await?;
        Ok((n_bytes > 0).then(|| (Bytes::from(piece), file)))
    }))
}

impl Inner {
    /// Finds a blob, and notes in the ledger that somebody was told of it, unless that was done lately.
    pub(crate) async fn lease_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Blob>, Error> {
        let text = digest.to_string();
        let read = |transaction: &Transaction<'_>| {
            transaction.one(
                "SELECT link.size, blob.state, link.lease FROM link
                 JOIN blob ON blob.digest = link.digest
                 WHERE link.repository = ?1 AND link.digest = ?2 AND link.hidden = 0",
                values![repository.as_str(), &text],
                |row| Ok((row.size(0)?, row.integer(1)?, row.integer(2)?)),
            )
        };
        let (size, lease) = match self.ledger.main().read(read).await? {
            Some((size, LIVE, lease)) => (size, lease),
            Some((_, DAMAGED, _)) => return Err(Error::Damaged { digest: digest.clone() }),
            _ => return Ok(None),
        };
        let blob = Blob { digest: digest.clone(), size };
        let (now, until) = (self.clock.now(), self.lease_end());
        if lease.saturating_sub(now) > until.saturating_sub(now) / 2 || until <= now {
            return Ok(Some(blob));
        }
        let name = repository.clone();
        let renew = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "UPDATE link SET lease = ?3 WHERE repository = ?1 AND digest = ?2 AND lease < ?3
                 AND hidden = 0",
                values![name.as_str(), &text, until],
            )?;
            // It may have been collected since it was read.
            crate::blob::find(transaction, &name, &text)
        };
        let found = self.ledger.main().write(renew, |_| ()).await?;
        Ok(found.is_some_and(|(_, state)| state == LIVE).then_some(blob))
    }

    /// Reads a part of a blob.
    pub(crate) async fn read_object(
        &self,
        shelf: &Shelf,
        blob: &Blob,
        range: Range<u64>,
    ) -> Result<BlobBody, Error> {
        let damaged = || Error::Damaged { digest: blob.digest.clone() };
        let mut is_known = true;
        loop {
            let known = shelf.known_name(&blob.digest).filter(|_| is_known);
            let name = if let Some(name) = known {
                name
            } else {
                is_known = false;
                let name = self.object_of(&blob.digest).await?.ok_or_else(damaged)?;
                shelf.keep_name(&blob.digest, &name);
                name
            };
            match shelf.bucket.read(&path(&name), range.clone(), blob.size).await {
                Ok(body) => return Ok(BlobBody::of_object(body)),
                Err(sealift_bucket::Error::Missing) if is_known => {
                    // Collected, and pushed again under another name.
                    shelf.forget_name(&blob.digest);
                    is_known = false;
                }
                Err(sealift_bucket::Error::Missing) => return Err(damaged()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The object that has a blob's bytes.
    pub(crate) async fn object_of(&self, digest: &Digest) -> Result<Option<String>, Error> {
        let digest = digest.to_string();
        let read = |transaction: &Transaction<'_>| object_of(transaction, &digest);
        self.ledger.main().read(read).await
    }
}

/// The object that has a blob's bytes.
pub(crate) fn object_of(
    transaction: &Transaction<'_>,
    digest: &str,
) -> Result<Option<String>, Error> {
    let sql = "SELECT name FROM object WHERE digest = ?1 AND state = 0";
    transaction.one(sql, values![digest], |row| row.text(0))
}

/// Hashes what a body has, at most so many bytes a second.
pub(crate) async fn hash_body(
    mut body: BlobBody,
    algorithm: sealift_oci::Algorithm,
    bytes_per_second: Option<u64>,
) -> std::io::Result<Digest> {
    let mut hasher = sealift_oci::Hasher::new(algorithm);
    let (started, mut n_read) = (Instant::now(), 0_u64);
    while let Some(piece) = body.try_next().await? {
        hasher.update(&piece);
        n_read += piece.len() as u64;
        if let Some(rate) = bytes_per_second {
            let due = Duration::from_micros(n_read.saturating_mul(1_000_000) / rate.max(1));
            tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
        }
    }
    Ok(hasher.finish())
}

/// The name of an upload, of an object's name.
pub(crate) fn upload_of(name: &str) -> Option<upload::UploadId> {
    upload::UploadId::parse(name.get(..36)?)
}

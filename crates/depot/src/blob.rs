//! Blobs: taken in, found, read, mounted from another repository, deleted.

use std::fs::{self, File};
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use sealift_oci::{Digest, Hasher, RepositoryName};

use crate::body::BlobBody;
use crate::depot::{Depot, Inner, Place};
use crate::files::{Files, remove};
use crate::ledger::{DAMAGED, LIVE, Transaction, values};
use crate::settings::Rules;
use crate::upload::UploadId;
use crate::usage::{self, Change, signed};
use crate::{Error, ledger};

/// A blob of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Depot {
    /// Finds a blob. Whoever asked may name it in a manifest for a while, even if nothing refers to it.
    pub async fn blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Blob>, Error> {
        let inner = &self.0;
        if inner.is_shared() {
            return inner.lease_blob(repository, digest).await;
        }
        // Before the ledger is asked: see `lease`.
        let is_new = inner.leases.take(repository, digest, inner.lease_end());
        let stamp = match inner.cache.blob(repository, digest) {
            Ok(size) => return Ok(Some(Blob { digest: digest.clone(), size })),
            Err(stamp) => stamp,
        };
        let read =
            |transaction: &Transaction<'_>| find(transaction, repository, &digest.to_string());
        match inner.ledger.main().read(read).await? {
            Some((size, LIVE)) => {
                inner.cache.keep_blob(repository, digest, size, stamp);
                Ok(Some(Blob { digest: digest.clone(), size }))
            }
            Some((_, DAMAGED)) => Err(Error::Damaged { digest: digest.clone() }),
            _ => {
                if is_new {
                    inner.leases.give_back(repository, digest);
                }
                Ok(None)
            }
        }
    }

    /// Reads a part of a blob, which [`Depot::blob`] found.
    pub async fn read_blob(&self, blob: &Blob, range: Range<u64>) -> Result<BlobBody, Error> {
        let files = match &self.0.place {
            Place::Folder(files) => files,
            Place::Bucket(shelf) => return self.0.read_object(shelf, blob, range).await,
        };
        let damaged = || Error::Damaged { digest: blob.digest.clone() };
        let file = File::open(files.blob(&blob.digest)).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => damaged(),
            _ => Error::file("the blob's file")(error),
        })?;
        let length = file.metadata().map_err(Error::file("the blob's file"))?.len();
        if length != blob.size {
            return Err(damaged());
        }
        let end = range.end.min(blob.size);
        Ok(BlobBody::new(file, range.start.min(end)..end, self.0.buffers.clone()))
    }

    /// Takes in a whole small blob.
    pub async fn put_blob(
        &self,
        repository: &RepositoryName,
        bytes: Bytes,
        digest: &Digest,
        _by: &str,
    ) -> Result<Blob, Error> {
        let limit = self.0.settings.blob_bytes_max.unwrap_or(u64::MAX);
        let blob = Blob { digest: digest.clone(), size: bytes.len() as u64 };
        if blob.size > limit {
            return Err(Error::TooLarge { limit });
        }
        if self.is_shared() {
            return self.put_shared(repository, blob, bytes).await;
        }
        self.0.check_free(blob.size)?;
        let (inner, repository) = (Arc::clone(&self.0), repository.clone());
        let task = tokio::spawn(async move { inner.put_whole(&repository, blob, bytes).await });
        task.await.map_err(|_| Error::lost("the upload"))?
    }

    /// Takes in a file of the depot's file system. Whoever calls this has hashed it, and it has this digest; the file is
    /// moved or removed.
    pub async fn adopt(
        &self,
        repository: &RepositoryName,
        blob: &Blob,
        file: &Path,
    ) -> Result<(), Error> {
        let limit = self.0.settings.blob_bytes_max.unwrap_or(u64::MAX);
        if blob.size > limit {
            return Err(Error::TooLarge { limit });
        }
        if self.is_shared() {
            return self.adopt_shared(repository, blob, file).await;
        }
        let inner = Arc::clone(&self.0);
        let (repository, blob, file) = (repository.clone(), blob.clone(), file.to_owned());
        let task = tokio::spawn(async move { inner.admit(&repository, &blob, &file).await });
        task.await.map_err(|_| Error::lost("the file"))?
    }

    /// Refuses what the disk cannot take.
    pub fn check_room(&self, n_bytes: u64) -> Result<(), Error> {
        self.0.check_free(n_bytes)
    }

    /// Gives a repository a blob of another one; whoever asks must be allowed to read that one. `None` if it has none.
    pub async fn mount(
        &self,
        repository: &RepositoryName,
        from: &RepositoryName,
        digest: &Digest,
    ) -> Result<Option<Blob>, Error> {
        // So that it is not collected between the look and the link.
        if self.blob(from, digest).await?.is_none() {
            return Ok(None);
        }
        let (repository, from, digest) = (repository.clone(), from.clone(), digest.clone());
        let (rules, lease) = (self.0.rules(), self.0.lease_end());
        let job = move |transaction: &Transaction<'_>| {
            let Some((size, LIVE)) = find(transaction, &from, &digest.to_string())? else {
                return Ok(None);
            };
            let blob = Blob { digest, size };
            link(transaction, &rules, &repository, &blob, lease)?;
            Ok(Some(blob))
        };
        self.0.ledger.main().write(job, |_| ()).await
    }

    /// Takes a blob out of a repository, unless a manifest refers to it. What a deleted manifest refers to, that can
    /// still be had back, is hidden only.
    pub async fn delete_blob(
        &self,
        repository: &RepositoryName,
        digest: &Digest,
    ) -> Result<(), Error> {
        let (cache, name, digest) = (Arc::clone(&self.0.cache), repository.clone(), digest.clone());
        let forgotten = name.clone();
        let job = move |transaction: &Transaction<'_>| unlink(transaction, &name, &digest);
        self.0.ledger.main().write(job, move |()| cache.forget(&forgotten)).await
    }
}

impl Inner {
    async fn put_whole(
        self: Arc<Self>,
        repository: &RepositoryName,
        blob: Blob,
        bytes: Bytes,
    ) -> Result<Blob, Error> {
        let name = UploadId::random()?.to_string();
        let files = Arc::clone(self.files()?);
        let path = files.upload(&name);
        let wanted = blob.digest.clone();
        let write = move || {
            let mut hasher = Hasher::new(wanted.algorithm());
            hasher.update(&bytes);
            let found = hasher.finish();
            if found != wanted {
                return Err(Error::DigestWrong { wanted, found });
            }
            let path = files.upload(&name);
            let written = Files::create(&path).and_then(|mut file| file.write_all(&bytes));
            written.map_err(|error| {
                // The error that counts is that of the write.
                drop(remove(&path));
                Error::file("the blob's file")(error)
            })
        };
        tokio::task::spawn_blocking(write).await.map_err(|_| Error::lost("the upload"))??;
        let result = Arc::clone(&self).admit(repository, &blob, &path).await;
        remove(&path).map_err(Error::file("the blob's file"))?;
        result.map(|()| blob)
    }

    /// Makes a file, whose bytes have this digest, a blob of the repository. The file is moved or removed; it stays if
    /// a quota has no room.
    pub(crate) async fn admit(
        self: Arc<Self>,
        repository: &RepositoryName,
        blob: &Blob,
        path: &Path,
    ) -> Result<(), Error> {
        let _guard = self.lock_digest(&blob.digest).await;
        let (inner, wanted, from) = (Arc::clone(&self), blob.clone(), path.to_owned());
        let place = move || inner.place(&wanted, &from);
        let is_moved =
            tokio::task::spawn_blocking(place).await.map_err(|_| Error::lost("the upload"))??;
        let (name, linked, lease) = (repository.clone(), blob.clone(), self.lease_end());
        let rules = self.rules();
        let job =
            move |transaction: &Transaction<'_>| link(transaction, &rules, &name, &linked, lease);
        let result = self.ledger.main().write(job, |()| ()).await;
        if result.is_err() && is_moved && self.ledger.main().check().is_ok() {
            // No ledger knows of the file: back to where it can be tried again. If the disk failed in the commit, the
            // next start may find the blob in the ledger; then its file has to be there, and is an orphan if not.
            drop(fs::rename(self.files()?.blob(&blob.digest), path));
        } else if result.is_ok() && !is_moved {
            remove(path).map_err(Error::file("the upload's file"))?;
        }
        result
    }

    // True if the file was moved; false if the blob is there already.
    fn place(&self, blob: &Blob, from: &Path) -> Result<bool, Error> {
        let files = self.files()?;
        let to = files.blob(&blob.digest);
        let is_live = self.ledger.main().read_blocking(|transaction| {
            transaction.exists(
                "SELECT 1 FROM blob WHERE digest = ?1 AND size = ?2 AND state = 0",
                values![&blob.digest.to_string(), blob.size],
            )
        })?;
        // The ledger alone is not believed: a blob whose file is gone is made whole by whoever pushes it again.
        if is_live && fs::metadata(&to).is_ok_and(|found| found.len() == blob.size) {
            return Ok(false);
        }
        let failed = |error| Error::file("the blob's file")(error);
        let file = if blob.size == 0 {
            Files::create(from).map_err(failed)?
        } else {
            File::open(from).map_err(failed)?
        };
        files.settle(&file, from, &blob.digest).map_err(failed)?;
        Ok(true)
    }
}

/// Size and state of a blob of a repository.
pub(crate) fn find(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    digest: &str,
) -> Result<Option<(u64, i64)>, Error> {
    transaction.one(
        "SELECT link.size, blob.state FROM link JOIN blob ON blob.digest = link.digest
         WHERE link.repository = ?1 AND link.digest = ?2 AND link.hidden = 0",
        values![repository.as_str(), digest],
        |row| Ok((row.size(0)?, row.integer(1)?)),
    )
}

/// Gives a repository a blob whose file is in its place.
pub(crate) fn link(
    transaction: &Transaction<'_>,
    rules: &Rules,
    repository: &RepositoryName,
    blob: &Blob,
    lease: i64,
) -> Result<(), Error> {
    let digest = blob.digest.to_string();
    transaction.execute(
        "INSERT INTO blob (digest, size, state, generation) VALUES (?1, ?2, 0, 0)
         ON CONFLICT (digest) DO UPDATE SET size = excluded.size, state = 0,
         generation = CASE blob.state WHEN 0 THEN blob.generation ELSE blob.generation + 1 END",
        values![&digest, blob.size],
    )?;
    let renewed = transaction.execute(
        "UPDATE link SET hidden = 0, lease = CASE WHEN lease < ?3 THEN ?3 ELSE lease END
         WHERE repository = ?1 AND digest = ?2",
        values![repository.as_str(), &digest, lease],
    )?;
    if renewed == 0 {
        let change = Change { bytes: signed(blob.size), ..Change::default() };
        usage::check(transaction, rules, repository, change)?;
        usage::count(transaction, repository, change)?;
        transaction.execute(
            "INSERT INTO link (repository, digest, size, hidden, lease) VALUES (?1, ?2, ?3, 0, ?4)",
            values![repository.as_str(), &digest, blob.size, lease],
        )?;
    }
    Ok(())
}

fn unlink(
    transaction: &Transaction<'_>,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<(), Error> {
    let text = digest.to_string();
    let Some((size, _)) = find(transaction, repository, &text)? else {
        return Err(Error::BlobUnknown { digest: digest.clone() });
    };
    // One row for each manifest, its time of deletion or nothing.
    let parents = transaction.query(
        "SELECT manifest.deleted FROM child JOIN manifest
         ON manifest.repository = child.repository AND manifest.digest = child.parent
         WHERE child.repository = ?1 AND child.digest = ?2 AND child.kind = ?3",
        values![repository.as_str(), &text, ledger::BLOB],
        |row| row.integer_or_null(0),
    )?;
    if parents.iter().any(Option::is_none) {
        return Err(Error::Referenced);
    }
    if parents.is_empty() {
        usage::count(
            transaction,
            repository,
            Change { bytes: -signed(size), ..Change::default() },
        )?;
        transaction.execute(
            "DELETE FROM link WHERE repository = ?1 AND digest = ?2",
            values![repository.as_str(), &text],
        )?;
    } else {
        transaction.execute(
            "UPDATE link SET hidden = 1 WHERE repository = ?1 AND digest = ?2",
            values![repository.as_str(), &text],
        )?;
    }
    Ok(())
}

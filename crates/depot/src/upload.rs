//! Uploads: begun, appended to, resumed, finished or cancelled.
//!
//! How far an upload has come is what the ledger says; the file is cut to that when it goes on. The state of the hash
//! lies beside it, so that nothing is read again. That state is believed only while the machine runs: after a restart
//! of it nobody knows what of an unfinished file came to the disk, and the file is hashed anew.

use std::fmt;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::Stream;
use sealift_oci::{Algorithm, Digest, Hasher, RepositoryName};
use tokio::sync::OwnedMutexGuard;

use crate::blob::Blob;
use crate::depot::{Depot, Inner, Place};
use crate::files::{hash_file, remove};
use crate::ledger::{Database, Ledger, Transaction, Value, values};
use crate::receive::{Limit, receive_body};
use crate::shared::receive_parts;
use crate::{Error, usage};

// A connection that is lost without a word holds its upload until the server notices.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Whoever has it is the only one that works on an upload.
pub(crate) struct Hold {
    _own: OwnedMutexGuard<()>,
    _all: Option<AllHold>,
}

// An advisory lock of the connection by which uploads are written. It goes with the connection too; who appends then
// finds another ticket in the upload's row.
struct AllHold {
    ledger: Arc<Ledger>,
    key: i64,
}

impl AllHold {
    async fn take(ledger: &Arc<Ledger>, key: i64) -> Result<Option<Self>, Error> {
        let take = move |transaction: &Transaction<'_>| {
            let sql = "SELECT 1 WHERE pg_try_advisory_lock(?1)";
            transaction.exists(sql, values![key])
        };
        let is_taken = ledger.uploads().write(take, |_| ()).await?;
        Ok(is_taken.then(|| Self { ledger: Arc::clone(ledger), key }))
    }
}

impl Drop for AllHold {
    fn drop(&mut self) {
        let key = self.key;
        let free = move |transaction: &Transaction<'_>| {
            let sql = "SELECT 1 WHERE pg_advisory_unlock(?1)";
            transaction.exists(sql, values![key]).map(drop)
        };
        // Without a writer there is no connection, and so no lock.
        let _ = self.ledger.uploads().write_later(free);
    }
}

// The first half of the name is as random as the whole.
fn lock_key(id: &UploadId) -> i64 {
    let digits: String = id.0.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).unwrap_or(0).cast_signed()
}

/// The name of an upload: a random UUID.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(String);

/// How far an upload has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadStatus {
    /// Its name.
    pub id: UploadId,
    /// How many bytes there are.
    pub offset: u64,
}

/// What the ledger knows of an upload.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// The algorithm of the hash that is kept.
    pub(crate) algorithm: Algorithm,
    /// How many bytes there are.
    pub(crate) received: u64,
    /// The state of the hash after them, if it can be believed.
    pub(crate) state: Option<Vec<u8>>,
}

impl UploadId {
    /// Reads the name of an upload.
    pub fn parse(text: &str) -> Option<Self> {
        let is_uuid = text.len() == 36
            && text.bytes().enumerate().all(|(place, byte)| match place {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            });
        is_uuid.then(|| Self(text.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    // RFC 9562 §5.4, version 4.
    pub(crate) fn random() -> Result<Self, Error> {
        let mut bytes = [0_u8; 16];
        let mut n_bytes = 0;
        while n_bytes < bytes.len() {
            n_bytes += rustix::rand::getrandom(
                &mut bytes[n_bytes..],
                rustix::rand::GetRandomFlags::empty(),
            )
            .map_err(|error| Error::file("the system's randomness")(error.into()))?;
        }
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (place, byte) in bytes.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            for digit in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        Ok(Self(text))
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Depot {
    /// Begins an upload; `algorithm` is that of the digest that will probably be asked for.
    pub async fn begin_upload(
        &self,
        repository: &RepositoryName,
        algorithm: Algorithm,
        by: &str,
    ) -> Result<UploadStatus, Error> {
        self.0.check_free(0)?;
        if let Some((0, error)) = self.0.bytes_left(repository).await? {
            return Err(error);
        }
        let id = UploadId::random()?;
        let row = (id.clone(), repository.clone(), by.to_owned(), self.0.clock.now());
        let insert = move |transaction: &Transaction<'_>| {
            let (id, repository, by, now) = &row;
            transaction.execute(
                "INSERT INTO upload (id, repository, algorithm, received, hash_state, author, touched)
                 VALUES (?1, ?2, ?3, 0, NULL, ?4, ?5)",
                values![&id.0, repository.as_str(), algorithm.as_str(), by, *now],
            )
        };
        self.0.ledger.uploads().write(insert, |_| ()).await?;
        Ok(UploadStatus { id, offset: 0 })
    }

    /// How far an upload has come.
    pub async fn upload_status(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<UploadStatus, Error> {
        let progress = self.0.progress(repository, id).await?;
        Ok(UploadStatus { id: id.clone(), offset: progress.received })
    }

    /// Appends a body. `at` is where the client believes that it goes on, `length` how much it announced.
    ///
    /// If the body breaks off, what came is kept ([`Error::Aborted`]); if it is too long or too short, nothing of it is.
    pub async fn append<B>(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        at: Option<u64>,
        length: Option<u64>,
        body: B,
    ) -> Result<UploadStatus, Error>
    where
        B: Stream<Item = io::Result<Bytes>> + Send + Unpin,
    {
        let guard = self.0.hold_upload(id).await?;
        let progress = self.0.progress(repository, id).await?;
        if at.is_some_and(|at| at != progress.received) {
            return Err(Error::OffsetWrong { have: progress.received });
        }
        self.0.check_free(length.unwrap_or(0))?;
        let limit = self.0.limit(repository, length).await?;
        if limit
            .announced
            .is_some_and(|length| progress.received.saturating_add(length) > limit.bytes)
        {
            return Err(limit.exceeded());
        }
        let offset = match &self.0.place {
            Place::Folder(_) => receive_body(&self.0, id, progress, limit, guard, body).await?,
            Place::Bucket(shelf) => receive_parts(&self.0, shelf, id, limit, guard, body).await?,
        };
        Ok(UploadStatus { id: id.clone(), offset })
    }

    /// Ends an upload: its bytes are a blob of the repository now, if they have this digest. If not, they are gone.
    pub async fn finish_upload(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
        digest: &Digest,
    ) -> Result<Blob, Error> {
        let (inner, repository) = (Arc::clone(&self.0), repository.clone());
        let (id, digest) = (id.clone(), digest.clone());
        // What is once begun is brought to its end, also if the client goes away meanwhile.
        let task = tokio::spawn(async move {
            match &inner.place {
                Place::Folder(_) => inner.finish(&repository, &id, &digest).await,
                Place::Bucket(shelf) => inner.finish_parts(shelf, &repository, &id, &digest).await,
            }
        });
        task.await.map_err(|_| Error::lost("the upload"))?
    }

    /// Ends an upload and removes its bytes.
    pub async fn cancel_upload(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<(), Error> {
        let _guard = self.0.hold_upload(id).await?;
        self.0.progress(repository, id).await?;
        self.0.drop_upload(id).await
    }
}

impl Inner {
    /// Waits until nobody else, on any replica, works on an upload.
    pub(crate) async fn hold_upload(&self, id: &UploadId) -> Result<Hold, Error> {
        let busy = || Error::Unavailable {
            what: "the upload",
            reason: "another request is still writing to it; ask for its status and go on there"
                .to_owned(),
        };
        let until = Instant::now() + LOCK_WAIT;
        let lock = self.upload_lock(id).lock_owned();
        let own = tokio::time::timeout(LOCK_WAIT, lock).await.map_err(|_| busy())?;
        if !self.is_shared() {
            return Ok(Hold { _own: own, _all: None });
        }
        let key = lock_key(id);
        loop {
            if let Some(all) = AllHold::take(&self.ledger, key).await? {
                return Ok(Hold { _own: own, _all: Some(all) });
            }
            if Instant::now() >= until {
                return Err(busy());
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }

    /// What the ledger knows of an upload of this repository.
    pub(crate) async fn progress(
        &self,
        repository: &RepositoryName,
        id: &UploadId,
    ) -> Result<Progress, Error> {
        let read = |transaction: &Transaction<'_>| {
            transaction.one(
                "SELECT algorithm, received, hash_state FROM upload WHERE id = ?1 AND repository = ?2",
                values![&id.0, repository.as_str()],
                |row| {
                    Ok(Progress {
                        algorithm: algorithm(&row.text(0)?),
                        received: row.size(1)?,
                        state: row.bytes_or_null(2)?,
                    })
                },
            )
        };
        self.ledger.uploads().read(read).await?.ok_or(Error::UploadUnknown)
    }

    pub(crate) async fn bytes_left(
        &self,
        repository: &RepositoryName,
    ) -> Result<Option<(u64, Error)>, Error> {
        let rules = self.rules();
        if rules.quotas.is_empty() {
            return Ok(None);
        }
        let read =
            |transaction: &Transaction<'_>| usage::bytes_left(transaction, &rules, repository);
        self.ledger.main().read(read).await
    }

    async fn limit(
        &self,
        repository: &RepositoryName,
        announced: Option<u64>,
    ) -> Result<Limit, Error> {
        let limit = self.settings.blob_bytes_max.unwrap_or(u64::MAX);
        Ok(match self.bytes_left(repository).await? {
            Some((left, error)) if left < limit => {
                Limit { announced, bytes: left, quota: Some(error) }
            }
            _ => Limit { announced, bytes: limit, quota: None },
        })
    }

    /// Removes an upload's bytes and row.
    pub(crate) async fn drop_upload(&self, id: &UploadId) -> Result<(), Error> {
        let files = match &self.place {
            Place::Folder(files) => files,
            Place::Bucket(shelf) => return self.drop_parts(shelf, id).await,
        };
        remove(&files.upload(&id.0)).map_err(Error::file("the upload's file"))?;
        let id = id.clone();
        let job = move |transaction: &Transaction<'_>| forget(transaction, &id);
        self.ledger.uploads().write(job, |()| ()).await
    }

    /// Removes the row of an upload that has no bytes any more, for a thread that may wait.
    pub(crate) fn forget_upload(&self, id: &UploadId) -> Result<(), Error> {
        let id = id.clone();
        self.ledger.uploads().write_blocking(move |transaction| forget(transaction, &id))
    }

    async fn finish(
        self: Arc<Self>,
        repository: &RepositoryName,
        id: &UploadId,
        digest: &Digest,
    ) -> Result<Blob, Error> {
        let _guard = self.hold_upload(id).await?;
        let progress = self.progress(repository, id).await?;
        let path = self.files()?.upload(&id.0);
        let size = progress.received;
        let kept = progress.state.as_deref().filter(|_| progress.algorithm == digest.algorithm());
        let kept = kept.and_then(|state| Hasher::resume(progress.algorithm, state));
        let found = match kept {
            Some(hasher) => hasher.finish(),
            None if size == 0 => Hasher::new(digest.algorithm()).finish(),
            None => {
                let (path, algorithm) = (path.clone(), digest.algorithm());
                tokio::task::spawn_blocking(move || hash_file(&path, algorithm, size, |_| ()))
                    .await
                    .map_err(|_| Error::lost("the upload"))?
                    .map_err(Error::file("the upload's file"))?
                    .finish()
            }
        };
        if found != *digest {
            self.drop_upload(id).await?;
            return Err(Error::DigestWrong { wanted: digest.clone(), found });
        }
        let blob = Blob { digest: digest.clone(), size };
        let result = Arc::clone(&self).admit(repository, &blob, &path).await;
        // Whoever has no room may delete something and try again; a file that the disk failed on is gone.
        if result.is_ok() || !path.exists() {
            self.drop_upload(id).await?;
        }
        result.map(|()| blob)
    }

    /// Brings uploads to where the last process left them.
    pub(crate) fn recover_uploads(&self) -> Result<(), Error> {
        let uploads = self.ledger.uploads();
        let rows = uploads.read_blocking(|transaction| {
            transaction.query(
                "SELECT id, algorithm, received, hash_state FROM upload",
                &[],
                |row| {
                    let progress = Progress {
                        algorithm: algorithm(&row.text(1)?),
                        received: row.size(2)?,
                        state: row.bytes_or_null(3)?,
                    };
                    Ok((UploadId(row.text(0)?), progress))
                },
            )
        })?;
        let files = self.files()?;
        let mut names = files.uploads()?;
        for (id, progress) in &rows {
            let is_there = names.binary_search(&id.0).is_ok();
            if !is_there && progress.received > 0 && !self.take_back(id, progress)? {
                self.forget_upload(id)?;
            }
        }
        names.retain(|name| !rows.iter().any(|(id, _)| id.0 == *name));
        for name in names {
            remove(&files.upload(&name)).map_err(Error::file("the upload's file"))?;
        }
        distrust_states_of_another_boot(uploads)
    }

    // The last process ended between the rename and the commit: the client was not answered and will finish again.
    fn take_back(&self, id: &UploadId, progress: &Progress) -> Result<bool, Error> {
        let state = progress.state.as_deref();
        let Some(hasher) = state.and_then(|state| Hasher::resume(progress.algorithm, state)) else {
            return Ok(false);
        };
        let digest = hasher.finish();
        let is_blob = self.ledger.main().read_blocking(|transaction| {
            let sql = "SELECT 1 FROM blob WHERE digest = ?1";
            transaction.exists(sql, values![&digest.to_string()])
        })?;
        let files = self.files()?;
        let from = files.blob(&digest);
        let is_whole = fs::metadata(&from).is_ok_and(|found| found.len() == progress.received);
        if is_blob || !is_whole {
            return Ok(false);
        }
        fs::rename(&from, files.upload(&id.0)).map_err(Error::file("the upload's file"))?;
        Ok(true)
    }
}

// Linux tells one start of the machine from another; a system that does not is always another one.
fn distrust_states_of_another_boot(uploads: &Database) -> Result<(), Error> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    uploads.write_blocking(move |transaction| {
        let sql = "SELECT value FROM meta WHERE name = 'boot'";
        let last = transaction.one(sql, &[], |row| row.text(0))?;
        if boot.is_empty() || last.as_ref() != Some(&boot) {
            transaction.execute("UPDATE upload SET hash_state = NULL", &[])?;
            transaction.execute(
                "INSERT INTO meta (name, value) VALUES ('boot', ?1)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                values![&boot],
            )?;
        }
        Ok(())
    })
}

/// Writes down how far an upload has come.
pub(crate) fn mark(
    transaction: &Transaction<'_>,
    id: &UploadId,
    progress: &Progress,
    now: i64,
) -> Result<(), Error> {
    transaction.execute(
        "UPDATE upload SET received = ?2, hash_state = ?3, touched = ?4 WHERE id = ?1",
        &[
            Value::from(&id.0),
            Value::from(progress.received),
            Value::from(progress.state.as_deref()),
            Value::from(now),
        ],
    )?;
    Ok(())
}

pub(crate) fn forget(transaction: &Transaction<'_>, id: &UploadId) -> Result<(), Error> {
    transaction.execute("DELETE FROM upload WHERE id = ?1", values![&id.0]).map(drop)
}

pub(crate) fn algorithm(name: &str) -> Algorithm {
    if name == "sha512" { Algorithm::Sha512 } else { Algorithm::Sha256 }
}

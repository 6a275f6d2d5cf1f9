//! The end of an upload to the bucket: an object that is whole becomes the bytes of a blob in one transaction.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use sealift_oci::{Digest, RepositoryName};

use super::intake::take;
use super::row::{self, Row};
use super::{Shelf, hash_body, object_of, path};
use crate::Error;
use crate::blob::{Blob, find, link};
use crate::body::BlobBody;
use crate::depot::Inner;
use crate::ledger::{LIVE, Transaction, values};
use crate::settings::Rules;
use crate::upload::UploadId;

/// Which object shall have a blob's bytes.
#[derive(Clone)]
enum Offer {
    /// The one that has them already.
    Known(String),
    /// A new one. One that was found broken does not count.
    New { name: String, broken: Option<String> },
}

#[derive(Clone)]
struct Admission {
    repository: RepositoryName,
    blob: Blob,
    lease: i64,
    id: UploadId,
    offer: Offer,
}

impl Inner {
    /// Ends an upload: its bytes are a blob of the repository now, if they have this digest.
    pub(crate) async fn finish_parts(
        &self,
        shelf: &Shelf,
        repository: &RepositoryName,
        id: &UploadId,
        digest: &Digest,
    ) -> Result<Blob, Error> {
        let _hold = self.hold_upload(id).await?;
        self.progress(repository, id).await?;
        let row = take(self, id).await?;
        let blob = Blob { digest: digest.clone(), size: row.received };
        let is_hashed = row.algorithm == digest.algorithm() || row.received == 0;
        if is_hashed {
            let found = match row.received {
                0 => sealift_oci::Hasher::new(digest.algorithm()).finish(),
                _ => row.hasher()?.finish(),
            };
            if found != *digest {
                self.drop_parts(shelf, id).await?;
                return Err(Error::DigestWrong { wanted: digest.clone(), found });
            }
        }
        self.check_quota(repository, &blob).await?;
        let mut admission = Admission {
            repository: repository.clone(),
            blob: blob.clone(),
            lease: self.lease_end(),
            id: id.clone(),
            offer: Offer::Known(String::new()),
        };
        let known = self.object_of(digest).await?;
        let is_whole = match (&known, is_hashed) {
            (Some(name), true) => shelf.bucket.size(&path(name)).await? == Some(blob.size),
            _ => false,
        };
        if let (Some(name), true) = (&known, is_whole) {
            admission.offer = Offer::Known(name.clone());
            if self.admit_object(&admission).await? {
                self.drop_parts(shelf, id).await?;
                return Ok(blob);
            }
        }
        let name = self.complete(shelf, id, &row).await?;
        if !is_hashed {
            self.hash_whole(shelf, id, &name, &blob).await?;
        }
        let broken = known.filter(|_| is_hashed && !is_whole);
        admission.offer = Offer::New { name: name.clone(), broken };
        match self.admit_object(&admission).await {
            Ok(_) => {}
            Err(error @ Error::Unavailable { .. }) => {
                // Nobody knows whether it was committed: the object stays, and the client asks again.
                return Err(error);
            }
            Err(error) => {
                shelf.bucket.delete(&path(&name)).await?;
                self.drop_parts(shelf, id).await?;
                return Err(error);
            }
        }
        shelf.forget_name(digest);
        if let Some((tail, _)) = row.tail.filter(|(tail, _)| *tail != name) {
            // It is a part of the object. One that stays is found by the collection.
            drop(shelf.bucket.delete(&path(&tail)).await);
        }
        Ok(blob)
    }

    // Whoever has no room may delete something and try again, as long as the object is not made.
    async fn check_quota(&self, repository: &RepositoryName, blob: &Blob) -> Result<(), Error> {
        let Some((left, error)) = self.bytes_left(repository).await? else { return Ok(()) };
        let text = blob.digest.to_string();
        let read = |transaction: &Transaction<'_>| find(transaction, repository, &text);
        let is_there = self.ledger.main().read(read).await?.is_some();
        if is_there || left >= blob.size { Ok(()) } else { Err(error) }
    }

    async fn admit_object(&self, admission: &Admission) -> Result<bool, Error> {
        let (admission, rules) = (admission.clone(), self.rules());
        let job = move |transaction: &Transaction<'_>| admit(transaction, &rules, &admission);
        self.ledger.main().write(job, |_| ()).await
    }

    // Makes an object of what came; its size is that which was received.
    async fn complete(&self, shelf: &Shelf, id: &UploadId, row: &Row) -> Result<String, Error> {
        let bucket = &shelf.bucket;
        let name = match (&row.multipart, &row.tail) {
            (Some(multipart), _) if !row.parts.is_empty() => {
                if let Err(error) = join_parts(shelf, id, row, multipart).await {
                    // The answer of an earlier request may have been lost.
                    if bucket.size(&path(id.as_str())).await? != Some(row.received) {
                        if matches!(error, sealift_bucket::Error::Missing) {
                            self.drop_parts(shelf, id).await?;
                            return Err(Error::UploadUnknown);
                        }
                        return Err(error.into());
                    }
                }
                id.to_string()
            }
            (_, Some((name, _))) => name.clone(),
            (_, None) => {
                let name = format!("{id}-{}", row.ticket);
                bucket.put(&path(&name), Bytes::new()).await?;
                name
            }
        };
        if bucket.size(&path(&name)).await? != Some(row.received) {
            return Err(Error::Unavailable {
                what: "the bucket",
                reason: "it has not what was written to it".to_owned(),
            });
        }
        Ok(name)
    }

    // The digest is of another algorithm than the one that was announced: the object is read.
    async fn hash_whole(
        &self,
        shelf: &Shelf,
        id: &UploadId,
        name: &str,
        blob: &Blob,
    ) -> Result<(), Error> {
        let body = shelf.bucket.read(&path(name), 0..blob.size, blob.size).await?;
        let found = hash_body(BlobBody::of_object(body), blob.digest.algorithm(), None)
            .await
            .map_err(Error::file("the bucket"))?;
        if found == blob.digest {
            return Ok(());
        }
        shelf.bucket.delete(&path(name)).await?;
        self.drop_parts(shelf, id).await?;
        Err(Error::DigestWrong { wanted: blob.digest.clone(), found })
    }

    /// Removes an upload's rows and bytes. Whoever calls it holds the upload.
    pub(crate) async fn drop_parts(&self, shelf: &Shelf, id: &UploadId) -> Result<(), Error> {
        let name = id.clone();
        let forget = move |transaction: &Transaction<'_>| {
            let sql = "SELECT multipart, tail FROM upload WHERE id = ?1";
            let found = transaction.one(sql, values![name.as_str()], |row| {
                Ok((row.text_or_null(0)?, row.text_or_null(1)?))
            })?;
            row::forget(transaction, &name)?;
            Ok(found.unwrap_or_default())
        };
        // In its turn, and the rows first: if the end of the upload is being committed at this moment, after all, the
        // rows are gone when the turn comes, and the object is a blob's.
        let (multipart, tail) = self.ledger.main().write(forget, |_| ()).await?;
        // What stays in the bucket is found by the collection, or by the bucket's own rules.
        if let Some(multipart) = multipart {
            drop(shelf.bucket.abort(&path(id.as_str()), &multipart).await);
        }
        if let Some(tail) = tail {
            drop(shelf.bucket.delete(&path(&tail)).await);
        }
        Ok(())
    }
}

// The tail becomes the last part.
async fn join_parts(
    shelf: &Shelf,
    id: &UploadId,
    row: &Row,
    multipart: &str,
) -> Result<(), sealift_bucket::Error> {
    let object = path(id.as_str());
    let mut parts = row.parts.clone();
    if let Some((name, n_bytes)) = &row.tail {
        let mut body = shelf.bucket.read(&path(name), 0..*n_bytes, *n_bytes).await?;
        let mut last = BytesMut::new();
        while let Some(piece) = body.next().await {
            let failed = |error: std::io::Error| sealift_bucket::Error::Unavailable {
                reason: error.to_string(),
            };
            last.extend_from_slice(&piece.map_err(failed)?);
        }
        let number = u32::try_from(parts.len()).unwrap_or(u32::MAX).saturating_add(1);
        parts.push(shelf.bucket.part(&object, multipart, number, last.freeze()).await?);
    }
    shelf.bucket.complete(&object, multipart, &parts).await
}

// False if the object that was known is known no more; then nothing is changed.
fn admit(
    transaction: &Transaction<'_>,
    rules: &Rules,
    admission: &Admission,
) -> Result<bool, Error> {
    let Admission { repository, blob, lease, id, offer } = admission;
    let digest = blob.digest.to_string();
    let state =
        transaction.one("SELECT state FROM blob WHERE digest = ?1", values![&digest], |row| {
            row.integer(0)
        })?;
    let existing = object_of(transaction, &digest)?.filter(|_| state == Some(LIVE));
    match offer {
        Offer::Known(name) if existing.as_ref() != Some(name) => return Ok(false),
        Offer::Known(_) => {
            // What the upload has in the bucket is removed with its rows, after this.
            link(transaction, rules, repository, blob, *lease)?;
            return Ok(true);
        }
        Offer::New { name, broken } => {
            link(transaction, rules, repository, blob, *lease)?;
            let is_whole =
                existing.is_some() && existing != *broken && existing.as_ref() != Some(name);
            if !is_whole {
                transaction.execute(
                    "UPDATE object SET state = 1 WHERE digest = ?1 AND state = 0 AND name <> ?2",
                    values![&digest, name],
                )?;
            }
            transaction.execute(
                "INSERT INTO object (name, digest, size, state) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name) DO NOTHING",
                values![name, &digest, blob.size, i64::from(is_whole)],
            )?;
        }
    }
    row::forget(transaction, id)?;
    Ok(true)
}

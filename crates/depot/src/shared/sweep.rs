//! Objects that leave the bucket, and objects that are read again. Any number of replicas may do it at once: the name of
//! an object is never used again, so that whoever comes second deletes what is gone.

use std::sync::Arc;

use sealift_oci::Digest;
use tokio::task::JoinSet;

use super::{Shelf, hash_body, object_of, path, upload_of};
use crate::Error;
use crate::blob::Blob;
use crate::body::BlobBody;
use crate::depot::Inner;
use crate::ledger::{DELETING, Transaction, values};

const BATCH: usize = 100;
const DELETED_AT_ONCE: usize = 8;

/// With a blob that is marked to be deleted goes its object, in the same transaction.
pub(crate) fn give_up_objects(transaction: &Transaction<'_>, digest: &str) -> Result<(), Error> {
    transaction.execute(
        "UPDATE object SET state = 1 WHERE digest = ?1 AND state = 0
         AND EXISTS (SELECT 1 FROM blob WHERE blob.digest = ?1 AND blob.state = ?2)",
        values![digest, DELETING],
    )?;
    Ok(())
}

impl Inner {
    /// Deletes the objects that were given up; told is how many blobs went, and their bytes.
    pub(crate) async fn remove_objects(
        self: &Arc<Self>,
        shelf: &Arc<Shelf>,
    ) -> Result<(u64, u64), Error> {
        loop {
            let names: Vec<String> = self
                .look(|transaction| {
                    let sql = "SELECT name FROM object WHERE state = 1 ORDER BY name LIMIT ?1";
                    transaction.query(sql, values![BATCH], |row| row.text(0))
                })
                .await?;
            if names.is_empty() {
                break;
            }
            delete_all(shelf, &names).await?;
            let forget = move |transaction: &Transaction<'_>| {
                for name in &names {
                    let sql = "DELETE FROM object WHERE name = ?1 AND state = 1";
                    transaction.execute(sql, values![name])?;
                }
                Ok(())
            };
            self.ledger.main().write(forget, |()| ()).await?;
        }
        let (mut n_blobs, mut n_bytes) = (0, 0);
        loop {
            let job = |transaction: &Transaction<'_>| forget_blobs(transaction);
            let removed = self.ledger.main().write(job, |_| ()).await?;
            n_blobs += removed.len() as u64;
            n_bytes += removed.iter().sum::<u64>();
            if removed.is_empty() {
                return Ok((n_blobs, n_bytes));
            }
        }
    }

    /// Deletes objects that the ledger does not know: what an upload left that ended in the middle.
    pub(crate) async fn remove_unknown(self: &Arc<Self>, shelf: &Arc<Shelf>) -> Result<u64, Error> {
        let (mut n_removed, mut after) = (0, String::new());
        loop {
            // The list comes first: whoever writes an object is in the ledger before.
            let listed = shelf.bucket.list("blobs/", &after).await?;
            let Some(last) = listed.names.last() else { return Ok(n_removed) };
            after.clone_from(last);
            let mut names: Vec<String> = listed
                .names
                .iter()
                .filter_map(|it| Some(it.rsplit_once('/')?.1.to_owned()))
                .collect();
            names.retain(|name| upload_of(name).is_some());
            let unknown = self.look(move |transaction| unknown_names(transaction, names)).await?;
            delete_all(shelf, &unknown).await?;
            n_removed += unknown.len() as u64;
            if !listed.more {
                return Ok(n_removed);
            }
        }
    }

    /// Why a blob's object is damaged, if it is.
    pub(crate) async fn examine_object(
        &self,
        shelf: &Shelf,
        blob: &Blob,
        bytes_per_second: Option<u64>,
    ) -> Result<Option<String>, Error> {
        let text = blob.digest.to_string();
        let read = |transaction: &Transaction<'_>| object_of(transaction, &text);
        let missing = || Some("its object is missing, or has another size".to_owned());
        let Some(name) = self.ledger.main().read(read).await? else { return Ok(missing()) };
        let body = match shelf.bucket.read(&path(&name), 0..blob.size, blob.size).await {
            Ok(body) => BlobBody::of_object(body),
            Err(sealift_bucket::Error::Missing) => return Ok(missing()),
            // A store that does not answer says nothing of the blob.
            Err(error) => return Err(error.into()),
        };
        let found = hash_body(body, blob.digest.algorithm(), bytes_per_second).await;
        let found: Digest = found.map_err(|error| Error::Unavailable {
            what: "the bucket",
            reason: error.to_string(),
        })?;
        Ok((found != blob.digest).then(|| format!("its bytes have digest `{found}`")))
    }
}

async fn delete_all(shelf: &Arc<Shelf>, names: &[String]) -> Result<(), Error> {
    for some in names.chunks(DELETED_AT_ONCE) {
        let mut deleting = JoinSet::new();
        for name in some {
            let (bucket, name) = (shelf.bucket.clone(), path(name));
            deleting.spawn(async move { bucket.delete(&name).await });
        }
        while let Some(deleted) = deleting.join_next().await {
            deleted.map_err(|_| Error::lost("the collector"))??;
        }
    }
    Ok(())
}

// Blobs that are marked and have no object any more; told are their sizes.
fn forget_blobs(transaction: &Transaction<'_>) -> Result<Vec<u64>, Error> {
    let gone = transaction.query(
        "SELECT digest, size FROM blob WHERE state = ?1
         AND NOT EXISTS (SELECT 1 FROM object WHERE object.digest = blob.digest) LIMIT ?2",
        values![DELETING, BATCH],
        |row| Ok((row.text(0)?, row.size(1)?)),
    )?;
    for (digest, _) in &gone {
        transaction.execute("DELETE FROM blob WHERE digest = ?1", values![digest])?;
    }
    Ok(gone.into_iter().map(|(_, size)| size).collect())
}

// Names are in the order of their bytes.
fn unknown_names(
    transaction: &Transaction<'_>,
    mut names: Vec<String>,
) -> Result<Vec<String>, Error> {
    let (Some(first), Some(last)) = (names.first().cloned(), names.last().cloned()) else {
        return Ok(names);
    };
    let known: std::collections::HashSet<String> = transaction
        .query(
            "SELECT name FROM object WHERE name >= ?1 AND name <= ?2",
            values![&first, &last],
            |row| row.text(0),
        )?
        .into_iter()
        .chain(transaction.query(
            "SELECT id FROM upload WHERE id >= ?1 AND id <= ?2",
            values![first.get(..36).unwrap_or(""), &last],
            |row| row.text(0),
        )?)
        .collect();
    names.retain(|name| {
        !known.contains(name) && !name.get(..36).is_some_and(|id| known.contains(id))
    });
    Ok(names)
}

//! What the ledger knows of an upload to the bucket.

use sealift_oci::{Algorithm, Hasher};

use crate::Error;
use crate::ledger::{Transaction, Value, values};
use crate::upload::{UploadId, algorithm};

/// An upload. Its parts are in the bucket already; what came after the last whole part is the tail, an object of its
/// own, which is the whole blob if there are no parts.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) algorithm: Algorithm,
    /// Bytes of the parts and the tail.
    pub(crate) received: u64,
    /// State of the hash after them.
    pub(crate) state: Option<Vec<u8>>,
    /// What the store calls the upload of the parts.
    pub(crate) multipart: Option<String>,
    /// Name and size of the tail.
    pub(crate) tail: Option<(String, u64)>,
    /// What the store calls the parts.
    pub(crate) parts: Vec<String>,
    /// Whoever appends or finishes has a new one.
    pub(crate) ticket: i64,
}

impl Row {
    /// The hash of what came so far.
    pub(crate) fn hasher(&self) -> Result<Hasher, Error> {
        let kept = self.state.as_deref().and_then(|it| Hasher::resume(self.algorithm, it));
        match kept {
            Some(hasher) => Ok(hasher),
            None if self.received == 0 => Ok(Hasher::new(self.algorithm)),
            None => Err(Error::Format { reason: "the hash of an upload is missing".to_owned() }),
        }
    }
}

/// Reads an upload and takes a new ticket for it.
pub(crate) fn take(
    transaction: &Transaction<'_>,
    id: &UploadId,
    now: i64,
) -> Result<Option<Row>, Error> {
    transaction.execute(
        "UPDATE upload SET ticket = ticket + 1, touched = ?2 WHERE id = ?1",
        values![id.as_str(), now],
    )?;
    let row = transaction.one(
        "SELECT algorithm, received, hash_state, multipart, tail, tail_bytes, ticket FROM upload
         WHERE id = ?1",
        values![id.as_str()],
        |row| {
            let tail = row.text_or_null(4)?;
            let tail_bytes = row.size(5)?;
            Ok(Row {
                algorithm: algorithm(&row.text(0)?),
                received: row.size(1)?,
                state: row.bytes_or_null(2)?,
                multipart: row.text_or_null(3)?,
                tail: tail.map(|name| (name, tail_bytes)),
                parts: Vec::new(),
                ticket: row.integer(6)?,
            })
        },
    )?;
    let Some(mut row) = row else { return Ok(None) };
    row.parts = transaction.query(
        "SELECT tag FROM upload_part WHERE upload = ?1 ORDER BY number",
        values![id.as_str()],
        |row| row.text(0),
    )?;
    Ok(Some(row))
}

/// Writes down how far an upload has come, if nobody else took it over.
pub(crate) fn mark(
    transaction: &Transaction<'_>,
    id: &UploadId,
    row: &Row,
    now: i64,
) -> Result<(), Error> {
    let (tail, tail_bytes) =
        row.tail.as_ref().map_or((None, 0), |(name, n_bytes)| (Some(name), *n_bytes));
    let n_rows = transaction.execute(
        "UPDATE upload SET received = ?2, hash_state = ?3, touched = ?4, multipart = ?5, tail = ?6,
         tail_bytes = ?7 WHERE id = ?1 AND ticket = ?8",
        &[
            Value::from(id.as_str()),
            Value::from(row.received),
            Value::from(row.state.as_deref()),
            Value::from(now),
            Value::from(row.multipart.as_ref()),
            Value::from(tail),
            Value::from(tail_bytes),
            Value::from(row.ticket),
        ],
    )?;
    if n_rows == 0 {
        return Err(taken_over());
    }
    let n_parts = row.parts.len();
    transaction.execute(
        "DELETE FROM upload_part WHERE upload = ?1 AND number > ?2",
        values![id.as_str(), n_parts],
    )?;
    // Those before the last are there.
    if let Some(tag) = row.parts.last() {
        transaction.execute(
            "INSERT INTO upload_part (upload, number, tag) VALUES (?1, ?2, ?3)
             ON CONFLICT (upload, number) DO UPDATE SET tag = excluded.tag",
            values![id.as_str(), n_parts, tag],
        )?;
    }
    Ok(())
}

/// Another request has the upload now.
pub(crate) fn taken_over() -> Error {
    Error::Unavailable {
        what: "the upload",
        reason: "another request goes on with it; ask for its status".to_owned(),
    }
}

/// Removes an upload's rows.
pub(crate) fn forget(transaction: &Transaction<'_>, id: &UploadId) -> Result<(), Error> {
    transaction.execute("DELETE FROM upload_part WHERE upload = ?1", values![id.as_str()])?;
    crate::upload::forget(transaction, id)
}

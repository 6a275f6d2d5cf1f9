//! The bytes of an upload as they come: gathered to parts, which go to the bucket while the next one is gathered.
//!
//! The ledger learns of a part when the bucket has it. What came after the last part is an object of its own when the
//! request ends, so that any replica can go on; its name has the ticket, and nobody else writes to it.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use sealift_bucket::PARTS_MAX;
use sealift_oci::Hasher;
use tokio::task::JoinHandle;

use super::row::{self, Row};
use super::{Shelf, path};
use crate::Error;
use crate::depot::Inner;
use crate::ledger::Transaction;
use crate::receive::Limit;
use crate::upload::{Hold, UploadId};

struct Intake<'a> {
    inner: &'a Arc<Inner>,
    shelf: &'a Arc<Shelf>,
    id: &'a UploadId,
    // As the ledger has it.
    row: Row,
    hasher: Hasher,
    buffer: BytesMut,
    // All that came, also what is in the buffer or on its way.
    received: u64,
    sending: Option<Sending>,
    // Tails that went into parts; they stay until it is certain that the parts do.
    stale: Vec<String>,
}

// A part on its way, and what the row is when it has arrived.
struct Sending {
    task: JoinHandle<Result<String, sealift_bucket::Error>>,
    received: u64,
    state: Vec<u8>,
}

/// Takes in a body and tells how many bytes the upload has then.
pub(crate) async fn receive_parts<B>(
    inner: &Arc<Inner>,
    shelf: &Arc<Shelf>,
    id: &UploadId,
    limit: Limit,
    _hold: Hold,
    mut body: B,
) -> Result<u64, Error>
where
    B: Stream<Item = io::Result<Bytes>> + Send + Unpin,
{
    let before = take(inner, id).await?;
    let mut intake = Intake::open(inner, shelf, id, before.clone()).await?;
    let mut n_bytes = 0_u64;
    let refusal = loop {
        match body.next().await {
            Some(Ok(bytes)) => {
                n_bytes = n_bytes.saturating_add(bytes.len() as u64);
                if limit.announced.is_some_and(|length| n_bytes > length) {
                    break Error::LengthWrong;
                }
                if before.received.saturating_add(n_bytes) > limit.bytes {
                    break limit.exceeded();
                }
                intake.gather(bytes).await?;
            }
            Some(Err(error)) => {
                // What came is kept.
                intake.close().await?;
                return Err(Error::Aborted(error));
            }
            None if limit.announced.is_some_and(|length| n_bytes < length) => {
                break Error::LengthWrong;
            }
            None => return intake.close().await,
        }
    };
    intake.go_back(before).await?;
    Err(refusal)
}

/// Reads an upload and takes a new ticket for it.
pub(crate) async fn take(inner: &Inner, id: &UploadId) -> Result<Row, Error> {
    let (asked, now) = (id.clone(), inner.clock.now());
    let take = move |transaction: &Transaction<'_>| row::take(transaction, &asked, now);
    inner.ledger.uploads().write(take, |_| ()).await?.ok_or(Error::UploadUnknown)
}

impl<'a> Intake<'a> {
    async fn open(
        inner: &'a Arc<Inner>,
        shelf: &'a Arc<Shelf>,
        id: &'a UploadId,
        row: Row,
    ) -> Result<Self, Error> {
        let (hasher, received) = (row.hasher()?, row.received);
        let mut buffer = BytesMut::new();
        if let Some((name, n_bytes)) = &row.tail {
            let mut tail = shelf.bucket.read(&path(name), 0..*n_bytes, *n_bytes).await?;
            while let Some(piece) = tail.try_next().await.map_err(Error::file("the bucket"))? {
                buffer.extend_from_slice(&piece);
            }
        }
        Ok(Self {
            inner,
            shelf,
            id,
            row,
            hasher,
            buffer,
            received,
            sending: None,
            stale: Vec::new(),
        })
    }

    async fn gather(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            // A part goes when more comes, so that the last one is never empty.
            if self.buffer.len() >= self.shelf.part_bytes {
                self.send_part().await?;
            }
            let room = self.shelf.part_bytes - self.buffer.len();
            let piece = bytes.split_to(room.min(bytes.len()));
            self.buffer.extend_from_slice(&piece);
            self.hasher.update(&piece);
            self.received += piece.len() as u64;
        }
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), Error> {
        self.arrived().await?;
        let number = u32::try_from(self.row.parts.len()).unwrap_or(u32::MAX).saturating_add(1);
        if number > PARTS_MAX {
            let limit = u64::from(PARTS_MAX) * self.shelf.part_bytes as u64;
            return Err(Error::TooLarge { limit });
        }
        let object = path(self.id.as_str());
        let multipart = if let Some(multipart) = &self.row.multipart {
            multipart.clone()
        } else {
            let multipart = self.shelf.bucket.begin(&object).await?;
            self.row.multipart = Some(multipart.clone());
            self.mark().await?;
            multipart
        };
        let part = self.buffer.split().freeze();
        let bucket = self.shelf.bucket.clone();
        let task =
            tokio::spawn(async move { bucket.part(&object, &multipart, number, part).await });
        let state = self.hasher.state();
        self.sending = Some(Sending { task, received: self.received, state });
        Ok(())
    }

    // Waits for the part that is on its way, and writes it down.
    async fn arrived(&mut self) -> Result<(), Error> {
        let Some(Sending { task, received, state }) = self.sending.take() else { return Ok(()) };
        let tag = task.await.map_err(|_| Error::lost("the upload"))??;
        self.row.parts.push(tag);
        self.row.received = received;
        self.row.state = Some(state);
        self.stale.extend(self.row.tail.take().map(|(name, _)| name));
        self.mark().await
    }

    async fn mark(&self) -> Result<(), Error> {
        let (id, row, now) = (self.id.clone(), self.row.clone(), self.inner.clock.now());
        let mark = move |transaction: &Transaction<'_>| row::mark(transaction, &id, &row, now);
        self.inner.ledger.uploads().write(mark, |()| ()).await
    }

    // All that came is in the bucket and in the ledger.
    async fn close(mut self) -> Result<u64, Error> {
        self.arrived().await?;
        if self.received == self.row.received {
            self.remove_stale().await;
            return Ok(self.received);
        }
        let name = format!("{}-{}", self.id, self.row.ticket);
        let n_bytes = self.buffer.len() as u64;
        self.shelf.bucket.put(&path(&name), self.buffer.split().freeze()).await?;
        self.stale.extend(self.row.tail.replace((name, n_bytes)).map(|(name, _)| name));
        self.row.received = self.received;
        self.row.state = Some(self.hasher.state());
        self.mark().await?;
        self.remove_stale().await;
        Ok(self.received)
    }

    // One that cannot be removed now is found by the collection.
    async fn remove_stale(&self) {
        for name in &self.stale {
            drop(self.shelf.bucket.delete(&path(name)).await);
        }
    }

    // The upload is what it was before this request. The store keeps the parts that nobody names until the end.
    async fn go_back(mut self, before: Row) -> Result<(), Error> {
        if let Some(sending) = self.sending.take() {
            // It must not come after another part of its number.
            drop(sending.task.await);
        }
        let multipart = self.row.multipart.take();
        self.row = Row { multipart, ..before };
        self.mark().await
    }
}

//! The bytes of an upload as they come: gathered, handed to a thread that writes and hashes, and marked in the ledger.
//!
//! While the thread works on one piece the next one is gathered; a third has to wait. If the request is given up the
//! thread finds its channel closed, and keeps what it has.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use sealift_oci::Hasher;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::Error;
use crate::depot::Inner;
use crate::files::hash_file;
use crate::ledger::Transaction;
use crate::upload::{Hold, Progress, UploadId, mark};

// Small enough that what was just received is still near the processor when it is written and hashed.
const PIECE_BYTES: usize = 256 << 10;
// At least so often the ledger learns how far an upload has come.
const MARK_BYTES: u64 = 8 << 20;

/// How much may come.
pub(crate) struct Limit {
    /// What the client announced.
    pub(crate) announced: Option<u64>,
    /// Bytes of the whole upload.
    pub(crate) bytes: u64,
    /// Why not more, if it is not the largest size of a blob.
    pub(crate) quota: Option<Error>,
}

impl Limit {
    /// The error of too many bytes.
    pub(crate) fn exceeded(self) -> Error {
        self.quota.unwrap_or(Error::TooLarge { limit: self.bytes })
    }
}

enum End {
    Whole,
    Aborted(io::Error),
    LengthWrong,
    TooLarge,
    // The thread has ended and knows why.
    Failed,
}

struct Thread {
    pieces: mpsc::Sender<Vec<Bytes>>,
    result: JoinHandle<(Result<u64, Error>, Hold)>,
}

/// Takes in a body and tells how many bytes the upload has then.
pub(crate) async fn receive_body<B>(
    inner: &Arc<Inner>,
    id: &UploadId,
    progress: Progress,
    limit: Limit,
    guard: Hold,
    mut body: B,
) -> Result<u64, Error>
where
    B: Stream<Item = io::Result<Bytes>> + Send + Unpin,
{
    let thread = Thread::start(Arc::clone(inner), id.clone(), progress.clone(), guard);
    let (mut piece, mut n_gathered, mut n_bytes) = (Vec::new(), 0, 0_u64);
    let mut end = loop {
        match body.next().await {
            Some(Ok(bytes)) => {
                n_bytes = n_bytes.saturating_add(bytes.len() as u64);
                if limit.announced.is_some_and(|length| n_bytes > length) {
                    break End::LengthWrong;
                }
                if progress.received.saturating_add(n_bytes) > limit.bytes {
                    break End::TooLarge;
                }
                n_gathered += bytes.len();
                piece.push(bytes);
                if n_gathered >= PIECE_BYTES {
                    n_gathered = 0;
                    if thread.pieces.send(std::mem::take(&mut piece)).await.is_err() {
                        break End::Failed;
                    }
                }
            }
            Some(Err(error)) => break End::Aborted(error),
            None if limit.announced.is_some_and(|length| n_bytes < length) => {
                break End::LengthWrong;
            }
            None => break End::Whole,
        }
    };
    let is_kept = matches!(end, End::Whole | End::Aborted(_));
    if is_kept && !piece.is_empty() && thread.pieces.send(piece).await.is_err() {
        end = End::Failed;
    }
    let Thread { pieces, result } = thread;
    drop(pieces);
    let (received, guard) = result.await.map_err(|_| Error::lost("the upload"))?;
    let received = received?;
    let refusal = match end {
        End::Whole => return Ok(received),
        End::Aborted(error) => return Err(Error::Aborted(error)),
        End::Failed => return Err(Error::lost("the upload")),
        End::LengthWrong => Error::LengthWrong,
        End::TooLarge => limit.exceeded(),
    };
    let (id, now) = (id.clone(), inner.clock.now());
    let back = move |transaction: &Transaction<'_>| mark(transaction, &id, &progress, now);
    inner.ledger.uploads().write(back, move |()| drop(guard)).await?;
    Err(refusal)
}

impl Thread {
    fn start(inner: Arc<Inner>, id: UploadId, progress: Progress, guard: Hold) -> Self {
        let (pieces, received) = mpsc::channel(1);
        let result =
            tokio::task::spawn_blocking(move || (write(&inner, &id, progress, received), guard));
        Self { pieces, result }
    }
}

fn write(
    inner: &Inner,
    id: &UploadId,
    progress: Progress,
    mut pieces: mpsc::Receiver<Vec<Bytes>>,
) -> Result<u64, Error> {
    let Some(first) = pieces.blocking_recv() else { return Ok(progress.received) };
    let (mut file, mut hasher) = open(inner, id, &progress)?;
    let mut marked = progress.received;
    let filled = fill(inner, id, (&mut file, &mut hasher), progress, &mut marked, first, pieces);
    if filled.is_err() {
        // A full disk gets back what nobody will go on from. If that fails too, the next append cuts the file.
        drop(file.set_len(marked));
    }
    filled
}

fn fill(
    inner: &Inner,
    id: &UploadId,
    (file, hasher): (&mut File, &mut Hasher),
    mut progress: Progress,
    marked: &mut u64,
    mut piece: Vec<Bytes>,
    mut pieces: mpsc::Receiver<Vec<Bytes>>,
) -> Result<u64, Error> {
    loop {
        for bytes in piece {
            file.write_all(&bytes).map_err(Error::file("the upload's file"))?;
            hasher.update(&bytes);
            progress.received += bytes.len() as u64;
        }
        if progress.received - *marked >= MARK_BYTES {
            inner.check_free(0)?;
            progress.state = Some(hasher.state());
            let (id, progress, now) = (id.clone(), progress.clone(), inner.clock.now());
            *marked = progress.received;
            inner
                .ledger
                .uploads()
                .write_later(move |transaction| mark(transaction, &id, &progress, now))?;
        }
        match pieces.blocking_recv() {
            Some(next) => piece = next,
            None => break,
        }
    }
    progress.state = Some(hasher.state());
    let (id, received, now) = (id.clone(), progress.received, inner.clock.now());
    let last = move |transaction: &Transaction<'_>| mark(transaction, &id, &progress, now);
    inner.ledger.uploads().write_blocking(last)?;
    Ok(received)
}

// The file as far as the ledger knows it, and the hash of that.
fn open(inner: &Inner, id: &UploadId, progress: &Progress) -> Result<(File, Hasher), Error> {
    let path = inner.files()?.upload(id.as_str());
    let is_new = progress.received == 0;
    let opened = File::options().create(is_new).truncate(false).write(true).mode(0o600).open(&path);
    let mut file = opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::UploadUnknown,
        _ => Error::file("the upload's file")(error),
    })?;
    let failed = |error| Error::file("the upload's file")(error);
    if file.metadata().map_err(failed)?.len() < progress.received {
        // The machine lost what it had not yet written.
        inner.forget_upload(id)?;
        return Err(Error::UploadUnknown);
    }
    file.set_len(progress.received).map_err(failed)?;
    file.seek(SeekFrom::Start(progress.received)).map_err(failed)?;
    let kept =
        progress.state.as_deref().and_then(|state| Hasher::resume(progress.algorithm, state));
    let hasher = match kept {
        Some(hasher) => hasher,
        None if is_new => Hasher::new(progress.algorithm),
        None => hash_file(&path, progress.algorithm, progress.received, |_| ()).map_err(failed)?,
    };
    Ok((file, hasher))
}

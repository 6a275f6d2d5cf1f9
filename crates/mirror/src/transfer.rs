//! Fetching one blob: from the upstream to the readers and to a file, with its digest proved before the last piece.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sealift_client::Answer;
use sealift_oci::{Digest, Hasher};
use tempfile::{NamedTempFile, TempPath};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{sleep, timeout};

use crate::MirrorError;
use crate::flight::{End, Flight};
use crate::route::Route;
use crate::upstream::{Upstream, Wanted};

/// What files are called that hold blobs on their way.
pub(crate) const FILE_PREFIX: &str = "coming-";

const WRITE_BYTES: usize = 512 << 10;
const RESUMES_MAX: u32 = 6;
const RESUME_WAIT_MAX: Duration = Duration::from_secs(10);
// A transfer that came so far since it last broke off is not the one that never comes.
const PROGRESS_BYTES: u64 = 1 << 20;
// So long those who keep up wait for the one who does not, and a blob that nobody reads for a reader.
const STALL: Duration = Duration::from_secs(30);
const NOBODY: Duration = Duration::from_secs(5);

/// A blob to fetch.
pub(crate) struct Transfer<'a> {
    pub(crate) upstream: &'a Upstream,
    pub(crate) route: &'a Route,
    pub(crate) digest: &'a Digest,
    pub(crate) flight: &'a Arc<Flight>,
    /// The folder for files of blobs on their way.
    pub(crate) folder: &'a Path,
    /// Whether there is room for so many bytes.
    pub(crate) has_room: &'a (dyn Fn(u64) -> bool + Sync),
    /// Told that the upstream does not have it, before anybody else is.
    pub(crate) is_unknown: &'a (dyn Fn() + Sync),
}

/// A blob that came, and is what it should be.
pub(crate) struct Landed {
    /// Its file, if it could be written.
    pub(crate) file: Option<TempPath>,
    pub(crate) size: u64,
}

struct Receiving {
    hasher: Hasher,
    received: u64,
    total: Option<u64>,
    held: Option<Bytes>,
    spool: Spool,
}

impl Transfer<'_> {
    /// Fetches it. The flight has ended when this returns.
    pub(crate) async fn run(&self) -> Result<Landed, MirrorError> {
        let outcome = self.receive().await;
        match &outcome {
            Ok(_) => self.flight.end(End::Proved),
            Err(error) => {
                if let MirrorError::NotFound { .. } = error {
                    (self.is_unknown)();
                }
                self.flight.end(End::Failed(error.clone()));
            }
        }
        outcome
    }

    async fn receive(&self) -> Result<Landed, MirrorError> {
        let rest = format!("blobs/{}", self.digest);
        let wanted = self.wanted(&rest, 0);
        let mut answer = self.upstream.ask(wanted).await?;
        let total = answer.length();
        self.check_size(&wanted, total.unwrap_or(0))?;
        self.flight.set_total(total);
        let folder = Some(self.folder).filter(|_| (self.has_room)(total.unwrap_or(0)));
        let mut receiving = Receiving {
            hasher: Hasher::new(self.digest.algorithm()),
            received: 0,
            total,
            held: None,
            spool: Spool::new(folder, self.flight).await,
        };
        if receiving.spool.file.is_none() {
            self.upstream.counters.unkept();
        }
        let (mut resumes, mut last) = (0, 0);
        let mut skip = 0;
        loop {
            let Some(reason) = self.drain(&mut receiving, &mut answer, skip).await? else { break };
            if receiving.received >= last + PROGRESS_BYTES {
                resumes = 0;
            }
            last = receiving.received;
            (answer, skip) = self.resume(&rest, last, &mut resumes, reason).await?;
        }
        self.prove(&wanted, receiving).await
    }

    // Takes all of an answer's body; says why if there should be more.
    async fn drain(
        &self,
        receiving: &mut Receiving,
        answer: &mut Answer,
        mut skip: u64,
    ) -> Result<Option<String>, MirrorError> {
        let rest = format!("blobs/{}", self.digest);
        let wanted = self.wanted(&rest, 0);
        loop {
            if receiving.total == Some(receiving.received) {
                return Ok(None);
            }
            let mut bytes = match self.upstream.chunk(answer).await {
                Ok(Some(bytes)) => bytes,
                Ok(None) if receiving.total.is_none() => return Ok(None),
                Ok(None) => return Ok(Some("it ended before its end".to_owned())),
                Err(reason) => return Ok(Some(reason)),
            };
            let skipped = skip.min(bytes.len() as u64);
            skip -= skipped;
            let bytes = bytes.split_off(usize::try_from(skipped).expect("not above its length"));
            if bytes.is_empty() {
                continue;
            }
            self.check_size(&wanted, receiving.received + bytes.len() as u64)?;
            if receiving.total.is_some_and(|total| receiving.received + bytes.len() as u64 > total)
            {
                return Err(self.upstream.wrong(&wanted, "there is more of it than it said"));
            }
            self.take(receiving, bytes).await?;
        }
    }

    async fn take(&self, receiving: &mut Receiving, bytes: Bytes) -> Result<(), MirrorError> {
        receiving.hasher.update(&bytes);
        receiving.received += bytes.len() as u64;
        self.wait_for_room().await?;
        if let Some(held) = receiving.held.take() {
            self.flight.publish(held);
        }
        let may_be_last = receiving.total.is_none_or(|total| total == receiving.received);
        if may_be_last {
            receiving.held = Some(bytes.clone());
        } else {
            self.flight.publish(bytes.clone());
        }
        if receiving.spool.take(self.flight, bytes).await {
            self.upstream.counters.unkept();
        }
        Ok(())
    }

    async fn wait_for_room(&self) -> Result<(), MirrorError> {
        loop {
            if self.flight.is_pointless() {
                let came = timeout(NOBODY, self.flight.reader_moved()).await;
                if came.is_err() && self.flight.is_pointless() {
                    return Err(MirrorError::Storage {
                        what: self.digest.to_string(),
                        reason: "there is no room for it, and nobody reads it".to_owned(),
                    });
                }
                continue;
            }
            if self.flight.make_room() {
                return Ok(());
            }
            if timeout(STALL, self.flight.reader_moved()).await.is_err() {
                self.flight.drop_slowest();
            }
        }
    }

    async fn resume(
        &self,
        rest: &str,
        from: u64,
        resumes: &mut u32,
        mut reason: String,
    ) -> Result<(Answer, u64), MirrorError> {
        loop {
            if *resumes >= RESUMES_MAX {
                return Err(self.upstream.broke_off(&self.wanted(rest, 0), reason));
            }
            *resumes += 1;
            self.upstream.counters.resumed();
            sleep(Duration::from_millis(50 << *resumes)).await;
            match self.upstream.ask(self.wanted(rest, from)).await {
                Ok(answer) if answer.status() == 206 => return Ok((answer, 0)),
                // It knows no ranges, and sends all of it again.
                Ok(answer) => return Ok((answer, from)),
                Err(MirrorError::Unavailable { reason: why, after, .. }) => {
                    reason = why;
                    sleep(after.unwrap_or_default().min(RESUME_WAIT_MAX)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn prove(
        &self,
        wanted: &Wanted<'_>,
        mut receiving: Receiving,
    ) -> Result<Landed, MirrorError> {
        let found = receiving.hasher.finish();
        if found != *self.digest {
            self.upstream.counters.mismatch();
            return Err(self.upstream.wrong(wanted, format!("its digest is `{found}`")));
        }
        self.flight.set_total(Some(receiving.received));
        if let Some(held) = receiving.held.take() {
            self.flight.publish(held);
        }
        // Readers need not wait for the disk.
        self.flight.end(End::Proved);
        let (file, failed) = receiving.spool.finish(self.flight).await;
        if failed {
            self.upstream.counters.unkept();
        }
        Ok(Landed { file, size: receiving.received })
    }

    fn check_size(&self, wanted: &Wanted<'_>, size: u64) -> Result<(), MirrorError> {
        let limit = self.upstream.settings.blob_bytes_max;
        if size > limit {
            return Err(self.upstream.wrong(wanted, format!("it has more than {limit} bytes")));
        }
        Ok(())
    }

    fn wanted<'b>(&'b self, rest: &'b str, from: u64) -> Wanted<'b> {
        Wanted { route: self.route, rest, head_only: false, known: None, from }
    }
}

// The file beside the readers. One piece is written while the next is gathered.
struct Spool {
    file: Option<(Arc<File>, TempPath)>,
    batch: Vec<Bytes>,
    batch_bytes: usize,
    written: u64,
    writing: Option<JoinHandle<io::Result<u64>>>,
}

impl Spool {
    async fn new(folder: Option<&Path>, flight: &Flight) -> Self {
        let folder = folder.map(Path::to_owned);
        let made = spawn_blocking(move || {
            let named = tempfile::Builder::new().prefix(FILE_PREFIX).tempfile_in(folder?);
            named.map(NamedTempFile::into_parts).ok()
        });
        let made = made.await.unwrap_or_default();
        let file = made.map(|(file, path)| (Arc::new(file), path));
        match &file {
            Some((file, _)) => flight.set_file(Arc::clone(file)),
            None => {
                flight.give_up_file();
            }
        }
        Self { file, batch: Vec::new(), batch_bytes: 0, written: 0, writing: None }
    }

    // `true` if it has failed just now.
    async fn take(&mut self, flight: &Flight, bytes: Bytes) -> bool {
        if self.file.is_none() {
            return false;
        }
        self.batch_bytes += bytes.len();
        self.batch.push(bytes);
        if self.batch_bytes < WRITE_BYTES {
            return false;
        }
        let failed = self.settle(flight).await;
        self.launch();
        failed
    }

    fn launch(&mut self) {
        let Some((file, _)) = &self.file else { return };
        let (file, batch, start) =
            (Arc::clone(file), std::mem::take(&mut self.batch), self.written);
        self.written += self.batch_bytes as u64;
        self.batch_bytes = 0;
        self.writing = Some(spawn_blocking(move || write_all(&file, &batch, start)));
    }

    async fn settle(&mut self, flight: &Flight) -> bool {
        let Some(writing) = self.writing.take() else { return false };
        if let Ok(Ok(end)) = writing.await {
            flight.wrote(end);
            return false;
        }
        self.file = None;
        self.batch.clear();
        flight.give_up_file()
    }

    async fn finish(mut self, flight: &Flight) -> (Option<TempPath>, bool) {
        let first = self.settle(flight).await;
        self.launch();
        let second = self.settle(flight).await;
        (self.file.map(|(_, path)| path), first || second)
    }
}

fn write_all(file: &File, batch: &[Bytes], start: u64) -> io::Result<u64> {
    use std::os::unix::fs::FileExt as _;
    let mut place = start;
    for bytes in batch {
        file.write_all_at(bytes, place)?;
        place += bytes.len() as u64;
    }
    Ok(place)
}

//! Bytes of a blob that is on its way, as an answer's body takes them.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;

use crate::flight::{Flight, Progress, Step, read_at};
use crate::metrics::Counters;

const PIECE_BYTES: u64 = 256 << 10;

/// A blob that is being fetched.
pub struct Coming(Reader);

impl Coming {
    /// One who will read it. From now on what he has not read is not thrown away.
    pub(crate) fn join(flight: Arc<Flight>, counters: Arc<Counters>) -> Self {
        Self(Reader {
            number: flight.enter(0),
            progress: flight.subscribe(),
            flight,
            counters,
            place: 0,
            until: u64::MAX,
        })
    }

    /// How long it will be, if the upstream said it.
    pub fn size(&self) -> Option<u64> {
        self.0.flight.subscribe().borrow().total
    }

    /// Its bytes as they come. An error is in the place of what did not come or is not what it should be: the last piece
    /// is there only if the digest is right.
    pub fn read(self, range: Range<u64>) -> ComingBody {
        let mut reader = self.0;
        (reader.place, reader.until) = (range.start, range.end);
        reader.flight.moved(reader.number, range.start);
        let stream = unfold(Some(reader), |reader| async {
            let mut reader = reader?;
            match reader.next().await? {
                Ok(bytes) => Some((Ok(bytes), Some(reader))),
                Err(error) => Some((Err(error), None)),
            }
        });
        ComingBody(Box::pin(stream))
    }
}

impl std::fmt::Debug for Coming {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Coming({:?})", self.size())
    }
}

/// The bytes of a blob that is being fetched.
pub struct ComingBody(Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>);

impl Stream for ComingBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(ctx)
    }
}

struct Reader {
    flight: Arc<Flight>,
    progress: watch::Receiver<Progress>,
    counters: Arc<Counters>,
    number: u64,
    place: u64,
    until: u64,
}

impl Reader {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let mut bytes = loop {
            if self.place >= self.until {
                return None;
            }
            let step = self.progress.borrow_and_update().step(self.place);
            match step {
                Step::Memory(bytes) => break bytes,
                Step::File(length) => match self.read_file(length).await {
                    Ok(bytes) => break bytes,
                    Err(error) => return Some(Err(error)),
                },
                Step::Wait => {
                    if self.progress.changed().await.is_err() {
                        return Some(Err(broken("nobody fetches it any longer")));
                    }
                }
                Step::End => return None,
                Step::Failed(error) => return Some(Err(io::Error::other(error))),
                Step::Lost => return Some(Err(broken("others were not to wait any longer"))),
            }
        };
        let left = usize::try_from(self.until - self.place).unwrap_or(usize::MAX);
        bytes.truncate(left);
        self.place += bytes.len() as u64;
        self.counters.sent(bytes.len() as u64);
        if !self.flight.moved(self.number, self.place) {
            return Some(Err(broken("others were not to wait any longer")));
        }
        Some(Ok(bytes))
    }

    async fn read_file(&self, length: u64) -> io::Result<Bytes> {
        let file = self.flight.file().ok_or(io::ErrorKind::NotFound)?;
        let wanted = length.min(PIECE_BYTES).min(self.until - self.place);
        let (place, wanted) = (self.place, usize::try_from(wanted).expect("a piece's length"));
        tokio::task::spawn_blocking(move || read_at(&file, place, wanted))
            .await
            .map_err(io::Error::other)?
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.flight.leave(self.number);
    }
}

fn broken(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, reason.to_owned())
}

//! A connection that ends when a client takes what it is sent too slowly, and that hears a client out who is refused
//! while it still speaks.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::ConnectionLimits;

// What comes after a refusal is thrown away for so long, and so many bytes of it.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 16 << 20;

/// What is known of a connection.
#[derive(Clone, Default)]
pub(crate) struct Moved(Arc<State>);

#[derive(Default)]
struct State {
    // Bytes in both directions.
    n_bytes: AtomicU64,
    // The client was refused before it had said all.
    is_unheard: AtomicBool,
    // What comes is a body.
    is_body: AtomicBool,
    // Bytes since the last answer, which are headers.
    n_header_bytes: AtomicU64,
}

impl Moved {
    pub(crate) fn count(&self) -> u64 {
        self.0.n_bytes.load(Ordering::Relaxed)
    }

    /// Says that the headers of a request have come, and whether a body follows.
    pub(crate) fn begin(&self, has_body: bool) {
        self.0.is_body.store(has_body, Ordering::Relaxed);
        self.0.n_header_bytes.store(0, Ordering::Relaxed);
    }

    /// Says that a request has its answer, and whether its client may still be speaking.
    pub(crate) fn end(&self, is_unheard: bool) {
        self.begin(false);
        self.0.is_unheard.store(is_unheard, Ordering::Relaxed);
    }

    fn is_unheard(&self) -> bool {
        self.0.is_unheard.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.n_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A stream that counts, and that fails if too few bytes can be written in the time that is given from the moment at
/// which the client first kept it waiting, or if headers are too long: the buffer that reads them is that of bodies,
/// and larger.
pub(crate) struct Watched<S> {
    stream: S,
    moved: Moved,
    time: Duration,
    least: u64,
    header_bytes: u64,
    // Since the client kept us waiting: when it is too late, and what it has taken.
    waiting: Option<(Pin<Box<Sleep>>, u64)>,
    // Since our side is shut: until when the client is heard, and how much of it at most.
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, moved: Moved, limits: &ConnectionLimits) -> Self {
        Self {
            stream,
            moved,
            time: limits.progress,
            least: limits.progress_bytes,
            header_bytes: limits.header_bytes as u64,
            waiting: None,
            lingering: None,
        }
    }

    fn written(
        &mut self,
        outcome: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match &outcome {
            Poll::Ready(Ok(n)) => {
                self.moved.add(*n);
                if let Some((_, taken)) = &mut self.waiting {
                    *taken += *n as u64;
                    if *taken >= self.least {
                        self.waiting = None;
                    }
                }
                outcome
            }
            Poll::Ready(Err(_)) => outcome,
            Poll::Pending if self.is_late(context) => {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            Poll::Pending => outcome,
        }
    }

    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let time = self.time;
        let (late, _) = self.waiting.get_or_insert_with(|| (Box::pin(sleep(time)), 0));
        late.as_mut().poll(context).is_ready()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let watched = &mut *self;
        let state = Arc::clone(&watched.moved.0);
        let before = buffer.filled().len();
        let outcome = if state.is_body.load(Ordering::Relaxed) {
            Pin::new(&mut watched.stream).poll_read(context, buffer)
        } else {
            let so_far = state.n_header_bytes.load(Ordering::Relaxed);
            let left =
                usize::try_from(watched.header_bytes.saturating_sub(so_far)).unwrap_or(usize::MAX);
            let most = left.min(buffer.remaining());
            if most == 0 {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            // What of a body comes with the headers is no more than they may be.
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
            let outcome = Pin::new(&mut watched.stream).poll_read(context, &mut part);
            let n = part.filled().len();
            buffer.advance(n);
            state.n_header_bytes.fetch_add(n as u64, Ordering::Relaxed);
            outcome
        };
        let n = buffer.filled().len() - before;
        if n > 0 {
            self.moved.add(n);
            // Who asks again has taken the answer.
            self.waiting = None;
        }
        outcome
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(outcome, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(outcome, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Pending if self.is_late(context) => {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            outcome => outcome,
        }
    }

    // If a socket is closed while bytes lie in it unread, the client gets a reset, which may overtake the refusal.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let watched = &mut *self;
        if watched.lingering.is_none() {
            ready!(Pin::new(&mut watched.stream).poll_shutdown(context))?;
            if !watched.moved.is_unheard() {
                return Poll::Ready(Ok(()));
            }
        }
        let begin = || (Box::pin(sleep(LINGER)), LINGER_BYTES);
        let (late, left) = watched.lingering.get_or_insert_with(begin);
        let mut bytes = [0; 4096];
        while *left > 0 && late.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut watched.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    *left = left.saturating_sub(buffer.filled().len());
                }
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn who_takes_nothing_is_left() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let moved = Moved::default();
        let progress = Duration::from_millis(80);
        let limits =
            ConnectionLimits { progress, progress_bytes: 100, ..ConnectionLimits::default() };
        let mut watched = Watched::new(ours, moved.clone(), &limits);
        // Who reads steadily gets all of it.
        let reader = tokio::spawn(async move {
            let mut bytes = vec![0; 640];
            for part in bytes.chunks_mut(64) {
                tokio::time::sleep(Duration::from_millis(10)).await;
                theirs.read_exact(part).await.unwrap();
            }
            theirs
        });
        watched.write_all(&[7; 640]).await.unwrap();
        let _theirs = reader.await.unwrap();
        assert_eq!(moved.count(), 640);
        watched.waiting = None;
        let error = watched.write_all(&[7; 640]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

//! A connection that ends when a client takes what it is sent too slowly.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How many bytes a connection has moved, in both directions.
#[derive(Clone, Default)]
pub(crate) struct Moved(Arc<AtomicU64>);

impl Moved {
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// A stream that counts, and that fails if `least` bytes cannot be written within `time` of the moment at which the
/// client first kept it waiting.
pub(crate) struct Watched<S> {
    stream: S,
    moved: Moved,
    time: Duration,
    least: u64,
    // Since the client kept us waiting: when it is too late, and what it has taken.
    waiting: Option<(Pin<Box<Sleep>>, u64)>,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, moved: Moved, time: Duration, least: u64) -> Self {
        Self { stream, moved, time, least, waiting: None }
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
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        let n = buffer.filled().len() - before;
        if n > 0 {
            self.moved.add(n);
            // Who asks again has taken the answer.
            self.waiting = None;
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
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

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
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
        let mut watched = Watched::new(ours, moved.clone(), Duration::from_millis(80), 100);
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

//! The body of a request, as long as it comes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Sleep, sleep};

// In this time so many bytes have to come, or the body is given up. What came is kept, and can be resumed.
const PROGRESS: Duration = Duration::from_secs(30);
const PROGRESS_BYTES: u64 = 16 << 10;

/// Bytes of a request, which fail if they come too slowly.
pub(super) struct Intake {
    body: Incoming,
    // Since the client kept us waiting: when it is too late, and what came.
    waiting: Option<(Pin<Box<Sleep>>, u64)>,
}

impl Intake {
    pub(super) fn new(body: Incoming) -> Self {
        Self { body, waiting: None }
    }

    /// All bytes, if they are not more than these.
    pub(super) async fn collect(mut self, most: usize) -> Result<Bytes, IntakeFault> {
        if self.body.size_hint().lower() > most as u64 {
            return Err(IntakeFault::TooLarge);
        }
        let mut bytes = BytesMut::new();
        while let Some(piece) = self.next().await {
            let piece = piece.map_err(IntakeFault::Cut)?;
            if bytes.len() + piece.len() > most {
                return Err(IntakeFault::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }
}

/// Why a body was not read to its end.
pub(super) enum IntakeFault {
    /// It is larger than allowed.
    TooLarge,
    /// It was cut, or came too slowly.
    Cut(io::Error),
}

impl Stream for Intake {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(io::Error::other(error))));
                }
                Poll::Ready(Some(Ok(frame))) => {
                    // Trailers say nothing that is asked for.
                    let Ok(bytes) = frame.into_data() else { continue };
                    if let Some((_, came)) = &mut self.waiting {
                        *came += bytes.len() as u64;
                        if *came >= PROGRESS_BYTES {
                            self.waiting = None;
                        }
                    }
                    return Poll::Ready(Some(Ok(bytes)));
                }
                Poll::Pending => {
                    let (late, _) =
                        self.waiting.get_or_insert_with(|| (Box::pin(sleep(PROGRESS)), 0));
                    return match late.as_mut().poll(context) {
                        Poll::Ready(()) => Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into()))),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
    }
}

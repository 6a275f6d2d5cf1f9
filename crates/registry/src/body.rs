//! Bodies of answers: bytes at hand, or bytes that come while they are sent.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The body of an answer. Its length is always known, so that a client knows when it was cut.
#[derive(Default)]
pub struct Body {
    content: Content,
    sent: Option<Arc<AtomicU64>>,
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Whole(Bytes),
    Streamed {
        pieces: Pieces,
        remaining: u64,
    },
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Bytes that come while they are sent, exactly so many.
    pub fn streamed(
        length: u64,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Self {
        let content = Content::Streamed { pieces: Box::pin(pieces), remaining: length };
        Self { content, sent: None }
    }

    /// Counts in this number what is sent.
    #[must_use]
    pub fn counted(mut self, sent: Arc<AtomicU64>) -> Self {
        self.sent = Some(sent);
        self
    }

    /// How many bytes are left.
    pub fn len(&self) -> u64 {
        match &self.content {
            Content::Empty => 0,
            Content::Whole(bytes) => bytes.len() as u64,
            Content::Streamed { remaining, .. } => *remaining,
        }
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        let content = if bytes.is_empty() { Content::Empty } else { Content::Whole(bytes) };
        Self { content, sent: None }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Body({} bytes)", self.len())
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = match &mut self.content {
            Content::Empty => None,
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.content = Content::Empty;
                Some(Ok(bytes))
            }
            Content::Streamed { remaining: 0, .. } => None,
            Content::Streamed { pieces, remaining } => {
                Some(match ready!(pieces.as_mut().poll_next(context)) {
                    Some(Ok(bytes)) if bytes.len() as u64 <= *remaining => {
                        *remaining -= bytes.len() as u64;
                        Ok(bytes)
                    }
                    Some(Ok(_)) => Err(io::Error::other("more bytes came than were announced")),
                    Some(Err(error)) => Err(error),
                    // The connection ends before the announced length, and the client sees it.
                    None => Err(io::ErrorKind::UnexpectedEof.into()),
                })
            }
        };
        if let (Some(Ok(bytes)), Some(sent)) = (&piece, &self.sent) {
            sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::BodyExt as _;

    use super::*;

    fn streamed(length: u64, pieces: &[&'static str]) -> Body {
        let pieces: Vec<_> =
            pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        Body::streamed(length, stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_has_the_length_that_it_announces() {
        let sent = Arc::new(AtomicU64::new(0));
        let body = streamed(5, &["ab", "cde"]).counted(Arc::clone(&sent));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abcde");
        assert_eq!(sent.load(Ordering::Relaxed), 5);
        assert!(streamed(6, &["ab", "cde"]).collect().await.is_err());
        assert!(streamed(4, &["ab", "cde"]).collect().await.is_err());
        let whole = Body::from("xyz".to_owned());
        assert_eq!(whole.collect().await.unwrap().to_bytes(), "xyz");
        assert!(Body::empty().collect().await.unwrap().to_bytes().is_empty());
    }
}

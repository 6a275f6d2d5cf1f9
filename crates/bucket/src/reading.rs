//! The bytes of an object as a stream, which goes on where it broke.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use reqwest::{Method, Response, StatusCode};

use crate::Error;
use crate::bucket::Bucket;
use crate::sending::Request;

const BREAKS_MAX: u32 = 5;

/// The bytes of an object.
pub struct ObjectBody {
    stream: BoxStream<'static, io::Result<Bytes>>,
    left: u64,
}

struct Reading {
    bucket: Bucket,
    name: String,
    at: u64,
    end: u64,
    size: u64,
    response: Option<Response>,
    n_breaks: u32,
}

impl ObjectBody {
    pub(crate) async fn open(
        bucket: Bucket,
        name: String,
        range: Range<u64>,
        size: u64,
    ) -> Result<Self, Error> {
        let end = range.end.min(size);
        let at = range.start.min(end);
        let mut reading = Reading { bucket, name, at, end, size, response: None, n_breaks: 0 };
        if at < end {
            reading.response = Some(reading.ask().await?);
        }
        let stream = try_unfold(reading, |mut reading| async move {
            Ok(reading.piece().await?.map(|piece| (piece, reading)))
        });
        Ok(Self { stream: stream.boxed(), left: end - at })
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> u64 {
        self.left
    }
}

impl Reading {
    async fn ask(&self) -> Result<Response, Error> {
        let is_whole = self.at == 0 && self.end == self.size;
        let mut request = Request::new(Method::GET, &self.name);
        if !is_whole {
            request.headers.push(("range", format!("bytes={}-{}", self.at, self.end - 1)));
        }
        let response = self.bucket.send(&request).await?;
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let is_right = match response.status() {
            StatusCode::OK => is_whole && header("content-length") == Some(self.size.to_string()),
            StatusCode::PARTIAL_CONTENT => {
                let range = format!("bytes {}-{}/{}", self.at, self.end - 1, self.size);
                header("content-range") == Some(range)
            }
            _ => false,
        };
        // Another size is another object than the one that was written.
        if is_right { Ok(response) } else { Err(Error::Missing) }
    }

    async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.at >= self.end {
                return Ok(None);
            }
            let Some(response) = &mut self.response else {
                let response = self.ask().await.map_err(io::Error::other)?;
                self.response = Some(response);
                continue;
            };
            match response.chunk().await {
                Ok(Some(piece)) if piece.len() as u64 <= self.end - self.at => {
                    self.at += piece.len() as u64;
                    return Ok(Some(piece));
                }
                Ok(Some(_)) => {
                    return Err(io::Error::other("the store sent more than was asked for"));
                }
                broken => {
                    self.response = None;
                    self.n_breaks += 1;
                    if self.n_breaks > BREAKS_MAX {
                        let reason = broken.err().map(Error::http).map(|error| error.to_string());
                        let reason = reason.unwrap_or_else(|| "the answer was cut".to_owned());
                        return Err(io::Error::other(reason));
                    }
                }
            }
        }
    }
}

impl Stream for ObjectBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let piece = self.stream.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(piece))) = &piece {
            self.left = self.left.saturating_sub(piece.len() as u64);
        }
        piece
    }
}

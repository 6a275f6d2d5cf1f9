//! The bytes of a blob as a stream: pieces of 256 KiB in buffers that come back.
//!
//! What the system has in memory is copied where it is asked for; only what must come from the disk goes to a thread.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use rustix::io::ReadWriteFlags;
use sealift_bucket::ObjectBody;
use tokio::task::JoinHandle;

const PIECE_BYTES: usize = 256 << 10;
const BUFFERS_KEPT: usize = 16;

/// Buffers that were read out.
#[derive(Clone, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

// A buffer that goes back when the last piece of it is dropped.
struct Lent {
    buffer: Vec<u8>,
    n_bytes: usize,
    home: Buffers,
}

/// The bytes of a blob.
pub struct BlobBody(Source);

// The usual one is not behind a pointer.
#[allow(clippy::large_enum_variant, reason = "there are few at a time, and none is moved about")]
enum Source {
    File(FileBody),
    Object(ObjectBody),
}

struct FileBody {
    file: Arc<File>,
    at: u64,
    end: u64,
    buffers: Buffers,
    reading: Option<JoinHandle<(Vec<u8>, io::Result<usize>)>>,
}

impl Buffers {
    fn take(&self, n_bytes: usize) -> Vec<u8> {
        if n_bytes < PIECE_BYTES {
            return vec![0; n_bytes];
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| vec![0; PIECE_BYTES])
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.n_bytes]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.buffer.len() == PIECE_BYTES {
            let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < BUFFERS_KEPT {
                kept.push(std::mem::take(&mut self.buffer));
            }
        }
    }
}

impl BlobBody {
    pub(crate) fn new(file: File, range: Range<u64>, buffers: Buffers) -> Self {
        let (file, at, end) = (Arc::new(file), range.start, range.end);
        Self(Source::File(FileBody { file, at, end, buffers, reading: None }))
    }

    pub(crate) fn of_object(object: ObjectBody) -> Self {
        Self(Source::Object(object))
    }

    /// The file and the range of it that is left, for whoever can hand it to the system.
    pub fn file(&self) -> Option<(&File, Range<u64>)> {
        match &self.0 {
            Source::File(body) => Some((&body.file, body.at..body.end)),
            Source::Object(_) => None,
        }
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> u64 {
        match &self.0 {
            Source::File(body) => body.end.saturating_sub(body.at),
            Source::Object(body) => body.remaining(),
        }
    }
}

impl FileBody {
    fn give(&mut self, buffer: Vec<u8>, result: io::Result<usize>) -> io::Result<Bytes> {
        match result {
            // It was cut while it was read: what is left of the answer must not be taken for the blob.
            Ok(0) => {
                self.at = self.end;
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(n_bytes) => {
                self.at += n_bytes as u64;
                let home = self.buffers.clone();
                Ok(Bytes::from_owner(Lent { buffer, n_bytes, home }))
            }
            Err(error) => {
                self.at = self.end;
                Err(error)
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if let Some(reading) = &mut self.reading {
            let read = ready!(Pin::new(reading).poll(context));
            self.reading = None;
            return Poll::Ready(match read {
                Ok((buffer, result)) => Some(self.give(buffer, result)),
                Err(error) => Some(Err(io::Error::other(error))),
            });
        }
        let wanted = usize::try_from(self.end.saturating_sub(self.at))
            .unwrap_or(PIECE_BYTES)
            .min(PIECE_BYTES);
        if wanted == 0 {
            return Poll::Ready(None);
        }
        let mut buffer = self.buffers.take(wanted);
        let read = rustix::io::preadv2(
            &*self.file,
            &mut [IoSliceMut::new(&mut buffer[..wanted])],
            self.at,
            ReadWriteFlags::NOWAIT,
        );
        if let Ok(n_bytes @ 1..) = read {
            return Poll::Ready(Some(self.give(buffer, Ok(n_bytes))));
        }
        // Not in memory, or a file system that cannot tell.
        let (file, at) = (Arc::clone(&self.file), self.at);
        self.reading = Some(tokio::task::spawn_blocking(move || {
            let result = file.read_at(&mut buffer[..wanted], at);
            (buffer, result)
        }));
        self.poll(context)
    }
}

impl Stream for BlobBody {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.0 {
            Source::File(body) => body.poll(context),
            Source::Object(body) => Pin::new(body).poll_next(context),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.remaining() > 0), None)
    }
}

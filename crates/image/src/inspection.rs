//! Files that are looked at while they pass by: only what is found in them stays in memory.

use std::io::Read;
use std::sync::{Mutex, PoisonError};

use sealift_archive::{Error, RelativePath, read_bounded};

use crate::Wanted;
use crate::read::ReadLimits;
use crate::scan::Body;

// Above this many bytes one file at a time is in memory, whatever the number of threads.
const LARGE_BYTES: u64 = 4 << 20;
// Memory that is kept for the next large file. The C library gives more than 32 MiB back to the system when it is freed,
// less it may keep for itself.
const LARGE_KEPT_BYTES: usize = 33 << 20;
const SMALL_KEPT_BYTES: usize = 1 << 20;

/// Says what to keep of a file's content, by path and content.
pub type Extractor<'a> = dyn Fn(&RelativePath, &[u8]) -> Option<Vec<u8>> + Sync + 'a;

/// Files whose content is too much to keep: programs, archives. Each is given to a function when the layer's stream
/// has it, and what that returns is kept as the file's extract.
pub struct Inspection<'a> {
    /// Which regular files, by the path that their layer has.
    pub wanted: &'a Wanted<'a>,
    /// How much of such a file to look at, by its path and its first [`START_BYTES`] bytes.
    pub look: &'a (dyn Fn(&RelativePath, &[u8]) -> Look + Sync + 'a),
    /// What to keep of a content.
    pub extract: &'a Extractor<'a>,
}

/// So many bytes at the beginning of a file decide how much of it is looked at.
pub const START_BYTES: usize = 64;

/// How much of a file to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Look {
    /// Nothing.
    Pass,
    /// So many bytes of its beginning, however large it is.
    Head(usize),
    /// All of it, within the limits.
    Whole,
}

/// Lets through one large file at a time, all of them into the same memory.
#[derive(Default)]
pub(crate) struct Gate(Mutex<Vec<u8>>);

impl Inspection<'_> {
    /// Reads a file and keeps its extract. The buffer is there to be used again.
    pub(crate) fn body(
        &self,
        path: &RelativePath,
        size: u64,
        mut content: impl Read,
        buffer: &mut Vec<u8>,
        (gate, limits): (&Gate, &ReadLimits),
    ) -> Result<Body, Error> {
        let start = read_bounded(content.by_ref().take(START_BYTES as u64), START_BYTES as u64)?;
        let size = match (self.look)(path, &start) {
            Look::Pass => return Ok(Body::None),
            Look::Head(bytes) => size.min(bytes as u64),
            Look::Whole => size,
        };
        let limit = limits.body_bytes_max;
        if size > limit {
            return Ok(Body::OverLimit(format!(
                "not inspected: it has {size} bytes, more than the limit of {limit}"
            )));
        }
        let mut large =
            (size > LARGE_BYTES).then(|| gate.0.lock().unwrap_or_else(PoisonError::into_inner));
        let buffer = large.as_deref_mut().unwrap_or(buffer);
        let size = usize::try_from(size).unwrap_or(usize::MAX).max(start.len());
        if buffer.len() < size {
            // The old memory goes before the new comes, which is within the limit above; what is never written of it
            // costs nothing. It is never cleared: what is there of another file is not looked at.
            *buffer = Vec::new();
            let kept = if size as u64 > LARGE_BYTES { LARGE_KEPT_BYTES } else { SMALL_KEPT_BYTES };
            *buffer = vec![0; size.max(kept)];
        }
        buffer[..start.len()].copy_from_slice(&start);
        let count = start.len() + fill(&mut content, &mut buffer[start.len()..size])?;
        let extract = (self.extract)(path, &buffer[..count]);
        if buffer.len() > LARGE_KEPT_BYTES {
            *buffer = Vec::new();
        }
        Ok(match extract {
            Some(extract) => Body::Extract(extract.into()),
            None => Body::None,
        })
    }
}

/// Reads until the buffer is full or the content is at its end, and says how much that is.
pub(crate) fn fill(content: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match content.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

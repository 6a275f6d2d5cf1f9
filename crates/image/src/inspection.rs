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

/// Says what to keep of a file's content, by path and content.
pub type Extractor<'a> = dyn Fn(&RelativePath, &[u8]) -> Option<Vec<u8>> + Sync + 'a;

/// Files whose content is too much to keep: programs, archives. Each is given to a function when the layer's stream
/// has it, and what that returns is kept as the file's extract.
pub struct Inspection<'a> {
    /// Which regular files, by the path that their layer has.
    pub wanted: &'a Wanted<'a>,
    /// Of these, the ones that begin so; the rest of any other is never read into memory.
    pub starts: &'a [&'a [u8]],
    /// What to keep of a content.
    pub extract: &'a Extractor<'a>,
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
        let longest = self.starts.iter().map(|start| start.len()).max().unwrap_or(0);
        let start = read_bounded(content.by_ref().take(longest as u64), longest as u64)?;
        if !self.starts.iter().any(|known| start.starts_with(known)) {
            return Ok(Body::None);
        }
        let limit = limits.body_bytes_max;
        if size > limit {
            return Ok(Body::OverLimit(format!(
                "not inspected: it has {size} bytes, more than the limit of {limit}"
            )));
        }
        let mut large =
            (size > LARGE_BYTES).then(|| gate.0.lock().unwrap_or_else(PoisonError::into_inner));
        let buffer = large.as_deref_mut().unwrap_or(buffer);
        buffer.clear();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size as u64 > LARGE_BYTES && buffer.capacity() < size {
            // The old memory goes before the new comes, which is within the limit above; what is never written of it
            // costs nothing.
            *buffer = Vec::new();
            let _ = buffer.try_reserve_exact(size.max(LARGE_KEPT_BYTES));
        }
        buffer.extend_from_slice(&start);
        content.take(limit).read_to_end(buffer)?;
        let extract = (self.extract)(path, buffer);
        if buffer.capacity() > LARGE_KEPT_BYTES {
            *buffer = Vec::new();
        }
        Ok(match extract {
            Some(extract) => Body::Extract(extract.into()),
            None => Body::None,
        })
    }
}

//! Files that are looked at while they pass by: only what is found in them stays in memory.

use std::io::Read;
use std::sync::{Mutex, PoisonError};

use sealift_archive::{Error, RelativePath, read_bounded};

use crate::Wanted;
use crate::read::ReadLimits;
use crate::scan::Body;

// Above this many bytes one file at a time is in memory, whatever the number of threads.
const LARGE_BYTES: u64 = 16 << 20;

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

/// Lets through one large file at a time.
#[derive(Default)]
pub(crate) struct Gate(Mutex<()>);

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
        let large =
            (size > LARGE_BYTES).then(|| gate.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut own = Vec::new();
        let buffer = if large.is_some() { &mut own } else { buffer };
        buffer.clear();
        buffer.extend_from_slice(&start);
        content.take(limit).read_to_end(buffer)?;
        Ok(match (self.extract)(path, buffer) {
            Some(extract) => Body::Extract(extract.into()),
            None => Body::None,
        })
    }
}

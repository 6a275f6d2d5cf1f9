//! Files that are looked at while they pass by: only what is found in them stays in memory.

use std::io::Read;
use std::ops::Range;
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

/// Looks into every file of every layer while it passes by, also into those that a later layer deletes or replaces.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Tells what is looked for, so that a cache never gives what was found by other rules.
    pub key: &'a str,
    /// Which regular files, by the path that their layer has.
    pub wanted: &'a Wanted<'a>,
    /// So many bytes of the beginning are shown. Of a file with a zero in its first [`BINARY_BYTES`] no more than those are.
    pub bytes_max: usize,
    /// What to keep of them.
    pub look: &'a Extractor<'a>,
}

/// A zero among so many bytes at the beginning tells a program from a text.
pub const BINARY_BYTES: usize = 8192;

/// Files whose content is too much to keep: programs, archives. Each is given to a function when the layer's stream
/// has it, and what that returns is kept as the file's extract.
#[derive(Clone, Copy)]
pub struct Inspection<'a> {
    /// Which regular files, by the path that their layer has.
    pub wanted: &'a Wanted<'a>,
    /// How much of such a file to look at, by its path and its first [`START_BYTES`] bytes.
    pub look: &'a (dyn Fn(&RelativePath, &[u8]) -> Look + Sync + 'a),
    /// Places in a file that are of no use, ascending, by its first [`HEAD_BYTES`] bytes. They need not be in memory: of a
    /// very large file `extract` sees zeros there.
    pub useless: &'a (dyn Fn(&[u8]) -> Vec<Range<u64>> + Sync + 'a),
    /// What to keep of a content.
    pub extract: &'a Extractor<'a>,
    /// Who looks into all files besides.
    pub watch: Option<&'a Watch<'a>>,
}

/// So many bytes at the beginning of a file decide how much of it is looked at.
pub const START_BYTES: usize = 64;

/// So many bytes at the beginning of a very large file decide what of it is of no use.
pub const HEAD_BYTES: usize = 4096;

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

impl Watch<'_> {
    /// Reads the beginning of a file and says what to keep of it. The buffer has what was read.
    pub(crate) fn begin(
        &self,
        path: &RelativePath,
        content: &mut dyn Read,
        buffer: &mut Vec<u8>,
    ) -> std::io::Result<Option<Vec<u8>>> {
        buffer.clear();
        content.take(BINARY_BYTES.min(self.bytes_max) as u64).read_to_end(buffer)?;
        if memchr::memchr(0, buffer).is_none() {
            let rest = self.bytes_max.saturating_sub(buffer.len());
            content.take(rest as u64).read_to_end(buffer)?;
        }
        Ok((self.look)(path, buffer))
    }

    /// What to keep of a file that is in memory.
    pub(crate) fn whole(&self, path: &RelativePath, bytes: &[u8]) -> Option<Vec<u8>> {
        (self.look)(path, &bytes[..bytes.len().min(self.bytes_max)])
    }
}

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
        let mut count = start.len();
        if size > LARGE_KEPT_BYTES {
            count += fill(&mut content, &mut buffer[count..HEAD_BYTES])?;
            let useless = (self.useless)(&buffer[..count]);
            count += fill_except(&mut content, &mut buffer[..size], count, &useless)?;
        } else {
            count += fill(&mut content, &mut buffer[count..size])?;
        }
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

// The same from a place on, but leaves useless parts of the buffer alone. The system gives no memory to what is never
// written.
fn fill_except(
    content: &mut dyn Read,
    buffer: &mut [u8],
    start: usize,
    useless: &[Range<u64>],
) -> std::io::Result<usize> {
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(buffer.len());
    let parts: Vec<_> = useless.iter().map(|part| (place(part.start), place(part.end))).collect();
    let mut at = start;
    for (begin, end) in parts {
        if begin < at || end <= begin {
            continue;
        }
        at += fill(content, &mut buffer[at..begin])?;
        if at < begin {
            return Ok(at - start);
        }
        let len = (end - begin) as u64;
        let skipped = std::io::copy(&mut content.take(len), &mut std::io::sink())?;
        at += usize::try_from(skipped).unwrap_or(usize::MAX);
        if skipped < len {
            return Ok(at - start);
        }
    }
    at += fill(content, &mut buffer[at..])?;
    Ok(at - start)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn useless_parts_are_passed_over() {
        let content: Vec<u8> = (1..=20).collect();
        let check = |useless: &[(u64, u64)], content: &[u8], expected: &[u8]| {
            let mut buffer = [0; 20];
            let useless: Vec<_> = useless.iter().map(|(start, end)| *start..*end).collect();
            let count = fill_except(&mut &content[2..], &mut buffer, 2, &useless).unwrap();
            assert_eq!((count, &buffer[2..]), (content.len() - 2, expected), "{useless:?}");
        };
        let all: Vec<u8> = (3..=20).collect();
        check(&[], &content, &all);
        check(
            &[(4, 6), (8, 9)],
            &content,
            &[3, 4, 0, 0, 7, 8, 0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20],
        );
        // Before the start, empty, in the wrong order, beyond the end.
        check(
            &[(0, 4), (5, 5), (10, 8), (18, u64::MAX)],
            &content,
            &[&all[..16], &[0, 0][..]].concat(),
        );
        // The content ends before, in, and behind a useless part.
        let mut short = all.clone();
        short[3..].fill(0);
        check(&[(6, 8)], &content[..5], &short);
        check(&[(5, 8)], &content[..6], &short);
        short[5] = 8;
        short[3] = 0;
        check(&[(5, 7)], &content[..8], &short);
    }
}

//! gzip, compressed on all cores.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

const CHUNK_BYTES: usize = 1 << 20;
const LEVEL_MAX: i32 = 12;

/// Writes gzip: every MiB becomes a member of its own (RFC 1952 §2.2), compressed in parallel.
/// The bytes depend on the input and the level only, never on the number of threads or the sizes of writes.
pub struct GzipWriter<W: Write> {
    output: W,
    level: i32,
    chunk: Vec<u8>,
    pending: VecDeque<Receiver<Vec<u8>>>,
    pending_max: usize,
    has_member: bool,
}

impl<W: Write> GzipWriter<W> {
    /// `level` is 1 (fast) to 12 (small); 6 is gzip's own.
    pub fn new(output: W, level: u32) -> Self {
        Self {
            output,
            level: i32::try_from(level).unwrap_or(LEVEL_MAX).clamp(1, LEVEL_MAX),
            chunk: Vec::with_capacity(CHUNK_BYTES),
            pending: VecDeque::new(),
            pending_max: 2 * rayon::current_num_threads(),
            has_member: false,
        }
    }

    /// Writes what is left and gives the output back. Without it the stream is cut.
    pub fn finish(mut self) -> io::Result<W> {
        // An empty stream is one empty member: no member at all is not gzip.
        if !self.chunk.is_empty() || !self.has_member {
            self.start_member();
        }
        while let Some(member) = self.pending.pop_front() {
            self.output.write_all(&wait_for(&member)?)?;
        }
        Ok(self.output)
    }

    fn start_member(&mut self) {
        self.has_member = true;
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
        let level = self.level;
        let (sender, receiver) = sync_channel(1);
        rayon::spawn(move || {
            // The receiver is gone if the writer was dropped; then nobody wants the member.
            let _ = sender.send(compress(&chunk, level));
        });
        self.pending.push_back(receiver);
    }
}

impl<W: Write> Write for GzipWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..count]);
        if self.chunk.len() == CHUNK_BYTES {
            self.start_member();
            while self.pending.len() > self.pending_max {
                let Some(member) = self.pending.pop_front() else { break };
                self.output.write_all(&wait_for(&member)?)?;
            }
        }
        Ok(count)
    }

    // Members have a fixed size, so that flushing does not change the bytes: only `finish` ends the last one.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wait_for(member: &Receiver<Vec<u8>>) -> io::Result<Vec<u8>> {
    let lost = || io::Error::other("the compressor's thread died");
    loop {
        match member.try_recv() {
            Ok(bytes) => return Ok(bytes),
            Err(TryRecvError::Disconnected) => return Err(lost()),
            Err(TryRecvError::Empty) => {}
        }
        // On a thread of the pool, blocking could keep the member itself from being compressed: work instead.
        match rayon::yield_now() {
            Some(rayon::Yield::Executed) => {}
            Some(rayon::Yield::Idle) => std::thread::yield_now(),
            None => return member.recv().map_err(|_| lost()),
        }
    }
}

fn compress(chunk: &[u8], level: i32) -> Vec<u8> {
    let level = libdeflater::CompressionLvl::new(level).expect("the level is clamped to 1 to 12");
    let mut compressor = libdeflater::Compressor::new(level);
    let mut member = vec![0; compressor.gzip_compress_bound(chunk.len())];
    let size = compressor
        .gzip_compress(chunk, &mut member)
        .expect("the output has the size that the library asked for");
    member.truncate(size);
    member
}

//! Inflates and hashes a layer on one thread while another one writes its files.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use sealift_image::LayerReader;

use crate::error::{Error, Result};

const CHUNK_BYTES: usize = 1 << 20;
const CHUNKS_AHEAD: usize = 8;

/// Hands the uncompressed bytes of a layer to `unpack`, and verifies the layer.
pub(crate) fn read_ahead(
    layer: LayerReader,
    cancel: &AtomicBool,
    unpack: &mut dyn FnMut(&mut dyn Read) -> Result<()>,
) -> Result<()> {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
        let inflating = scope.spawn(move || inflate(layer, cancel, &sender));
        let unpacked = unpack(&mut Chunks { receiver, chunk: Vec::new(), at: 0 });
        let verified = inflating.join().unwrap_or(Err(Error::Cancelled));
        match (unpacked, verified) {
            // A damaged blob fails in many ways; its digest explains them all.
            (Err(Error::Archive { .. }) | Ok(()), Err(error)) => Err(error),
            (unpacked, _) => unpacked,
        }
    })
}

// Only the end verifies a layer, so after a refused archive the rest is read too.
fn inflate(
    mut layer: LayerReader,
    cancel: &AtomicBool,
    sender: &SyncSender<Vec<u8>>,
) -> Result<()> {
    loop {
        let mut chunk = Vec::with_capacity(CHUNK_BYTES);
        let read = layer.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk);
        read.map_err(|error| match error.downcast::<sealift_image::Error>() {
            Ok(error) => Error::Image(error),
            Err(source) => Error::Archive { path: "layer".to_owned(), source: source.into() },
        })?;
        if cancel.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        if chunk.is_empty() || sender.send(chunk).is_err() {
            break;
        }
    }
    layer.finish()?;
    Ok(())
}

struct Chunks {
    receiver: Receiver<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            // The sender is gone at the end; whether it was a good one, the other thread says.
            let Ok(chunk) = self.receiver.recv() else { return Ok(0) };
            (self.chunk, self.at) = (chunk, 0);
        }
        let count = buffer.len().min(self.chunk.len() - self.at);
        buffer[..count].copy_from_slice(&self.chunk[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

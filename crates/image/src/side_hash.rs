//! A hash that another thread computes while this one goes on.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use sealift_oci::{Algorithm, Digest, Hasher};

const CHUNK_BYTES: usize = 128 << 10;
const CHUNKS_MAX: usize = 4;

/// A hash of bytes in order, on this thread or on one of its own.
pub(crate) enum SideHash {
    Here(Hasher),
    Aside(Aside),
}

/// The thread, and the way to it.
pub(crate) struct Aside {
    /// Bytes that are still too few to send.
    chunk: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    thread: JoinHandle<Hasher>,
}

impl SideHash {
    /// A hash on this thread.
    pub(crate) fn here(algorithm: Algorithm) -> Self {
        Self::Here(Hasher::new(algorithm))
    }

    /// A hash on a thread of its own; on this one if there can be no other.
    pub(crate) fn aside(algorithm: Algorithm) -> Self {
        let (full, input) = sync_channel::<Vec<u8>>(CHUNKS_MAX);
        let (output, empty) = sync_channel(CHUNKS_MAX + 1);
        let thread = Builder::new().name("layer-hash".to_owned()).spawn(move || {
            let mut hasher = Hasher::new(algorithm);
            for mut chunk in input {
                hasher.update(&chunk);
                chunk.clear();
                // If nobody wants it back, it goes.
                output.try_send(chunk).ok();
            }
            hasher
        });
        match thread {
            Ok(thread) => Self::Aside(Aside { chunk: Vec::new(), full, empty, thread }),
            Err(_) => Self::here(algorithm),
        }
    }

    /// Takes in more bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Here(hasher) => hasher.update(bytes),
            Self::Aside(aside) => aside.update(bytes),
        }
    }

    /// The digest of all bytes.
    pub(crate) fn finish(self) -> Digest {
        match self {
            Self::Here(hasher) => hasher.finish(),
            Self::Aside(Aside { chunk, full, thread, .. }) => {
                full.send(chunk).expect("the thread ends after its last chunk");
                drop(full);
                thread.join().expect("hashing does not panic").finish()
            }
        }
    }
}

impl Aside {
    fn update(&mut self, bytes: &[u8]) {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            let next = self.empty.try_recv().unwrap_or_default();
            let chunk = std::mem::replace(&mut self.chunk, next);
            self.full.send(chunk).expect("the thread ends after its last chunk");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_give_the_same() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
        for length in [0, 1, CHUNK_BYTES, bytes.len()] {
            for mut hash in [SideHash::here(Algorithm::Sha256), SideHash::aside(Algorithm::Sha256)]
            {
                for part in bytes[..length].chunks(70_001) {
                    hash.update(part);
                }
                assert_eq!(hash.finish(), Digest::sha256(&bytes[..length]));
            }
        }
    }

    #[test]
    fn it_may_be_left_alone() {
        let mut hash = SideHash::aside(Algorithm::Sha256);
        hash.update(&vec![1; 2 * CHUNK_BYTES]);
        drop(hash);
    }
}

//! One blob on its way from an upstream to everybody who waits for it.
//!
//! The bytes that came are in two places: the newest in memory (`tail`), and all of them in a file, which the registry's
//! storage takes over at the end. A reader takes them from memory if it keeps up and from the file if it came late. No
//! reader ever has the whole blob before its digest is proved: the piece that ends it is held back.
//!
//! When the file cannot be written any longer (a full disk), the bytes go on through memory alone, as fast as the slowest
//! reader takes them, and nothing is kept.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use crate::MirrorError;

// What may lie in memory for readers that keep up, and, without a file, for those that lag.
const TAIL_BYTES: u64 = 1 << 20;

/// A blob on its way.
pub(crate) struct Flight {
    progress: watch::Sender<Progress>,
    file: OnceLock<Arc<File>>,
    // Where the readers are, by their numbers.
    readers: Mutex<HashMap<u64, u64>>,
    next_reader: AtomicU64,
    reader_moved: Notify,
}

/// How far it is.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// How long it will be, if the upstream said it.
    pub(crate) total: Option<u64>,
    /// Bytes that readers may have.
    pub(crate) published: u64,
    /// Bytes that are in the file.
    in_file: u64,
    // Bytes from `tail_start` to `published`.
    tail: VecDeque<Bytes>,
    tail_start: u64,
    is_unkept: bool,
    pub(crate) end: Option<End>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All came, and it is what it should be.
    Proved,
    /// It was in the storage already.
    Kept,
    /// It did not come.
    Failed(MirrorError),
}

/// Where the next bytes are.
pub(crate) enum Step {
    Memory(Bytes),
    File(u64),
    Wait,
    End,
    Failed(MirrorError),
    Lost,
}

impl Flight {
    pub(crate) fn new() -> Self {
        Self {
            progress: watch::Sender::new(Progress::default()),
            file: OnceLock::new(),
            readers: Mutex::default(),
            next_reader: AtomicU64::new(0),
            reader_moved: Notify::new(),
        }
    }

    /// Looks at how far it is.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The file that readers who came late read from.
    pub(crate) fn file(&self) -> Option<Arc<File>> {
        self.file.get().map(Arc::clone)
    }

    pub(crate) fn set_file(&self, file: Arc<File>) {
        // There is one file, and it is set once.
        let _ = self.file.set(file);
    }

    pub(crate) fn set_total(&self, total: Option<u64>) {
        self.progress.send_modify(|progress| progress.total = total);
    }

    /// Lets readers have more bytes.
    pub(crate) fn publish(&self, bytes: Bytes) {
        self.progress.send_modify(|progress| {
            progress.published += bytes.len() as u64;
            progress.tail.push_back(bytes);
            progress.trim();
        });
    }

    /// So many bytes are in the file now.
    pub(crate) fn wrote(&self, in_file: u64) {
        self.progress.send_modify(|progress| {
            progress.in_file = in_file;
            progress.trim();
        });
    }

    /// The file takes no more. `false` if it was so already.
    pub(crate) fn give_up_file(&self) -> bool {
        let mut is_new = false;
        self.progress.send_modify(|progress| {
            is_new = !progress.is_unkept;
            progress.is_unkept = true;
        });
        is_new
    }

    /// Ends it.
    pub(crate) fn end(&self, end: End) {
        self.progress.send_if_modified(|progress| {
            let is_first = progress.end.is_none();
            if is_first {
                progress.end = Some(end);
            }
            is_first
        });
    }

    /// True if one who comes now can have all of it.
    pub(crate) fn can_be_joined(&self) -> bool {
        let progress = self.progress.borrow();
        let begins = progress.tail_start <= progress.in_file;
        begins && !matches!(progress.end, Some(End::Failed(_)))
    }

    /// True if nobody reads any longer what is not kept anyway.
    pub(crate) fn is_pointless(&self) -> bool {
        self.progress.borrow().is_unkept && self.readers().is_empty()
    }

    /// True if there is room for more bytes. Without a file, room is made when all readers have taken the oldest.
    pub(crate) fn make_room(&self) -> bool {
        let slowest = self.readers().values().copied().min().unwrap_or(u64::MAX);
        let mut has_room = true;
        self.progress.send_if_modified(|progress| {
            if progress.is_unkept {
                while progress.tail_bytes() > TAIL_BYTES / 2 && progress.front_end() <= slowest {
                    progress.pop();
                }
                has_room = progress.tail_bytes() <= TAIL_BYTES;
            }
            false
        });
        has_room
    }

    /// Waits until a reader has come, has taken something, or has left.
    pub(crate) async fn reader_moved(&self) {
        self.reader_moved.notified().await;
    }

    /// Leaves behind the readers that hold up all others.
    pub(crate) fn drop_slowest(&self) {
        let mut readers = self.readers();
        let Some(slowest) = readers.values().copied().min() else { return };
        readers.retain(|_, place| *place > slowest);
    }

    /// A new reader, that begins here.
    pub(crate) fn enter(&self, place: u64) -> u64 {
        let number = self.next_reader.fetch_add(1, Ordering::Relaxed);
        self.readers().insert(number, place);
        self.reader_moved.notify_one();
        number
    }

    /// A reader has all before this place. `false` if it was left behind.
    pub(crate) fn moved(&self, number: u64, place: u64) -> bool {
        let is_known = self.readers().get_mut(&number).map(|known| *known = place).is_some();
        self.reader_moved.notify_one();
        is_known
    }

    pub(crate) fn leave(&self, number: u64) {
        self.readers().remove(&number);
        self.reader_moved.notify_one();
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, HashMap<u64, u64>> {
        self.readers.lock().expect("no panic while held")
    }
}

impl Progress {
    fn tail_bytes(&self) -> u64 {
        self.published - self.tail_start
    }

    fn front_end(&self) -> u64 {
        self.tail.front().map_or(u64::MAX, |front| self.tail_start + front.len() as u64)
    }

    fn pop(&mut self) {
        if let Some(front) = self.tail.pop_front() {
            self.tail_start += front.len() as u64;
        }
    }

    // What is in the file need not be in memory.
    fn trim(&mut self) {
        while !self.is_unkept && self.tail_bytes() > TAIL_BYTES && self.front_end() <= self.in_file
        {
            self.pop();
        }
    }

    /// Where a reader at this place finds what comes next.
    pub(crate) fn step(&self, place: u64) -> Step {
        if place < self.published {
            if place >= self.tail_start {
                return Step::Memory(self.remembered(place));
            }
            if place < self.in_file {
                return Step::File(self.in_file.min(self.published) - place);
            }
            return Step::Lost;
        }
        match &self.end {
            None => Step::Wait,
            Some(End::Failed(error)) => Step::Failed(error.clone()),
            Some(_) => Step::End,
        }
    }

    fn remembered(&self, place: u64) -> Bytes {
        let mut start = self.tail_start;
        for piece in &self.tail {
            let end = start + piece.len() as u64;
            if place < end {
                let skipped = usize::try_from(place - start).expect("below a piece's length");
                return piece.slice(skipped..);
            }
            start = end;
        }
        Bytes::new()
    }
}

/// Reads from a file at a place, without moving the others that read it.
pub(crate) fn read_at(file: &File, place: u64, length: usize) -> io::Result<Bytes> {
    use std::os::unix::fs::FileExt as _;
    let mut buffer = vec![0; length];
    let count = file.read_at(&mut buffer, place)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.truncate(count);
    Ok(Bytes::from(buffer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(flight: &Flight, place: u64) -> String {
        match flight.subscribe().borrow().step(place) {
            Step::Memory(bytes) => format!("memory {}", bytes.len()),
            Step::File(length) => format!("file {length}"),
            Step::Wait => "wait".to_owned(),
            Step::End => "end".to_owned(),
            Step::Failed(_) => "failed".to_owned(),
            Step::Lost => "lost".to_owned(),
        }
    }

    fn piece(length: usize) -> Bytes {
        Bytes::from(vec![0; length])
    }

    #[test]
    fn bytes_go_from_memory_to_the_file() {
        let flight = Flight::new();
        assert_eq!(describe(&flight, 0), "wait");
        for _ in 0..3 {
            flight.publish(piece(500_000));
        }
        // Nothing leaves memory that is not in the file.
        assert_eq!(describe(&flight, 0), "memory 500000");
        flight.wrote(600_000);
        assert_eq!(describe(&flight, 0), "file 600000");
        assert_eq!(describe(&flight, 500_001), "memory 499999");
        assert_eq!(describe(&flight, 1_500_000), "wait");
        flight.end(End::Proved);
        flight.end(End::Kept);
        assert_eq!(describe(&flight, 1_500_000), "end");
        assert!(flight.can_be_joined());
    }

    #[test]
    fn without_a_file_the_slowest_reader_counts() {
        let flight = Flight::new();
        flight.publish(piece(400_000));
        flight.wrote(400_000);
        let (slow, fast) = (flight.enter(0), flight.enter(0));
        assert!(flight.give_up_file());
        assert!(!flight.give_up_file());
        flight.publish(piece(400_000));
        flight.publish(piece(400_000));
        assert!(flight.moved(fast, 1_200_000));
        assert!(!flight.make_room());
        assert!(flight.moved(slow, 800_000));
        assert!(flight.make_room());
        assert_eq!(describe(&flight, 0), "file 400000");
        assert_eq!(describe(&flight, 400_000), "lost");
        assert!(!flight.can_be_joined());
        flight.drop_slowest();
        assert!(!flight.moved(slow, 900_000));
        assert!(!flight.is_pointless());
        flight.leave(fast);
        assert!(flight.is_pointless());
    }
}

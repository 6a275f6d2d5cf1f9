//! The thread that keeps what is not urgent: the journal's file, the ledger's time, when manifests were last pulled.

use std::collections::HashSet;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sealift_oci::{Digest, RepositoryName};

use crate::Error;
use crate::cache::Kept;
use crate::clock::Clock;
use crate::files::Files;
use crate::journal::Journal;
use crate::ledger::{Ledger, values};

const PERIOD: Duration = Duration::from_mins(1);
// Changes that come together are written together.
const GATHER: Duration = Duration::from_millis(100);

/// What was pulled since it was last written down.
pub(crate) type Pulled = Mutex<Noted>;

/// Manifests that were pulled.
#[derive(Default)]
pub(crate) struct Noted {
    /// Those in the cache, which know that they were noted.
    pub(crate) kept: Vec<(RepositoryName, Arc<Kept>)>,
    /// Others.
    pub(crate) others: HashSet<(RepositoryName, Digest)>,
}

/// The thread.
pub(crate) struct Keeper {
    // Why the last round failed.
    trouble: Arc<Mutex<Option<String>>>,
    wake: Mutex<Option<Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread works with. It must not hold the depot, whose end it would outlive.
pub(crate) struct Kit {
    pub(crate) ledger: Arc<Ledger>,
    /// Where the journal lies; replicas have none.
    pub(crate) files: Option<Arc<Files>>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) pulled: Arc<Pulled>,
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(kit: Kit) -> Result<Self, Error> {
        let (wake, woken) = mpsc::channel();
        let mut journal = kit.files.as_ref().map(Journal::open).transpose()?;
        let trouble = Arc::<Mutex<Option<String>>>::default();
        let told = Arc::clone(&trouble);
        let thread = std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || kit.run(&mut journal, &woken, &told))
            .map_err(Error::file("a thread"))?;
        Ok(Self { trouble, wake: Mutex::new(Some(wake)), thread: Mutex::new(Some(thread)) })
    }

    /// Why the last round failed, if it did.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says that the journal has new lines.
    pub(crate) fn wake(&self) {
        if let Some(wake) = &*self.wake.lock().unwrap_or_else(PoisonError::into_inner) {
            // If the thread has ended the lines stay in the ledger, for the next start.
            let _ = wake.send(());
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.wake.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            drop(thread.join());
        }
    }
}

impl Kit {
    fn run(
        &self,
        journal: &mut Option<Journal>,
        woken: &Receiver<()>,
        told: &Mutex<Option<String>>,
    ) {
        let mut written = Instant::now();
        loop {
            let mut is_last = false;
            match woken.recv_timeout(PERIOD) {
                Ok(()) => {
                    let until = Instant::now() + GATHER;
                    while let Some(left) = until.checked_duration_since(Instant::now()) {
                        match woken.recv_timeout(left) {
                            Ok(()) => {}
                            Err(RecvTimeoutError::Timeout) => break,
                            Err(RecvTimeoutError::Disconnected) => {
                                is_last = true;
                                break;
                            }
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => is_last = true,
            }
            let flush = |journal: &mut Journal| journal.flush(&self.ledger);
            let mut result = journal.as_mut().map_or(Ok(()), flush);
            if is_last || written.elapsed() >= PERIOD {
                written = Instant::now();
                let compact = |journal: &mut Journal| journal.compact(&self.ledger);
                result = result
                    .and_then(|()| self.write_down())
                    .and_then(|()| journal.as_mut().map_or(Ok(()), compact));
            }
            // What failed is tried again with the next round; until then whoever asks for health is told.
            let trouble = result.err().map(|error| error.to_string());
            *told.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
            if is_last {
                return;
            }
        }
    }

    fn write_down(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let pulled =
            std::mem::take(&mut *self.pulled.lock().unwrap_or_else(PoisonError::into_inner));
        let time = self.ledger.main().write_blocking(move |transaction| {
            let time = Clock::keep(transaction, now)?;
            let at = Timestamp::now().as_millisecond();
            let cached = pulled.kept.into_iter().map(|(repository, kept)| {
                kept.was_noted();
                (repository, kept.manifest.digest.clone())
            });
            for (repository, digest) in cached.chain(pulled.others) {
                transaction.execute(
                    "UPDATE manifest SET pulled_at = ?3 WHERE repository = ?1 AND digest = ?2",
                    values![repository.as_str(), &digest.to_string(), at],
                )?;
            }
            Ok(time)
        })?;
        self.clock.follow(time);
        Ok(())
    }
}

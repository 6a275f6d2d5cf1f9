//! Entries of a server's log: a line of JSON each, on stderr.

use std::io::Write as _;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use jiff::Timestamp;
use sealift_registry::{Entry, Log};
use serde::Serialize;

// Entries that wait for whoever reads stderr; then requests wait.
const LOG_LINES_MAX: usize = 4096;

/// A line of JSON for each entry.
#[derive(Clone)]
pub(crate) struct Lines(SyncSender<String>);

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
}

impl Lines {
    /// A thread of its own writes: whoever reads stderr may be slow.
    pub(crate) fn start() -> (Self, JoinHandle<()>) {
        let (sender, receiver) = sync_channel::<String>(LOG_LINES_MAX);
        let writer = std::thread::spawn(move || {
            for line in receiver {
                // Nothing can be done if nobody reads.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
        (Self(sender), writer)
    }
}

impl Log for Lines {
    fn record(&self, entry: &Entry<'_>) {
        let line = Line { time: Timestamp::now().to_string(), entry };
        if let Ok(text) = serde_json::to_string(&line) {
            // The writer ends after the last sender.
            let _ = self.0.send(text);
        }
    }
}

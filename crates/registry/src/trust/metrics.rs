//! Counters, as Prometheus reads them. They name no repository and no user.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::address::Address;

const KINDS: [&str; 8] =
    ["base", "document", "key", "upload", "delete", "changes", "service", "unknown"];
const CLASSES: usize = 4;

/// Counters of a server.
#[derive(Default)]
pub(super) struct Metrics {
    requests: [[AtomicU64; CLASSES]; KINDS.len()],
    microseconds: [AtomicU64; KINDS.len()],
    recalled: AtomicU64,
    denied: AtomicU64,
}

impl Metrics {
    pub(super) fn count(
        &self,
        address: Option<&Address>,
        method: &str,
        status: u16,
        duration: Duration,
    ) {
        let kind = match (address, method) {
            (Some(Address::Base), _) => 0,
            (Some(Address::Document(..)), _) => 1,
            (Some(Address::Key(..)), _) => 2,
            (Some(Address::Repository(_)), "DELETE") => 4,
            (Some(Address::Repository(_)), _) => 3,
            (Some(Address::Changes(_) | Address::AllChanges), _) => 5,
            (Some(Address::Health | Address::Metrics), _) => 6,
            (None, _) => 7,
        };
        let class = usize::from((status / 100).clamp(2, 5) - 2);
        self.requests[kind][class].fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.microseconds[kind].fetch_add(microseconds, Ordering::Relaxed);
    }

    pub(super) fn recalled(&self) {
        self.recalled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn denied(&self) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let head = |text: &mut String, name: &str, help: &str| {
            // Writing to a String does not fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n");
        };
        head(&mut text, "sealift_trust_requests_total", "Requests by kind and status.");
        for (kind, counters) in KINDS.iter().zip(&self.requests) {
            for (class, counter) in (2..).zip(counters) {
                let n = counter.load(Ordering::Relaxed);
                let labels = format!("kind=\"{kind}\",status=\"{class}xx\"");
                let _ = writeln!(text, "sealift_trust_requests_total{{{labels}}} {n}");
            }
        }
        head(&mut text, "sealift_trust_request_microseconds_total", "Time spent on requests.");
        for (kind, counter) in KINDS.iter().zip(&self.microseconds) {
            let n = counter.load(Ordering::Relaxed);
            let _ =
                writeln!(text, "sealift_trust_request_microseconds_total{{kind=\"{kind}\"}} {n}");
        }
        for (name, help, counter) in [
            ("sealift_trust_recalled_total", "Documents answered from memory.", &self.recalled),
            ("sealift_trust_denied_total", "Requests refused for want of rights.", &self.denied),
        ] {
            head(&mut text, name, help);
            let _ = writeln!(text, "{name} {}", counter.load(Ordering::Relaxed));
        }
        text
    }
}

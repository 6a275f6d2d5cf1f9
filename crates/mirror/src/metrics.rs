//! Counters of upstreams, as Prometheus reads them. They name no repository and no user.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// How something was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Result {
    /// From the storage.
    Hit,
    /// By the upstream.
    Miss,
    /// From the storage, because the upstream could not be asked.
    Stale,
    /// With an error that was remembered.
    Negative,
    /// With an error.
    Failed,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tag,
    Manifest,
    Blob,
    List,
}

const KINDS: [&str; 4] = ["tag", "manifest", "blob", "list"];
const RESULTS: [&str; 5] = ["hit", "miss", "stale", "negative", "failed"];

/// The counters of one upstream.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    answers: [[AtomicU64; RESULTS.len()]; KINDS.len()],
    asked: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    mismatches: AtomicU64,
    unkept: AtomicU64,
    resumed: AtomicU64,
    held_off: AtomicU64,
    // What it said that it would still answer, and one more; 0 if it said nothing.
    remaining: AtomicU64,
}

impl Counters {
    pub(crate) fn answered(&self, kind: Kind, result: Result) {
        self.answers[kind as usize][result as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn asked(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn mismatch(&self) {
        self.mismatches.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unkept(&self) {
        self.unkept.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn resumed(&self) {
        self.resumed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn remaining(&self, requests: u64) {
        self.remaining.store(requests.saturating_add(1), Ordering::Relaxed);
    }

    pub(crate) fn held_off(&self) {
        self.held_off.fetch_add(1, Ordering::Relaxed);
    }
}

/// An upstream as it is now, and what was asked of it since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamState {
    /// Its host.
    pub host: String,
    /// What names of its repositories begin with here; empty for all names.
    pub prefix: String,
    /// Answers from the storage.
    pub hits: u64,
    /// Answers that the upstream had to give.
    pub misses: u64,
    /// Answers from the storage because the upstream could not be asked.
    pub stale: u64,
    /// Errors.
    pub failed: u64,
    /// Requests to the upstream.
    pub asked: u64,
    /// Bytes that came.
    pub received_bytes: u64,
    /// Requests that were not sent, because of limits or an outage.
    pub held_off: u64,
    /// For how many seconds it is not asked, and why.
    pub pause: Option<(u64, String)>,
}

impl Counters {
    /// Fills in what was counted.
    pub(crate) fn fill(&self, state: &mut UpstreamState) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let all =
            |result: Result| self.answers.iter().map(|kind| get(&kind[result as usize])).sum();
        state.hits = all(Result::Hit);
        state.misses = all(Result::Miss);
        state.stale = all(Result::Stale);
        state.failed = all(Result::Failed);
        state.asked = get(&self.asked);
        state.received_bytes = get(&self.received);
        state.held_off = get(&self.held_off);
    }
}

/// The counters of all upstreams, by the names of the upstreams.
pub(crate) fn text<'a>(upstreams: impl Iterator<Item = (&'a str, &'a Counters)> + Clone) -> String {
    let mut text = String::new();
    head(
        &mut text,
        "sealift_mirror_answers_total",
        "Answers by what was asked for and by how it was answered.",
    );
    for (name, counters) in upstreams.clone() {
        for (kind, results) in KINDS.iter().zip(&counters.answers) {
            for (result, counter) in RESULTS.iter().zip(results) {
                let n = counter.load(Ordering::Relaxed);
                // Writing to a String does not fail.
                let _ = writeln!(
                    text,
                    "sealift_mirror_answers_total{{upstream=\"{name}\",kind=\"{kind}\",result=\"{result}\"}} {n}"
                );
            }
        }
    }
    type Get = fn(&Counters) -> &AtomicU64;
    let simple: [(&str, &str, Get); 7] = [
        ("requests_total", "Requests to the upstream.", |all| &all.asked),
        ("received_bytes_total", "Bytes of blobs and manifests that came.", |all| &all.received),
        ("sent_bytes_total", "Bytes of blobs that were passed on while they came.", |all| {
            &all.sent
        }),
        ("mismatches_total", "Blobs and manifests with another digest than asked for.", |all| {
            &all.mismatches
        }),
        ("unkept_total", "Blobs that were passed on but could not be kept.", |all| &all.unkept),
        ("resumed_total", "Transfers that were taken up where they broke off.", |all| &all.resumed),
        ("held_off_total", "Requests that were not sent, because of limits or an outage.", |all| {
            &all.held_off
        }),
    ];
    for (name, help, get) in simple {
        head(&mut text, &format!("sealift_mirror_{name}"), help);
        for (upstream, counters) in upstreams.clone() {
            let n = get(counters).load(Ordering::Relaxed);
            let _ = writeln!(text, "sealift_mirror_{name}{{upstream=\"{upstream}\"}} {n}");
        }
    }
    let name = "sealift_mirror_remaining_requests";
    let help = "Requests that the upstream says it will still answer.";
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (upstream, counters) in upstreams {
        if let Some(n) = counters.remaining.load(Ordering::Relaxed).checked_sub(1) {
            let _ = writeln!(text, "{name}{{upstream=\"{upstream}\"}} {n}");
        }
    }
    text
}

fn head(text: &mut String, name: &str, help: &str) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n");
}

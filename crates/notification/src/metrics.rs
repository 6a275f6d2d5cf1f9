//! Counters of endpoints, as Prometheus reads them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) sent: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The counters of endpoints, by their names, and how many events nobody was told of.
pub(crate) fn text<'a>(
    endpoints: impl Iterator<Item = (&'a str, &'a Counters)>,
    n_lost: u64,
) -> String {
    let name = "sealift_notification_events_total";
    let help = "Events for endpoints: sent, tries that failed, events that were given up.";
    let mut text = format!("# HELP {name} {help}\n# TYPE {name} counter\n");
    for (endpoint, counters) in endpoints {
        let endpoint = endpoint.replace(['\\', '"', '\n'], "_");
        for (result, counter) in
            [("sent", &counters.sent), ("failed", &counters.failed), ("dropped", &counters.dropped)]
        {
            let n = counter.load(Ordering::Relaxed);
            // Writing to a String does not fail.
            let _ = writeln!(text, "{name}{{endpoint=\"{endpoint}\",result=\"{result}\"}} {n}");
        }
    }
    let name = "sealift_notification_lost_total";
    let help = "Events that came faster than they could be written down.";
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {n_lost}\n");
    text
}

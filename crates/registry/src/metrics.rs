//! Counters, as Prometheus reads them. They name no repository and no user.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const CLASSES: usize = 4;
// Upper bounds in microseconds; the last bucket has none.
const BOUNDS: [u64; 10] =
    [100, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000];

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/v2/`
    Base,
    /// The list of repositories.
    Catalog,
    /// The list of tags.
    Tags,
    /// A manifest by tag or digest.
    Manifest,
    /// A blob.
    Blob,
    /// A part of an upload.
    Upload,
    /// The list of referrers.
    Referrers,
    /// A token.
    Token,
    /// Trust data.
    Trust,
    /// Health and metrics.
    Service,
    /// A page for people.
    Page,
    /// Nothing that there is.
    Unknown,
}

impl Route {
    const ALL: [Self; 12] = [
        Self::Base,
        Self::Catalog,
        Self::Tags,
        Self::Manifest,
        Self::Blob,
        Self::Upload,
        Self::Referrers,
        Self::Token,
        Self::Trust,
        Self::Service,
        Self::Page,
        Self::Unknown,
    ];

    /// As labels have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Catalog => "catalog",
            Self::Tags => "tags",
            Self::Manifest => "manifest",
            Self::Blob => "blob",
            Self::Upload => "upload",
            Self::Referrers => "referrers",
            Self::Token => "token",
            Self::Trust => "trust",
            Self::Service => "service",
            Self::Page => "page",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Default)]
struct Row {
    classes: [AtomicU64; CLASSES],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// Counters of a registry.
#[derive(Default)]
pub struct Metrics {
    rows: [Row; Route::ALL.len()],
    received: AtomicU64,
    sent: Arc<AtomicU64>,
    denied: AtomicU64,
    throttled: AtomicU64,
    uploads_begun: AtomicU64,
    uploads_finished: AtomicU64,
    mounts: AtomicU64,
}

impl Metrics {
    pub(crate) fn count(&self, route: Route, status: u16, duration: Duration) {
        let row = &self.rows[route as usize];
        let class = usize::from((status / 100).clamp(2, 5) - 2);
        row.classes[class].fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        row.microseconds.fetch_add(microseconds, Ordering::Relaxed);
        let bucket = BOUNDS.iter().position(|bound| microseconds <= *bound).unwrap_or(BOUNDS.len());
        row.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        match status {
            401 | 403 => drop(self.denied.fetch_add(1, Ordering::Relaxed)),
            429 => drop(self.throttled.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
    }

    /// Where bytes of bodies that are sent are counted.
    pub(crate) fn sent(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.sent)
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn upload_begun(&self) {
        self.uploads_begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn upload_finished(&self) {
        self.uploads_finished.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn mounted(&self) {
        self.mounts.fetch_add(1, Ordering::Relaxed);
    }

    /// What Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let name = "sealift_registry_requests_total";
        head(&mut text, name, "counter", "Requests by route and status.");
        for (route, row) in Route::ALL.iter().zip(&self.rows) {
            for (class, counter) in (2..).zip(&row.classes) {
                let n = counter.load(Ordering::Relaxed);
                let route = route.as_str();
                // Writing to a String does not fail.
                let _ = writeln!(text, "{name}{{route=\"{route}\",status=\"{class}xx\"}} {n}");
            }
        }
        let name = "sealift_registry_request_duration_seconds";
        head(&mut text, name, "histogram", "Time until the answer began.");
        for (route, row) in Route::ALL.iter().zip(&self.rows) {
            histogram(&mut text, name, route.as_str(), row);
        }
        for (name, help, counter) in [
            ("received_bytes_total", "Bytes of uploads and manifests.", &self.received),
            ("sent_bytes_total", "Bytes of answers.", &*self.sent),
            ("denied_total", "Requests refused for want of rights.", &self.denied),
            ("throttled_total", "Requests refused as too many.", &self.throttled),
            ("uploads_begun_total", "Uploads that began.", &self.uploads_begun),
            ("uploads_finished_total", "Uploads that became blobs.", &self.uploads_finished),
            ("mounts_total", "Blobs mounted from another repository.", &self.mounts),
        ] {
            let name = format!("sealift_registry_{name}");
            number(&mut text, &name, "counter", help, counter.load(Ordering::Relaxed));
        }
        text
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

/// One number with its name.
pub(crate) fn number(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    head(text, name, kind, help);
    let _ = writeln!(text, "{name} {value}");
}

fn histogram(text: &mut String, name: &str, route: &str, row: &Row) {
    let mut total = 0;
    for (index, counter) in row.buckets.iter().enumerate() {
        total += counter.load(Ordering::Relaxed);
        let bound = BOUNDS.get(index).map_or("+Inf".to_owned(), |bound| seconds(*bound));
        let _ = writeln!(text, "{name}_bucket{{route=\"{route}\",le=\"{bound}\"}} {total}");
    }
    let sum = seconds(row.microseconds.load(Ordering::Relaxed));
    let _ = writeln!(text, "{name}_sum{{route=\"{route}\"}} {sum}");
    let _ = writeln!(text, "{name}_count{{route=\"{route}\"}} {total}");
}

fn seconds(microseconds: u64) -> String {
    let text = format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_reads() {
        let metrics = Metrics::default();
        metrics.count(Route::Manifest, 200, Duration::from_micros(300));
        metrics.count(Route::Manifest, 403, Duration::from_secs(20));
        metrics.count(Route::Blob, 429, Duration::from_micros(50));
        metrics.sent().fetch_add(7, Ordering::Relaxed);
        let text = metrics.text();
        for line in [
            "sealift_registry_requests_total{route=\"manifest\",status=\"2xx\"} 1",
            "sealift_registry_requests_total{route=\"manifest\",status=\"4xx\"} 1",
            "sealift_registry_request_duration_seconds_bucket{route=\"manifest\",le=\"0.0001\"} 0",
            "sealift_registry_request_duration_seconds_bucket{route=\"manifest\",le=\"0.0005\"} 1",
            "sealift_registry_request_duration_seconds_bucket{route=\"manifest\",le=\"10\"} 1",
            "sealift_registry_request_duration_seconds_bucket{route=\"manifest\",le=\"+Inf\"} 2",
            "sealift_registry_request_duration_seconds_sum{route=\"manifest\"} 20.0003",
            "sealift_registry_request_duration_seconds_count{route=\"manifest\"} 2",
            "sealift_registry_sent_bytes_total 7",
            "sealift_registry_denied_total 1",
            "sealift_registry_throttled_total 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        for (index, route) in Route::ALL.into_iter().enumerate() {
            assert_eq!(route as usize, index);
        }
    }
}

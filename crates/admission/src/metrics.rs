//! Counters, as Prometheus reads them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::decide::Path;
use crate::review::Answer;
use crate::{Decision, Verdict};

const PATHS: [Path; 2] = [Path::Validate, Path::Mutate];
const OUTCOMES: [&str; 3] = ["allowed", "warned", "denied"];
const DECISIONS: [&str; 4] = ["allow", "warn", "deny", "failed"];
const SOURCES: [&str; 2] = ["judged", "remembered"];

/// Counters of a webhook.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    reviews: [[AtomicU64; OUTCOMES.len()]; PATHS.len()],
    images: [[AtomicU64; SOURCES.len()]; DECISIONS.len()],
    unreadable: AtomicU64,
}

impl Counters {
    pub(crate) fn decided(&self, path: Path, answer: &Answer) {
        let outcome = match (answer.allowed, answer.warnings.is_empty()) {
            (true, true) => 0,
            (true, false) => 1,
            (false, _) => 2,
        };
        self.reviews[path as usize][outcome].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn judged(&self, verdict: &Verdict, was_known: bool) {
        let decision = match verdict.decision {
            Decision::Allow => 0,
            Decision::Warn(_) => 1,
            Decision::Deny(_) => 2,
            Decision::Failed(_) => 3,
        };
        self.images[decision][usize::from(was_known)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unreadable(&self) {
        self.unreadable.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let head = |text: &mut String, name: &str, help: &str| {
            // Writing to a String does not fail.
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n");
        };
        head(&mut text, "sealift_admission_reviews_total", "Reviews by webhook and outcome.");
        for (path, outcomes) in PATHS.iter().zip(&self.reviews) {
            for (outcome, counter) in OUTCOMES.iter().zip(outcomes) {
                let path = path.as_str();
                let labels = format!("webhook=\"{path}\",outcome=\"{outcome}\"");
                let n = counter.load(Ordering::Relaxed);
                let _ = writeln!(text, "sealift_admission_reviews_total{{{labels}}} {n}");
            }
        }
        head(&mut text, "sealift_admission_images_total", "Images by decision and source.");
        for (decision, sources) in DECISIONS.iter().zip(&self.images) {
            for (source, counter) in SOURCES.iter().zip(sources) {
                let labels = format!("decision=\"{decision}\",source=\"{source}\"");
                let n = counter.load(Ordering::Relaxed);
                let _ = writeln!(text, "sealift_admission_images_total{{{labels}}} {n}");
            }
        }
        let name = "sealift_admission_unreadable_total";
        head(&mut text, name, "Requests that are no reviews.");
        let _ = writeln!(text, "{name} {}", self.unreadable.load(Ordering::Relaxed));
        text
    }
}

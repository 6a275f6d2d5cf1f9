//! What the gate counted, and what it has to do, as Prometheus reads it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::gate::Inner;
use crate::herald::EXAMINE;
use crate::{examine, webhook};

const GATES: [&str; 5] = ["quarantine", "trust", "scan", "policy", "gate"];

/// What the gate counted since its start.
#[derive(Debug, Default)]
pub struct Numbers {
    /// Pulls that were admitted.
    pub admitted: AtomicU64,
    /// Pulls that were refused.
    pub refused: AtomicU64,
    /// Pulls that would have been refused.
    pub would_be_refused: AtomicU64,
    /// Verdicts that were known.
    pub recalled: AtomicU64,
    /// Verdicts that had to be found.
    pub judging: Timed,
    /// Images that were examined.
    pub examining: Timed,
    /// Images whose packages were matched again.
    pub matched: AtomicU64,
    /// Events that were told to others.
    pub told: AtomicU64,
    /// Tries to tell others that failed.
    pub told_in_vain: AtomicU64,
    /// Events that were given up.
    pub dropped: AtomicU64,
    /// Events that came too fast to be written down.
    pub unlogged: AtomicU64,
    by_gate: [AtomicU64; GATES.len()],
}

/// How often something was done, and how long that took in all.
#[derive(Debug, Default)]
pub struct Timed {
    /// How often.
    pub count: AtomicU64,
    microseconds: AtomicU64,
}

impl Timed {
    pub(crate) fn add(&self, duration: Duration) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let microseconds = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }
}

impl Numbers {
    pub(crate) fn refuse(&self, gate: &str) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if let Some(index) = GATES.iter().position(|known| *known == gate) {
            self.by_gate[index].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let get = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let verdicts = [
            ("admitted", get(&self.admitted)),
            ("refused", get(&self.refused)),
            ("would_refuse", get(&self.would_be_refused)),
        ];
        let name = "sealift_gate_verdicts_total";
        labelled(
            &mut text,
            name,
            "Pulls that were judged, by what became of them.",
            "result",
            &verdicts,
        );
        let refusals: Vec<_> =
            GATES.iter().zip(&self.by_gate).map(|(gate, number)| (*gate, get(number))).collect();
        let name = "sealift_gate_refusals_total";
        labelled(
            &mut text,
            name,
            "Pulls that were refused, by the first gate that did.",
            "gate",
            &refusals,
        );
        let letters = [
            ("sent", get(&self.told)),
            ("failed", get(&self.told_in_vain)),
            ("dropped", get(&self.dropped)),
        ];
        let name = "sealift_gate_webhooks_total";
        labelled(
            &mut text,
            name,
            "Tries to tell others, by what came of them.",
            "result",
            &letters,
        );
        for (name, help, number) in [
            ("verdicts_recalled_total", "Verdicts that were known.", &self.recalled),
            ("matched_total", "Images matched again with other advisories.", &self.matched),
            ("unlogged_total", "Events that came too fast for the audit log.", &self.unlogged),
        ] {
            one(&mut text, name, "counter", help, get(number));
        }
        timed(&mut text, "judgement_seconds", "Verdicts that had to be found.", &self.judging);
        timed(&mut text, "examination_seconds", "Images examined.", &self.examining);
        text
    }
}

impl Inner {
    /// All of it; what cannot be read is left out.
    pub(crate) async fn metrics(&self) -> String {
        let mut text = self.numbers.text();
        for (queue, what) in [(EXAMINE, "examination"), (webhook::QUEUE, "webhook")] {
            let Ok(length) = self.depot.queue_length(queue).await else { continue };
            let name = format!("{what}_queue");
            one(&mut text, &name, "gauge", "Jobs that wait.", length.jobs);
            let name = format!("{what}_wait_seconds");
            one(&mut text, &name, "gauge", "How long the oldest has been due.", length.waited_secs);
        }
        let rules = self.rules();
        let made = tokio::task::spawn_blocking(move || examine::database_secs(&rules)).await;
        if let Ok(Some(made)) = made {
            let age = (self.environment.clock)().as_second().saturating_sub(made);
            let age = u64::try_from(age).unwrap_or(0);
            one(&mut text, "database_age_seconds", "gauge", "Age of the advisories.", age);
        }
        text
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a String does not fail.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn one(text: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    let name = format!("sealift_gate_{name}");
    head(text, &name, kind, help);
    let _ = writeln!(text, "{name} {value}");
}

fn labelled(text: &mut String, name: &str, help: &str, label: &str, values: &[(&str, u64)]) {
    head(text, name, "counter", help);
    for (value, number) in values {
        let _ = writeln!(text, "{name}{{{label}=\"{value}\"}} {number}");
    }
}

fn timed(text: &mut String, name: &str, help: &str, timed: &Timed) {
    let name = format!("sealift_gate_{name}");
    head(text, &name, "summary", help);
    let microseconds = timed.microseconds.load(Ordering::Relaxed);
    let (whole, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
    let _ = writeln!(text, "{name}_sum {whole}.{rest:06}");
    let _ = writeln!(text, "{name}_count {}", timed.count.load(Ordering::Relaxed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_reads() {
        let numbers = Numbers::default();
        numbers.refuse("trust");
        numbers.refuse("policy");
        numbers.judging.add(Duration::from_micros(1_000_250));
        let text = numbers.text();
        for line in [
            "sealift_gate_verdicts_total{result=\"refused\"} 2",
            "sealift_gate_refusals_total{gate=\"trust\"} 1",
            "sealift_gate_refusals_total{gate=\"scan\"} 0",
            "sealift_gate_judgement_seconds_sum 1.000250",
            "sealift_gate_judgement_seconds_count 1",
            "sealift_gate_webhooks_total{result=\"failed\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}

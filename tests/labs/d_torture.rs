//! D: the registry under torture, with the whole program. bench/registry-torture does the same for as long as one likes.

#![allow(clippy::print_stdout, reason = "what was counted is said")]

use std::time::Duration;

use sealift_testkit::{Report, Torture, torture};

use crate::lab::empty_lab;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn run(time: Duration, kill_every: Duration, kills_max: u64) -> Report {
    let context = empty_lab();
    let report = torture(&Torture {
        program: env!("CARGO_BIN_EXE_sealift").into(),
        folder: context.work(),
        time,
        n_clients: 4,
        seed: variable("SEALIFT_SEED").unwrap_or(1),
        kill_every,
        kills_max,
    });
    let report = report.unwrap();
    println!("{report}");
    assert!(report.wrongs.is_empty(), "{report}");
    report
}

#[test]
fn nothing_is_lost_and_nothing_leaks() {
    let report = run(Duration::from_secs(15), Duration::from_secs(4), u64::MAX);
    for what in ["manifests pushed", "manifests pulled", "collections", "uploads resumed"] {
        assert!(report.counts.get(what).is_some_and(|n| *n > 0), "{what}: {report}");
    }
}

#[test]
fn what_was_answered_outlives_a_kill() {
    let n_kills = variable("SEALIFT_KILLS").unwrap_or(12);
    let report = run(Duration::from_hours(1), Duration::from_millis(400), n_kills);
    assert_eq!(report.counts.get("kills"), Some(&n_kills), "{report}");
}

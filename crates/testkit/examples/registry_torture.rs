//! Tortures `sealift registry serve` and says what came of it; the script bench/registry-torture runs it.
//!
//! usage: `registry_torture SEALIFT MINUTES [CLIENTS [SEED]]`

#![expect(clippy::print_stdout, reason = "it is a program")]
#![expect(clippy::unwrap_used, reason = "a failure ends it")]

use std::process::ExitCode;
use std::time::Duration;

use sealift_testkit::{Torture, torture};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: u64| -> u64 {
        arguments.get(place).map_or(default, |text| text.parse().unwrap())
    };
    let folder = tempfile::tempdir().unwrap();
    let report = torture(&Torture {
        program: arguments[0].clone().into(),
        folder: folder.path().to_owned(),
        time: Duration::from_secs(number(1, 1) * 60),
        n_clients: number(2, 8),
        seed: number(3, 1),
        kill_every: Duration::from_secs(8),
        kills_max: u64::MAX,
    });
    let report = report.unwrap();
    print!("{report}");
    if report.wrongs.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

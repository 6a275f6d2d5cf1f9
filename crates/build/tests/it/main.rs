//! Builds real images, as root or as an ordinary user.
//!
//! The harness is our own because `become_root` and the sandbox's init process need a `main` with a single thread.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]
#![allow(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

mod adding;
mod bases;
mod bench;
mod cache;
mod config;
mod copying;
mod failing;
mod output;
mod running;

use libtest_mimic::{Arguments, Trial};
use sealift_sandbox::Privilege;

fn main() {
    sealift_sandbox::handle_reexec();
    let arguments = Arguments::from_args();
    let privilege = sealift_sandbox::become_root().unwrap();
    println!("running as {privilege:?}");
    let mut trials = Vec::new();
    trials.extend(config::trials());
    if privilege == Privilege::SingleUser {
        println!("SKIPPED: most tests, as there are no subordinate ids to own files");
    } else {
        trials.extend(copying::trials());
        trials.extend(adding::trials());
        trials.extend(bases::trials());
        trials.extend(cache::trials());
        trials.extend(failing::trials());
        trials.extend(output::trials());
        trials.extend(trials_with_sandbox());
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trials_with_sandbox() -> Vec<Trial> {
    if let Err(error) = sealift_sandbox::probe() {
        println!("SKIPPED: tests of RUN: {error}: {}", error.hint().unwrap_or_default());
        return Vec::new();
    }
    if !std::path::Path::new(bench::BUSYBOX).exists() {
        println!(
            "SKIPPED: tests of RUN: {} is missing; apt-get install busybox-static",
            bench::BUSYBOX
        );
        return Vec::new();
    }
    running::trials()
}

/// A test that fails by panicking.
pub(crate) fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

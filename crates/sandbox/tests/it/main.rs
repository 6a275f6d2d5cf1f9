//! Runs real commands in real sandboxes, as root or as an ordinary user with or without subordinate ids.
//!
//! The harness is our own because `become_root` and the init process need a `main` with a single thread.

// Clippy knows tests by their attribute, which a harness of one's own does not have.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::exit, clippy::assigning_clones)]

mod bench;
mod commands;
mod confinement;
mod layers;
mod lifecycle;

use libtest_mimic::{Arguments, Trial};
use sealift_sandbox::Privilege;

use bench::BUSYBOX;

fn main() {
    sealift_sandbox::handle_reexec();
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some(lifecycle::HOLD) => return lifecycle::hold(arguments.next()),
        Some(lifecycle::TIME) => return lifecycle::time(),
        _ => {}
    }
    let arguments = Arguments::from_args();
    if let Err(error) = sealift_sandbox::probe() {
        skip(&format!("{error}: {}", error.hint().unwrap_or_default()));
    }
    if !std::path::Path::new(BUSYBOX).exists() {
        skip(&format!("{BUSYBOX} is missing; apt-get install busybox-static"));
    }
    let privilege = sealift_sandbox::become_root().unwrap();
    println!("running as {privilege:?}");
    let mut trials = Vec::new();
    trials.extend(commands::trials());
    trials.extend(confinement::trials(privilege));
    trials.extend(layers::trials());
    trials.extend(lifecycle::trials());
    if privilege == Privilege::SingleUser {
        println!("SKIPPED: tests of other users, as there are no subordinate ids");
    } else {
        trials.extend(commands::trials_with_users());
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn skip(why: &str) -> ! {
    println!("SKIPPED: no sandbox test was run: {why}");
    std::process::exit(0);
}

/// A test that fails by panicking.
fn trial(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

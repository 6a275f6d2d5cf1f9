//! Against foreign programs: gpg, openssl, and what Debian really signs. Each test says aloud if it has to skip.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test's helpers are tests too")]

mod debian;
mod gpg;
mod key_file;
mod openssl;
mod timestamp;

use std::path::Path;
use std::process::Command;

/// Whether a program is there; if not, says what is skipped.
fn has_program(name: &str, what: &str) -> bool {
    let is_there = Command::new(name).arg("--help").output().is_ok();
    if !is_there {
        eprintln!("SKIPPED: no `{name}` on this machine, {what} is not tested");
    }
    is_there
}

/// Runs a program in a directory and returns whether it succeeded, with its output.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env("GNUPGHOME", directory)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn must_run(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let (is_success, text) = run(directory, program, arguments);
    assert!(is_success, "{program} {arguments:?}: {text}");
    text
}

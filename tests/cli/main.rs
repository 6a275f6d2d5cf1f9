//! The command line: what it prints, where to, and how it ends. One file a topic; the jobs themselves are in tests/labs.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[allow(dead_code, reason = "the labs use all of it")]
#[path = "../labs/lab.rs"]
mod lab;

#[allow(dead_code, reason = "the tests of the crate sigstore use all of it")]
#[path = "../../crates/sigstore/tests/it/instance.rs"]
mod instance;

mod bad_advisories;
mod blobs;
mod certificates;
mod conform;
mod containerd;
mod database;
mod dockerfiles;
mod documents;
mod exceptions;
mod findings;
mod help;
mod importing;
mod keyless;
mod keyless_legacy;
mod keys;
mod linting;
mod lsp;
mod operating;
mod output;
mod policies;
mod registry_access;
mod registry_config;
mod registry_storage;
mod reports;
mod resolving;
mod sboms;
mod settings;
mod signing;
mod sources;
mod stamps;
mod tokens;

use sealift_testkit::{Outcome, TestContext};

/// A context with an empty store and one time for everything.
fn context() -> TestContext {
    TestContext::new(env!("CARGO_BIN_EXE_sealift")).with_fixed_clock()
}

/// A context with an image `small:1` of one file.
fn with_image() -> TestContext {
    let context = context();
    context.write("small/file", "content");
    context.write("small/Dockerfile", "FROM scratch\nCOPY file /\n");
    context.expect(0, &["build", "--quiet", "-t", "small:1", "small"]);
    context
}

/// One error, which says this, without an escape sequence or a backtrace.
#[track_caller]
fn assert_one_error(outcome: &Outcome, code: i32, expected: &[&str]) {
    let errors = &outcome.stderr;
    assert_eq!(outcome.code, code, "{errors}");
    assert_eq!(errors.lines().filter(|line| line.starts_with("error:")).count(), 1, "{errors}");
    for text in expected {
        assert!(errors.contains(text), "no `{text}` in\n{errors}");
    }
    assert!(!errors.contains('\u{1b}') && !errors.contains("panicked"), "{errors}");
    assert_eq!(outcome.stdout, "", "an error prints no data");
}

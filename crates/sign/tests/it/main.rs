//! What others say of our bundles, and we of theirs.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests, which say what they skip")]

mod conformance;
mod oracle;

//! The parser through its public interface: the tree of each construct, problems, hostile scripts.

// expect-test writes raw strings with hashes.
#![allow(
    clippy::needless_raw_string_hashes,
    clippy::unwrap_used,
    clippy::format_push_string,
    reason = "tests may"
)]

mod faults;
mod hostile;
mod outline;
mod problems;
mod tree;

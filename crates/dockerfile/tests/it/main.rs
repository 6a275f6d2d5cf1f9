//! The language through its public interface.

// expect-test writes raw strings with hashes.
#![allow(clippy::needless_raw_string_hashes, clippy::unwrap_used, clippy::format_push_string)]

mod dump;
mod hostile;
mod instructions;
mod lines;
mod mistakes;
mod mounts;
mod staging;
mod variables;

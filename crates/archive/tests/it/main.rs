//! Tests of the archive crate at its border, with other programs as judges.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests are tests, and a skipped test must be seen"
)]

mod compression;
mod foreign;
mod hostile;
mod raw;
mod round_trip;
mod sparse;

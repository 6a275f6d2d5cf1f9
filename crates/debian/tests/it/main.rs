//! Assembles images from archives made here, and, if asked for, from a real one.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::needless_raw_string_hashes,
    reason = "tests, and expect-test writes raw strings"
)]

mod bench;
mod curl;
mod mirror;

mod images;
mod real_archive;
mod refusals;

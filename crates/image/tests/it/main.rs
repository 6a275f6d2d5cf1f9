//! Tests of the image crate at its border, with skopeo, umoci and GNU tar as judges.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests are tests, and a skipped test must be seen"
)]

mod damage;
mod directory;
mod foreign;
mod inspection;
mod kit;
mod merge;
mod rootfs;
mod sources;
mod wanted;

//! Matching, on advisories made here, on those of the example, and on a copy of the public ones.

// `allow-unwrap-in-tests` does not reach the helpers of an integration test.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod inventory;

mod compare;
mod enrichment;
mod example;
mod exceptions;
mod explain;
mod expression;
mod feeds;
mod gate;
mod go;
mod life;
mod matching;
mod originals;
mod public;
mod redhat;
mod suse;
mod ubuntu;

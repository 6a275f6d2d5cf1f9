//! The mirror against an upstream that misbehaves, and against Debian's docker-registry.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "what is skipped or measured is said")]

mod blobs;
mod debian;
mod lists;
mod manifests;
mod setting;

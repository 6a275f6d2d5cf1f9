//! Rules through the public interface: for each what it finds and what it leaves alone.

// expect-test writes raw strings with hashes.
#![allow(clippy::needless_raw_string_hashes, clippy::unwrap_used)]

mod archive;
mod buildkit;
mod check;
mod compatibility;
mod configuration;
mod correctness;
mod documents;
mod examples;
mod habits;
mod hadolint;
mod hostile;
mod labels;
mod mending;
mod packages;
mod reproducibility;
mod resolving;
mod security;
mod shell;
mod size;
mod suppressions;

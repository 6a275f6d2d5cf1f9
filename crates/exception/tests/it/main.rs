//! Ignore files and VEX documents, held against findings made here.

// `allow-unwrap-in-tests` does not reach the helpers of an integration test.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod sample;

mod hostile;
mod ignore;
mod vex;

//! The depot as its users see it.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test says by panic what is wrong, and its numbers are small"
)]

mod common;

mod keeping;
mod manifests;
mod replicas;
mod secured;
#[path = "../../../tuf/tests/it/store_suite.rs"]
mod store_suite;
mod torture;
mod trust;
mod uploads;

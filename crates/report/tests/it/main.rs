//! Reports as their readers see them.

// `allow-unwrap-in-tests` does not reach the helpers of an integration test.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod compare;
mod findings;
mod formats;
mod inventories;
mod json;
mod sample;
mod secrets;
mod table;
mod templates;

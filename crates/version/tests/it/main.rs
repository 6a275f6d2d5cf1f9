//! Version order against the tools that define it, and ranges.

// `allow-unwrap-in-tests` does not reach the helpers of an integration test.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod ecosystems;
mod oracle;
mod order;
mod range;

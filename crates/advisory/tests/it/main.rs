//! Reading advisories: layouts, tolerance, limits.

// `allow-unwrap-in-tests` does not reach the helpers of an integration test.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod distributions;
mod enrichment;
mod exploits;
mod folder;
mod hostile;
mod layouts;
mod redhat;
mod rpm_feeds;
mod tolerance;

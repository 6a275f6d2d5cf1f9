//! Bundles that others made, against the rules that they wrote.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod conformance;

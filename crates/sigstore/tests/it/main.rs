//! Bundles that we make, right and wrong, and those that others made, against the rules that they wrote.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

mod attacks;
mod conformance;
mod instance;
mod legacy;

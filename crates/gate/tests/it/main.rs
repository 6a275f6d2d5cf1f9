//! The gate over a real depot.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod harness;
mod over_http;
mod pulls;
mod pushes;
mod webhooks;

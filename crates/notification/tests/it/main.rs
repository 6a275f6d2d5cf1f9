//! Endpoints that hear, that fail, and that come back.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod endpoints;
mod hearing;

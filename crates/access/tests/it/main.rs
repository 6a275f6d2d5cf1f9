//! Tests of the gatekeeper as a server asks it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod lab;

mod identity_tokens;
mod tokens;

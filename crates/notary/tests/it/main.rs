//! The client against servers: ours in memory, one that lies, and Debian's notary-server.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test's helpers are tests too")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

mod attacks;
mod desk;
mod liar;
mod matrix;
mod over_http;
mod state;
#[allow(dead_code, reason = "the tests of the registry need more of it")]
#[path = "../../../registry/tests/it/token_server.rs"]
mod token_server;

//! The client against servers: ours in memory, one that lies, and Debian's notary-server.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test's helpers are tests too")]

mod desk;
mod matrix;

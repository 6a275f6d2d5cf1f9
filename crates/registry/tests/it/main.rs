//! The server of trust data over sockets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod clients;
mod endpoints;
mod hostile;
mod lab;
mod token_server;

//! The registry and the server of trust data over sockets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod access;
mod bad_input;
mod clients;
mod containers;
mod endpoints;
mod gates;
mod hostile;
mod lab;
mod operating;
mod replay;
mod replicas;
mod rights;
mod robustness;
mod routes;
mod rules;
mod token_routes;
mod token_server;
mod upstreams;

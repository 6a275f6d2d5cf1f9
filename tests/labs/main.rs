//! The labs: the jobs of docs/labs.md, done with the binary as a user would. One file a letter.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod advisories;
mod docker;
mod foreign;
mod lab;
mod serving;

mod a_build;
mod b_inspect;
mod b_lint;
mod b_oracle;
mod b_sboms;
mod b_scans;
mod b_secrets;
mod b_targets;
mod c_attacks;
mod c_cosign;
mod c_docker;
mod c_policies;
mod c_trust;
mod d_disk;
mod d_gate;
mod d_installed;
mod d_mirror;
mod d_pages;
mod d_registry;
mod d_replicas;
mod d_replicas_trust;
mod d_server;
mod d_signed;
mod d_torture;
mod e_admission;
mod e_docker;
mod e_hardening;
mod e_pipeline;

//! Prints what a text on standard input grants: `cargo run -p sealift-license --example text < LICENSE`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for who works on this crate")]

use std::io::Read as _;

fn main() {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).unwrap();
    println!("{:#?}", sealift_license::read_text(&bytes));
}

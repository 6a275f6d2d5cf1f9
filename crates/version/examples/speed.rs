//! Prints what parsing a version and comparing two cost under each scheme: `cargo run --example speed`.

#![allow(clippy::print_stdout, reason = "an example prints")]

use std::hint::black_box;
use std::time::Instant;

use sealift_version::{Scheme, Version};

const ROUNDS: u32 = 100_000;
const TEXTS: [&str; 6] = ["1.2.3", "1.2.10", "10.0.1", "1.2.3-1", "2.0.0-rc.1", "1.0.0_rc1"];

fn main() {
    println!("{:<10} {:>10} {:>12} {:>10}", "scheme", "parse ns", "compare ns", "key bytes");
    for scheme in Scheme::ALL {
        let versions: Vec<Version> =
            TEXTS.iter().filter_map(|text| Version::parse(scheme, text).ok()).collect();
        let [first, .., last] = versions.as_slice() else { continue };
        let started = Instant::now();
        for _ in 0..ROUNDS {
            let _ = black_box(Version::parse(scheme, black_box(TEXTS[0])));
        }
        let parsed = started.elapsed() / ROUNDS;
        let started = Instant::now();
        for _ in 0..ROUNDS {
            black_box(black_box(first).cmp(black_box(last)));
        }
        let compared = started.elapsed() / ROUNDS;
        let bytes = first.key().len();
        let name = scheme.as_str();
        println!("{name:<10} {:>10} {:>12} {bytes:>10}", parsed.as_nanos(), compared.as_nanos());
    }
}

//! Runs every seed, and small changes of it, through the function that its fuzz target calls.
//!
//! A seed is a file of `fuzz/seeds/TARGET/`. What a fuzzer found lies there too, so that it stays repaired.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use sealift_corpus::{TARGETS, Target};

const SEED_BYTES_MAX: u64 = 8 << 10;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let name = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    fs::read_dir(folder).unwrap().map(|entry| name(entry.unwrap())).collect()
}

fn seeds(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(fuzz().join("seeds").join(target.name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

// Where the input breaks a promise, the test must say which input it was.
fn check(target: &Target, path: &Path, change: &str, bytes: &[u8]) {
    let run = || (target.run)(bytes);
    let path = path.display();
    assert!(catch_unwind(AssertUnwindSafe(run)).is_ok(), "{}: `{path}`{change}", target.name);
}

fn replay(part: usize) {
    for (_, target) in TARGETS.iter().enumerate().filter(|(place, _)| place % 4 == part) {
        for (path, seed) in seeds(target) {
            check(target, &path, "", &seed);
            // Evenly over the whole seed, half of them cut there, half of them with one byte changed.
            let step = (2 * seed.len()).div_ceil(target.changes_max).max(1);
            for place in (0..seed.len()).step_by(step) {
                check(target, &path, &format!(" cut at {place}"), &seed[..place]);
                let mut changed = seed.clone();
                changed[place] ^= 1 << (place % 8);
                check(target, &path, &format!(" changed at {place}"), &changed);
            }
        }
    }
}

#[test]
fn seeds_and_their_changes_1() {
    replay(0);
}

#[test]
fn seeds_and_their_changes_2() {
    replay(1);
}

#[test]
fn seeds_and_their_changes_3() {
    replay(2);
}

#[test]
fn seeds_and_their_changes_4() {
    replay(3);
}

#[test]
fn every_target_has_a_program_and_seeds() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), targets);
    assert_eq!(names(&fuzz().join("seeds")), targets);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for target in TARGETS {
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{}", target.name);
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for (path, seed) in seeds {
            assert!(seed.len() as u64 <= SEED_BYTES_MAX, "`{}` is large", path.display());
        }
    }
}

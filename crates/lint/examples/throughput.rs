//! How many Dockerfiles a second one core lints: `throughput FOLDER [ROUNDS]`, of all files in it.

#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "a program that measures")]

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, lint};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = arguments.next().ok_or_else(|| std::io::Error::other("name a folder"))?;
    let rounds = arguments.next().and_then(|it| it.to_str()?.parse().ok()).unwrap_or(10_usize);
    let mut files = Vec::new();
    collect(Path::new(&folder), &mut files)?;
    let texts: Vec<String> =
        files.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let config = Config::default();
    let context = Context { dockerignore: Some(""), ..Context::new(&config) };
    let limits = Limits::default();
    let (mut parsing, mut findings) = (Duration::ZERO, 0);
    let start = Instant::now();
    for _ in 0..rounds {
        for text in &texts {
            let begin = Instant::now();
            let parsed = parse(text, &limits);
            parsing += begin.elapsed();
            findings += lint(&parsed, &context).len();
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let count = texts.len() * rounds;
    println!(
        "{} files, {rounds} rounds: {:.0} a second, of which parsing {:.0} %, {} findings a round",
        texts.len(),
        count as f64 / seconds,
        100.0 * parsing.as_secs_f64() / seconds,
        findings / rounds.max(1),
    );
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

//! Reads all files below the folders that are named, scans them on one thread, and says how fast that was and which rules
//! found how much. `bench/secrets` calls it.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for measuring")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sealift_secrets::Scanner;

fn main() {
    let start = Instant::now();
    Scanner::default().scan("a", b"key = 1");
    println!("start for a line: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    Scanner::default().scan("a", &vec![b' '; 300 << 10]);
    println!("start for much text: {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let shows = std::env::var_os("SHOW").is_some();
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        let files: Vec<(String, Vec<u8>)> = files(&folder)
            .into_iter()
            .filter_map(|path| {
                let bytes = std::fs::read(&path).ok()?;
                // As text is measured, what is none is left out.
                let is_text = memchr::memchr(0, &bytes[..bytes.len().min(8000)]).is_none();
                is_text.then(|| (path.display().to_string(), bytes))
            })
            .collect();
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut rules: BTreeMap<String, usize> = BTreeMap::new();
        let scanner = Scanner::default();
        let start = Instant::now();
        let mut found = Vec::new();
        for (path, bytes) in &files {
            // The path below the folder, as a layer has it.
            found.push((path, scanner.scan(path.trim_start_matches('/'), bytes).secrets));
        }
        let seconds = start.elapsed().as_secs_f64();
        for (path, secrets) in found {
            for secret in secrets {
                if shows {
                    println!("{path}:{}: {} {}", secret.line, secret.rule, secret.masked);
                }
                *rules.entry(secret.rule.into_owned()).or_default() += 1;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let megabytes = bytes as f64 / 1e6;
        println!(
            "{}: {} files, {megabytes:.1} MB in {seconds:.2} s: {:.0} MB/s",
            folder.display(),
            files.len(),
            megabytes / seconds
        );
        println!("  {rules:?}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut pending) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = pending.pop() {
        if next.is_symlink() {
            continue;
        }
        match std::fs::read_dir(&next) {
            Ok(entries) => pending.extend(entries.flatten().map(|entry| entry.path())),
            Err(_) => found.push(next),
        }
    }
    found.sort();
    found
}

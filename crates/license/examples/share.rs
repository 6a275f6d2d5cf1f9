//! Reads the copyright files below a root folder and prints how many of the licence values in them have an SPDX
//! identifier: `cargo run --release -p sealift-license --example share -- / [-v]`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for who works on this crate")]

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use sealift_license::copyright;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = arguments.first().map_or("/", String::as_str);
    let is_verbose = arguments.iter().any(|argument| argument == "-v");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(format!("{root}/usr/share/doc")).unwrap() {
        let path = entry.unwrap().path();
        if let Ok(bytes) = std::fs::read(path.join("copyright")) {
            files.push((path.file_name().unwrap().to_string_lossy().into_owned(), bytes));
        }
    }
    files.sort();
    let start = Instant::now();
    let mut known: HashMap<&[u8], copyright::Copyright> = HashMap::new();
    let read: Vec<_> = files
        .iter()
        .map(|(name, bytes)| {
            let read = known.entry(bytes).or_insert_with(|| copyright::read(bytes));
            (name, read.clone())
        })
        .collect();
    let elapsed = start.elapsed();
    let (mut n_values, mut n_listed, mut n_partly, mut n_silent) = (0, 0, 0, 0);
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (name, copyright) in &read {
        n_silent += usize::from(copyright.licenses.is_empty());
        for license in &copyright.licenses {
            n_values += 1;
            let spdx = license.spdx.as_deref().unwrap_or_default();
            let rest = spdx.replace("LicenseRef-public-domain", "");
            match () {
                () if spdx.is_empty() => *unknown.entry(license.declared.clone()).or_default() += 1,
                () if rest.contains("LicenseRef-") => n_partly += 1,
                () => n_listed += 1,
            }
            if is_verbose {
                println!("{name}\t{}\t{spdx}\t{}", license.declared, license.is_detected);
            }
        }
        if copyright.licenses.is_empty() && is_verbose {
            println!("{name}\t-\t-\t-");
        }
    }
    let mut unknown: Vec<_> = unknown.into_iter().collect();
    unknown.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    if is_verbose {
        for (name, count) in &unknown {
            println!("?\t{count}\t{name}");
        }
    }
    let share = f64::from(n_listed) * 100.0 / f64::from(n_values);
    let all = f64::from(n_listed + n_partly) * 100.0 / f64::from(n_values);
    println!("{} files in {elapsed:.1?}, {n_silent} without a licence", files.len());
    println!(
        "{n_values} values, {n_listed} with an SPDX identifier for all of it ({share:.1} %), {n_partly} for a part ({all:.1} %)"
    );
}

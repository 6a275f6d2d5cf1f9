//! Names the version of the analysis by the sources that it is made of, so that nothing which another version kept in a
//! cache is ever taken for its own.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

const SOURCES: [&str; 17] = [
    "../advisory/src",
    "../archive/src",
    "../cataloger/src",
    "../cpe/src",
    "../database/src",
    "../deb822/src",
    "../distribution/src",
    "../image/src",
    "../license/src",
    "../lockfile/src",
    "../model/src",
    "../oci/src",
    "../program/src",
    "../secrets/src",
    "../version/src",
    "../../Cargo.lock",
    "src",
];

fn main() {
    let mut hasher = DefaultHasher::new();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        for file in files(Path::new(source)) {
            file.hash(&mut hasher);
            fs::read(&file).expect("a source that was listed can be read").hash(&mut hasher);
        }
    }
    println!("cargo::rustc-env=SEALIFT_ANALYSIS={:016x}", hasher.finish());
}

// A file, or all files below a folder, in order; what is not there has none.
fn files(source: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![source.to_owned()];
    while let Some(next) = pending.pop() {
        if next.is_file() {
            found.push(next);
            continue;
        }
        let Ok(entries) = fs::read_dir(next) else { continue };
        pending.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    found.sort();
    found
}

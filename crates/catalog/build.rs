//! Names the version of the analysis of a layer by the sources that it is made of, so that nothing which another version
//! kept in a cache is ever taken for its own.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

const FOLDERS: [&str; 9] = [
    "../archive/src",
    "../cataloger/src",
    "../deb822/src",
    "../distribution/src",
    "../image/src",
    "../license/src",
    "../lockfile/src",
    "../program/src",
    "src",
];

fn main() {
    let mut hasher = DefaultHasher::new();
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        for file in sources(Path::new(folder)) {
            file.hash(&mut hasher);
            fs::read(&file).expect("a source that was listed can be read").hash(&mut hasher);
        }
    }
    println!("cargo::rustc-env=SEALIFT_ANALYSIS={:016x}", hasher.finish());
}

// All files below a folder, in order; a folder that is not there has none.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(next) = pending.pop() {
        let Ok(entries) = fs::read_dir(next) else { continue };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                pending.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

//! The least that listing an image's content can cost: inflates, hashes and walks the layers of an OCI layout, layers in
//! parallel, and nothing else. `bench/inventory` holds the real thing against it.

#![allow(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use rayon::prelude::*;
use sealift_oci::{Algorithm, Digest, Hasher};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const BUFFER_BYTES: usize = 256 << 10;
const BLOCK_BYTES: usize = 512;

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).ok_or("name the folder of an OCI layout")?;
    let folder = PathBuf::from(folder);
    let index = json(&fs::read(folder.join("index.json"))?)?;
    let manifest = json(&fs::read(blob(&folder, &index["manifests"][0]["digest"])?)?)?;
    let layers = manifest["layers"].as_array().ok_or("the manifest has no layers")?;
    let counts: Result<Vec<u64>> =
        layers.par_iter().map(|layer| walk(&blob(&folder, &layer["digest"])?)).collect();
    println!("{} entries in {} layers", counts?.iter().sum::<u64>(), layers.len());
    Ok(())
}

fn json(bytes: &[u8]) -> Result<Value> {
    Ok(serde_json::from_slice(bytes)?)
}

fn blob(folder: &Path, digest: &Value) -> Result<PathBuf> {
    let digest: Digest = digest.as_str().ok_or("there is no digest")?.parse()?;
    Ok(folder.join("blobs/sha256").join(digest.hex()))
}

fn walk(path: &Path) -> Result<u64> {
    let mut start = [0; 2];
    File::open(path)?.read_exact(&mut start)?;
    let hashed = Hashed { inner: File::open(path)?, hasher: Hasher::new(Algorithm::Sha256) };
    let input = BufReader::with_capacity(BUFFER_BYTES, hashed);
    if start == [0x1f, 0x8b] {
        let inner = GzDecoder::new(input);
        return entries(Hashed { inner, hasher: Hasher::new(Algorithm::Sha256) });
    }
    entries(input)
}

// Counts the entries of a tar archive by nothing but their sizes.
fn entries(mut archive: impl Read) -> Result<u64> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut count, mut filled, mut skip) = (0, 0, 0_u64);
    loop {
        let more = archive.read(&mut buffer[filled..])?;
        filled += more;
        let mut rest = &buffer[..filled];
        loop {
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX).min(rest.len());
            rest = &rest[skipped..];
            skip -= skipped as u64;
            let Some((block, after)) = rest.split_at_checked(BLOCK_BYTES) else { break };
            rest = after;
            if block[0] != 0 {
                let digits = std::str::from_utf8(&block[124..135])?.trim_matches(['\0', ' ']);
                let size = u64::from_str_radix(digits, 8).unwrap_or(0);
                skip = size.next_multiple_of(BLOCK_BYTES as u64);
                count += 1;
            }
        }
        let left = rest.len();
        buffer.copy_within(filled - left..filled, 0);
        filled = left;
        if more == 0 {
            return Ok(count);
        }
    }
}

struct Hashed<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

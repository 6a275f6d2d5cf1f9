//! What was fetched before, so that a rebuild needs no network. Everything is checked again when it is read.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sealift_oci::Digest;
use sealift_store::Store;

use crate::Error;

/// A folder of the store.
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the folder.
    pub(crate) fn open(store: &Store) -> Result<Self, Error> {
        let root = store.cache_dir("debian")?;
        for name in ["suites", "indices", "packages", "images"] {
            let path = root.join(name);
            fs::create_dir_all(&path).map_err(|source| Error::WriteFile { path, source })?;
        }
        Ok(Self { root })
    }

    /// The folder itself, for temporary files.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The release file of a suite that was accepted last.
    pub(crate) fn release(&self, key: &Digest) -> PathBuf {
        self.root.join("suites").join(key.hex())
    }

    /// A package index as it was fetched.
    pub(crate) fn index(&self, digest: &Digest) -> PathBuf {
        self.root.join("indices").join(digest.hex())
    }

    /// A package.
    pub(crate) fn package(&self, digest: &Digest) -> PathBuf {
        self.root.join("packages").join(format!("{}.deb", digest.hex()))
    }

    /// What was made of a recipe and an archive state.
    pub(crate) fn image(&self, key: &Digest) -> PathBuf {
        self.root.join("images").join(format!("{}.json", key.hex()))
    }
}

/// A file's bytes, if it is there and not larger than the limit.
pub(crate) fn read(path: &Path, limit: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(limit.saturating_add(1)).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= limit).then_some(bytes)
}

/// Writes a file by rename, so that a reader sees the old or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let attempt = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    };
    attempt().map_err(|source| Error::WriteFile { path: path.to_owned(), source })
}

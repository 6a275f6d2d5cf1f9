//! Writing blobs.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use sealift_oci::{Algorithm, Digest, Hasher};

use crate::{Error, Store};

/// Writes a blob while hashing it. Dropped without [`BlobWriter::commit`], it leaves nothing behind.
pub struct BlobWriter {
    store: Store,
    path: PathBuf,
    file: Option<BufWriter<File>>,
    hasher: Hasher,
    size: u64,
}

impl BlobWriter {
    pub(crate) fn create(store: &Store) -> Result<Self, Error> {
        let path = store.temporary_path("blob");
        let file = File::create_new(&path).map_err(|source| Error::io("write", &path, source))?;
        Ok(Self {
            store: store.clone(),
            path,
            file: Some(BufWriter::with_capacity(256 << 10, file)),
            hasher: Hasher::new(Algorithm::Sha256),
            size: 0,
        })
    }

    /// Puts the blob in its place. With an expected digest, other bytes are refused.
    pub fn commit(mut self, expected: Option<&Digest>) -> Result<(Digest, u64), Error> {
        let digest = std::mem::replace(&mut self.hasher, Hasher::new(Algorithm::Sha256)).finish();
        if let Some(expected) = expected.filter(|expected| **expected != digest) {
            return Err(Error::DigestMismatch { expected: expected.clone(), actual: digest });
        }
        let target = self.store.blob_path(&digest);
        let mut file = self.file.take().expect("only commit takes the file");
        file.flush()
            .and_then(|()| file.get_ref().sync_data())
            .and_then(|()| fs::rename(&self.path, &target))
            .map_err(|source| Error::io("write", &target, source))?;
        Ok((digest, self.size))
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let file = self.file.as_mut().expect("only commit takes the file");
        let count = file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().expect("only commit takes the file").flush()
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        // After a commit the name is gone already.
        let _ = fs::remove_file(&self.path);
    }
}

//! Where blobs come from.

use std::io::{self, Read};
use std::path::Path;

use sealift_oci::{Descriptor, Digest, Hasher};

use crate::{Error, Result};

/// Gives the bytes of blobs. They are not verified yet: whoever reads them hashes them.
pub trait BlobSource: Send + Sync {
    /// Opens a blob from its first byte.
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error>;

    /// Whether the bytes of a blob are those of this file.
    fn is_at(&self, _digest: &Digest, _path: &Path) -> bool {
        false
    }
}

/// Reads a whole blob of at most `limit` bytes and checks its size and digest.
pub fn read_blob_verified(
    source: &dyn BlobSource,
    descriptor: &Descriptor,
    limit: u64,
) -> Result<Vec<u8>> {
    if descriptor.size > limit {
        let (digest, size) = (descriptor.digest.clone(), descriptor.size);
        return Err(Error::TooLarge { digest, size, limit });
    }
    let mut verifier = Verifier::new(source.open(descriptor)?, descriptor, "blob");
    let mut bytes = Vec::new();
    // The verifier gives at most `descriptor.size` bytes.
    verifier.read_to_end(&mut bytes).map_err(|error| read_error(&descriptor.digest, error))?;
    verifier.finish()?;
    Ok(bytes)
}

/// Hashes and counts a blob on its way through.
pub(crate) struct Verifier {
    inner: Box<dyn Read + Send>,
    what: &'static str,
    digest: Digest,
    size: u64,
    hasher: Hasher,
    count: u64,
}

impl Verifier {
    pub(crate) fn new(
        inner: Box<dyn Read + Send>,
        descriptor: &Descriptor,
        what: &'static str,
    ) -> Self {
        let digest = descriptor.digest.clone();
        let hasher = Hasher::new(digest.algorithm());
        Self { inner, what, digest, size: descriptor.size, hasher, count: 0 }
    }

    /// Reads what nobody read and says whether the blob is what its descriptor says.
    pub(crate) fn finish(&mut self) -> Result<()> {
        io::copy(self, &mut io::sink()).map_err(|error| read_error(&self.digest, error))?;
        if self.count != self.size {
            return Err(self.size_error());
        }
        let actual = self.hasher.clone().finish();
        if actual != self.digest {
            let expected = self.digest.clone();
            return Err(Error::Digest { what: self.what.to_owned(), expected, actual });
        }
        Ok(())
    }

    fn size_error(&self) -> Error {
        Error::Size {
            what: self.what,
            digest: self.digest.clone(),
            expected: self.size,
            actual: self.count,
        }
    }
}

impl Read for Verifier {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count += count as u64;
        if self.count > self.size {
            return Err(self.size_error().into());
        }
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

fn read_error(digest: &Digest, error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own,
        Err(error) => Error::blob(digest, "its source", error),
    }
}

//! One layer as a stream of uncompressed, verified bytes.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sealift_archive::{Compression, Limits};
use sealift_oci::{Algorithm, Descriptor, Digest};

use crate::blob::Verifier;
use crate::side_hash::SideHash;
use crate::{BlobSource, Error, Result};

/// The uncompressed bytes of a layer. The end is reached without an error only if the blob has its size and digest and
/// the uncompressed bytes have their `diff_id`; until then nothing is verified.
pub struct LayerReader {
    decoded: Box<dyn Read + Send>,
    blob: Shared,
    layer: usize,
    digest: Digest,
    diff_id: Digest,
    /// `None` if the blob is not compressed and so has the same digest.
    hasher: Option<SideHash>,
    count: u64,
    verified: bool,
}

impl LayerReader {
    pub(crate) fn open(
        source: &dyn BlobSource,
        layer: usize,
        descriptor: &Descriptor,
        diff_id: &Digest,
        hash: fn(Algorithm) -> SideHash,
    ) -> Result<Self> {
        if descriptor.media_type.ends_with("+encrypted") {
            return Err(Error::Entry {
                layer,
                path: descriptor.digest.to_string(),
                reason: "is encrypted".to_owned(),
            });
        }
        let digest = descriptor.digest.clone();
        let verifier = Verifier::new(source.open(descriptor)?, descriptor, "layer");
        let blob = Shared(Arc::new(Mutex::new(verifier)));
        // Docker and containerd go by the bytes too, not by the media type.
        let (compression, start) = sealift_archive::detect(Box::new(blob.clone()))
            .map_err(|error| blob.explain(Error::of_layer(layer, &digest, error)))?;
        let is_plain =
            compression == Compression::None && diff_id.algorithm() == digest.algorithm();
        Ok(Self {
            decoded: sealift_archive::decoder(start, compression)
                .map_err(|error| Error::of_layer(layer, &digest, error))?,
            blob,
            layer,
            digest,
            diff_id: diff_id.clone(),
            hasher: (!is_plain).then(|| hash(diff_id.algorithm())),
            count: 0,
            verified: false,
        })
    }

    /// Uncompressed bytes read so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Reads what nobody read and verifies the layer.
    pub fn finish(mut self) -> Result<u64> {
        self.finish_mut()?;
        Ok(self.count)
    }

    pub(crate) fn finish_mut(&mut self) -> Result<()> {
        io::copy(self, &mut io::sink())
            .map_err(|error| Error::of_layer(self.layer, &self.digest.clone(), error.into()))?;
        Ok(())
    }

    // A damaged blob fails in many ways; the digest is the one that explains them all.
    pub(crate) fn explain(&self, error: Error) -> Error {
        self.blob.explain(error)
    }

    fn verify(&mut self) -> Result<()> {
        self.blob.lock().finish()?;
        let actual = match self.hasher.take() {
            Some(hasher) => hasher.finish(),
            None => self.digest.clone(),
        };
        if actual != self.diff_id {
            return Err(Error::Digest {
                what: format!("layer {} uncompressed", self.layer),
                expected: self.diff_id.clone(),
                actual,
            });
        }
        Ok(())
    }
}

impl Read for LayerReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.verified || buffer.is_empty() {
            return Ok(0);
        }
        let count = match self.decoded.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let error = Error::of_layer(self.layer, &self.digest, error.into());
                return Err(self.blob.explain(error).into());
            }
        };
        if count == 0 {
            self.verify()?;
            self.verified = true;
            return Ok(0);
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..count]);
        }
        self.count += count as u64;
        let limit = Limits::default().total_bytes_max;
        if self.count > limit {
            let what = "size of the uncompressed layer";
            return Err(sealift_archive::Error::Limit { what, limit, path: None }.into());
        }
        Ok(count)
    }
}

// The decoder reads the blob, and so does the verifier what the decoder left.
#[derive(Clone)]
struct Shared(Arc<Mutex<Verifier>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Verifier> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn explain(&self, error: Error) -> Error {
        // What the source says is no damage, and after it the rest of the blob means nothing.
        if let Error::Blob { .. } | Error::Layer { source: sealift_archive::Error::Io(_), .. } =
            error
        {
            return error;
        }
        match self.lock().finish() {
            Err(cause @ (Error::Digest { .. } | Error::Size { .. })) => cause,
            _ => error,
        }
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

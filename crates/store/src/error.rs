//! What can go wrong in the store.

use std::io;
use std::path::{Path, PathBuf};

use sealift_oci::{Digest, RawError};

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused.
    #[error("cannot {action} `{path}`: {source}")]
    Io {
        /// What was tried, `write`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The blob is not in the store.
    #[error("blob `{0}` is not in the store")]
    MissingBlob(Digest),
    /// The bytes on disk are not the ones that the name promises.
    #[error("blob `{expected}` is damaged: its bytes have the digest `{actual}`")]
    DigestMismatch {
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of the bytes.
        actual: Digest,
    },
    /// A manifest or config beyond any real one.
    #[error("blob `{0}` is too large for a manifest, config or attestation")]
    DocumentTooLarge(Digest),
    /// A document is not what it should be.
    #[error(transparent)]
    Document(#[from] RawError),
    /// An image in the store cannot be opened.
    #[error(transparent)]
    Image(#[from] sealift_image::Error),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), source }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => Some(
                "free some space, or point `--store` (SEALIFT_STORE) at a larger disk".to_owned(),
            ),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Some("check who owns the store; root's store is not an ordinary user's".to_owned())
            }
            Self::MissingBlob(_) | Self::DigestMismatch { .. } => {
                Some("build or pull the image again; that restores the blob".to_owned())
            }
            _ => None,
        }
    }
}

//! What keeps a server from starting.

use std::io;
use std::path::{Path, PathBuf};

/// An error of this crate. What goes wrong with one request is an answer to it, and not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be used.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// A file that cannot be read or written.
    #[error("`{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has the folder.
    #[error("`{path}` is in use by another process")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The key that seals the server's keys cannot be used.
    #[error("the sealing key `{path}` cannot be used: {reason}")]
    SealingKey {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The key that seals the server's keys is not that of the other replicas.
    #[error("the sealing key of the trust data does not open what is in the database: {reason}")]
    SharedSealingKey {
        /// Why.
        reason: &'static str,
    },
    /// What replicas share cannot be used.
    #[error("the trust data of the replicas cannot be read: {0}")]
    Shared(#[source] sealift_depot::Error),
    /// The database cannot be used.
    #[error("the database `{path}` cannot be used: {reason}")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The certificate or its key cannot be used.
    #[error("cannot serve TLS with `{path}`: {reason}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Listen { .. } => Some("choose another address with --listen"),
            Self::InUse { .. } => {
                Some("stop the other server, or give this one a folder of its own")
            }
            Self::SealingKey { .. } => Some(
                "bring the key back from a backup; without it the server's keys are lost and have to be rotated",
            ),
            Self::SharedSealingKey { .. } => Some(
                "give all replicas the same, in `sealift: {shared: {sealing_key_file: …}}` or SEALIFT_TRUST_SEALING_KEY, or none of them any",
            ),
            Self::Tls { .. } => Some("give the certificate with its chain and its key as PEM"),
            Self::File { .. } | Self::Database { .. } | Self::Shared(_) => None,
        }
    }

    pub(crate) fn folder(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path: path.clone(), source }
    }
}

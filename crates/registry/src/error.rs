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
            Self::Tls { .. } => Some("give the certificate with its chain and its key as PEM"),
            Self::File { .. } | Self::Database { .. } => None,
        }
    }

    pub(crate) fn folder(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path: path.clone(), source }
    }
}

//! What cannot be used of what an administrator gave.

use std::io;
use std::path::{Path, PathBuf};

/// An error of this crate. That somebody is not let in is no error, but a [`crate::Denial`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read or written.
    #[error("`{path}`: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A password file with a line that cannot be used.
    #[error("`{path}`, line {line}: {reason}")]
    Passwords {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Keys for tokens that cannot be used.
    #[error("no token can be checked with `{path}`: {reason}")]
    TokenKeys {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A key that cannot sign tokens.
    #[error("`{path}` cannot sign tokens: {reason}")]
    SigningKey {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An issuer of identity tokens that cannot be used.
    #[error("the issuer `{issuer}` cannot be used: {reason}")]
    Issuer {
        /// Its name.
        issuer: String,
        /// Why.
        reason: String,
    },
    /// A user that cannot be added or removed.
    #[error("{0}")]
    User(String),
    /// Certificates that cannot be made.
    #[error("the certificates cannot be made: {0}")]
    Certificates(String),
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Passwords { .. } => {
                Some("write the line with `sealift registry user add FILE NAME`, or `htpasswd -B`")
            }
            Self::TokenKeys { .. } => {
                Some("give a JSON Web Key Set, or the certificates of the token server as PEM")
            }
            Self::SigningKey { .. } => {
                Some("give a key of P-256 as PEM, or remove the file, and a new one is made")
            }
            Self::Issuer { .. } => Some("see docs/registry-access.md, Identity tokens"),
            Self::File { .. } | Self::User(_) | Self::Certificates(_) => None,
        }
    }

    /// Whether what was asked for cannot be, and nothing is broken.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::User(_))
    }

    pub(crate) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path: path.clone(), source }
    }
}

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
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Passwords { .. } => Some("write the line with `htpasswd -B FILE USER`"),
            Self::TokenKeys { .. } => {
                Some("give a JSON Web Key Set, or the certificates of the token server as PEM")
            }
            Self::File { .. } => None,
        }
    }

    pub(crate) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path: path.clone(), source }
    }
}

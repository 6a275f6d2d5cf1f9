//! Why an archive was refused.

use std::io;

/// Why an archive was refused. It travels through [`io::Error`] where a `Read` stands between, and comes out again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes could not be had.
    #[error("cannot read or write: {0}")]
    Io(io::Error),
    /// A path that could leave the root, or is no path.
    #[error("`{path}` is not a path beneath the root: {reason}")]
    Path {
        /// The path, lossy.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A tar header that cannot be read, or that other readers would read differently.
    #[error("tar header at byte {offset}{}: {reason}", entry(.path.as_ref()))]
    Header {
        /// Byte at which the header starts.
        offset: u64,
        /// Path of the entry if it is known, lossy.
        path: Option<String>,
        /// What is wrong with it.
        reason: String,
    },
    /// The archive ends before it is complete.
    #[error("{format} ends early at byte {offset}{}", entry(.path.as_ref()))]
    Truncated {
        /// Format of the archive.
        format: &'static str,
        /// Bytes that were there.
        offset: u64,
        /// Path of the entry that is cut, lossy.
        path: Option<String>,
    },
    /// More than the limit.
    #[error("{what} above the limit of {limit}{}", entry(.path.as_ref()))]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Path of the entry, lossy.
        path: Option<String>,
    },
    /// Compressed data that cannot be read.
    #[error("bad {compression} data: {reason}")]
    Compression {
        /// The compression.
        compression: crate::Compression,
        /// What the decoder says.
        reason: String,
    },
    /// An `ar` archive that cannot be read.
    #[error("ar archive at byte {offset}: {reason}")]
    Ar {
        /// Byte at which the member's header starts.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A zip archive that cannot be read.
    #[error("zip archive{}: {reason}", entry(.path.as_ref()))]
    Zip {
        /// Name of the entry, lossy.
        path: Option<String>,
        /// What is wrong with it.
        reason: String,
    },
    /// A header that cannot be written.
    #[error("cannot write tar entry `{path}`: {reason}")]
    Write {
        /// Path of the entry, lossy.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Limit { .. } => {
                Some("raise the limit only if you trust where the archive comes from".to_owned())
            }
            Self::Truncated { .. } => Some("fetch or write the archive again".to_owned()),
            Self::Header { .. } | Self::Path { .. } => Some(
                "write the archive again with `tar --format=pax`, if it is your own".to_owned(),
            ),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(other) => Self::Io(other),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(inner) => inner.kind(),
            Error::Truncated { .. } => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        match error {
            Error::Io(inner) => inner,
            other => Self::new(kind, other),
        }
    }
}

fn entry(path: Option<&String>) -> String {
    path.map(|path| format!(" in `{path}`")).unwrap_or_default()
}

//! Why advisories could not be opened.

use std::io;
use std::path::PathBuf;

/// Why advisories could not be opened. A single bad record is a note, not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file or folder is not there or cannot be read.
    #[error("cannot read advisories from `{path}`")]
    Read {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The zip or tar file is damaged.
    #[error("cannot read advisories from archive `{path}`")]
    Archive {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: sealift_archive::Error,
    },
    /// There is more than the limits allow.
    #[error("advisories in `{path}` exceed the limit of {limit} {what}")]
    TooMuch {
        /// The file or folder.
        path: PathBuf,
        /// What is limited.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// There is not one advisory. A scan without advisories would find nothing and look clean.
    #[error("there is no advisory in `{path}`")]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { .. } | Self::Empty { .. } => Some(
                "name a folder or zip of OSV JSON files, as from \
                 `https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip`"
                    .to_owned(),
            ),
            Self::Archive { path, .. } => Some(format!("fetch `{}` again", path.display())),
            Self::TooMuch { .. } => None,
        }
    }
}

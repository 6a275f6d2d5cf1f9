//! Why nothing came of a request.

use std::path::PathBuf;

/// Why nothing came of a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No server has the folder.
    #[error("no server has `{path}` open")]
    NoServer {
        /// The folder.
        path: PathBuf,
    },
    /// The server cannot be asked.
    #[error("cannot ask the server of `{path}`: {reason}")]
    Server {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The storage failed, or refuses it.
    #[error(transparent)]
    Depot(#[from] sealift_depot::Error),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// It could not be done.
    #[error("{0}")]
    Refused(String),
}

//! What can go wrong, as a client or an operator has to be told.

use std::io;

use sealift_oci::{Digest, Tag};

/// Why the depot did not do it. No text of it names a path: it goes to clients.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such repository.
    #[error("the repository is not known")]
    NameUnknown,
    /// The repository has no such blob.
    #[error("blob `{digest}` is not in this repository")]
    BlobUnknown {
        /// Its digest.
        digest: Digest,
    },
    /// The repository has no such manifest or tag.
    #[error("the manifest is not in this repository")]
    ManifestUnknown,
    /// There is no such upload in this repository.
    #[error("the upload is not known; begin a new one")]
    UploadUnknown,
    /// The content is not what the digest promised.
    #[error("the content has digest `{found}`, not `{wanted}`")]
    DigestWrong {
        /// The promise.
        wanted: Digest,
        /// What it is.
        found: Digest,
    },
    /// A chunk does not begin where the upload stands.
    #[error("the upload stands at byte {have}; go on there")]
    OffsetWrong {
        /// How many bytes there are.
        have: u64,
    },
    /// More bytes than allowed.
    #[error("the content is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The body has not the length that was said.
    #[error("the body has not the length that was announced")]
    LengthWrong,
    /// The manifest cannot be one.
    #[error("the manifest is not valid: {reason}")]
    ManifestInvalid {
        /// Why.
        reason: String,
    },
    /// The manifest names what the repository does not have.
    #[error("the repository lacks {} of the manifest's parts, first `{}`", digests.len(), digests.first().map(ToString::to_string).unwrap_or_default())]
    ManifestBlobUnknown {
        /// What is missing, at most 100 of them.
        digests: Vec<Digest>,
    },
    /// Something live still refers to it.
    #[error("a manifest still refers to it; delete that first")]
    Referenced,
    /// The tag may not change.
    #[error("tag `{tag}` is immutable here; push another tag")]
    Immutable {
        /// The tag.
        tag: Tag,
    },
    /// A quota is used up.
    #[error(
        "the quota of `{path}` is {limit} {unit}, and this would exceed it; delete something or ask for more"
    )]
    Quota {
        /// The pattern of the quota.
        path: String,
        /// How much is allowed.
        limit: u64,
        /// Of what.
        unit: &'static str,
    },
    /// The disk is full, or fuller than the reserve allows.
    #[error("the registry's disk is full")]
    Full,
    /// The client went away; what came so far is kept.
    #[error("the body ended early: {0}")]
    Aborted(io::Error),
    /// It may work later, or after somebody looked.
    #[error("{what} is not available: {reason}")]
    Unavailable {
        /// What failed.
        what: &'static str,
        /// What it said.
        reason: String,
    },
    /// The content was found damaged and is not served.
    #[error("blob `{digest}` is damaged; push it again or let a scrub repair it")]
    Damaged {
        /// Its digest.
        digest: Digest,
    },
    /// Another process has the folder.
    #[error("another process has the registry's folder open")]
    InUse,
    /// What was said of the shared storage cannot be used.
    #[error("the shared storage cannot be used: {reason}")]
    Setting {
        /// Why.
        reason: String,
    },
    /// Only what several replicas share has it.
    #[error("{what} is not in a folder's ledger")]
    NotShared {
        /// What was asked for.
        what: &'static str,
    },
    /// It is done otherwise where several replicas share a bucket and a database.
    #[error(
        "{what} is not made of shared storage; back up the database and the bucket by their own means"
    )]
    Shared {
        /// What was asked for.
        what: &'static str,
    },
    /// The folder's ledger is not one that this program reads.
    #[error("the registry's ledger cannot be read: {reason}")]
    Format {
        /// Why.
        reason: String,
    },
}

impl Error {
    /// An error of a file; a full disk is told apart.
    pub(crate) fn file(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            // The system's own words name no path.
            kind => Self::Unavailable {
                what,
                reason: error.raw_os_error().map_or_else(
                    || kind.to_string(),
                    |code| io::Error::from_raw_os_error(code).to_string(),
                ),
            },
        }
    }

    /// The database of several replicas did not do it.
    pub(crate) fn database(reason: &str) -> Self {
        Self::Unavailable { what: "the database", reason: reason.to_owned() }
    }

    /// A thread or task that did not come back.
    pub(crate) fn lost(what: &'static str) -> Self {
        Self::Unavailable { what, reason: "its thread has ended".to_owned() }
    }

    // The same error for each of those that waited for one commit.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Unavailable { what, reason } => {
                Self::Unavailable { what, reason: reason.clone() }
            }
            other => Self::Unavailable { what: "the ledger", reason: other.to_string() },
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            // Its text has the path.
            Some(rusqlite::ErrorCode::CannotOpen) => Self::Unavailable {
                what: "the ledger",
                reason: "its file cannot be opened".to_owned(),
            },
            _ => Self::Unavailable { what: "the ledger", reason: error.to_string() },
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    // A value of a row that is not of its column's type.
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Format { reason: error.to_string() }
    }
}

impl From<sealift_bucket::Error> for Error {
    fn from(error: sealift_bucket::Error) -> Self {
        Self::Unavailable { what: "the bucket", reason: error.to_string() }
    }
}

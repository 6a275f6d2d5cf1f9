//! What can go wrong in the whole job, sorted by what it means to the caller.

use std::io;
use std::path::PathBuf;

use sealift_oci::{Digest, Reference};

/// What a failure means, and so which exit code it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A gate found something.
    Findings,
    /// The request or a file of the project is wrong.
    Usage,
    /// It could not be done.
    Operational,
    /// A verification said no.
    Refused,
    /// The user stopped it.
    Interrupted,
}

/// A step of `ship` that can stop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The Dockerfile's findings.
    Lint,
    /// The known vulnerabilities.
    Scan,
    /// The policies' verdict.
    Policy,
}

impl Gate {
    /// Its name, as the step's.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Scan => "scan",
            Self::Policy => "policy",
        }
    }
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A gate is shut.
    #[error("the {} gate is shut: {finding}", gate.as_str())]
    Gate {
        /// Which.
        gate: Gate,
        /// The worst finding, and how many there are.
        finding: String,
        /// What to do.
        remedy: String,
    },
    /// Some layers of an image could not be read, so that nobody knows what is in them.
    #[error("{unread} of {layers} layers could not be read: {reason}")]
    UnreadLayers {
        /// How many.
        unread: usize,
        /// Of how many.
        layers: usize,
        /// Why the first could not.
        reason: String,
    },
    /// The advisory database is older than it may be.
    #[error("the advisory database `{path}` is {} hours old, more than the {} allowed", age_secs / 3600, limit / 3600)]
    StaleDatabase {
        /// Its folder.
        path: PathBuf,
        /// How old it is.
        age_secs: i64,
        /// How old it may be.
        limit: i64,
    },
    /// The advisory database was made after this moment, if the clock is right, and so has no age.
    #[error("the advisory database `{path}` was made {} hours from now by this machine's clock, so its age is not known", ahead_secs / 3600)]
    FutureDatabase {
        /// Its folder.
        path: PathBuf,
        /// How far ahead of the clock it is.
        ahead_secs: i64,
    },
    /// A file that is to be imported is no export of a database, or not all of one.
    #[error("`{path}` is no exported database")]
    NoExport {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// A file of the user's cannot be read or written.
    #[error("cannot {action} `{path}`: {source}")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something the user wrote is not right.
    #[error("{message}")]
    Usage {
        /// What.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The image is nowhere.
    #[error("there is no image `{}` in the local store", reference.familiar())]
    NoImage {
        /// Its name.
        reference: Reference,
    },
    /// The image is neither in the store nor in the registry.
    #[error("there is no image `{}` in the local store, and its registry could not give it", reference.familiar())]
    NotReachable {
        /// Its name.
        reference: Reference,
        /// What the registry said.
        source: Box<sealift_client::Error>,
    },
    /// A verification said no.
    #[error("refused: {what}: {why}")]
    Refused {
        /// Which part of the evidence.
        what: String,
        /// What does not match.
        why: String,
    },
    /// A blob is damaged.
    #[error("refused: {what} `{digest}` is altered: {why}")]
    Altered {
        /// `layer 3`, `manifest`.
        what: String,
        /// The digest it should have.
        digest: Digest,
        /// What it has instead.
        why: String,
    },
    /// The user stopped it.
    #[error("interrupted")]
    Interrupted,
    /// A key cannot be used.
    #[error("cannot use the key `{path}`: {source}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: sealift_crypto::Error,
    },
    /// The build failed.
    #[error(transparent)]
    Build(#[from] sealift_build::Error),
    /// A base image could not be assembled.
    #[error(transparent)]
    Debian(#[from] sealift_debian::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] sealift_store::Error),
    /// An image cannot be read.
    #[error(transparent)]
    Image(#[from] sealift_image::Error),
    /// A registry failed.
    #[error(transparent)]
    Client(#[from] sealift_client::Error),
    /// The advisories cannot be read.
    #[error(transparent)]
    Advisory(#[from] sealift_advisory::Error),
    /// The advisory database cannot be used.
    #[error(transparent)]
    Database(#[from] sealift_database::Error),
    /// A policy cannot be judged.
    #[error(transparent)]
    Policy(#[from] sealift_policy::Error),
    /// A bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] sealift_policy::BundleError),
    /// A configuration file or data of a policy cannot be read.
    #[error(transparent)]
    PolicyDocument(#[from] sealift_policy::document::Error),
    /// An artifact cannot be made or read.
    #[error(transparent)]
    Sign(#[from] sealift_sign::Error),
    /// A manifest or config is not one.
    #[error(transparent)]
    Document(#[from] sealift_oci::RawError),
    /// A name is not a reference.
    #[error(transparent)]
    Reference(#[from] sealift_oci::ReferenceError),
}

impl Error {
    /// A mistake of the user's.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// A file that cannot be read or written.
    pub fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }

    /// What the failure means.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Gate { .. } => Kind::Findings,
            Self::Usage { .. } | Self::Reference(_) => Kind::Usage,
            Self::Refused { .. } | Self::Altered { .. } => Kind::Refused,
            Self::Interrupted
            | Self::Build(sealift_build::Error::Cancelled)
            | Self::Debian(sealift_debian::Error::Cancelled) => Kind::Interrupted,
            _ => Kind::Operational,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Gate { remedy, .. } => Some(remedy.clone()),
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space on that disk".to_owned())
            }
            Self::UnreadLayers { .. } => {
                Some("what is listed is all that is in the other layers".to_owned())
            }
            Self::NoImage { .. } => Some("`sealift images` lists what is there".to_owned()),
            Self::NotReachable { reference, source } => Some(source.hint().unwrap_or_else(|| {
                format!(
                    "`sealift images` lists what is there; `sealift build -t {}` makes it",
                    reference.familiar()
                )
            })),
            Self::Refused { .. } | Self::Altered { .. } => {
                Some("do not run this image; get it again from where it was made".to_owned())
            }
            Self::Key { source: sealift_crypto::Error::Encrypted, .. } => Some(
                "give its passphrase with `--passphrase-file FILE` or SEALIFT_KEY_PASSPHRASE"
                    .to_owned(),
            ),
            Self::Key { source, .. } => source.hint(),
            Self::Build(error) => error.hint(),
            Self::Debian(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Client(error) => error.hint(),
            Self::StaleDatabase { .. } => {
                Some("`sealift db update` fetches what has changed".to_owned())
            }
            Self::FutureDatabase { .. } => {
                Some("set the clock right, or make the database again".to_owned())
            }
            Self::NoExport { .. } => Some("`sealift db export FILE` writes one".to_owned()),
            Self::Advisory(error) => error.hint(),
            Self::Database(error) => error.hint(),
            Self::Policy(error) => error.hint(),
            _ => None,
        }
    }
}

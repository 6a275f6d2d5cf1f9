//! What can go wrong, sorted by what it means to the caller.

use std::path::PathBuf;

/// What a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong.
    Usage,
    /// It could not be done.
    Operational,
    /// A verification said no.
    Refused,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A document, a repository or a change is refused.
    #[error(transparent)]
    Tuf(#[from] sealift_tuf::Error),
    /// Trust data is refused, and the state of before stays.
    #[error("the trust data of `{gun}` is refused: {source}")]
    Refused {
        /// The repository.
        gun: String,
        /// Why.
        source: Box<sealift_tuf::Error>,
        /// The file that has the marks.
        state: PathBuf,
    },
    /// The server cannot be used.
    #[error(transparent)]
    Network(#[from] sealift_client::Error),
    /// The server does not answer, and what is kept may be used if the caller says so.
    #[error("no trust data of `{gun}`: {source}")]
    Unreachable {
        /// The repository.
        gun: String,
        /// Why.
        source: sealift_client::Error,
    },
    /// The server failed.
    #[error("`{server}` cannot give trust data: {reason}")]
    Server {
        /// The server.
        server: String,
        /// Why not.
        reason: String,
    },
    /// The server has nothing of a repository.
    #[error("`{server}` has no trust data of `{gun}`")]
    NoRepository {
        /// The server.
        server: String,
        /// The repository.
        gun: String,
    },
    /// A repository that is there already.
    #[error("`{gun}` has trust data already")]
    Exists {
        /// The repository.
        gun: String,
    },
    /// Others published again and again.
    #[error("others published to `{gun}` each of {tries} times that this change was made")]
    Busy {
        /// The repository.
        gun: String,
        /// How often it was tried.
        tries: u32,
    },
    /// Not the address of a server.
    #[error("`{text}` is not the address of a notary server: {reason}")]
    Address {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file or folder.
    #[error("cannot {action} `{}`: {reason}", path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A key of the keyring.
    #[error("the key `{name}` cannot be used: {reason}")]
    Key {
        /// Its name.
        name: String,
        /// Why not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// No private key for what is wanted.
    #[error("no private key for {role} of `{gun}` is in the keyring `{}`", keyring.display())]
    NoKey {
        /// Which roles.
        role: String,
        /// The repository.
        gun: String,
        /// The folder.
        keyring: PathBuf,
    },
    /// A request that makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
}

impl Error {
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
        error: impl ToString,
    ) -> Self {
        Self::File { action, path: path.into(), reason: error.to_string() }
    }

    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// What it means.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Tuf(
                sealift_tuf::Error::Change(_)
                | sealift_tuf::Error::NoKey { .. }
                | sealift_tuf::Error::Gun(_)
                | sealift_tuf::Error::RoleName(_)
                | sealift_tuf::Error::Key(_),
            ) => Kind::Usage,
            Self::Refused { .. } | Self::Tuf(_) => Kind::Refused,
            Self::Usage { .. }
            | Self::Address { .. }
            | Self::Exists { .. }
            | Self::NoKey { .. } => Kind::Usage,
            // Without trust data nothing is trusted; that is the answer of a verification.
            Self::NoRepository { .. } => Kind::Refused,
            Self::Network(_)
            | Self::Unreachable { .. }
            | Self::Server { .. }
            | Self::Busy { .. }
            | Self::File { .. }
            | Self::Key { .. } => Kind::Operational,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Tuf(source) => source.hint().map(str::to_owned),
            Self::Refused { source, state, .. } => Some(match source.as_ref() {
                sealift_tuf::Error::NoPin(_) => {
                    "pin a root key with `--pin` or `sealift trust pin`, or trust this first use with `--tofu`".to_owned()
                }
                sealift_tuf::Error::Rollback { .. }
                | sealift_tuf::Error::Forked { .. }
                | sealift_tuf::Error::RoleDropped { .. } => format!(
                    "the server shows an older state than before; if its data was restored on purpose, delete `{}`",
                    state.display()
                ),
                sealift_tuf::Error::State { .. } => format!(
                    "bring `{}` back from a copy, or delete it and pin the root key again",
                    state.display()
                ),
                other => return other.hint().map(str::to_owned),
            }),
            Self::Network(source) => source.hint(),
            Self::Unreachable { source, .. } => Some(source.hint().unwrap_or_else(|| {
                "check `--server`; `--offline` uses what was verified before".to_owned()
            })),
            Self::NoRepository { gun, .. } => Some(format!(
                "`sealift trust init {gun}` makes it; `--server` or DOCKER_CONTENT_TRUST_SERVER names another server"
            )),
            Self::Exists { .. } => Some("sign in it with `sealift trust sign`".to_owned()),
            Self::Busy { .. } => Some("try again in a while".to_owned()),
            Self::Address { .. } => {
                Some("write it as `https://HOST[:PORT]`".to_owned())
            }
            Self::Key { hint, .. } | Self::Usage { hint, .. } => Some(hint.clone()),
            Self::NoKey { .. } => Some(
                "`sealift trust key load FILE` or `sealift trust import` brings keys into the keyring; `--key FILE` \
                 names one"
                    .to_owned(),
            ),
            Self::File { .. } | Self::Server { .. } => None,
        }
    }
}

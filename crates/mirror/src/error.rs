//! What can go wrong between a client and an upstream.

use std::time::Duration;

/// What keeps a mirror from being set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that cannot be used.
    #[error("the upstream `{url}` cannot be used: {reason}")]
    Upstream {
        /// Its URL, as it was given.
        url: String,
        /// Why not.
        reason: String,
    },
    /// Two upstreams have the same names.
    #[error("`{name}` means two upstreams")]
    Twice {
        /// The prefix or the value of `?ns=`.
        name: String,
    },
    /// The folder for what is being fetched cannot be used.
    #[error("`{path}`: {source}")]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Why something cannot be served. Those who wait for the same thing get the same reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The upstream says that it is not there.
    #[error("`{what}` is not in the upstream `{upstream}`")]
    NotFound {
        /// Host of the upstream.
        upstream: String,
        /// Repository and tag or digest.
        what: String,
    },
    /// The upstream does not let this mirror have it.
    #[error("the upstream `{upstream}` refuses `{what}`: {reason}")]
    Denied {
        /// Host of the upstream.
        upstream: String,
        /// Repository and tag or digest.
        what: String,
        /// What it says.
        reason: String,
    },
    /// The upstream cannot be asked now, and there is no copy.
    #[error(
        "there is no copy of `{what}`, and the upstream `{upstream}` cannot be asked: {reason}"
    )]
    Unavailable {
        /// Host of the upstream.
        upstream: String,
        /// Repository and tag or digest.
        what: String,
        /// Why not.
        reason: String,
        /// When it may be asked again, if that is known.
        after: Option<Duration>,
    },
    /// What the upstream sent is not what was asked for.
    #[error("the upstream `{upstream}` sent for `{what}` what cannot be used: {reason}")]
    Wrong {
        /// Host of the upstream.
        upstream: String,
        /// Repository and tag or digest.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// The registry's own storage.
    #[error("what came for `{what}` cannot be kept: {reason}")]
    Storage {
        /// Repository and tag or digest.
        what: String,
        /// Why not.
        reason: String,
    },
}

impl MirrorError {
    /// The status of HTTP that says it best, and the code of the specification's errors.
    pub fn status(&self) -> (u16, &'static str) {
        match self {
            Self::NotFound { .. } => (404, "MANIFEST_UNKNOWN"),
            Self::Denied { .. } => (403, "DENIED"),
            Self::Unavailable { after: Some(_), .. } => (503, "UNAVAILABLE"),
            Self::Unavailable { .. } | Self::Wrong { .. } => (502, "UPSTREAM"),
            Self::Storage { .. } => (503, "UNAVAILABLE"),
        }
    }

    /// For how long a client should wait before it asks again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { after, .. } => *after,
            _ => None,
        }
    }

    /// True if a copy may be served instead: the upstream neither denied it nor said that it is gone.
    pub(crate) fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// The same, of something else.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::NotFound { .. } => "it is not there",
            Self::Denied { reason, .. }
            | Self::Unavailable { reason, .. }
            | Self::Wrong { reason, .. }
            | Self::Storage { reason, .. } => reason,
        }
    }
}

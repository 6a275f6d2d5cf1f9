//! Why the store did not do it.

/// Why the store did not do it. No text of it has a credential.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such object or upload.
    #[error("the store has no such object")]
    Missing,
    /// The store could not be reached, or failed, or was too slow; later it may work.
    #[error("the store did not answer as it should: {reason}")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// The store refuses: the credentials, the bucket or the rights are not right.
    #[error("the store refuses ({status}): {reason}")]
    Refused {
        /// Status of HTTP.
        status: u16,
        /// Its code and message.
        reason: String,
    },
    /// The settings cannot be used.
    #[error("{0}")]
    Setting(String),
}

impl Error {
    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }

    // An error of HTTP names the address, whose query can hold the name of an upload; it is told without.
    pub(crate) fn http(error: reqwest::Error) -> Self {
        use std::error::Error as _;
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            reason = inner.to_string();
            source = inner.source();
        }
        Self::Unavailable { reason }
    }
}

//! Why an ignore file or a VEX document is refused.

/// Why a file is refused. A place is the file with its line, if that is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is too large, or has too many parts.
    #[error("{place}: {what}")]
    TooLarge {
        /// Where.
        place: String,
        /// What there is too much of.
        what: &'static str,
    },
    /// It cannot be read.
    #[error("{place}: {reason}")]
    Syntax {
        /// Where.
        place: String,
        /// Why not.
        reason: String,
    },
    /// A key that is not known. It may be meant to narrow the entry, so that the entry cannot count without it.
    #[error("{place}: `{key}` is not known here; known are {known}")]
    UnknownKey {
        /// Where.
        place: String,
        /// The key.
        key: String,
        /// The keys that are.
        known: String,
    },
    /// A value that cannot be used.
    #[error("{place}: `{key}`: {reason}")]
    Value {
        /// Where.
        place: String,
        /// Of which key.
        key: String,
        /// Why not.
        reason: String,
    },
    /// An entry of our own says too little.
    #[error("{place}: the entry has no `{key}`")]
    Missing {
        /// Where.
        place: String,
        /// What is missing.
        key: &'static str,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::TooLarge { .. } => "check that it is the right file".to_owned(),
            Self::Missing { key: "reason", .. } => {
                "say why it is accepted, so that others can judge it later".to_owned()
            }
            _ => "docs/exceptions.md shows each kind of file; an entry that is not understood could hide too much"
                .to_owned(),
        }
    }
}

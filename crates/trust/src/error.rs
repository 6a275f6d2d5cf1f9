//! What can go wrong with documents of this crate. What a judgement finds is a [`crate::Refusal`] instead.

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not of its language.
    #[error("the trust policy `{file}` cannot be read: {reason}")]
    Syntax {
        /// The policy.
        file: String,
        /// Why.
        reason: String,
    },
    /// Something in it is not understood or makes no sense.
    #[error("the trust policy `{file}` says in {place}: {reason}")]
    Policy {
        /// The policy.
        file: String,
        /// Which table or entry.
        place: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: Option<String>,
    },
    /// A file that the policy names.
    #[error("the trust policy `{file}` names `{named}` in {place}, which cannot be used: {reason}")]
    File {
        /// The policy.
        file: String,
        /// Which table or entry.
        place: String,
        /// The file.
        named: String,
        /// Why.
        reason: String,
    },
    /// Two rules could decide.
    #[error(
        "the trust policy `{file}` is ambiguous for `{image}`: `{first}` and `{second}` match it equally well"
    )]
    Ambiguous {
        /// The policy.
        file: String,
        /// The image.
        image: String,
        /// A pattern.
        first: String,
        /// Another one.
        second: String,
    },
    /// A signed document is not what it should be.
    #[error("the {what} cannot be used: {reason}")]
    Signed {
        /// `tag map`.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A signed document is older than one that was seen.
    #[error("the {what} of `{subject}` is number {found}, but number {known} was seen before")]
    Older {
        /// `tag map`.
        what: &'static str,
        /// Of what.
        subject: String,
        /// Its number.
        found: u64,
        /// The highest number that was seen.
        known: u64,
    },
    /// Two documents with the same number.
    #[error("there are two {what}s number {number} of `{subject}` that say different things")]
    Forked {
        /// `tag map`.
        what: &'static str,
        /// Of what.
        subject: String,
        /// Their number.
        number: u64,
    },
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Policy { hint, .. } => {
                Some(hint.clone().unwrap_or_else(|| "docs/trust-policy.md has the form".to_owned()))
            }
            Self::Syntax { .. } => Some("docs/trust-policy.md has the form".to_owned()),
            Self::File { .. } => Some("paths stand behind the folder of the policy".to_owned()),
            Self::Ambiguous { .. } => {
                Some("make one of the two patterns more exact, or join the rules".to_owned())
            }
            Self::Signed { .. } => None,
            Self::Older { .. } => Some("somebody may show an old one; fetch the newest".to_owned()),
            Self::Forked { .. } => Some(
                "two publishers made it at once, or somebody has the key: make a newer one"
                    .to_owned(),
            ),
        }
    }
}

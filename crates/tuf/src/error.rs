//! Why a document, a key or a whole repository is refused.

use jiff::Timestamp;

use crate::Role;

/// An error of this crate. Each is a refusal: nothing of what was refused is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the name of a repository.
    #[error("`{0}` is not the name of a repository")]
    Gun(String),
    /// Not the name of a role.
    #[error("`{0}` is not the name of a role")]
    RoleName(String),
    /// More bytes than allowed.
    #[error("`{role}` has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Whose document.
        role: Role,
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// A document that is not what its role must be.
    #[error("`{role}` is malformed: {reason}")]
    Malformed {
        /// Whose document.
        role: Role,
        /// What is wrong.
        reason: String,
    },
    /// Too few good signatures.
    #[error("`{role}` has {valid} of {threshold} needed signatures{}", list(.faults))]
    Threshold {
        /// Whose document.
        role: Role,
        /// By how many different keys it is signed.
        valid: usize,
        /// By how many it must be.
        threshold: u64,
        /// What is wrong with the others.
        faults: Vec<String>,
    },
    /// Past its time.
    #[error("`{role}` expired at {at}")]
    Expired {
        /// Whose document.
        role: Role,
        /// When.
        at: Timestamp,
    },
    /// Older than what was seen before.
    #[error("`{role}` has version {version}, but version {known} was seen before")]
    Rollback {
        /// Whose document.
        role: Role,
        /// Its version.
        version: u64,
        /// The version of before.
        known: u64,
    },
    /// Two documents of one version.
    #[error("`{role}` of version {version} is not the one that was seen before")]
    Forked {
        /// Whose document.
        role: Role,
        /// The version of both.
        version: u64,
    },
    /// A root that does not follow its predecessor.
    #[error("`root` has version {found} where {expected} is due")]
    RootVersion {
        /// What was asked for.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// Signed by itself, but not by the root before it.
    #[error("`root` {version} is not signed by the keys of `root` {}: {reason}", .version - 1)]
    RootRotation {
        /// Version of the new root.
        version: u64,
        /// What is wrong.
        reason: String,
    },
    /// Other bytes than the snapshot or timestamp says.
    #[error("the {algorithm} of `{role}` is {found}, but `{by}` says {expected}")]
    Hash {
        /// Whose document.
        role: Role,
        /// Who says it.
        by: Role,
        /// `sha256` or `sha512`.
        algorithm: String,
        /// What is said.
        expected: String,
        /// What is.
        found: String,
    },
    /// Another length than the snapshot or timestamp says.
    #[error("`{role}` has {found} bytes, but `{by}` says {expected}")]
    Length {
        /// Whose document.
        role: Role,
        /// Who says it.
        by: Role,
        /// What is said.
        expected: u64,
        /// What is.
        found: u64,
    },
    /// No hash that we know.
    #[error("`{by}` has no sha256 of `{role}`")]
    NoHash {
        /// Whose document.
        role: Role,
        /// Where it should stand.
        by: Role,
    },
    /// A role that the snapshot had before and has no more.
    #[error("`snapshot` has no `{role}` any more, which is still delegated to and was seen before")]
    RoleDropped {
        /// The role.
        role: Role,
    },
    /// The certificates of a root are for another name.
    #[error("the root's certificates are for {found}, and not for `{gun}`")]
    OtherRepository {
        /// The name that is wanted.
        gun: String,
        /// What the certificates say.
        found: String,
    },
    /// No certificate of a root can be used.
    #[error("the root has no usable certificate: {0}")]
    NoCertificate(String),
    /// None of the pins fits.
    #[error("none of the pinned keys signed the root of `{gun}`; its root keys are {found}")]
    Pin {
        /// The repository.
        gun: String,
        /// The keys that its root has.
        found: String,
    },
    /// First use without a pin.
    #[error("`{0}` was never seen before, and no root key is pinned for it")]
    NoPin(String),
    /// The server has no such document.
    #[error("the server has no `{0}`")]
    Missing(String),
    /// More delegations than allowed.
    #[error("the repository has more than {0} delegations")]
    TooManyDelegations(usize),
    /// Deeper delegations than allowed.
    #[error("`{role}` lies deeper than {limit} delegations")]
    TooDeep {
        /// The role.
        role: Role,
        /// The limit.
        limit: usize,
    },
    /// More versions of the root than are walked.
    #[error("the root has more than {0} newer versions")]
    TooManyRoots(usize),
    /// A tag that points to what it pointed to long ago.
    #[error("`{tag}` points to {found} again, which {known} replaced")]
    TagRollback {
        /// The tag.
        tag: String,
        /// Where it points.
        found: String,
        /// Where it pointed before.
        known: String,
    },
    /// A tag whose counter went back or stood still.
    #[error("`{tag}` has counter {found}, but {known} was seen before")]
    TagCounter {
        /// The tag.
        tag: String,
        /// Its counter.
        found: u64,
        /// The counter of before.
        known: u64,
    },
    /// The freshest proof is too old.
    #[error("the newest proof of freshness is {age} old, more than {limit}")]
    Stale {
        /// Its age.
        age: String,
        /// The limit.
        limit: String,
    },
    /// Nothing is kept that could be used without the network.
    #[error("nothing of `{0}` is kept here")]
    NothingKept(String),
    /// A role that says nothing of a tag, for a reason.
    #[error("`{role}` cannot be used: {reason}")]
    RefusedRole {
        /// The role.
        role: Role,
        /// Why.
        reason: Box<Error>,
    },
    /// A tag that nobody signed.
    #[error("no trust data for `{0}`")]
    UnknownTag(String),
    /// A tag without a sha256 of the right length.
    #[error("`{0}` has no sha256 of 32 bytes")]
    TagHash(String),
    /// State of before that cannot be read. Nothing is forgotten without being told.
    #[error("the kept state of `{gun}` cannot be read: {reason}")]
    State {
        /// The repository.
        gun: String,
        /// What is wrong.
        reason: String,
    },
    /// A change that cannot be made.
    #[error("{0}")]
    Change(String),
    /// No private key for a role.
    #[error("`{role}` needs {needed} signatures, and {held} of its keys are here")]
    NoKey {
        /// The role.
        role: Role,
        /// How many signatures it needs.
        needed: u64,
        /// How many of its keys are here.
        held: usize,
    },
    /// A key or key file.
    #[error("{0}")]
    Key(String),
}

impl Error {
    pub(crate) fn malformed(role: &Role, reason: impl Into<String>) -> Self {
        Self::Malformed { role: role.clone(), reason: reason.into() }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoPin(_) => Some("pin a root key, or trust the first use by an explicit option"),
            Self::Pin { .. } => Some("ask the publisher whether the root key was replaced"),
            Self::Rollback { .. } | Self::Forked { .. } | Self::RoleDropped { .. } => Some(
                "the server shows an older state than before; if its data was restored on purpose, delete the kept state",
            ),
            Self::Expired { .. } => Some("the publisher must sign again"),
            Self::TagRollback { .. } => Some("the publisher can sign the tag again with a counter"),
            _ => None,
        }
    }
}

fn list(faults: &[String]) -> String {
    if faults.is_empty() {
        return String::new();
    }
    format!(": {}", faults.join("; "))
}

/// Text from outside, fit for a terminal.
pub(crate) fn printable(text: &str) -> String {
    let visible = |character: char| if character.is_control() { '\u{FFFD}' } else { character };
    text.chars().take(100).map(visible).collect()
}

//! What was proved of an image, whatever the format. Who fills it has verified every signature in it.

use std::collections::BTreeSet;
use std::fmt;

use crate::judge::Refusal;
use crate::tag_map::TagMap;

/// A format of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// cosign: sigstore bundles, and the older tags.
    Cosign,
    /// Notary Project: JWS and COSE.
    Notation,
    /// Docker Content Trust.
    Dct,
}

/// Everything that is known of an image.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Proved signatures.
    pub signatures: Vec<Signature>,
    /// Proved attestations.
    pub attestations: Vec<Attestation>,
    /// Tag maps by keys of the rule, of any age.
    pub tag_maps: Vec<TagMap>,
    /// What proves nothing: other keys, other kinds.
    pub unproved: Vec<Unproved>,
    /// What does not match, one line each. One is enough not to trust the image.
    pub refusals: Vec<String>,
    /// What is older than something that was seen before, one line each.
    pub replays: Vec<String>,
}

/// A proved signature over the image's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its format.
    pub format: Format,
    /// Who signed.
    pub identity: Identity,
    /// What it says of names.
    pub bound: Bound,
    /// When.
    pub signed_at: Option<SignedAt>,
    /// When it ends, in seconds since 1970.
    pub expires_secs: Option<i64>,
    /// When somebody with a key last said that the name stands for this image, if the format has that.
    pub vouched: Option<Vouched>,
    /// Where it lies: the digest of an artifact, or a document's name.
    pub artifact: String,
    /// Why it does not count although its signer is known.
    pub fault: Option<Refusal>,
}

/// A proved attestation about the image's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Type of its predicate.
    pub predicate_type: String,
    /// Its format.
    pub format: Format,
    /// Who signed.
    pub identity: Identity,
    /// When.
    pub signed_at: Option<SignedAt>,
    /// Where it lies.
    pub artifact: String,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A key that the policy names.
    Key {
        /// SHA-256 of the public key, lower-case hex.
        fingerprint: String,
    },
    /// A certificate under an authority that the policy names.
    Certificate {
        /// SHA-256 of the public key.
        key: String,
        /// SHA-256 of the authority's certificate.
        authority: String,
        /// The subject, `C=US,O=Example`.
        subject: String,
    },
    /// A short-lived certificate of an identity (Fulcio).
    Keyless {
        /// The identity, an address or a URL.
        subject: String,
        /// Who vouched for it.
        issuer: String,
    },
    /// A role of Docker Content Trust.
    Role {
        /// The role, `targets/alice`.
        role: String,
        /// SHA-256 of the public keys that may sign it.
        keys: Vec<String>,
    },
}

/// What a signature says of the names of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Nothing.
    Nothing,
    /// This name, with a tag or without; as it was signed.
    Name(String),
}

/// When a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedAt {
    /// Seconds since 1970.
    pub secs: i64,
    /// Who says so.
    pub source: TimeSource,
}

/// Who says when a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// The signer.
    Signer,
    /// A timestamping authority that the policy trusts.
    Authority,
    /// A transparency log that the policy trusts.
    Log,
}

/// The last proof that a name stands for the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// When, in seconds since 1970.
    pub secs: i64,
    /// When that proof ends.
    pub expires_secs: i64,
}

/// Something that proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproved {
    /// Its format, if it can be told.
    pub format: Option<Format>,
    /// True if it says that it is a signature.
    pub is_signature: bool,
    /// What it is, where it lies and why it proves nothing.
    pub text: String,
    /// The reason alone, if it is more than that somebody else signed.
    pub why: Option<String>,
}

impl Format {
    /// All.
    pub const ALL: [Self; 3] = [Self::Cosign, Self::Notation, Self::Dct];

    /// Name in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cosign => "cosign",
            Self::Notation => "notation",
            Self::Dct => "dct",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Identity {
    /// What counts once: the same key in another format, or under another certificate, is the same.
    pub(crate) fn principals(&self) -> BTreeSet<String> {
        match self {
            Self::Key { fingerprint: key } | Self::Certificate { key, .. } => {
                [format!("key {key}")].into()
            }
            Self::Keyless { subject, issuer } => [format!("identity {issuer} {subject}")].into(),
            Self::Role { role, keys } if keys.is_empty() => [format!("role {role}")].into(),
            Self::Role { keys, .. } => keys.iter().map(|key| format!("key {key}")).collect(),
        }
    }

    /// The keys' fingerprints, as revocation lists name them.
    pub(crate) fn keys(&self) -> Vec<&str> {
        match self {
            Self::Key { fingerprint } => vec![fingerprint],
            Self::Certificate { key, authority, .. } => vec![key, authority],
            Self::Keyless { .. } => Vec::new(),
            Self::Role { keys, .. } => keys.iter().map(String::as_str).collect(),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::text::{clean, short};
        match self {
            Self::Key { fingerprint } => write!(out, "key {}", short(fingerprint)),
            Self::Certificate { key, subject, .. } => {
                write!(out, "certificate `{}` (key {})", clean(subject), short(key))
            }
            Self::Keyless { subject, issuer } => {
                write!(out, "identity `{}` of {}", clean(subject), clean(issuer))
            }
            Self::Role { role, keys } => {
                write!(out, "role `{}`", clean(role))?;
                match keys.as_slice() {
                    [] => Ok(()),
                    [key] => write!(out, " (key {})", short(key)),
                    keys => write!(out, " ({} keys)", keys.len()),
                }
            }
        }
    }
}

impl TimeSource {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signer => "the signer",
            Self::Authority => "a timestamping authority",
            Self::Log => "a transparency log",
        }
    }

    /// True if the signer cannot have made it up.
    pub fn is_independent(self) -> bool {
        !matches!(self, Self::Signer)
    }
}

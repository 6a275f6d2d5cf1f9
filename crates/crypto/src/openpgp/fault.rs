//! Why an OpenPGP signature or key is not accepted.

use jiff::Timestamp;

/// A signature that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{issuer}`: {fault}")]
pub struct RefusedSignature {
    /// Fingerprint or key id that the signature names, or `unknown`.
    pub issuer: String,
    /// What is wrong.
    pub fault: SignatureFault,
}

/// What is wrong with a signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureFault {
    /// Not version 4.
    #[error("signature version {0} is not supported")]
    Version(u8),
    /// Its structure is broken.
    #[error("the signature is malformed: {0}")]
    Malformed(&'static str),
    /// It demands what we do not know.
    #[error("the signature has a critical subpacket of unknown type {0}")]
    CriticalSubpacket(u8),
    /// Not a signature over a text.
    #[error("signature type 0x{0:02x} is not a signature over a text")]
    Kind(u8),
    /// MD5, SHA-1 or something unknown.
    #[error("hash algorithm {0} is not SHA-256, SHA-384 or SHA-512")]
    Hash(u8),
    /// The message does not name the hash that the signature uses.
    #[error("the message's `Hash` header does not name the signature's hash")]
    HashNotNamed,
    /// Not RSA or Ed25519, or not the key's own.
    #[error("signature algorithm {0} is not supported or not that of the key")]
    Algorithm(u8),
    /// It does not say who made it.
    #[error("the signature names no issuer")]
    NoIssuer,
    /// Nobody we know.
    #[error("the key is not in the keyring")]
    UnknownKey,
    /// The cryptographic check failed.
    #[error("the signature does not match what it signs")]
    Bad,
    /// Made after now.
    #[error("the signature was made in the future, at {}", time(*.0))]
    Future(u64),
    /// It has ended.
    #[error("the signature expired at {}", time(*.0))]
    Expired(u64),
    /// Made before its key.
    #[error("the signature is older than its key")]
    OlderThanKey,
    /// The key may not sign.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

/// Why a key may not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Made after now.
    #[error("the key was made in the future, at {}", time(*.0))]
    Future(u64),
    /// The key or its primary key has ended.
    #[error("the key expired at {}", time(*.0))]
    Expired(u64),
    /// The key or its primary key is revoked.
    #[error("the key is revoked")]
    Revoked,
    /// No valid self-signature by a strong hash.
    #[error("the key has no valid self-signature with SHA-256 or better")]
    NoSelfSignature,
    /// A subkey without valid binding.
    #[error("the subkey has no valid binding by its primary key with SHA-256 or better")]
    NoBinding,
    /// A subkey that does not say that it belongs to its primary key.
    #[error("the subkey has no valid back signature")]
    NoBackSignature,
    /// Its flags do not allow it.
    #[error("the key is not meant for signing")]
    NotForSigning,
}

pub(super) fn time(seconds: u64) -> String {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| seconds.to_string(), |time| time.to_string())
}

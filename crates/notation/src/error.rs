//! Why an envelope, a trust store, a policy or a whole signature is refused.

use jiff::Timestamp;

/// An error of this crate. Each is a refusal: nothing of what was refused is used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// More bytes than allowed.
    #[error("the {what} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// A media type that is neither JWS nor COSE.
    #[error("`{0}` is not the media type of a Notary Project signature")]
    MediaType(String),
    /// Not an envelope, or not one of the specification.
    #[error("not a valid {format} envelope: {reason}")]
    Envelope {
        /// JWS or COSE.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// An algorithm that the specification does not have.
    #[error(
        "the signature's algorithm `{0}` is none of PS256, PS384, PS512, ES256, ES384 and ES512"
    )]
    Algorithm(String),
    /// An algorithm that is not the key's.
    #[error(
        "the signature's algorithm is {named}, but the key of the certificate makes {expected}"
    )]
    AlgorithmOfKey {
        /// As the envelope says.
        named: &'static str,
        /// As follows from the key.
        expected: &'static str,
    },
    /// The signature does not match.
    #[error("the signature does not match what it signs")]
    Signature,
    /// A chain of certificates that the specification does not allow.
    #[error("the certificate `{subject}` {reason}")]
    Certificate {
        /// Whose.
        subject: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not the payload of the specification.
    #[error("not a valid payload: {0}")]
    Payload(String),
    /// A good signature over something else.
    #[error("the signature is for another artifact: its {field} is `{signed}`, not `{actual}`")]
    OtherArtifact {
        /// Digest, media type or size.
        field: &'static str,
        /// What was signed.
        signed: String,
        /// What is there.
        actual: String,
    },
    /// An annotation that was asked for.
    #[error("the signature has no annotation `{name}` with the value `{value}`")]
    Annotation {
        /// Its name.
        name: String,
        /// The value that was asked for.
        value: String,
    },
    /// Not a manifest of a signature.
    #[error("not the manifest of a Notary Project signature: {0}")]
    Manifest(String),
    /// A policy that cannot be used.
    #[error("not a valid trust policy: {0}")]
    Policy(String),
    /// A policy that says nothing of a repository.
    #[error("no statement of the trust policy is for `{0}`")]
    NoStatement(String),
    /// A trust store that cannot be used.
    #[error("the trust store `{store}` cannot be used: {reason}")]
    Store {
        /// Type and name.
        store: String,
        /// What is wrong.
        reason: String,
    },
    /// No certificate of the chain is in a store.
    #[error("no certificate of the signature is in the trust stores of statement `{statement}`")]
    Untrusted {
        /// Name of the statement.
        statement: String,
    },
    /// Another subject than those that are trusted.
    #[error("`{subject}` is none of the trusted identities of statement `{statement}`")]
    Identity {
        /// Subject of the signing certificate.
        subject: String,
        /// Name of the statement.
        statement: String,
    },
    /// Past the time that the signer gave.
    #[error("the signature expired at {at}")]
    Expired {
        /// When.
        at: Timestamp,
    },
    /// A certificate outside of its time.
    #[error("the certificate `{subject}` is valid from {from} to {to}, and not at {at}, {what}")]
    Validity {
        /// Whose.
        subject: String,
        /// First moment.
        from: Timestamp,
        /// Last moment.
        to: Timestamp,
        /// The moment in question.
        at: Timestamp,
        /// Which moment that is.
        what: &'static str,
    },
    /// The statement wants a timestamp, and there is none, or it is not good.
    #[error("the timestamp does not count: {0}")]
    Timestamp(String),
    /// A certificate that was revoked.
    #[error("the certificate `{subject}` was revoked at {at}: {reason}")]
    Revoked {
        /// Whose.
        subject: String,
        /// When.
        at: Timestamp,
        /// Why, as the list says.
        reason: &'static str,
    },
    /// Whether it was revoked is not known.
    #[error("whether the certificate `{subject}` is revoked is not known: {reason}")]
    RevocationUnknown {
        /// Whose.
        subject: String,
        /// Why not.
        reason: String,
    },
    /// Something that cannot be signed.
    #[error("cannot sign: {0}")]
    Request(String),
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Untrusted { .. } => {
                "if you trust the signer's authority, add its certificate: `sealift trust cert add`"
            }
            Self::NoStatement(_) => "add the repository to the `registryScopes` of a statement",
            Self::RevocationUnknown { .. } => {
                "put the authority's list of revoked certificates where the lists are; OCSP is not asked"
            }
            Self::Timestamp(_) => {
                "sign with a timestamp, or set `verifyTimestamp` to `afterCertExpiry`"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

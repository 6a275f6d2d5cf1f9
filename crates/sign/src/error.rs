//! What can go wrong when a signature or attestation is made, or a proved predicate is read.

/// An error of this crate. What verification finds is a [`crate::Refusal`] instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key does not sign.
    #[error(transparent)]
    Signing(sealift_crypto::Error),
    /// The predicate is not strict JSON.
    #[error("the predicate for `{predicate_type}` cannot be signed: {source}")]
    Predicate {
        /// Its type.
        predicate_type: String,
        /// What the JSON reader says.
        source: sealift_crypto::Error,
    },
    /// An annotation that a signature cannot have.
    #[error("the annotation `{name}` cannot be signed: {reason}")]
    Annotation {
        /// Its name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Signatures of the older form cannot be written.
    #[error("no signature of cosign's older form can be written: {0}")]
    Legacy(String),
    /// The predicate is not an object.
    #[error("the predicate for `{0}` is not a JSON object")]
    PredicateNotObject(String),
    /// The type is not a URI that an attestation can have.
    #[error("`{0}` cannot be the predicate type of an attestation")]
    PredicateType(String),
    /// The artifact would be larger than verification accepts.
    #[error("the attestation `{predicate_type}` has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Its type.
        predicate_type: String,
        /// Size of the bundle in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A report that is not JSON.
    #[error("the vulnerability report cannot be attested: {0}")]
    Report(sealift_crypto::Error),
    /// A predicate that was signed but is not what its type says.
    #[error("not a verification summary of ours: {0}")]
    Summary(String),
}

//! Notary Project signatures: made, read and verified as `notation` does it.
//!
//! Entry points: [`verify`] with a [`TrustPolicy`], a [`TrustStore`] and [`RevocationLists`]; [`sign`] and [`artifact`].
//! Specification: <https://github.com/notaryproject/specifications>. Nothing here does network or reads the clock.
//! Invariants: the algorithm follows from the key of the certificate; an envelope has one reading (no key twice, nothing
//! after it, definite lengths); what is critical and not understood is a refusal; no plugin is run; OCSP is not asked, so
//! a certificate with that alone is of unknown revocation.

mod error;
mod text;

mod algorithm;
mod cbor;
mod chain;
mod payload;

mod cose;
mod envelope;
mod jws;

mod artifact;
mod authority;
mod sign;

mod identity;
mod policy;
mod revocation;
mod store;
mod verify;

pub mod folder;

pub use algorithm::Algorithm;
pub use artifact::{ARTIFACT_TYPE, THUMBPRINT_ANNOTATION, artifact, envelope_of, is_signature};
pub use authority::{Validity, issue_signer, new_root};
pub use envelope::{
    ENVELOPE_BYTES_MAX, Envelope, EnvelopeFormat, MEDIA_TYPE_COSE, MEDIA_TYPE_JWS, SigningScheme,
};
pub use error::Error;
pub use identity::DistinguishedName;
pub use payload::{PAYLOAD_TYPE, Target};
pub use policy::{
    Action, Check, Level, PolicyKind, Statement, TrustPolicy, TrustedIdentity, VerifyTimestamp,
};
pub use revocation::RevocationLists;
pub use sign::{Request, sign};
pub use store::{StoreName, StoreType, TrustStore, check_certificates};
pub use verify::{CheckResult, Outcome, Question, Signed, SignedTime, verify};

//! cosign signatures and in-toto attestations: made and verified.
//!
//! Entry points: [`sign_image`], [`attest`], [`legacy`], [`verify`].
//! The form is that of cosign 3: a sigstore bundle v0.3 with a DSSE envelope around an in-toto statement v1, stored as
//! an OCI 1.1 referrer of the image
//! (<https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md>).
//! [`legacy`] is the form of cosign 1 and 2, which [`verify`] reads as well.
//! Everything here is pure: makers return bytes, and verification reads through [`Blobs`].
//! Invariant: verification fails closed. What it reports as proved was read from signed bytes only; what is neither
//! proved nor foreign is a refusal.

mod artifact;
mod verify;

mod verification;

pub mod legacy;
pub mod predicate_type;
pub mod provenance;
pub mod summary;
pub mod vulnerabilities;

mod bundle;
mod error;
mod statement;
mod time;

#[cfg(test)]
mod tests;

pub use artifact::{Artifact, Blob, Subject, attest, sign_image};
pub use bundle::MEDIA_TYPE as BUNDLE_MEDIA_TYPE;
pub use error::Error;
pub use verification::{
    Attestation, Fault, Form, NameRule, Part, Refusal, Requirements, Signature, Unproved,
    Verification, What,
};
pub use verify::{Blobs, check_content, verify, verify_file};

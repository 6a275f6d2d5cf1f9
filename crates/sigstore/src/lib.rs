//! Keyless signatures of sigstore, verified offline.
//!
//! Entry points: [`verify_bundle`], [`verify_legacy`]. Both answer one question: did who has this identity sign these
//! bytes while the certificate was valid? What they trust is a [`TrustedRoot`] and nothing else: no network, no clock
//! but the caller's. Invariants: what cannot be read is a refusal; every log entry is bound to the very signature that
//! is judged; a moment counts only if a log or an authority that is trusted signed it.
//! (<https://docs.sigstore.dev/about/bundle/>, <https://github.com/sigstore/architecture-docs>)

mod bundle;
mod legacy;
mod proof;
mod refusal;
mod verify;

mod body;
mod checkpoint;
mod entry;
mod identity;
mod merkle;
mod timing;
mod transparency;
mod trusted_root;

mod wire;

pub use bundle::{Bundle, is_bundle_type};
pub use checkpoint::Checkpoint;
pub use identity::{CLAIMS, Claim, IdentityPolicy, Matcher, Thresholds};
pub use legacy::{Legacy, LegacyContent, verify_legacy};
pub use proof::{Content, Identity, Proof, Step};
pub use refusal::Refusal;
pub use trusted_root::{Authority, Log, TrustedRoot, Validity};
pub use verify::{Artifact, Signer, verify_bundle};

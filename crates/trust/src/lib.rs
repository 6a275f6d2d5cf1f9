//! One policy for signatures of every format: rules, evidence, judgement, proof.
//!
//! Entry points: [`read_policy`] and [`judge`]. What was verified of an image, in whatever format, is brought to one form
//! ([`Evidence`]); a policy says what is wanted of which repository; the judgement says which rule, signer, key, time and
//! file decided, as a tree ([`Proof`]). Also the two documents that no format has: the signed tag map ([`tag_map`]) and
//! the signed revocation list ([`revocation`]).
//! Everything is pure: documents, files and the time are given. Invariants: what is not understood is a refusal; no rule
//! is a refusal; two rules that could both decide are an error; a key counts once, in however many formats it signs.

mod error;
mod judge;
mod proof;

mod evidence;
mod policy;

mod document;
mod fields;
mod import;
mod pattern;
mod readers;

pub mod revocation;
pub mod tag_map;

mod duration;
mod text;

#[cfg(test)]
mod tests;

pub use document::template;
pub use duration::{read_duration, write_duration};
pub use error::Error;
pub use evidence::{
    Attestation, Bound, Evidence, Format, Identity, Signature, SignedAt, TimeSource, Unproved,
    Vouched,
};
pub use fields::{schema, tables_markdown};
pub use import::{Imported, StoreFiles, import};
pub use judge::{Judgement, Outcome, Question, Refusal, RefusalKind, judge};
pub use pattern::{Pattern, glob};
pub use policy::{
    AttestationRule, Decision, FileRead, IdentityRule, KeylessIdentity, NameRule, OnMissing,
    Policy, PolicyKey, Require, RevocationSource, Rule, Shape, Signer,
};
pub use proof::{Holds, Proof};
pub use readers::{is_trust_policy, read_policy};

//! Rego over [`Facts`], to a [`Verdict`].
//!
//! Entry: [`evaluate`]. Policies are read as Rego v0 unless they say otherwise (see [`Source`]); the rules that
//! count are those that conftest and OPA's users know: `deny`, `violation`, `warn` (also with a suffix,
//! `deny_root`), and `allow`.
//!
//! Invariant: fail closed. A policy that cannot be read is an [`Error`]; a rule that fails while it runs is a
//! violation of level `Error`, which refuses; a policy that defines none of the known rules, and so could never
//! refuse, is an [`Error`] too. Nothing here reads files, the network, the environment or, unless
//! [`Settings::now_ns`] is absent, the clock.

mod calls;
mod error;
mod evaluate;
mod facts;
mod guard;
mod place;
mod rules;
mod source;

pub use error::Error;
pub use evaluate::{Settings, evaluate, evaluate_with};
pub use facts::{
    BaseFacts, Facts, LayerFacts, LintFacts, ScanStatus, SignatureFacts, VulnerabilityFacts,
};
pub use source::Source;

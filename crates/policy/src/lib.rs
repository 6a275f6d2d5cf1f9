//! Rego over [`Facts`] and configuration files, to a [`Judgement`].
//!
//! Entry: [`Policies::load`], then [`Policies::judge`] for each input. Policies are read as Rego v0 unless they say
//! otherwise (see [`Source`]); the rules that count are those that conftest and OPA's users know: `deny`, `violation`,
//! `warn` (also with a suffix, `deny_root`), `exception` and `allow`.
//!
//! Invariant: fail closed. A policy that cannot be read is an [`Error`]; a rule that fails while it runs is a
//! violation of level `Error`, which refuses; a policy that defines none of the known rules, and so could never
//! refuse, is an [`Error`] too. Nothing here reads files, the network, the environment or, unless
//! [`Settings::now_ns`] is absent, the clock.

mod policies;

mod source;

mod hoist;

mod rules;

mod judge;

mod exemption;

mod explain;

mod trial;

mod bundle;

mod lint;

mod kind;
mod lint_rules;

mod pack;

mod metadata;

mod growth;
mod guard;

mod extension;

mod network;
mod shell;

mod calls;

mod walk;

mod error;
mod place;
mod worker;

mod facts;
mod shape;
mod wire;

pub mod document;

pub use bundle::{Bundle, BundleError, put};
pub use error::Error;
pub use exemption::{Exempted, Exemption, ExemptionError, exempt, exemptions};
pub use explain::{Definition, Explained};
pub use facts::{
    BaseFacts, Facts, LayerFacts, LifeFacts, LintFacts, ProvenanceFacts, ScanStatus,
    SignatureFacts, VulnerabilityFacts,
};
pub use judge::Judgement;
pub use lint::{Linted, lint, lint_rule};
pub use lint_rules::RULES as LINT_RULES;
pub use pack::{PACKS, Pack};
pub use policies::{Namespaces, Policies, Settings, evaluate, evaluate_with};
pub use source::Source;
pub use trial::{FileCoverage, Trial, TrialOptions, TrialOutcome, Trials, run_tests};
pub use wire::{facts_schema, facts_table};

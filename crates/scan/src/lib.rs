//! Matches an Inventory against advisories.
//!
//! Entry points: [`wanted`] (which ecosystems to load), [`scan`], [`gate`] with an [`Expression`].
//! Pure: values in, values out. Every finding says why it is one. What cannot be judged (no version, an unknown
//! distribution, a version that its scheme does not allow, no advisories for its ecosystem) becomes a note and is
//! counted, so that nothing unjudged looks clean. An unknown severity is never taken for a harmless one.

mod ecosystem;
mod essence;
mod expression;
mod gate;
mod options;
mod scan;

mod candidate;
mod compare;
mod condition;
mod explain;
mod finding;
mod life;
mod product;
mod remedy;
mod risk;
mod selection;

pub use compare::{Earlier, compare, only_new};
pub use ecosystem::wanted;
pub use essence::essence;
pub use explain::{ExplainedPackage, Explanation, Outcome, Told, Verdict, explain};
pub use expression::{Expression, ExpressionError};
pub use gate::{GateFailure, GateResult, Thresholds, gate};
pub use options::Options;
pub use risk::sort_by_risk;
pub use scan::scan;

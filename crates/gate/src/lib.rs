//! What a registry lets in and out: images are examined when they were pushed and judged when they are pulled.
//!
//! Entry points: [`Gate`], which is the registry's hook on pulls; [`Gate::herald`], which hears what happens;
//! [`Gate::work`], which examines, matches again and tells others. Invariants: what cannot be judged is refused; a verdict
//! counts only for the rules and the contents of the repository that it was found under; an image is read once, and its
//! packages are matched again without its layers; what is in a queue is done even if the machine fails.

mod error;
mod examine;
mod gate;
mod herald;
mod insight;
mod judgement;
mod metrics;
mod own_trust;
mod rules;
mod settings;
mod shape;
mod source;
mod verdicts;
mod webhook;
mod worker;

pub mod record;

pub use error::Error;
pub use examine::{GATE_USER, REPORT_TYPE, SBOM_TYPE};
pub use gate::Gate;
pub use herald::{Herald, Scribe, event_names};
pub use judgement::{Reason, Verdict};
pub use metrics::{Numbers, Timed};
pub use rules::Environment;
pub use settings::{Settings, Webhook};
pub use worker::Failed;

//! Kubernetes admission: a webhook that judges the images of pods and of what makes pods, and one that replaces their tags
//! by digests (Kubernetes, "Dynamic Admission Control", admission.k8s.io/v1).
//!
//! Entry points: [`Webhook`] answers requests, [`manifests`] installs it. What an image is worth says a [`Judge`]; here is
//! how it is asked. Invariants: what cannot be read, is not known or is not judged in time is denied; nothing that was not
//! asked for is changed; a dry run leaves no trace.

mod settings;

mod review;

mod images;

mod judge;
mod verdicts;

mod decide;

mod install;

mod log;
mod metrics;
mod service;

#[doc(hidden)]
pub mod fuzz;

pub use decide::{Decided, Webhook};
pub use install::{Install, InstallError, manifests};
pub use judge::{Decision, Judge, Question, Verdict};
pub use log::{Entry, Log};
pub use review::{Review, ReviewError};
pub use settings::{Mode, Settings};

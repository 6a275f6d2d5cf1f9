//! Events of the registry in the form of distribution's notifications: one JSON envelope an event, posted to each endpoint
//! in the order in which things happened, and kept in the depot until it arrived.
//!
//! Entry point: [`Notifier`]. Invariants: no request waits for an endpoint; an endpoint that is slow or away holds up no
//! other; what was written down outlives the process; no log has an endpoint's headers.
//! Follows <https://distribution.github.io/distribution/about/notifications/>.

mod envelope;
mod metrics;
mod notifier;
mod sending;

pub use envelope::Source;
pub use notifier::{Failed, Notifier, Settings};

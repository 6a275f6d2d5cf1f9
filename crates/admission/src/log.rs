//! What the webhook tells of itself, for whoever writes it down.

use serde::Serialize;

/// A decision.
#[derive(Debug, Serialize)]
pub struct Entry<'a> {
    /// `validate` or `mutate`.
    pub webhook: &'static str,
    /// The request's own name; the audit log of Kubernetes has it too.
    pub uid: &'a str,
    /// `CREATE` or `UPDATE`.
    pub operation: &'a str,
    /// The object, `Pod team/web`.
    pub object: &'a str,
    /// Who asks.
    pub user: &'a str,
    /// Nothing will come of it.
    pub dry_run: bool,
    /// Whether the object may be.
    pub allowed: bool,
    /// Why it may not, or what was remarked.
    pub reasons: &'a [String],
    /// How long it took.
    pub duration_us: u64,
}

/// Somebody who writes entries down.
pub trait Log: Send + Sync + 'static {
    /// Writes one down. It must not wait long: requests wait for it.
    fn record(&self, entry: &Entry<'_>);
}

/// Nobody.
impl Log for () {
    fn record(&self, _entry: &Entry<'_>) {}
}

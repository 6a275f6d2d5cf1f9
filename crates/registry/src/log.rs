//! What a server tells of itself: entries for whoever writes them down. None has credentials, a query or a body.

use serde::Serialize;

/// Somebody who writes entries down.
pub trait Log: Send + Sync {
    /// Writes one down. It must not wait long: requests wait for it.
    fn record(&self, entry: &Entry<'_>);
}

/// An entry.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry<'a> {
    /// A request was answered.
    Request {
        /// Number of the request; the answer has it too.
        request_id: &'a str,
        /// Address of who asked.
        peer: String,
        /// Name of who asked.
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        /// Method.
        method: &'a str,
        /// Path, cut if it is long.
        path: &'a str,
        /// Status of the answer.
        status: u16,
        /// Bytes of the answer.
        size_bytes: u64,
        /// How long it took.
        duration_us: u64,
        /// Program that asked, cut if it is long.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_agent: Option<&'a str>,
        /// Why it was refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        refusal: Option<&'a str>,
    },
    /// Somebody changed something, or tried: the audit.
    Change {
        /// Number of the request.
        request_id: &'a str,
        /// Address of who did it.
        peer: String,
        /// Name of who did it.
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        /// Repository.
        repository: &'a str,
        /// What was done.
        action: &'static str,
        /// Roles that it was about.
        roles: &'a [String],
        /// `done`, or the code of the refusal.
        outcome: &'static str,
    },
    /// The server failed.
    Failure {
        /// Number of the request, if it was one.
        #[serde(skip_serializing_if = "Option::is_none")]
        request_id: Option<&'a str>,
        /// What failed.
        reason: &'a str,
    },
}

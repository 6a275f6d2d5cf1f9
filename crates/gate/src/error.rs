//! What keeps the gate from doing its work.

/// An error of this crate. On the way to a pull each is a refusal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The storage failed.
    #[error(transparent)]
    Depot(#[from] sealift_depot::Error),
    /// A step of the job failed.
    #[error(transparent)]
    Job(#[from] sealift_pipeline::Error),
    /// Something of our own that was kept cannot be read.
    #[error("what was kept of `{what}` cannot be read: {reason}")]
    Record {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// The settings are wrong.
    #[error("{setting}: {reason}")]
    Setting {
        /// Which.
        setting: String,
        /// Why, and what to do.
        reason: String,
    },
}

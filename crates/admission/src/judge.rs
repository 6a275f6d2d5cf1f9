//! Who says what an image is worth.

use sealift_oci::{Digest, Reference};

/// An image that somebody wants to run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The image.
    pub image: Reference,
    /// Where it is to run.
    pub namespace: String,
    /// By which account.
    pub service_account: String,
    /// Nothing may be left behind.
    pub is_dry_run: bool,
}

/// What it is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may run.
    pub decision: Decision,
    /// What its name stood for when it was judged.
    pub digest: Option<Digest>,
}

/// Whether an image may run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow,
    /// It may, with these remarks.
    Warn(Vec<String>),
    /// It may not, for this reason.
    Deny(String),
    /// That could not be found out, for this reason; so it may not now.
    Failed(String),
}

impl Verdict {
    /// That it could not be found out.
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { decision: Decision::Failed(reason.into()), digest: None }
    }
}

/// Says what an image is worth.
pub trait Judge: Send + Sync + 'static {
    /// Judges one image. It is called on a thread of its own and may block.
    fn judge(&self, question: &Question) -> Verdict;
}

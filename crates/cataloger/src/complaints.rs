//! What was wrong with a file; a few of many.

use sealift_model::Note;

use crate::Context;

const COMPLAINTS_MAX: usize = 20;

/// Complaints about a file; those beyond the limit are counted.
#[derive(Debug, Default)]
pub struct Complaints {
    first: Vec<String>,
    n_more: usize,
}

impl Complaints {
    /// One more.
    pub fn add(&mut self, complaint: impl FnOnce() -> String) {
        if self.first.len() < COMPLAINTS_MAX {
            self.first.push(complaint());
        } else {
            self.n_more += 1;
        }
    }

    /// A single one.
    pub fn one(complaint: &str) -> Self {
        Self { first: vec![complaint.to_owned()], n_more: 0 }
    }

    /// All of both.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.first.extend(others.first);
        self.n_more += others.n_more;
        self
    }

    /// A note for each, and one for those that were only counted.
    pub fn notes(self, context: &Context<'_>) -> Vec<Note> {
        let more =
            (self.n_more > 0).then(|| format!("there are {} more such complaints", self.n_more));
        self.first.into_iter().chain(more).map(|complaint| context.note(complaint)).collect()
    }
}

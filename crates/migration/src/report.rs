//! What an import brought, and what it could not bring.

use serde::Serialize;

const DAMAGES_MAX: usize = 10_000;

/// What an import brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Repositories that were looked at.
    pub repositories: u64,
    /// Manifests that were brought.
    pub manifests: u64,
    /// Tags that were set.
    pub tags: u64,
    /// Manifests that were there already with all their tags.
    pub present: u64,
    /// Blobs whose files are shared with the source.
    pub linked: u64,
    /// Blobs that were copied.
    pub copied: u64,
    /// Blobs that the depot had.
    pub known: u64,
    /// Bytes of the blobs that were linked or copied.
    pub bytes: u64,
    /// What could not be brought, or not whole; the first ten thousand.
    pub damages: Vec<Damage>,
    /// How many there are.
    pub n_damages: u64,
}

/// Something that could not be brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Where: the repository, or the path beneath the source.
    pub place: String,
    /// What: a digest, a tag, a file.
    pub what: String,
    /// Why.
    pub reason: String,
}

impl Report {
    pub(crate) fn damage(&mut self, place: &str, what: &str, reason: impl Into<String>) {
        self.n_damages += 1;
        if self.damages.len() < DAMAGES_MAX {
            let shown = |text: &str| text.chars().take(300).collect::<String>();
            let (place, what) = (shown(place), shown(what));
            self.damages.push(Damage { place, what, reason: shown(&reason.into()) });
        }
    }
}

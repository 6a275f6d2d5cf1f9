//! Whose advisories are read.

use std::collections::BTreeSet;

use sealift_model::Ecosystem;

/// Whose advisories are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted<'a> {
    /// Everybody's.
    All,
    /// Those of these ecosystems; one without a release stands for all its releases.
    Only(&'a [Ecosystem]),
}

impl Wanted<'_> {
    /// True if an entry for this ecosystem is wanted. One for all releases concerns each.
    pub(crate) fn has(self, ecosystem: &Ecosystem) -> bool {
        let is_it = |wanted: &Ecosystem| {
            ecosystem.name == wanted.name
                && (wanted.release.is_none()
                    || ecosystem.release.is_none()
                    || ecosystem.release == wanted.release)
        };
        match self {
            Self::All => true,
            Self::Only(list) => list.iter().any(is_it),
        }
    }

    /// The names of the ecosystems; none if all are wanted.
    pub(crate) fn names(&self) -> Option<BTreeSet<&str>> {
        match self {
            Self::All => None,
            Self::Only(list) => Some(list.iter().map(|wanted| wanted.name.as_str()).collect()),
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        matches!(self, Self::Only([]))
    }
}

//! Git repositories as they lie on disk: loose objects, packs with their deltas, and the history that they make.
//!
//! Entry points: [`Repository::open`], [`history`]. Only what is stored is read: no command runs, no hook, no configuration
//! but the kind of hash. Invariants: nothing here panics, recurses on what is stored, or takes memory or time without a
//! limit; what could not be read is a note. Ids are believed: this tells what a repository has, it proves nothing.
//! Follows gitformat-pack, gitformat-index of packs (versions 1 and 2) and gitrepository-layout.

mod id;
mod object;

mod delta;
mod index;
mod pack;

mod history;
mod repository;

#[cfg(test)]
mod sample;

pub use history::{Version, history};
pub use id::Id;
pub use object::{Commit, Kind, Object, TreeEntry, commit, loose, message, tree};
pub use repository::Repository;

use std::path::PathBuf;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one object.
    pub object_bytes: usize,
    /// Objects.
    pub objects: usize,
    /// Bytes of an index of a pack.
    pub index_bytes: u64,
    /// Bytes that are unpacked in all, bases of deltas as often as they are needed.
    pub unpacked_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            object_bytes: 64 << 20,
            objects: 5_000_000,
            index_bytes: 1 << 30,
            unpacked_bytes: 256 << 30,
        }
    }
}

/// Why a repository or one of its objects cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no repository.
    #[error("`{}` is no Git repository", path.display())]
    NoRepository {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The disk does not give it.
    #[error("cannot read `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not in the repository: the repository is shallow, partial or damaged.
    #[error("object {0} is missing")]
    Missing(Id),
    /// It is not as Git writes it.
    #[error("{0}")]
    Damaged(&'static str),
    /// An object, an index or all together are larger than the limit.
    #[error("{0} is larger than the limit")]
    TooLarge(&'static str),
}

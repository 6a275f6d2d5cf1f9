//! What a publisher does to a repository: changes, and the upload that carries them.
//!
//! A [`Change`] says what is wanted and not how the documents look afterwards, so that after a conflict the same
//! changes are made again to what the other publisher left.

mod change;
mod repository;
mod rotate;

pub use change::{Change, DelegationChange};
pub use repository::{Keys, Repository};

pub(crate) use repository::expiry;

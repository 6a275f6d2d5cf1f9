//! Brings what other registries stored into a depot: distribution's tree, zot's tree, and OCI layouts.
//!
//! Entry point: [`import`]. Invariants: the source is only read, and its files are linked where the file system allows
//! and copied else, never written to or made otherwise; every byte is hashed before it counts; one damaged thing hides no
//! other, and each is in the report; what an interrupted import brought is not brought again.

mod distribution;
mod layout;
mod mover;
mod report;
mod source;

pub use report::{Damage, Report};
pub use source::{Error, Kind};

use std::path::Path;

use sealift_depot::Depot;
use sealift_oci::RepositoryName;

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is at the path.
    pub kind: Kind,
    /// The repository of a layout that names none.
    pub repository: Option<RepositoryName>,
    /// Who is said to have pushed it.
    pub by: String,
}

/// Imports what is at a path; `told` hears the name of each repository before it is brought.
pub async fn import(
    depot: &Depot,
    path: &Path,
    options: &Options,
    told: &mut (dyn FnMut(&RepositoryName) + Send),
) -> Result<Report, Error> {
    let mut report = Report::default();
    let mut repositories = match options.kind {
        Kind::Distribution => distribution::open(path)?,
        Kind::Zot => layout::open_tree(path)?,
        Kind::Layout => layout::open(path, options.repository.as_ref())?,
    };
    while let Some(found) = repositories.next(&mut report) {
        told(&found.name);
        mover::bring(depot, &found, &options.by, &mut report).await?;
    }
    Ok(report)
}

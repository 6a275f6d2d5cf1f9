//! Advisory feeds and their lookup.
//!
//! Entry points: [`Advisories::open`], [`Advisories::lookup`].
//! Reads OSV documents (OSV schema 1.7) from one file, a folder, a zip, or a copy of the OSV bucket. A record that
//! cannot be read becomes a note and hides no other. Ids of one flaw are merged over `aliases` only, and never so that
//! two CVEs become one; `upstream` of a distribution's advisory names the CVEs that it repairs, one finding each.
//! Invariants: input is hostile, [`Limits`] bound it; order of the result does not depend on threads or on the disk.

mod advisories;
mod error;
mod limits;
mod name;

mod identity;
mod load;
mod publisher;
mod rating;
mod sources;
mod wire;

pub use advisories::{Advisories, Hit, Vulnerability, VulnerabilityId};
pub use error::Error;
pub use limits::Limits;
pub use name::normalize;
pub use publisher::{data_source, primary_url};
pub use sealift_model::Ecosystem;

/// A file of this name in a folder of advisories says that they are example data.
pub const EXAMPLE_MARKER: &str = "EXAMPLE-DATA.md";

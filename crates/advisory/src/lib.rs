//! Advisory feeds.
//!
//! Entry point: [`Feed::read`].
//! Reads OSV documents (OSV schema 1.7) from one file, a folder, a zip, or a copy of the OSV bucket, and CISA's
//! catalogue of exploited flaws, FIRST's EPSS and feeds of distributions' own beside them. A record that cannot be read
//! becomes a note and hides no other.
//! Invariants: input is hostile, [`Limits`] bound it; order of the result does not depend on threads or on the disk.

mod error;
mod feed;
mod limits;
mod name;

mod csaf;
mod csv;
mod cve;
mod debian;
mod debian_list;
mod epss;
mod fixes;
mod kev;
mod kind;
mod lives;
mod merge;
mod nvd;
mod oval;
mod photon;
mod redhat;
mod repositories;
mod secdb;
mod statements;
mod suse;
mod ubuntu;
mod updateinfo;
mod xml;

mod load;
mod packed;
mod publisher;
mod rating;
mod sources;
mod wanted;
mod wire;

pub use debian::debian_release;
pub use error::Error;
pub use feed::{Feed, FeedSource};
pub use limits::Limits;
pub use name::normalize;
pub use publisher::{data_source, primary_url};
pub use redhat::{product_of, source_name};
pub use sealift_model::Ecosystem;
pub use wanted::Wanted;

/// A file of this name in a folder of advisories says that they are example data.
pub const EXAMPLE_MARKER: &str = "EXAMPLE-DATA.md";

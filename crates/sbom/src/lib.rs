//! SBOM documents: from an [`Inventory`](sealift_model::Inventory), and back into one.
//!
//! Entry: [`Output`] and [`FORMATS`], or [`spdx::encode`] and [`cyclonedx::encode`] themselves;
//! [`read::read`] for the way back.
//!
//! Invariants: the same inventory and subject give the same bytes (the serial number and the namespace are made
//! from the content, the time is the caller's); the subject reaches every component; a component that an
//! operating-system package owns is not listed beside it, and edges to it lead to its owner.

pub mod cyclonedx;
pub mod github;
pub mod read;
pub mod spdx;
pub mod syft;

mod analysis;
mod compare;
mod components;
mod facts;
mod format;
mod license;
mod listing;
mod merge;
mod party;
mod present;
mod registry;
mod score;
mod subject;
mod syft_metadata;
mod text;

pub use analysis::{Analysis, Risk, analyze};
pub use compare::{Difference, diff};
pub use format::{Encode, FORMATS, Format, FormatVersion, Output, UnknownFormat, find_format};
pub use merge::merge;
pub use present::{is_present, part, present};
pub use score::{Check, Profile, Score, score};
pub use subject::Subject;
pub use syft::fill;

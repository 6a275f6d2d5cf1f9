//! Base images from a Debian archive: signatures, indices, resolver, assembly.
//!
//! Entry points: [`assemble`], [`names()`]. From a [`Recipe`] it verifies the suites' `InRelease` files against a keyring, reads the
//! package indices they name, chooses packages, fetches them by their SHA-256, and lays their files into one layer.
//!
//! Invariants:
//! - No maintainer script is ever run. What scripts would have made (`system`) is made from the packages' own data.
//! - Nothing of the network is used before a signature or a digest from a signed file covers it, and no older archive
//!   state than one that was accepted before is taken.
//! - The same recipe and archive state give the same bytes, on any machine and at any time.
//! - Nothing is unpacked to the host's file system, so neither root nor a namespace is needed.
//!
//! The crate does no network and reads no clock: the caller gives a [`Fetch`] and the time.
#![cfg_attr(test, allow(clippy::needless_raw_string_hashes))]

mod recipe;

mod assemble;
mod error;
mod fetch;
mod names;

mod port;
mod remember;
mod suites;

mod release;

mod index;

mod resolve;

mod download;

mod deb;
mod trim;

mod lay;
mod overlay;
mod system;

mod layer;

mod cache;
mod control;
mod glob;
mod relation;
mod tree;

#[doc(hidden)]
pub mod fuzz;

pub use assemble::{Assembled, Freshness, InstalledPackage, Options, SuiteState, assemble};
pub use error::Error;
pub use fetch::{Event, Fetch, FetchError, Progress, Silent};
pub use names::{Names, names};
pub use recipe::{
    Body, Database, Directory, File, ImagePath, KEYRING_DEFAULT, Mode, PackageRequest, Recipe,
    Source, User,
};

/// Annotation with the digest of the recipe's text.
pub const ANNOTATION_RECIPE: &str = "dev.sealift.base.recipe";
/// Annotation with the archive state: URL, suite, date and digest of the release file, one suite a line.
pub const ANNOTATION_ARCHIVE: &str = "dev.sealift.base.archive";

//! Version order and affected ranges, one scheme per ecosystem.
//!
//! Entry points: [`Version::parse`], [`compare`], [`Range::new`].
//! Invariants: a text that its scheme does not allow is an error, never a guess; a parsed version carries a key whose
//! bytes compare as the versions do, so that a comparison costs one `memcmp`; texts are limited to
//! [`VERSION_BYTES_MAX`] and numbers within them have no limit of size.

mod version;

mod apk;
mod composer;
mod conda;
mod dpkg;
mod gem;
mod key;
mod lists;
mod maven;
mod pacman;
mod pep440;
mod portage;
mod rpm;
mod semver;

mod range;

pub use pep440::canonical as pep440_canonical;
pub use range::{End, Event, Interval, Range};
pub use version::{InvalidVersion, Scheme, VERSION_BYTES_MAX, Version, compare};

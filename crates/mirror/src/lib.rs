//! Mirrors of other registries, in a registry that may have images of its own beside them.
//!
//! Entry points: [`Mirror::route`] says whose a name is, [`Mirror::manifest`], [`Mirror::blob`], [`Mirror::tags`] and
//! [`Mirror::referrers`] give what was asked for. Invariants: only what is asked for is fetched, once for all who wait for it; nothing is kept, and no blob is
//! passed on whole, before its digest is proved; an upstream is asked for what it is the registry of and nothing else, so
//! that URLs in manifests are never followed; no upstream is asked anything before a client asks.

mod settings;

mod mirror;

mod route;

mod fetching;
mod keeping;
mod lists;
mod seen;
mod shared;

mod flight;
mod reading;
mod transfer;

mod budget;
mod error;
mod metrics;
mod upstream;

pub use error::{Error, MirrorError};
pub use fetching::WRITER;
pub use lists::Listed;
pub use metrics::UpstreamState;
pub use mirror::{Mirror, Mirrored, MirroredBlob};
pub use reading::{Coming, ComingBody};
pub use route::Route;
pub use settings::{Password, Period, Settings, UpstreamSettings};

//! The registry's storage: blobs in files, all else in a ledger, and nothing that was answered is lost.
//!
//! Entry point: [`Depot::open_folder`]. What holds at any moment, also after the power failed:
//! - a blob or manifest that was answered with success is whole and there, until somebody deletes it;
//! - a manifest's parts were all in its repository when it was taken in, and stay as long as it does;
//! - what is deleted is gone for clients at once, can be had back for a while, and then leaves the disk;
//! - one process has the folder; a second one is refused. Several share a bucket and a database ([`Depot::open_shared`]).
//!
//! ARCHITECTURE.md, "How the registry keeps things", tells how.

mod error;
mod settings;

mod depot;

mod upload;

mod receive;
mod shared;

mod adopt;
mod blob;
mod body;

mod change;
mod manifest;

mod document;

mod listing;
mod lookup;
mod usage;

mod history;

mod retain;

mod collect;

mod scrub;

mod backup;

mod records;

mod trust;

mod keeper;

mod journal;

mod cache;
mod clock;
mod files;
mod lease;
mod ledger;
mod pattern;

#[cfg(test)]
mod tests;

pub use adopt::Adopted;
pub use backup::{Backup, Rebuilt};
pub use blob::Blob;
pub use body::BlobBody;
pub use collect::{CollectOptions, Collected};
pub use depot::Depot;
pub use document::{ManifestParts, manifest_parts};
pub use error::Error;
pub use history::TagEvent;
pub use listing::{Page, Referrer, RepositoryStatistics, Statistics, TagDetail};
pub use manifest::{Children, Manifest, NewManifest, Put, Target};
pub use pattern::Pattern;
pub use records::{Job, QueueLength};
pub use retain::Removed;
pub use scrub::{Damage, Repair, RepairBody, RepairFuture, ScrubOptions, Scrubbed};
pub use settings::{
    Copies, DatabaseSettings, Immutable, Quota, Retention, Rules, Settings, SharedSettings, Sparse,
};
pub use trust::{SqliteTrustStore, TrustStore};
pub use upload::{UploadId, UploadStatus};

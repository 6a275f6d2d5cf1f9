//! What a server does: hand out documents, judge uploads, hold the keys of snapshot and timestamp.
//!
//! [`Server`] is the logic behind every endpoint of notary-server, without HTTP: names, files and the time come in,
//! bytes or a [`Refusal`] with Notary's code and text go out. It blocks on its [`Store`] only.

mod feed;
mod keys;
mod memory;
mod refusal;
mod serve;
mod shelf;
mod store;
mod upload;

pub use feed::Change;
pub use keys::{SealedKeys, ServerKeys};
pub use memory::MemoryStore;
pub use refusal::{Code, Refusal};
pub use serve::{Pick, Served, Server, parse_name};
pub use store::{
    ChangeRange, Document, HashKind, KeyRecord, NewDocument, Store, StoreError, trim_keys,
};

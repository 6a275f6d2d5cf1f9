//! Where a server keeps what it has.

mod cached;
mod folder;
mod sqlite;

pub use cached::{CachedStore, Kept};
pub use folder::{Folder, open_folder, parse_sealing_key};
pub use sqlite::SqliteStore;

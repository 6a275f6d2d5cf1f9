//! Where a server keeps what it has.

mod cached;
mod folder;
mod shared;

pub use cached::{CachedStore, Kept};
pub use folder::{Folder, open_folder, parse_sealing_key};
pub use shared::{SharedTrust, open_shared};

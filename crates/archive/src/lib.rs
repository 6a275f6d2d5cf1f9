//! Hardened readers and reproducible writers: tar, gzip, zstd, xz, zip, ar, whiteouts.
//!
//! Entry points: [`tar::Reader`], [`tar::Writer`], [`open`], [`GzipWriter`], [`ar::Reader`], [`zip::Archive`].
//! Invariants: every reader has limits and never panics, hangs or allocates what a number in the input says;
//! where tar readers of the world disagree on what an archive means, ours refuses the archive, because a scanner
//! that sees another tree than the container runtime is blind. Writers give the same bytes for the same input.

mod bounded;
mod error;
mod file_slice;
mod header;
mod limits;
mod path;
mod whiteout;

mod compression;
mod gzip_writer;

pub mod ar;
pub mod tar;
pub mod zip;

pub use bounded::{Bounded, read_bounded};
pub use compression::{Compression, decoder, detect, open};
pub use error::Error;
pub use file_slice::FileSlice;
pub use gzip_writer::GzipWriter;
pub use header::{EntryKind, Header, Mtime};
pub use limits::Limits;
pub use path::RelativePath;
pub use whiteout::{Whiteout, opaque_path, whiteout, whiteout_path};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

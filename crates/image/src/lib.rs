//! Image sources and the merged file tree with the layer each file comes from.
//!
//! Entry points: [`Target::parse`] for what a user names, [`open_oci_dir`] and its sisters for an [`Image`],
//! [`read`] for its [`FileTree`].
//! Invariants: nothing of a source is believed before its digest matched, which holds for manifests, configs, layers
//! and the layers' uncompressed bytes; a layer is read once, as a stream; memory holds facts and wanted bodies only.
//! Follows the OCI image specification 1.1, layer.md, with containerd's reading of it where it is silent: links in the
//! way to an entry are followed beneath the root, the entry itself replaces what is there.

mod error;
mod target;

mod blob;
mod history;
mod image;
mod layer;
mod platform;

mod daemon;
mod docker_archive;
mod layout;
mod members;
mod referrers;

mod cache;
mod detect;
mod directory;
mod inspection;
mod merge;
mod read;
mod records;
mod rootfs;
mod scan;
mod side_hash;
mod tree;

pub use blob::{BlobSource, read_blob_verified};
pub use cache::{LayerCache, LayerKey};
pub use daemon::{
    Container, inspect_container, open_daemon, open_daemon_container, running_containers,
};
pub use detect::detect;
pub use directory::{open_directory, open_directory_inspected};
pub use docker_archive::open_docker_archive;
pub use error::Error;
pub use image::{Image, image_for_platform, image_from_descriptor, image_from_manifest};
pub use inspection::{BINARY_BYTES, Extractor, HEAD_BYTES, Inspection, Look, START_BYTES, Watch};
pub use layer::LayerReader;
pub use layout::{listed_in_oci_dir, open_oci_archive, open_oci_dir};
pub use platform::select_platform;
pub use read::{ReadLimits, Wanted, read, read_inspected, tree_of};
pub use referrers::{layout_referrers, read_layout_index};
pub use rootfs::open_rootfs;
pub use target::Target;
pub use tree::{
    FileFact, FileKind, FileMeta, FileTree, Finder, LayerFact, Note, Numbered, Removed, RemovedHow,
    UnreadLayer, Watched,
};

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

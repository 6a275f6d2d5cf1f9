//! OCI names, digests, descriptors, manifests and configs.
//!
//! Entry points: [`Reference::parse`], [`RepositoryName`], [`Tag`], [`Digest`], [`Raw`].
//! Invariant: what was hashed is kept verbatim. [`Raw`] holds the bytes beside the parsed view, and nothing here
//! ever re-serialises a document that came from outside.
//! Follows the OCI image specification 1.1 and the distribution specification 1.1.

mod digest;
mod name;
mod reference;

mod config;
mod descriptor;
mod manifest;
mod raw;

pub mod media_type;

pub use config::{ContainerConfig, Empty, Healthcheck, History, ImageConfig, RootFs};
pub use descriptor::{Descriptor, Platform};
pub use digest::{Algorithm, Digest, DigestError, Hasher};
pub use manifest::{Index, Manifest};
pub use name::{NameError, RepositoryName, Tag};
pub use raw::{DOCUMENT_BYTES_MAX, Raw, RawError};
pub use reference::{Reference, ReferenceError};

/// Annotation that carries an image's name in an OCI layout's `index.json`.
pub const ANNOTATION_REF_NAME: &str = "org.opencontainers.image.ref.name";
/// Annotation with the name of the base image (image-spec, annotations.md).
pub const ANNOTATION_BASE_NAME: &str = "org.opencontainers.image.base.name";
/// Annotation with the digest of the base image.
pub const ANNOTATION_BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
/// Annotation with the time of creation, RFC 3339.
pub const ANNOTATION_CREATED: &str = "org.opencontainers.image.created";

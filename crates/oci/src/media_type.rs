//! Media types of OCI and of Docker's schema 2.

/// OCI image index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// OCI image manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// OCI image config.
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// The empty JSON object, config of artifacts.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Uncompressed layer.
pub const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
/// Layer, gzip.
pub const LAYER_GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// Layer, zstd.
pub const LAYER_ZSTD: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// Docker manifest list.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker config.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker layer, gzip.
pub const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
/// Docker layer, uncompressed.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";

/// True for an index or a manifest list.
pub fn is_index(media_type: &str) -> bool {
    matches!(media_type, INDEX | DOCKER_INDEX)
}

/// True for an image manifest of either kind.
pub fn is_manifest(media_type: &str) -> bool {
    matches!(media_type, MANIFEST | DOCKER_MANIFEST)
}

//! Headers that only registries have.

use hyper::header::HeaderName;

/// The digest of what is answered or was stored.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// Says that this is a registry.
pub(super) const API_VERSION: HeaderName =
    HeaderName::from_static("docker-distribution-api-version");
/// The id of an upload.
pub(super) const CHUNK_MIN: HeaderName = HeaderName::from_static("oci-chunk-min-length");
pub(super) const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");
/// The subject of a manifest, which we have read.
pub(super) const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
/// A tag that was set.
pub(super) const TAG: HeaderName = HeaderName::from_static("oci-tag");
/// What a list was filtered by.
pub(super) const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");
/// The registry for which a mirror answers.
pub(super) const NAMESPACE: HeaderName = HeaderName::from_static("oci-namespace");

//! What the depot has, as Prometheus reads it.

use sealift_depot::Statistics;

use crate::metrics::number;

/// Appends the figures of a depot.
pub(super) fn write(text: &mut String, statistics: &Statistics) {
    for (name, help, value) in [
        ("repositories", "Repositories.", statistics.repositories),
        ("tags", "Tags.", statistics.tags),
        ("manifests", "Manifests.", statistics.manifests),
        ("blobs", "Blobs.", statistics.blobs),
        ("blob_bytes", "Bytes of blobs on the disk.", statistics.blob_bytes),
        ("uploads", "Uploads that have begun and not ended.", statistics.uploads),
    ] {
        number(text, &format!("sealift_registry_{name}"), "gauge", help, value);
    }
}

//! The artifacts that refer to an image in an OCI layout: signatures and attestations beside it.

use std::path::Path;

use sealift_oci::{DOCUMENT_BYTES_MAX, Descriptor, Digest, Index, Manifest, Raw, media_type};

use crate::{BlobSource, Result, read_blob_verified};

/// What writes `index.json` may say there what an artifact refers to, so that it is listed even if it is damaged.
pub(crate) const ANNOTATION_SUBJECT: &str = "dev.sealift.subject";
const ARTIFACTS_MAX: usize = 10_000;

/// The artifacts of a layout's index that refer to a digest.
pub fn layout_referrers(
    index: &Index,
    blobs: &dyn BlobSource,
    subject: &Digest,
) -> Vec<Descriptor> {
    index
        .manifests
        .iter()
        .take(ARTIFACTS_MAX)
        .filter(|entry| media_type::is_manifest(&entry.media_type))
        .filter(|entry| match entry.annotations.get(ANNOTATION_SUBJECT) {
            Some(stated) => *stated == subject.to_string(),
            None => entry.artifact_type.is_some() && refers_to(entry, blobs, subject),
        })
        .cloned()
        .collect()
}

/// Reads the index of an OCI layout folder.
pub fn read_layout_index(folder: &Path) -> Result<Index> {
    let path = folder.join("index.json");
    let bytes =
        std::fs::read(&path).map_err(|source| crate::Error::Io { path: path.clone(), source })?;
    Ok(Raw::<Index>::parse(bytes, "index of an OCI layout")?.value().clone())
}

fn refers_to(entry: &Descriptor, blobs: &dyn BlobSource, subject: &Digest) -> bool {
    let Ok(bytes) = read_blob_verified(blobs, entry, DOCUMENT_BYTES_MAX as u64) else {
        return false;
    };
    let Ok(manifest) = Raw::<Manifest>::parse(bytes, "manifest of an artifact") else {
        return false;
    };
    manifest.value().subject.as_ref().is_some_and(|about| about.digest == *subject)
}

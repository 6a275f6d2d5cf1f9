//! Artifacts that registries have under a tag of their own, as cosign's older signatures are: merged, never replaced.
//!
//! No registry changes a tag only if it still is what one has read. So what is there is read again just before and just
//! after a change, and merged again until everything is in it.

use std::sync::Arc;

use sealift_image::BlobSource;
use sealift_oci::{Digest, Manifest, Raw, Reference, media_type};
use sealift_sign::legacy::{self, Kind};
use sealift_sign::{Artifact, Blob};
use sealift_store::Store;

use crate::transfer::{Delivery, push_blobs};
use crate::{Error, Session};

const TRIES: usize = 10;

/// Adds the layers of an artifact to what a store has of its kind for an image. False if they were there.
pub(crate) fn add(store: &Store, subject: &Digest, artifact: &Artifact) -> Result<bool, Error> {
    let tag = tag_of(subject, artifact.manifest.value())?;
    put(store, &artifact.blobs)?;
    for _ in 0..TRIES {
        let known = store.tagged(subject, &tag)?.map(|entry| entry.digest);
        let manifest = match &known {
            None => artifact.manifest.clone(),
            Some(known) => {
                let there = store.read_blob(known)?;
                let Some(merged) = legacy::merge(&there, artifact.manifest.bytes())? else {
                    return Ok(false);
                };
                put(store, &merged.blobs)?;
                merged.manifest
            }
        };
        if store.replace_tagged(subject, &tag, known.as_ref(), &manifest)? {
            return Ok(true);
        }
    }
    Err(busy(&tag))
}

/// Brings what a registry has under the tags of an image into the store.
pub(crate) fn fetch(
    session: &Session<'_>,
    reference: &Reference,
    subject: &Digest,
) -> Result<(), Error> {
    for kind in Kind::ALL {
        session.check()?;
        let Some(tag) = kind.tag(subject) else { continue };
        let named = reference.with_tag(&tag).expect("hex digits and an ending are a tag");
        let Some(bytes) = session.network.tagged(&named)? else { continue };
        let manifest = Raw::<Manifest>::parse(bytes, "signatures of an image")?;
        // Something else under that name says nothing of the image.
        if Kind::of(manifest.value()) != Some(kind) {
            continue;
        }
        let value = manifest.value();
        for blob in value.layers.iter().chain([&value.config]) {
            session.network.fetch_blob(session.store, reference, blob)?;
        }
        add(session.store, subject, &Artifact { manifest, blobs: Vec::new() })?;
    }
    Ok(())
}

/// Adds the layers of an artifact to what a registry has under the tag of its kind.
pub(crate) fn push(
    session: &Session<'_>,
    to: &Reference,
    subject: &Digest,
    artifact: &Raw<Manifest>,
    source: &Arc<dyn BlobSource>,
    delivery: &mut Delivery,
) -> Result<(), Error> {
    let tag = tag_of(subject, artifact.value())?;
    let named = to.with_tag(&tag).expect("hex digits and an ending are a tag");
    push_blobs(session, to, artifact.value(), source, delivery)?;
    for _ in 0..TRIES {
        session.check()?;
        let there = session.network.tagged(&named)?;
        let manifest = match &there {
            None => artifact.clone(),
            Some(there) => match legacy::merge(there, artifact.bytes())? {
                None => return Ok(()),
                Some(merged) => {
                    put(session.store, &merged.blobs)?;
                    let store: Arc<dyn BlobSource> = Arc::new(session.store.clone());
                    let config = &merged.manifest.value().config;
                    session.network.push_blob(to, config, &store)?;
                    merged.manifest
                }
            },
        };
        if session.network.tagged(&named)? == there {
            session.network.push_manifest(&named, media_type::MANIFEST, manifest.bytes())?;
        }
    }
    Err(busy(&tag))
}

fn put(store: &Store, blobs: &[Blob]) -> Result<(), Error> {
    blobs.iter().try_for_each(|blob| Ok(store.put_blob(&blob.bytes).map(|_| ())?))
}

fn tag_of(subject: &Digest, manifest: &Manifest) -> Result<String, Error> {
    let tag = Kind::of(manifest).and_then(|kind| kind.tag(subject));
    tag.ok_or_else(|| {
        Error::usage(
            format!("`{subject}` cannot have signatures under a tag"),
            "sign it without `--format legacy`",
        )
    })
}

fn busy(tag: &str) -> Error {
    Error::usage(
        format!("others keep changing `{tag}` while it is being written"),
        "try again when they are done",
    )
}

//! Between the local store and registries: an image with everything that refers to it.

use std::sync::Arc;

use sealift_client::Pushed;
use sealift_image::BlobSource;
use sealift_oci::{Descriptor, Digest, Index, Manifest, Raw, Reference, media_type};
use sealift_sign::legacy::Kind;

use crate::open::{Opened, Referrers, read_document};
use crate::{Error, Event, Session, Step, tagged};

const REFERRERS_MAX: usize = 1000;

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The name it has now, with the digest.
    pub reference: Reference,
    /// Blobs that were sent.
    pub uploaded: usize,
    /// Blobs that were there.
    pub present: usize,
    /// Artifacts that went with it.
    pub artifacts: usize,
}

/// Brings an image with its artifacts into the store, and names it there as in the registry.
pub fn pull(session: &Session<'_>, reference: &Reference) -> Result<Descriptor, Error> {
    let reference = reference.clone().or_latest();
    let descriptor = fetch(session, &reference)?;
    if reference.tag().is_some() {
        session.store.tag(&reference, &descriptor)?;
    }
    Ok(descriptor)
}

/// Brings an image with its artifacts into the store, without a name.
pub(crate) fn fetch(session: &Session<'_>, reference: &Reference) -> Result<Descriptor, Error> {
    let reference = reference.clone().or_latest();
    let (descriptor, bytes) = session.network.manifest(&reference)?;
    session.store.put_blob(&bytes)?;
    let manifest = if media_type::is_index(&descriptor.media_type) {
        let index = Raw::<Index>::parse(bytes, "image index")?;
        let child =
            sealift_image::select_platform(&index.value().manifests, &session.wanted_platform())?;
        let (_, bytes) = session.network.manifest(&reference.at_digest(&child.digest))?;
        session.store.put_blob(&bytes)?;
        bytes
    } else {
        bytes
    };
    let manifest = Raw::<Manifest>::parse(manifest, "image manifest")?;
    for blob in manifest.value().layers.iter().chain([&manifest.value().config]) {
        session.check()?;
        session.network.fetch_blob(session.store, &reference, blob)?;
    }
    fetch_artifacts(session, &reference, &descriptor)?;
    tagged::fetch(session, &reference, &descriptor.digest)?;
    Ok(descriptor)
}

fn fetch_artifacts(
    session: &Session<'_>,
    reference: &Reference,
    subject: &Descriptor,
) -> Result<(), Error> {
    let entries = session.network.referrers(reference, &subject.digest)?;
    for entry in entries.iter().take(REFERRERS_MAX) {
        session.check()?;
        // An artifact that is itself an index is nothing that anybody here reads.
        if !media_type::is_manifest(&entry.media_type) {
            continue;
        }
        let (_, bytes) = session.network.manifest(&reference.at_digest(&entry.digest))?;
        let manifest = Raw::<Manifest>::parse(bytes, "manifest of an artifact")?;
        let value = manifest.value();
        if value.subject.as_ref().is_none_or(|about| about.digest != subject.digest) {
            continue;
        }
        for blob in value.layers.iter().chain([&value.config]) {
            session.network.fetch_blob(session.store, reference, blob)?;
        }
        session.store.add_referrer(&manifest)?;
    }
    Ok(())
}

/// Sends an image and its artifacts. The manifest goes after its blobs and before its artifacts, so that a registry
/// never names what it does not hold.
pub fn push(session: &Session<'_>, opened: &Opened, to: &Reference) -> Result<Delivery, Error> {
    let to = to.clone().or_latest();
    let mut delivery = Delivery {
        reference: to.at_digest(&opened.descriptor.digest),
        uploaded: 0,
        present: 0,
        artifacts: 0,
    };
    let blobs = opened.image.blobs();
    let manifest = &opened.image.manifest;
    push_blobs(session, &to, manifest.value(), blobs, &mut delivery)?;
    if opened.descriptor.digest != *manifest.digest() {
        let by_digest = to.at_digest(manifest.digest());
        let kind = manifest.value().media_type.as_deref().unwrap_or(media_type::MANIFEST);
        session.network.push_manifest(&by_digest, kind, manifest.bytes())?;
    }
    let top = read_document(blobs, &opened.descriptor)?;
    session.network.push_manifest(&to, &opened.descriptor.media_type, &top)?;
    let source = &opened.referrers.source;
    for artifact in opened.referrers.read()? {
        push_artifact(session, &to, &opened.descriptor.digest, &artifact, source, &mut delivery)?;
    }
    Ok(delivery)
}

/// Sends what the store has of signatures and attestations of images that a registry has already.
pub fn push_artifacts(
    session: &Session<'_>,
    to: &Reference,
    subjects: &[Descriptor],
) -> Result<Delivery, Error> {
    let reference = to.at_digest(&subjects.first().expect("there is an image").digest);
    let mut delivery = Delivery { reference, uploaded: 0, present: 0, artifacts: 0 };
    let source: Arc<dyn BlobSource> = Arc::new(session.store.clone());
    for subject in subjects {
        let manifests = session.store.referrers(&subject.digest)?;
        let referrers = Referrers { manifests, source: Arc::clone(&source) };
        for artifact in referrers.read()? {
            push_artifact(session, to, &subject.digest, &artifact, &source, &mut delivery)?;
        }
    }
    Ok(delivery)
}

fn push_artifact(
    session: &Session<'_>,
    to: &Reference,
    subject: &Digest,
    artifact: &Raw<Manifest>,
    source: &Arc<dyn BlobSource>,
    delivery: &mut Delivery,
) -> Result<(), Error> {
    if Kind::of(artifact.value()).is_some() {
        tagged::push(session, to, subject, artifact, source, delivery)?;
    } else {
        push_blobs(session, to, artifact.value(), source, delivery)?;
        session.network.push_referrer(to, artifact)?;
    }
    delivery.artifacts += 1;
    Ok(())
}

pub(crate) fn push_blobs(
    session: &Session<'_>,
    to: &Reference,
    manifest: &Manifest,
    source: &Arc<dyn BlobSource>,
    delivery: &mut Delivery,
) -> Result<(), Error> {
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        session.check()?;
        let text = format!("{} ({} bytes)", crate::open::short(&blob.digest), blob.size);
        session.observer.event(Event::Progress(Step::Push, text));
        match session.network.push_blob(to, blob, source)? {
            Pushed::Present => delivery.present += 1,
            Pushed::Mounted | Pushed::Uploaded => delivery.uploaded += 1,
        }
    }
    Ok(())
}

/// One line: where it is now, and what was sent.
pub fn summary(delivery: &Delivery) -> String {
    format!(
        "{} ({} blobs sent, {} were there, {} artifacts)",
        delivery.reference.familiar(),
        delivery.uploaded,
        delivery.present,
        delivery.artifacts
    )
}

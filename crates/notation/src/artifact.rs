//! The OCI manifest of a signature: a referrer of the image with one layer, the envelope.

use jiff::Timestamp;
use sealift_oci::{ANNOTATION_CREATED, Descriptor, Digest, Manifest, Raw, media_type};
use sealift_sign::{Artifact, Blob};

use crate::text::clean;
use crate::{ENVELOPE_BYTES_MAX, Envelope, EnvelopeFormat, Error};

/// Type of the artifact.
pub const ARTIFACT_TYPE: &str = "application/vnd.cncf.notary.signature";
/// Annotation with the SHA-256 of the certificates, a JSON list.
pub const THUMBPRINT_ANNOTATION: &str = "io.cncf.notary.x509chain.thumbprint#S256";
const EMPTY: &[u8] = b"{}";

/// The artifact of an envelope, as notation 1 writes it: the config's type says what it is. In a layout notation 1 finds no
/// other form; notation 2 finds this one too.
pub fn artifact(
    format: EnvelopeFormat,
    envelope: Vec<u8>,
    subject: &Descriptor,
) -> Result<Artifact, Error> {
    let parsed = Envelope::parse(format.media_type(), &envelope)?;
    let config = Descriptor::new(ARTIFACT_TYPE, Digest::sha256(EMPTY), EMPTY.len() as u64);
    let layer =
        Descriptor::new(format.media_type(), Digest::sha256(&envelope), envelope.len() as u64);
    let mut manifest = Manifest::new(config.clone(), vec![layer.clone()]);
    manifest.subject =
        Some(Descriptor::new(&subject.media_type, subject.digest.clone(), subject.size));
    let thumbprints =
        serde_json::to_string(&parsed.thumbprints()).expect("a list of texts can be written");
    manifest.annotations.insert(THUMBPRINT_ANNOTATION.to_owned(), thumbprints);
    let created = created(parsed.signing_time);
    manifest.annotations.insert(ANNOTATION_CREATED.to_owned(), created);
    let blobs = vec![
        Blob { descriptor: config, bytes: EMPTY.to_vec() },
        Blob { descriptor: layer, bytes: envelope },
    ];
    Ok(Artifact { manifest: Raw::encode(manifest), blobs })
}

fn created(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// Whether a manifest says that it is a signature, in the form of notation 1 or that of notation 2.
pub fn is_signature(manifest: &Manifest) -> bool {
    manifest.effective_artifact_type() == ARTIFACT_TYPE
}

/// The descriptor of the envelope in a manifest, which must be about this image.
pub fn envelope_of<'a>(
    manifest: &'a Manifest,
    image: &Descriptor,
) -> Result<&'a Descriptor, Error> {
    let refuse = |reason: String| Err(Error::Manifest(reason));
    let expected_config = match manifest.artifact_type.as_deref() {
        None => ARTIFACT_TYPE,
        Some(ARTIFACT_TYPE) => media_type::EMPTY,
        Some(other) => return refuse(format!("its artifact type is `{}`", clean(other))),
    };
    if manifest.config.media_type != expected_config {
        let actual = clean(&manifest.config.media_type);
        return refuse(format!("its config is of type `{actual}`, not `{expected_config}`"));
    }
    let is_about_image = manifest.subject.as_ref().is_some_and(|subject| {
        subject.digest == image.digest
            && subject.media_type == image.media_type
            && subject.size == image.size
    });
    if !is_about_image {
        return refuse("it refers to another image".to_owned());
    }
    let [layer] = manifest.layers.as_slice() else {
        return refuse(format!("it has {} layers, not one envelope", manifest.layers.len()));
    };
    EnvelopeFormat::of_media_type(&layer.media_type)?;
    if layer.size > ENVELOPE_BYTES_MAX as u64 {
        let size = usize::try_from(layer.size).unwrap_or(usize::MAX);
        return Err(Error::TooLarge { what: "envelope", size, limit: ENVELOPE_BYTES_MAX });
    }
    Ok(layer)
}

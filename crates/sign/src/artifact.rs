//! Makes signatures and attestations as OCI artifacts that refer to the image.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_crypto::{SigningKey, dsse, strict_json};
use sealift_oci::{ANNOTATION_CREATED, Descriptor, Digest, Manifest, Raw, media_type};
use serde_json::value::RawValue;

use crate::statement::{PAYLOAD_TYPE, Statement};
use crate::verification::clean;
use crate::{Error, bundle, legacy, predicate_type, time};

pub(crate) const ANNOTATION_CONTENT: &str = "dev.sigstore.bundle.content";
pub(crate) const ANNOTATION_PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
pub(crate) const CONTENT_DSSE: &str = "dsse-envelope";
pub(crate) const EMPTY: &[u8] = b"{}";
pub(crate) const EMPTY_BASE64: &str = "e30=";
const PREDICATE_TYPE_BYTES_MAX: usize = 256;

/// The image that a signature or attestation is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Descriptor of its manifest or index; media type, digest and size are bound.
    pub descriptor: &'a Descriptor,
    /// The name it is signed under: for a signature the whole reference, for an attestation the repository.
    pub name: Option<&'a str>,
}

/// A referrer: its manifest and the blobs that belong to it.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The manifest.
    pub manifest: Raw<Manifest>,
    /// Config and bundle. Store or push them before the manifest.
    pub blobs: Vec<Blob>,
}

/// A blob with its descriptor.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Media type, digest and size.
    pub descriptor: Descriptor,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// The descriptor as a list of referrers has it: with artifact type and annotations.
    pub fn descriptor(&self) -> Descriptor {
        let manifest = self.manifest.value();
        let digest = self.manifest.digest().clone();
        let mut descriptor = Descriptor::new(media_type::MANIFEST, digest, self.manifest.size());
        descriptor.artifact_type.clone_from(&manifest.artifact_type);
        descriptor.annotations.clone_from(&manifest.annotations);
        descriptor
    }
}

/// Signs an image as `cosign sign --key` does since version 3.
pub fn sign_image(
    key: &SigningKey,
    subject: &Subject<'_>,
    annotations: &BTreeMap<String, String>,
    created: Timestamp,
) -> Result<Artifact, Error> {
    check_annotations(annotations)?;
    let predicate = RawValue::from_string("{}".to_owned()).expect("an empty object is JSON");
    let mut statement =
        Statement::new(subject.descriptor, subject.name, created, predicate_type::SIGN, predicate);
    for about in &mut statement.subject {
        let texts = annotations.iter().map(|(name, value)| (name.clone(), value.clone().into()));
        about.annotations.extend(texts);
    }
    let bundle = make_bundle(key, &statement)?;
    Ok(make_artifact(subject, created, predicate_type::SIGN, bundle))
}

/// Attests something about an image as `cosign attest --key` does. The predicate's bytes are kept as they are.
pub fn attest(
    key: &SigningKey,
    subject: &Subject<'_>,
    predicate_type: &str,
    predicate: &[u8],
    created: Timestamp,
) -> Result<Artifact, Error> {
    let predicate = check_predicate(predicate_type, predicate)?;
    let statement =
        Statement::new(subject.descriptor, subject.name, created, predicate_type, predicate);
    let bundle = make_bundle(key, &statement)?;
    check_size(predicate_type, bundle.len())?;
    Ok(make_artifact(subject, created, predicate_type, bundle))
}

/// What may be attested: a type that is a word without spaces, and strict JSON; an object, or for SPDX a text too.
pub(crate) fn check_predicate(
    predicate_type: &str,
    predicate: &[u8],
) -> Result<Box<RawValue>, Error> {
    let is_type = !predicate_type.is_empty()
        && predicate_type.len() <= PREDICATE_TYPE_BYTES_MAX
        && predicate_type.bytes().all(|byte| byte.is_ascii_graphic())
        && predicate_type != predicate_type::SIGN;
    if !is_type {
        return Err(Error::PredicateType(clean(predicate_type)));
    }
    let predicate: Box<RawValue> = strict_json::from_slice(predicate, "predicate")
        .map_err(|source| Error::Predicate { predicate_type: predicate_type.to_owned(), source })?;
    let is_text = predicate_type == predicate_type::SPDX && predicate.get().starts_with('"');
    if !is_text && !predicate.get().starts_with('{') {
        return Err(Error::PredicateNotObject(predicate_type.to_owned()));
    }
    Ok(predicate)
}

pub(crate) fn check_size(predicate_type: &str, size: usize) -> Result<(), Error> {
    let limit = bundle::BYTES_MAX;
    if size > limit {
        return Err(Error::TooLarge { predicate_type: predicate_type.to_owned(), size, limit });
    }
    Ok(())
}

/// Annotations that a user may give a signature: none of our own, of a sane length, fit for a terminal.
pub(crate) fn check_annotations(annotations: &BTreeMap<String, String>) -> Result<(), Error> {
    let reserved = [legacy::CREATOR_KEY, legacy::TIMESTAMP_KEY, ANNOTATION_CREATED];
    for (name, value) in annotations {
        let is_sound = |text: &str| clean(text) == text;
        if name.is_empty() || reserved.contains(&name.as_str()) {
            return Err(Error::Annotation { name: clean(name), reason: "the name is taken" });
        }
        if !is_sound(name) || !is_sound(value) {
            let reason = "it has control characters or more than 200 characters";
            return Err(Error::Annotation { name: clean(name), reason });
        }
    }
    Ok(())
}

fn make_bundle(key: &SigningKey, statement: &Statement) -> Result<Vec<u8>, Error> {
    let payload = serde_json::to_vec(statement).expect("a statement has string keys only");
    let envelope = dsse::sign(key, PAYLOAD_TYPE, payload).map_err(Error::Signing)?;
    Ok(bundle::encode(&key.public(), &envelope))
}

fn make_artifact(
    subject: &Subject<'_>,
    created: Timestamp,
    predicate_type: &str,
    bundle: Vec<u8>,
) -> Artifact {
    let mut config = Descriptor::new(media_type::EMPTY, Digest::sha256(EMPTY), EMPTY.len() as u64);
    config.data = Some(EMPTY_BASE64.to_owned());
    let layer = Descriptor::new(bundle::MEDIA_TYPE, Digest::sha256(&bundle), bundle.len() as u64);
    let mut manifest = Manifest::new(config.clone(), vec![layer.clone()]);
    manifest.artifact_type = Some(bundle::MEDIA_TYPE.to_owned());
    let image = subject.descriptor;
    manifest.subject =
        Some(Descriptor::new(image.media_type.clone(), image.digest.clone(), image.size));
    manifest.annotations = [
        (ANNOTATION_CONTENT, CONTENT_DSSE.to_owned()),
        (ANNOTATION_PREDICATE_TYPE, predicate_type.to_owned()),
        (ANNOTATION_CREATED, time::text(created)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    Artifact {
        manifest: Raw::encode(manifest),
        blobs: vec![
            Blob { descriptor: config, bytes: EMPTY.to_vec() },
            Blob { descriptor: layer, bytes: bundle },
        ],
    }
}

//! cosign's older form: signatures and attestations as layers of an image that is found by its tag.
//!
//! `sha256-<hex>.sig` holds payloads of "simple signing", whose signatures stand in annotations of the layers;
//! `sha256-<hex>.att` holds DSSE envelopes
//! (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>). Podman, skopeo and CRI-O read only this form.
//! Invariant: [`merge`] keeps the layers that are there, byte for byte.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealift_crypto::{SigningKey, dsse, strict_json};
use sealift_oci::{Algorithm, Descriptor, Digest, Manifest, Raw, media_type};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::statement::{PAYLOAD_TYPE, Statement};
use crate::verification::clean;
use crate::{Artifact, Blob, Error, Subject, artifact};

/// Media type of a simple signing payload.
pub const PAYLOAD_MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Media type of an attestation's envelope.
pub const ENVELOPE_MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
/// The annotation with the signature of a payload.
pub const ANNOTATION_SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The annotation with the certificate of a signature without key.
pub const ANNOTATION_CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
pub(crate) const ANNOTATION_PREDICATE: &str = "predicateType";
/// `type` of a payload.
pub(crate) const TYPE: &str = "cosign container image signature";
/// Who made a payload, if we did. The name that stands in it is then meant.
pub(crate) const CREATOR: &str = "sealift";
pub(crate) const CREATOR_KEY: &str = "creator";
pub(crate) const TIMESTAMP_KEY: &str = "timestamp";
/// More than any image has.
pub const LAYERS_MAX: usize = 1000;
/// Why a signature with a certificate proves nothing to who knows keys only.
pub const BY_CERTIFICATE: &str = "it is signed with a certificate";

/// What lies under a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signatures, `.sig`.
    Signatures,
    /// Attestations, `.att`.
    Attestations,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) critical: Critical,
    #[serde(default)]
    pub(crate) optional: Option<BTreeMap<String, Value>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Critical {
    pub(crate) identity: Identity,
    pub(crate) image: Image,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    #[serde(rename = "docker-reference")]
    pub(crate) docker_reference: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    #[serde(rename = "docker-manifest-digest")]
    pub(crate) docker_manifest_digest: String,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Signatures, Self::Attestations];

    /// The tag under which they lie for an image; none for a digest that makes no tag.
    pub fn tag(self, subject: &Digest) -> Option<String> {
        let ending = match self {
            Self::Signatures => "sig",
            Self::Attestations => "att",
        };
        (subject.algorithm() == Algorithm::Sha256)
            .then(|| format!("sha256-{}.{ending}", subject.hex()))
    }

    /// Media type of the layers.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Signatures => PAYLOAD_MEDIA_TYPE,
            Self::Attestations => ENVELOPE_MEDIA_TYPE,
        }
    }

    /// What a tag says it is.
    pub fn of_tag(tag: &str) -> Option<(Digest, Self)> {
        Self::ALL.into_iter().find_map(|kind| {
            let hex = tag.strip_prefix("sha256-")?.get(..64)?;
            let digest: Digest = format!("sha256:{hex}").parse().ok()?;
            (kind.tag(&digest)? == tag).then_some((digest, kind))
        })
    }

    /// What a manifest of this form holds, by its first layer.
    pub fn of(manifest: &Manifest) -> Option<Self> {
        if !is_legacy(manifest) {
            return None;
        }
        match manifest.layers.first()?.media_type.as_str() {
            PAYLOAD_MEDIA_TYPE => Some(Self::Signatures),
            ENVELOPE_MEDIA_TYPE => Some(Self::Attestations),
            _ => None,
        }
    }
}

/// Whether a manifest has the shape of this form. A referrer never has it: it says what it refers to.
pub(crate) fn is_legacy(manifest: &Manifest) -> bool {
    manifest.artifact_type.is_none()
        && manifest.subject.is_none()
        && manifest.config.media_type == media_type::CONFIG
}

/// Checks that a payload, whose signature was verified otherwise, is about this image. The name in it is not asked: cosign
/// writes the repository that was meant and nobody holds it to that.
pub fn check_payload(payload: &[u8], image: &Digest) -> Result<(), String> {
    let fail = |reason: String| clean(&reason);
    let payload: Payload = strict_json::from_slice(payload, "simple signing payload")
        .map_err(|error| fail(error.to_string()))?;
    let critical = payload.critical;
    if critical.kind != TYPE {
        return Err(fail(format!("its type is `{}`", critical.kind)));
    }
    let signed = critical.image.docker_manifest_digest;
    if signed != image.to_string() {
        return Err(fail(format!("it is about `{signed}`, not about `{image}`")));
    }
    Ok(())
}

/// Signs an image as `cosign sign --key` did up to version 2, for the name whole with its tag.
pub fn sign_image(
    key: &SigningKey,
    subject: &Subject<'_>,
    annotations: &BTreeMap<String, String>,
    created: Timestamp,
) -> Result<Artifact, Error> {
    artifact::check_annotations(annotations)?;
    let digest = check_digest(subject)?;
    let mut optional: BTreeMap<String, Value> =
        annotations.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    optional.insert(CREATOR_KEY.to_owned(), CREATOR.into());
    optional.insert(TIMESTAMP_KEY.to_owned(), created.as_second().into());
    let payload = Payload {
        critical: Critical {
            identity: Identity { docker_reference: subject.name.unwrap_or_default().to_owned() },
            image: Image { docker_manifest_digest: digest.to_string() },
            kind: TYPE.to_owned(),
        },
        optional: Some(optional),
    };
    let payload = serde_json::to_vec(&payload).expect("a payload has string keys only");
    let signature = STANDARD.encode(key.sign(&payload).map_err(Error::Signing)?);
    let annotations = [(ANNOTATION_SIGNATURE.to_owned(), signature)].into();
    Ok(of_layer(PAYLOAD_MEDIA_TYPE, annotations, payload))
}

/// Attests something about an image as `cosign attest --key` did up to version 2.
pub fn attest(
    key: &SigningKey,
    subject: &Subject<'_>,
    predicate_type: &str,
    predicate: &[u8],
    created: Timestamp,
) -> Result<Artifact, Error> {
    check_digest(subject)?;
    let predicate = artifact::check_predicate(predicate_type, predicate)?;
    let statement =
        Statement::new(subject.descriptor, subject.name, created, predicate_type, predicate);
    let payload = serde_json::to_vec(&statement).expect("a statement has string keys only");
    let envelope = dsse::sign(key, PAYLOAD_TYPE, payload).map_err(Error::Signing)?.to_json();
    artifact::check_size(predicate_type, envelope.len())?;
    let annotations = [
        (ANNOTATION_SIGNATURE.to_owned(), String::new()),
        (ANNOTATION_PREDICATE.to_owned(), predicate_type.to_owned()),
    ];
    Ok(of_layer(ENVELOPE_MEDIA_TYPE, annotations.into(), envelope))
}

/// The first manifest with the layers of the second that it has not; `None` if it has them all.
///
/// The layers of both are kept byte for byte, and whatever else stands in the first. The blobs of the result are the
/// new config only: those of the layers are where they were.
pub fn merge(base: &[u8], other: &[u8]) -> Result<Option<Artifact>, Error> {
    let (mut fields, mut layers) = open(base)?;
    let known: Vec<Descriptor> = parse(&layers)?;
    let (_, candidates) = open(other)?;
    let new = parse(&candidates)?.into_iter().zip(candidates);
    layers.extend(new.filter(|(descriptor, _)| !known.contains(descriptor)).map(|(_, raw)| raw));
    if layers.len() == known.len() {
        return Ok(None);
    }
    if layers.len() > LAYERS_MAX {
        return Err(Error::Legacy(format!("it would have more than {LAYERS_MAX} layers")));
    }
    let config = config_of(&parse(&layers)?);
    let written = "descriptors have string keys only";
    fields.insert("config".to_owned(), to_raw_value(&config.descriptor).expect(written));
    fields.insert("layers".to_owned(), to_raw_value(&layers).expect(written));
    let order = ["schemaVersion", "mediaType", "config", "layers"];
    let first = order.iter().filter_map(|name| Some(((*name).to_owned(), fields.remove(*name)?)));
    let mut members: Vec<(String, Box<RawValue>)> = first.collect();
    members.extend(fields);
    let members = members.iter().map(|(name, value)| {
        let name = serde_json::to_string(name).expect("a text can be written");
        format!("{name}:{}", value.get())
    });
    let bytes = format!("{{{}}}", members.collect::<Vec<_>>().join(",")).into_bytes();
    let manifest = Raw::parse(bytes, "signatures of an image")
        .map_err(|error| Error::Legacy(error.to_string()))?;
    Ok(Some(Artifact { manifest, blobs: vec![config] }))
}

type Fields = BTreeMap<String, Box<RawValue>>;

// The fields of a manifest and its layers, each as it stands there.
fn open(bytes: &[u8]) -> Result<(Fields, Vec<Box<RawValue>>), Error> {
    let malformed = |reason: String| Error::Legacy(clean(&reason));
    let manifest: Manifest = strict_json::from_slice(bytes, "manifest of signatures")
        .map_err(|error| malformed(error.to_string()))?;
    let mut fields: Fields =
        serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
    let is_manifest = manifest.media_type.as_deref() == Some(media_type::MANIFEST);
    if fields.contains_key("manifests") || !is_manifest || Kind::of(&manifest).is_none() {
        return Err(malformed("it holds neither signatures nor attestations".to_owned()));
    }
    let layers = fields.remove("layers").expect("a manifest of a kind has a first layer");
    let layers =
        serde_json::from_str(layers.get()).map_err(|error| malformed(error.to_string()))?;
    Ok((fields, layers))
}

fn parse(layers: &[Box<RawValue>]) -> Result<Vec<Descriptor>, Error> {
    let mut descriptors = Vec::new();
    for raw in layers {
        let descriptor = serde_json::from_str(raw.get());
        descriptors.push(descriptor.map_err(|error| Error::Legacy(clean(&error.to_string())))?);
    }
    Ok(descriptors)
}

fn of_layer(kind: &str, annotations: BTreeMap<String, String>, bytes: Vec<u8>) -> Artifact {
    let mut layer = Descriptor::new(kind, Digest::sha256(&bytes), bytes.len() as u64);
    layer.annotations = annotations;
    let config = config_of(std::slice::from_ref(&layer));
    let manifest = Manifest::new(config.descriptor.clone(), vec![layer.clone()]);
    let blobs = vec![config, Blob { descriptor: layer, bytes }];
    Artifact { manifest: Raw::encode(manifest), blobs }
}

// The config of an image that runs nowhere. Other programs read it when they add a layer.
fn config_of(layers: &[Descriptor]) -> Blob {
    let never = "0001-01-01T00:00:00Z";
    let config = serde_json::json!({
        "architecture": "",
        "config": {},
        "created": never,
        "history": layers.iter().map(|_| serde_json::json!({ "created": never })).collect::<Vec<_>>(),
        "os": "",
        "rootfs": {
            "type": "layers",
            "diff_ids": layers.iter().map(|layer| layer.digest.to_string()).collect::<Vec<_>>(),
        },
    });
    let bytes = config.to_string().into_bytes();
    let descriptor =
        Descriptor::new(media_type::CONFIG, Digest::sha256(&bytes), bytes.len() as u64);
    Blob { descriptor, bytes }
}

fn check_digest<'a>(subject: &Subject<'a>) -> Result<&'a Digest, Error> {
    let digest = &subject.descriptor.digest;
    match Kind::Signatures.tag(digest) {
        Some(_) => Ok(digest),
        None => Err(Error::Legacy(format!("`{digest}` is longer than a tag can be"))),
    }
}

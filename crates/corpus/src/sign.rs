//! Bundles, the manifests that carry them, and the statements in them.

use std::collections::BTreeMap;

use sealift_crypto::dsse;
use sealift_oci::{Descriptor, Digest, Manifest, Raw, media_type};
use sealift_sign::{
    BUNDLE_MEDIA_TYPE, Requirements, Subject, Verification, legacy, predicate_type, summary,
};

use crate::crypto::{signer, signer_public};
use crate::parts;

/// The image that the seeds' signatures are about.
pub const IMAGE: &[u8] = b"{\"schemaVersion\":2}";
/// The name it was signed under.
pub const NAME: &str = "registry.example/app:1";
/// What was attested of it, as an SPDX document.
pub const PREDICATE: &[u8] = b"{\"name\":\"seed\"}";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const CONTENT: &str = "dev.sigstore.bundle.content";

/// Descriptor of the image.
pub fn image() -> Descriptor {
    Descriptor::new(media_type::MANIFEST, Digest::sha256(IMAGE), IMAGE.len() as u64)
}

/// A bundle, in the manifest that fits it: only what was signed is proved.
pub fn bundle(bytes: &[u8]) {
    for predicate_type in [predicate_type::SIGN, predicate_type::SPDX] {
        check_unforged(&verify(&manifest(bytes, predicate_type), bytes));
    }
}

/// A referrer's manifest and, behind a separator, its bundle: only what was signed is proved.
pub fn referrer(bytes: &[u8]) {
    let parts = parts(bytes);
    check_unforged(&verify(parts[0], parts.get(1).unwrap_or(&&b""[..])));
}

/// A manifest of cosign's older form and, behind a separator, the content of its layers: only what was signed is
/// proved, and whatever can be merged holds what it held before.
pub fn legacy(bytes: &[u8]) {
    let parts = parts(bytes);
    let (manifest, content) = (parts[0], *parts.get(1).unwrap_or(&&b""[..]));
    check_unforged(&verify(manifest, content));
    let annotations = BTreeMap::new();
    let subject = Subject { descriptor: &image(), name: Some(NAME) };
    let created = jiff::Timestamp::UNIX_EPOCH;
    let ours = legacy::sign_image(&signer(), &subject, &annotations, created).unwrap();
    if let Ok(Some(merged)) = legacy::merge(manifest, ours.manifest.bytes()) {
        let before: Manifest = serde_json::from_slice(manifest).unwrap();
        let after = merged.manifest.value();
        assert_eq!(after.layers[..before.layers.len()], before.layers, "a layer was lost");
        let again = legacy::merge(merged.manifest.bytes(), ours.manifest.bytes());
        assert!(again.unwrap().is_none(), "merging again changes something");
    }
}

/// A statement, which is signed here: it proves something of this image only if it says so.
pub fn statement(bytes: &[u8]) {
    // What a trusted key signed and verification hands on.
    let _ = summary::decode(bytes);
    let envelope = dsse::sign(&signer(), PAYLOAD_TYPE, bytes.to_vec()).unwrap();
    let envelope: Box<serde_json::value::RawValue> =
        serde_json::from_slice(&envelope.to_json()).unwrap();
    let bundle = serde_json::json!({
        "mediaType": BUNDLE_MEDIA_TYPE,
        "verificationMaterial": { "publicKey": { "hint": signer_public().hint() } },
        "dsseEnvelope": envelope,
    });
    let bundle = bundle.to_string().into_bytes();
    for predicate_type in [predicate_type::SIGN, predicate_type::SPDX] {
        let verification = verify(&manifest(&bundle, predicate_type), &bundle);
        if is_proved(&verification) {
            let text = std::str::from_utf8(bytes).expect("a statement is JSON");
            let hex = image().digest.hex().to_owned();
            // JSON can write any letter in two ways.
            assert!(text.contains(&hex) || text.contains("\\u"), "not about this image: {text}");
        }
    }
}

fn is_proved(verification: &Verification) -> bool {
    !verification.signatures.is_empty() || !verification.attestations.is_empty()
}

fn check_unforged(verification: &Verification) {
    for signature in &verification.signatures {
        assert_eq!(signature.name.as_deref(), Some(NAME), "a forged signature passes");
    }
    for attestation in &verification.attestations {
        assert_eq!(attestation.predicate_type, predicate_type::SPDX, "a forged type passes");
        assert_eq!(attestation.predicate, PREDICATE, "a forged predicate passes");
    }
}

/// The manifest of a bundle's artifact.
fn manifest(bundle: &[u8], predicate_type: &str) -> Vec<u8> {
    let mut config = Descriptor::new(media_type::EMPTY, Digest::sha256(b"{}"), 2);
    config.data = Some("e30=".to_owned());
    let layer = Descriptor::new(BUNDLE_MEDIA_TYPE, Digest::sha256(bundle), bundle.len() as u64);
    let mut manifest = Manifest::new(config, vec![layer]);
    manifest.artifact_type = Some(BUNDLE_MEDIA_TYPE.to_owned());
    manifest.subject = Some(image());
    manifest.annotations = BTreeMap::from([
        (CONTENT.to_owned(), "dsse-envelope".to_owned()),
        ("dev.sigstore.bundle.predicateType".to_owned(), predicate_type.to_owned()),
    ]);
    Raw::encode(manifest).bytes().to_vec()
}

fn verify(manifest: &[u8], bundle: &[u8]) -> Verification {
    let digest = Digest::sha256(manifest);
    let mut referrer = Descriptor::new(media_type::MANIFEST, digest.clone(), manifest.len() as u64);
    let is_bundle = manifest.windows(12).any(|part| part == b"artifactType");
    referrer.artifact_type = is_bundle.then(|| BUNDLE_MEDIA_TYPE.to_owned());
    let blobs = |descriptor: &Descriptor| {
        let is_empty = descriptor.digest == Digest::sha256(b"{}");
        let blob = if descriptor.digest == digest { manifest } else { bundle };
        Ok(if is_empty { b"{}".to_vec() } else { blob.to_vec() })
    };
    let verification = sealift_sign::verify(&image(), &[referrer], &blobs, &[signer_public()]);
    let found = verification.signatures.len()
        + verification.attestations.len()
        + verification.unproved.len()
        + verification.refusals.len();
    // A manifest of the older form has a result for each of its layers.
    let layers = serde_json::from_slice(manifest).map_or(1, |read: Manifest| read.layers.len());
    assert!(found == 1 || found == layers, "a referrer ends in one way");
    let requirements = Requirements { signature: true, ..Requirements::default() };
    for refusal in requirements.evaluate(&verification) {
        let line = refusal.to_string();
        assert!(!line.contains(char::is_control), "a message has control characters: {line:?}");
    }
    for unproved in &verification.unproved {
        let line = unproved.to_string();
        assert!(!line.contains(char::is_control), "a message has control characters: {line:?}");
    }
    verification
}

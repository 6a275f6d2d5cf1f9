//! Verifies cosign's older form: every layer of the image under the tag is a signature or an attestation of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealift_crypto::{Hash, KeyKind, PublicKey, dsse, strict_json};
use sealift_oci::{Descriptor, Manifest};

use super::{Examiner, Failure, Proof, check_media_type, read_statement};
use crate::legacy::{
    ANNOTATION_CERTIFICATE, ANNOTATION_PREDICATE, ANNOTATION_SIGNATURE, BY_CERTIFICATE, CREATOR,
    CREATOR_KEY, ENVELOPE_MEDIA_TYPE, Kind, LAYERS_MAX, PAYLOAD_MEDIA_TYPE, Payload, TIMESTAMP_KEY,
    TYPE,
};
use crate::verification::{Fault, Form, Part, Signature, Verification, What, clean};

const PAYLOAD_BYTES_MAX: usize = 1 << 20;
const SIGNATURE_BYTES_MAX: usize = 4096;
// `ecdsa-with-SHA256` as it stands in an AlgorithmIdentifier (RFC 5758 §3.2).
const ECDSA_SHA256: &[u8] = &[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];

impl Examiner<'_> {
    pub(super) fn examine_legacy(
        &self,
        referrer: &Descriptor,
        manifest: &Manifest,
        verification: &mut Verification,
    ) {
        let artifact = &referrer.digest;
        let count = manifest.layers.len();
        if count > LAYERS_MAX {
            let why = Fault::TooManySignatures { count, limit: LAYERS_MAX };
            return verification.add(artifact, What::Referrer, Err(why.into()));
        }
        let Some(kind) = Kind::of(manifest) else {
            let actual = manifest.layers.first().map_or("", |layer| layer.media_type.as_str());
            let why = Fault::MediaType {
                part: Part::Payload,
                expected: PAYLOAD_MEDIA_TYPE.to_owned(),
                actual: clean(actual),
            };
            return verification.add(artifact, What::Referrer, Err(why.into()));
        };
        for layer in &manifest.layers {
            let (what, result) = match kind {
                Kind::Signatures => (What::Signature, self.examine_payload(referrer, layer)),
                Kind::Attestations => (
                    What::of(layer.annotations.get(ANNOTATION_PREDICATE)),
                    self.examine_envelope(referrer, layer),
                ),
            };
            verification.add(artifact, what, result);
        }
    }

    fn examine_payload(&self, referrer: &Descriptor, layer: &Descriptor) -> Result<Proof, Failure> {
        let part = Part::Payload;
        check_media_type(part, PAYLOAD_MEDIA_TYPE, &layer.media_type)?;
        let bytes = self.read(part, layer, PAYLOAD_BYTES_MAX)?;
        if layer.annotations.contains_key(ANNOTATION_CERTIFICATE) {
            return Err(Failure::Unproved(BY_CERTIFICATE.to_owned()));
        }
        let text = layer.annotations.get(ANNOTATION_SIGNATURE).map_or("", String::as_str);
        let malformed = |reason: &str| Fault::Malformed { part, reason: reason.to_owned() };
        if text.len() > SIGNATURE_BYTES_MAX {
            return Err(malformed("its signature is longer than any").into());
        }
        let signature =
            STANDARD.decode(text).map_err(|_| malformed("its signature is not base64"))?;
        let is_good = |key: &&PublicKey| is_signed_by(key, &bytes, &signature);
        // Nothing in this form names the key: an altered payload and a foreign one look the same.
        let key = self.keys.iter().find(is_good).ok_or_else(|| {
            Failure::Unproved("no known key made this signature of this payload".to_owned())
        })?;
        let payload: Payload = strict_json::from_slice(&bytes, "simple signing payload")
            .map_err(|error| malformed(&clean(&error.to_string())))?;
        Ok(Proof::Signature(self.read_payload(referrer, payload, key)?))
    }

    fn read_payload(
        &self,
        referrer: &Descriptor,
        payload: Payload,
        key: &PublicKey,
    ) -> Result<Signature, Fault> {
        let critical = payload.critical;
        let part = Part::Payload;
        if critical.kind != TYPE {
            let reason = format!("its type is `{}`", clean(&critical.kind));
            return Err(Fault::Malformed { part, reason });
        }
        let expected = self.subject.digest.clone();
        let actual = critical.image.docker_manifest_digest;
        if actual != expected.to_string() {
            return Err(Fault::PayloadSubject { expected, actual: clean(&actual) });
        }
        let name = Some(critical.identity.docker_reference).filter(|name| !name.is_empty());
        if name.as_ref().is_some_and(|name| clean(name) != *name) {
            let reason = "the signed name has control characters or is too long".to_owned();
            return Err(Fault::Malformed { part, reason });
        }
        let mut optional = payload.optional.unwrap_or_default();
        let creator = optional.remove(CREATOR_KEY);
        let created = optional.remove(TIMESTAMP_KEY).and_then(|value| value.as_i64());
        let texts =
            optional.iter().filter_map(|(name, value)| Some((clean(name), clean(value.as_str()?))));
        Ok(Signature {
            key: key.fingerprint(),
            artifact: referrer.digest.clone(),
            created: created.and_then(|secs| Timestamp::from_second(secs).ok()),
            name,
            form: Form::Legacy,
            binds_name: creator.is_some_and(|creator| creator == CREATOR),
            annotations: texts.collect(),
        })
    }

    fn examine_envelope(
        &self,
        referrer: &Descriptor,
        layer: &Descriptor,
    ) -> Result<Proof, Failure> {
        let part = Part::Envelope;
        check_media_type(part, ENVELOPE_MEDIA_TYPE, &layer.media_type)?;
        let bytes = self.read(part, layer, dsse::ENVELOPE_BYTES_MAX)?;
        if layer.annotations.contains_key(ANNOTATION_CERTIFICATE) {
            return Err(Failure::Unproved(BY_CERTIFICATE.to_owned()));
        }
        let envelope = dsse::Envelope::from_json(&bytes)
            .map_err(|error| Fault::Malformed { part, reason: error.to_string() })?;
        let (_, index) = dsse::verify(&envelope, self.keys).map_err(|_| {
            Failure::Unproved("no known key made a signature of this envelope".to_owned())
        })?;
        let statement = read_statement(&envelope)?;
        if let Some(actual) = layer.annotations.get(ANNOTATION_PREDICATE)
            && *actual != statement.predicate_type
        {
            let (actual, expected) = (clean(actual), clean(&statement.predicate_type));
            return Err(Fault::Annotation { name: ANNOTATION_PREDICATE, actual, expected }.into());
        }
        self.prove(referrer, Form::Legacy, statement, &self.keys[index])
    }
}

// cosign 2 signs with SHA-256 on every curve; version 3 and we with the hash that belongs to the curve.
fn is_signed_by(key: &PublicKey, payload: &[u8], signature: &[u8]) -> bool {
    let is_larger = matches!(key.kind(), KeyKind::EcdsaP384 | KeyKind::EcdsaP521);
    key.verify(payload, signature).is_ok()
        || is_larger && key.verify_hashed(ECDSA_SHA256, Hash::Sha256, payload, signature).is_ok()
}

//! Verifies the referrers of an image.
//!
//! Each referrer ends in one of three ways. Proved: every check held. Unproved: it is sound, but by a key or of a kind
//! that we do not know. Refused: something that must match does not.

mod file;
mod legacy;

use std::collections::BTreeSet;
use std::io::Read;

use sealift_crypto::{PublicKey, dsse, strict_json};
use sealift_oci::{DOCUMENT_BYTES_MAX, Descriptor, Digest, Hasher, Manifest, media_type};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::artifact::{
    ANNOTATION_CONTENT, ANNOTATION_PREDICATE_TYPE, CONTENT_DSSE, EMPTY, EMPTY_BASE64,
};
use crate::bundle::{self, Bundle};
use crate::statement::{self, PAYLOAD_TYPE, Statement, StatementSubject};
use crate::verification::{
    Attestation, Fault, Form, Part, Refusal, Signature, Unproved, Verification, What, clean,
};
use crate::{legacy as legacy_form, predicate_type};

pub use file::verify_file;

const REFERRERS_MAX: usize = 1000;

/// Where manifests and blobs are read from. What it returns is checked here and need not be verified.
pub trait Blobs {
    /// Reads the content of a descriptor, at most one byte more than its size; the error says why it cannot.
    fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, String>;
}

impl<F: Fn(&Descriptor) -> Result<Vec<u8>, String>> Blobs for F {
    fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, String> {
        self(descriptor)
    }
}

/// Verifies all referrers of an image with the keys that are trusted.
pub fn verify(
    subject: &Descriptor,
    referrers: &[Descriptor],
    blobs: &dyn Blobs,
    keys: &[PublicKey],
) -> Verification {
    let mut verification = Verification::default();
    if referrers.len() > REFERRERS_MAX {
        let why = Fault::TooManyReferrers { count: referrers.len(), limit: REFERRERS_MAX };
        verification.refusals.push(Refusal { artifact: None, what: What::Image, why });
        return verification;
    }
    let examiner = Examiner { subject, blobs, keys };
    let mut seen: BTreeSet<&Digest> = BTreeSet::new();
    for referrer in referrers {
        // A list may name one artifact twice; it counts once.
        if !seen.insert(&referrer.digest) {
            continue;
        }
        examiner.examine_referrer(referrer, &mut verification);
    }
    verification
}

/// Checks a stream of an image's content, a layer above all, against its descriptor.
pub fn check_content(
    part: Part,
    descriptor: &Descriptor,
    content: &mut dyn Read,
) -> Result<(), Refusal> {
    let refuse =
        |why| Refusal { artifact: Some(descriptor.digest.clone()), what: What::Image, why };
    let mut hasher = Hasher::new(descriptor.digest.algorithm());
    // One byte more tells a longer content from a right one.
    let mut limited = content.take(descriptor.size.saturating_add(1));
    let actual = std::io::copy(&mut limited, &mut hasher)
        .map_err(|error| refuse(Fault::Unreadable { part, reason: error.to_string() }))?;
    if actual > descriptor.size {
        return Err(refuse(Fault::Longer { part, expected: descriptor.size }));
    }
    check_digest(part, descriptor, hasher.finish()).map_err(&refuse)?;
    check_size(part, descriptor, actual).map_err(&refuse)
}

enum Proof {
    Signature(Signature),
    Attestation(Attestation),
}

enum Failure {
    Unproved(String),
    Refused(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Refused(fault)
    }
}

struct Examiner<'a> {
    subject: &'a Descriptor,
    blobs: &'a dyn Blobs,
    keys: &'a [PublicKey],
}

impl Verification {
    fn add(&mut self, artifact: &Digest, what: What, result: Result<Proof, Failure>) {
        let artifact = artifact.clone();
        match result {
            Ok(Proof::Signature(signature)) => self.signatures.push(signature),
            Ok(Proof::Attestation(attestation)) => self.attestations.push(attestation),
            Err(Failure::Unproved(reason)) => {
                self.unproved.push(Unproved { artifact, what, reason });
            }
            Err(Failure::Refused(why)) => {
                self.refusals.push(Refusal { artifact: Some(artifact), what, why });
            }
        }
    }
}

impl Examiner<'_> {
    fn examine_referrer(&self, referrer: &Descriptor, verification: &mut Verification) {
        // What it is becomes more exact as soon as the manifest's own bytes are sure.
        let mut what = What::of(referrer.annotations.get(ANNOTATION_PREDICATE_TYPE));
        let result = match self.read_manifest(referrer, &mut what) {
            Ok(manifest) if legacy_form::is_legacy(&manifest) => {
                return self.examine_legacy(referrer, &manifest, verification);
            }
            Ok(manifest) => {
                what = What::of(manifest.annotations.get(ANNOTATION_PREDICATE_TYPE));
                self.examine(referrer, &manifest)
            }
            Err(fault) => Err(fault.into()),
        };
        verification.add(&referrer.digest, what, result);
    }

    fn examine(&self, referrer: &Descriptor, manifest: &Manifest) -> Result<Proof, Failure> {
        if manifest.effective_artifact_type() != bundle::MEDIA_TYPE {
            let kind = clean(manifest.effective_artifact_type());
            return Err(Failure::Unproved(format!("`{kind}` is not a kind that is verified")));
        }
        self.check_subject(manifest)?;
        let layer = check_shape(manifest)?;
        let bytes = self.read(Part::Bundle, layer, bundle::BYTES_MAX)?;
        let (hint, envelope) = match bundle::decode(&bytes) {
            Ok(Bundle::Key { hint, envelope }) => (hint, envelope),
            Ok(Bundle::Message { .. }) => {
                let reason = "it is a signature without statement".to_owned();
                return Err(Failure::Unproved(reason));
            }
            Ok(Bundle::Foreign(reason)) => return Err(Failure::Unproved(reason.to_owned())),
            Err(reason) => return Err(Fault::Malformed { part: Part::Bundle, reason }.into()),
        };
        // Not before: what is signed with a certificate, or without an envelope, carries another word or none.
        check_annotation(manifest, ANNOTATION_CONTENT, CONTENT_DSSE)?;
        let key = self.check_signature(&hint, &envelope)?;
        let statement = read_statement(&envelope)?;
        let annotation = manifest.annotations.get(ANNOTATION_PREDICATE_TYPE);
        // cosign 3.0 writes the type of a signature on attestations too. What counts is what was signed.
        if annotation.map(String::as_str) != Some(predicate_type::SIGN) {
            check_annotation(manifest, ANNOTATION_PREDICATE_TYPE, &statement.predicate_type)?;
        }
        self.prove(referrer, Form::Bundle, statement, key)
    }

    fn read_manifest(&self, referrer: &Descriptor, what: &mut What) -> Result<Manifest, Fault> {
        let part = Part::Manifest;
        check_media_type(part, media_type::MANIFEST, &referrer.media_type)?;
        let bytes = self.fetch(part, referrer, DOCUMENT_BYTES_MAX)?;
        if *what == What::Referrer {
            // A list without annotations: the bytes' own word is enough for a name in a message.
            let manifest: Option<Manifest> = serde_json::from_slice(&bytes).ok();
            *what = What::of(
                manifest
                    .and_then(|mut manifest| manifest.annotations.remove(ANNOTATION_PREDICATE_TYPE))
                    .as_ref(),
            );
        }
        check_bytes(part, referrer, &bytes)?;
        // A document that is both manifest and index means different things to different readers.
        #[derive(Deserialize)]
        struct Probe {
            manifests: Option<IgnoredAny>,
        }
        let malformed = |reason: String| Fault::Malformed { part, reason: clean(&reason) };
        let probe: Probe = strict_json::from_slice(&bytes, "manifest")
            .map_err(|error| malformed(error.to_string()))?;
        if probe.manifests.is_some() {
            return Err(malformed("it is both a manifest and an index".to_owned()));
        }
        let manifest: Manifest =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if manifest.schema_version != 2 {
            return Err(malformed(format!("its schema version is {}", manifest.schema_version)));
        }
        let own_type = manifest.media_type.as_deref().unwrap_or_default();
        check_media_type(part, media_type::MANIFEST, own_type)?;
        match &referrer.artifact_type {
            Some(listed) if listed != manifest.effective_artifact_type() => {
                Err(malformed("its artifact type is not the one that was listed".to_owned()))
            }
            _ => Ok(manifest),
        }
    }

    fn check_subject(&self, manifest: &Manifest) -> Result<(), Fault> {
        let text = |descriptor: &Descriptor| {
            let Descriptor { digest, media_type, size, .. } = descriptor;
            format!("`{digest}` ({}, {size} bytes)", clean(media_type))
        };
        let expected = self.subject;
        match &manifest.subject {
            Some(actual)
                if actual.digest == expected.digest
                    && actual.media_type == expected.media_type
                    && actual.size == expected.size =>
            {
                Ok(())
            }
            actual => Err(Fault::Subject {
                expected: text(expected),
                actual: actual.as_ref().map_or_else(|| "nothing".to_owned(), text),
            }),
        }
    }

    fn check_signature(
        &self,
        hint: &str,
        envelope: &dsse::Envelope,
    ) -> Result<&PublicKey, Failure> {
        let unknown = || Failure::Unproved("it is signed by an unknown key".to_owned());
        if envelope.signatures.len() != 1 {
            let reason = "it has not one signature".to_owned();
            return Err(Fault::Malformed { part: Part::Bundle, reason }.into());
        }
        if hint.is_empty() {
            let (_, index) = dsse::verify(envelope, self.keys).map_err(|_| unknown())?;
            return Ok(&self.keys[index]);
        }
        // The hint is not signed: it only decides which key must have signed.
        let key = self.keys.iter().find(|key| key.hint() == hint).ok_or_else(unknown)?;
        match dsse::verify(envelope, std::slice::from_ref(key)) {
            Ok(_) => Ok(key),
            Err(_) => Err(Fault::Signature { key: key.fingerprint() }.into()),
        }
    }

    fn prove(
        &self,
        referrer: &Descriptor,
        form: Form,
        statement: Statement,
        key: &PublicKey,
    ) -> Result<Proof, Failure> {
        let subject = statement.subject.iter().find(|subject| subject.is(self.subject));
        let Some(subject) = subject else {
            let actual = subjects_text(&statement.subject);
            let expected = self.subject.digest.clone();
            return Err(Fault::StatementSubject { expected, actual }.into());
        };
        let name = subject.name.clone();
        if name.as_ref().is_some_and(|name| clean(name) != *name) {
            let reason = "the signed name has control characters or is too long".to_owned();
            return Err(Fault::Malformed { part: Part::Statement, reason }.into());
        }
        let (artifact, created) = (referrer.digest.clone(), subject.created());
        let key = key.fingerprint();
        if statement.predicate_type == predicate_type::SIGN {
            let annotations = subject.texts();
            let binds_name = true;
            let signature =
                Signature { key, artifact, created, name, form, binds_name, annotations };
            return Ok(Proof::Signature(signature));
        }
        let Some(predicate) = statement.predicate else {
            let reason = "it has no predicate".to_owned();
            return Err(Fault::Malformed { part: Part::Statement, reason }.into());
        };
        Ok(Proof::Attestation(Attestation {
            predicate_type: statement.predicate_type,
            predicate: predicate.get().as_bytes().to_vec(),
            key,
            artifact,
            created,
            name,
            form,
        }))
    }

    fn read(&self, part: Part, descriptor: &Descriptor, limit: usize) -> Result<Vec<u8>, Fault> {
        let bytes = self.fetch(part, descriptor, limit)?;
        check_bytes(part, descriptor, &bytes)?;
        Ok(bytes)
    }

    // The bytes as they are: not yet checked.
    fn fetch(&self, part: Part, descriptor: &Descriptor, limit: usize) -> Result<Vec<u8>, Fault> {
        let limit = limit as u64;
        if descriptor.size > limit {
            return Err(Fault::TooLarge { part, size: descriptor.size, limit });
        }
        let unreadable = |reason: String| Fault::Unreadable { part, reason: clean(&reason) };
        self.blobs.read(descriptor).map_err(unreadable)
    }
}

// The parts that a bundle's manifest has, and the layer with the bundle.
fn check_shape(manifest: &Manifest) -> Result<&Descriptor, Fault> {
    let config = &manifest.config;
    check_media_type(Part::Config, media_type::EMPTY, &config.media_type)?;
    check_digest(Part::Config, config, Digest::sha256(EMPTY))?;
    check_size(Part::Config, config, EMPTY.len() as u64)?;
    if config.data.as_deref().is_some_and(|data| data != EMPTY_BASE64) {
        let reason = "its inline data is not that of its digest".to_owned();
        return Err(Fault::Malformed { part: Part::Config, reason });
    }
    let [layer] = manifest.layers.as_slice() else {
        let reason = format!("it has {} layers, not one", manifest.layers.len());
        return Err(Fault::Malformed { part: Part::Manifest, reason });
    };
    check_media_type(Part::Bundle, bundle::MEDIA_TYPE, &layer.media_type)?;
    Ok(layer)
}

fn read_statement(envelope: &dsse::Envelope) -> Result<Statement, Fault> {
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(Fault::PayloadType(clean(&envelope.payload_type)));
    }
    let malformed = |reason: String| Fault::Malformed { part: Part::Statement, reason };
    let statement: Statement = strict_json::from_slice(&envelope.payload, "in-toto statement")
        .map_err(|error| malformed(error.to_string()))?;
    if ![statement::TYPE, statement::TYPE_01].contains(&statement.kind.as_str()) {
        return Err(malformed(format!("its type is `{}`", clean(&statement.kind))));
    }
    Ok(statement)
}

fn subjects_text(subjects: &[StatementSubject]) -> String {
    let digests = subjects.iter().flat_map(|subject| &subject.digest);
    let texts: Vec<String> = digests
        .take(4)
        .map(|(algorithm, hex)| format!("`{}:{}`", clean(algorithm), clean(hex)))
        .collect();
    if texts.is_empty() { "nothing".to_owned() } else { texts.join(", ") }
}

fn check_media_type(part: Part, expected: &str, actual: &str) -> Result<(), Fault> {
    if actual == expected {
        return Ok(());
    }
    Err(Fault::MediaType { part, expected: expected.to_owned(), actual: clean(actual) })
}

fn check_bytes(part: Part, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), Fault> {
    let mut hasher = Hasher::new(descriptor.digest.algorithm());
    hasher.update(bytes);
    check_digest(part, descriptor, hasher.finish())?;
    check_size(part, descriptor, bytes.len() as u64)
}

fn check_size(part: Part, descriptor: &Descriptor, actual: u64) -> Result<(), Fault> {
    if actual == descriptor.size {
        return Ok(());
    }
    Err(Fault::Size { part, expected: descriptor.size, actual })
}

fn check_digest(part: Part, descriptor: &Descriptor, actual: Digest) -> Result<(), Fault> {
    if actual == descriptor.digest {
        return Ok(());
    }
    Err(Fault::Digest { part, expected: descriptor.digest.clone(), actual })
}

fn check_annotation(manifest: &Manifest, name: &'static str, expected: &str) -> Result<(), Fault> {
    let actual = manifest.annotations.get(name).map(String::as_str).unwrap_or_default();
    if actual == expected {
        return Ok(());
    }
    Err(Fault::Annotation { name, actual: clean(actual), expected: clean(expected) })
}

//! Signatures and attestations, made and verified.

mod attacks;
mod legacy;

use std::cell::RefCell;
use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use jiff::Timestamp;
use sealift_crypto::{PublicKey, SigningKey, dsse};
use sealift_oci::{Descriptor, Digest, Manifest, Raw, media_type};
use serde_json::{Value, json};

use crate::{
    Artifact, BUNDLE_MEDIA_TYPE, Blob, Blobs, Error, Part, Requirements, Subject, Verification,
    attest, bundle, check_content, predicate_type, sign_image, verify,
};

const NAME: &str = "registry.local/app:1";
const IMAGE: &[u8] = br#"{"schemaVersion":2}"#;

fn created() -> Timestamp {
    Timestamp::from_second(1_700_000_000).unwrap()
}

fn image() -> Descriptor {
    Descriptor::new(media_type::MANIFEST, Digest::sha256(IMAGE), IMAGE.len() as u64)
}

/// An image's referrers in memory.
struct World {
    key: SigningKey,
    blobs: BTreeMap<Digest, Vec<u8>>,
    referrers: Vec<Descriptor>,
}

impl Blobs for World {
    fn read(&self, descriptor: &Descriptor) -> Result<Vec<u8>, String> {
        self.blobs.get(&descriptor.digest).cloned().ok_or_else(|| "no such file".to_owned())
    }
}

impl World {
    fn new() -> Self {
        Self { key: SigningKey::generate_p256(), blobs: BTreeMap::new(), referrers: Vec::new() }
    }

    fn add(&mut self, artifact: Artifact) {
        self.referrers.push(artifact.descriptor());
        self.blobs.insert(artifact.manifest.digest().clone(), artifact.manifest.bytes().to_vec());
        for Blob { descriptor, bytes } in artifact.blobs {
            self.blobs.insert(descriptor.digest, bytes);
        }
    }

    fn signature(&self) -> Artifact {
        let descriptor = image();
        sign_image(
            &self.key,
            &Subject { descriptor: &descriptor, name: Some(NAME) },
            &BTreeMap::new(),
            created(),
        )
        .unwrap()
    }

    fn attestation(&self) -> Artifact {
        let descriptor = image();
        let subject = Subject { descriptor: &descriptor, name: Some("registry.local/app") };
        attest(&self.key, &subject, predicate_type::SPDX, br#"{ "a": 1.0 }"#, created()).unwrap()
    }

    fn verify(&self) -> Verification {
        verify(&image(), &self.referrers, self, &[self.key.public()])
    }

    // All that was found, one line each, with keys and digests made stable.
    fn report(&self, requirements: &Requirements) -> String {
        let verification = self.verify();
        let mut lines = Vec::new();
        for signature in &verification.signatures {
            let name = signature.name.as_deref().unwrap_or("-");
            lines.push(format!("proved signature of {name} by {}", signature.key));
        }
        for attestation in &verification.attestations {
            let kind = &attestation.predicate_type;
            lines.push(format!("proved {kind} by {}", attestation.key));
        }
        lines.extend(verification.unproved.iter().map(|unproved| format!("unproved {unproved}")));
        let refusals = requirements.evaluate(&verification);
        lines.extend(refusals.iter().map(|refusal| format!("refused {refusal}")));
        assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
        // Where in the JSON depends on the length of a signature.
        let stable = lines.iter().map(|line| line.split(" at line ").next().unwrap());
        let mut text = stable.fold(String::new(), |text, line| text + line + "\n");
        text = text.replace(&self.key.public().fingerprint(), "KEY");
        text = text.replace(&image().digest.to_string(), "IMAGE");
        for referrer in &self.referrers {
            text = text.replace(&referrer.digest.to_string(), "ARTIFACT");
        }
        text
    }
}

fn required() -> Requirements {
    Requirements {
        signature: true,
        name: Some(NAME.to_owned()),
        attestations: vec![predicate_type::SPDX.to_owned()],
        ..Requirements::default()
    }
}

fn payload_of(artifact: &Artifact) -> Value {
    let Ok(bundle::Bundle::Key { envelope, .. }) = bundle::decode(&artifact.blobs[1].bytes) else {
        panic!("not a bundle of ours");
    };
    serde_json::from_slice(&envelope.payload).unwrap()
}

#[test]
fn signs_attests_and_proves() {
    let mut world = World::new();
    world.add(world.signature());
    world.add(world.attestation());
    expect![[r"
        proved signature of registry.local/app:1 by KEY
        proved https://spdx.dev/Document by KEY
    "]]
    .assert_eq(&world.report(&required()));
    let verification = world.verify();
    let signature = &verification.signatures[0];
    assert_eq!(signature.created, Some(created()));
    assert_eq!(signature.artifact, world.referrers[0].digest);
    let attestation = &verification.attestations[0];
    assert_eq!(attestation.predicate, br#"{ "a": 1.0 }"#);
    assert_eq!(attestation.name.as_deref(), Some("registry.local/app"));
}

#[test]
fn manifest_and_statement_are_those_of_cosign() {
    let world = World::new();
    let artifact = world.signature();
    let bundle = artifact.manifest.value().layers[0].clone();
    let text = String::from_utf8(artifact.manifest.bytes().to_vec()).unwrap();
    let text = text
        .replace(&bundle.digest.to_string(), "BUNDLE")
        .replace(&format!("\"size\":{}", bundle.size), "\"size\":SIZE");
    expect![[r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2,"data":"e30="},"layers":[{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","digest":"BUNDLE","size":SIZE}],"subject":{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f","size":19},"annotations":{"dev.sigstore.bundle.content":"dsse-envelope","dev.sigstore.bundle.predicateType":"https://sigstore.dev/cosign/sign/v1","org.opencontainers.image.created":"2023-11-14T22:13:20Z"}}"#]].assert_eq(&text);
    expect![[r#"{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"https://sigstore.dev/cosign/sign/v1","subject":[{"annotations":{"org.opencontainers.image.created":"2023-11-14T22:13:20Z"},"digest":{"sha256":"bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f"},"name":"registry.local/app:1"}]}"#]].assert_eq(&payload_of(&artifact).to_string());
    let value: Value = serde_json::from_slice(&artifact.blobs[1].bytes).unwrap();
    assert_eq!(value["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert_eq!(value["verificationMaterial"]["publicKey"]["hint"], world.key.public().hint());
    assert_eq!(value["dsseEnvelope"]["payloadType"], "application/vnd.in-toto+json");
    assert_eq!(artifact.descriptor().artifact_type.as_deref(), Some(BUNDLE_MEDIA_TYPE));
    assert_eq!(artifact.blobs[0].bytes, b"{}");
}

#[test]
fn what_is_missing_is_named() {
    let mut world = World::new();
    let text = world.report(&required());
    expect![[r"
        refused image: no signature by a known key
        refused image: no attestation `https://spdx.dev/Document` by a known key
    "]]
    .assert_eq(&text);
    let other = World::new();
    world.add(other.signature());
    world.add(other.attestation());
    expect![[r"
        unproved signature (ARTIFACT): it is signed by an unknown key
        unproved attestation `https://spdx.dev/Document` (ARTIFACT): it is signed by an unknown key
        refused image: no signature by a known key; one by another key or kind proves nothing
        refused image: no attestation `https://spdx.dev/Document` by a known key; one by another key or kind proves nothing
    "]].assert_eq(&world.report(&required()));
    // A signature is no attestation, and an attestation is no signature.
    let mut world = World::new();
    world.add(world.attestation());
    expect![[r"
        proved https://spdx.dev/Document by KEY
        refused image: no signature by a known key
    "]]
    .assert_eq(&world.report(&required()));
}

#[test]
fn a_signature_for_another_name_is_not_enough() {
    let mut world = World::new();
    world.add(world.signature());
    world.add(
        sign_image(
            &world.key,
            &Subject { descriptor: &image(), name: None },
            &BTreeMap::new(),
            created(),
        )
        .unwrap(),
    );
    let name = Some("registry.local/app:2".to_owned());
    let requirements = Requirements { name, ..Requirements::default() };
    expect![[r"
        proved signature of registry.local/app:1 by KEY
        proved signature of - by KEY
        refused image: no signature for the name `registry.local/app:2`; it was signed as `registry.local/app:1`, no name
    "]].assert_eq(&world.report(&requirements));
}

#[test]
fn one_artifact_listed_twice_counts_once() {
    let mut world = World::new();
    world.add(world.signature());
    world.referrers.push(world.referrers[0].clone());
    assert_eq!(world.verify().signatures.len(), 1);
}

#[test]
fn too_many_or_too_large_referrers_are_not_read() {
    let mut world = World::new();
    for number in 0..1001u32 {
        let digest = Digest::sha256(&number.to_be_bytes());
        world.referrers.push(Descriptor::new(media_type::MANIFEST, digest, 1));
    }
    let n_reads = RefCell::new(0);
    let blobs = |_: &Descriptor| {
        *n_reads.borrow_mut() += 1;
        Err::<Vec<u8>, String>("gone".to_owned())
    };
    let keys: [PublicKey; 0] = [];
    let verification = verify(&image(), &world.referrers, &blobs, &keys);
    expect!["image: there are 1001 referrers, more than the limit of 1000"]
        .assert_eq(&verification.refusals[0].to_string());
    world.referrers.truncate(1);
    world.referrers[0].size = 1 << 40;
    let verification = verify(&image(), &world.referrers, &blobs, &keys);
    assert!(verification.refusals[0].to_string().contains("more than the limit"));
    assert_eq!(*n_reads.borrow(), 0);
}

#[test]
fn content_of_the_image_is_named() {
    let layer = Descriptor::new(media_type::LAYER_GZIP, Digest::sha256(b"layer"), 5);
    let check = |bytes: &[u8], expected: &str| {
        let error = check_content(Part::Layer, &layer, &mut &bytes[..]).err();
        let text = error.map_or_else(|| "fine".to_owned(), |error| error.to_string());
        assert!(text.contains(expected), "{text}");
    };
    check(b"layer", "fine");
    check(b"lazer", "): the layer has digest `sha256:574b");
    check(b"laye", "): the layer has digest `sha256:254c");
    check(b"layer and more", "): the layer is longer than the 5 bytes that its descriptor says");
}

#[test]
fn bad_predicates_are_not_attested() {
    let key = SigningKey::generate_p256();
    let descriptor = image();
    let subject = Subject { descriptor: &descriptor, name: None };
    let check = |kind: &str, predicate: &[u8], expected: Expect| {
        let error: Error = attest(&key, &subject, kind, predicate, created()).unwrap_err();
        expected.assert_eq(&error.to_string());
    };
    check(
        predicate_type::SPDX,
        b"",
        expect![
            "the predicate for `https://spdx.dev/Document` cannot be signed: not a valid predicate: EOF while parsing a value at line 1 column 0"
        ],
    );
    check(
        predicate_type::SPDX,
        br#"{"a":1,"a":2}"#,
        expect![
            "the predicate for `https://spdx.dev/Document` cannot be signed: not a valid predicate: the key `a` stands twice at line 1 column 10"
        ],
    );
    check(
        predicate_type::SPDX,
        b"[]",
        expect!["the predicate for `https://spdx.dev/Document` is not a JSON object"],
    );
    check(
        predicate_type::SIGN,
        b"{}",
        expect![
            "`https://sigstore.dev/cosign/sign/v1` cannot be the predicate type of an attestation"
        ],
    );
    check("a b", b"{}", expect!["`a b` cannot be the predicate type of an attestation"]);
}

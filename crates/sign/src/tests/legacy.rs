//! cosign's older form: made, merged, verified, attacked.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use sealift_crypto::{PublicKey, RsaSize, SigningKey};
use sealift_oci::{Descriptor, Digest, Manifest, Raw, media_type};
use serde_json::{Value, json};

use super::{NAME, World, created, image, required};
use crate::legacy::{self, Kind};
use crate::{Artifact, Form, NameRule, Requirements, Subject, predicate_type, verify};

// Made with openssl: ECDSA on P-384 with SHA-256.
const P384: &str = "\
-----BEGIN PUBLIC KEY-----\n\
MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEb2AmXXOpaqtIYh4wv/jurvsxL5ybZg5w\n\
PhYpCWZm8tgftglLUrNtGh6q3l4QDSZyZ4qksmHeZgTlXKIqecJetfksJnrbgn7A\n\
OGNvVfQx+v5KX1LwjzdKjvF0i8+LRMM1\n\
-----END PUBLIC KEY-----\n\
";
const P384_PAYLOAD: &str = r#"{"critical":{"identity":{"docker-reference":"registry.local/app"},"image":{"docker-manifest-digest":"sha256:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f"},"type":"cosign container image signature"},"optional":null}"#;
const P384_SIGNATURE: &str = "MGUCMDfLKJ4bHqWjM2L/a6wN/noOKyfbya/ULM7JAT29z6vU9WOX33LVV+ylE13GNAr8rgIxANKU3v0QoJM+9dsuNVM2sFYz34t5S55isN8DwGj9z3pPtSOd0RnAJRgpkWEAX/yvjA==";

fn sign_as(key: &SigningKey, name: Option<&str>) -> Artifact {
    let descriptor = image();
    let annotations = [("team".to_owned(), "release".to_owned())].into();
    let subject = Subject { descriptor: &descriptor, name };
    legacy::sign_image(key, &subject, &annotations, created()).unwrap()
}

fn attest(key: &SigningKey) -> Artifact {
    let descriptor = image();
    let subject = Subject { descriptor: &descriptor, name: Some("registry.local/app") };
    legacy::attest(key, &subject, predicate_type::SPDX, br#"{"a":1}"#, created()).unwrap()
}

fn signed() -> (World, Artifact) {
    let world = World::new();
    let artifact = sign_as(&world.key, Some(NAME));
    (world, artifact)
}

fn payload(artifact: &Artifact) -> Vec<u8> {
    artifact.blobs[1].bytes.clone()
}

// The artifact with another payload that is signed by this key.
fn with_payload(artifact: &Artifact, key: &SigningKey, payload: &[u8]) -> Artifact {
    use base64::Engine as _;
    let signature = base64::engine::general_purpose::STANDARD.encode(key.sign(payload).unwrap());
    altered(artifact, payload, |layer| {
        layer.annotations.insert(legacy::ANNOTATION_SIGNATURE.to_owned(), signature);
    })
}

// The artifact with another first layer.
fn altered(artifact: &Artifact, bytes: &[u8], change: impl FnOnce(&mut Descriptor)) -> Artifact {
    let mut manifest: Manifest = artifact.manifest.value().clone();
    let layer = &mut manifest.layers[0];
    (layer.digest, layer.size) = (Digest::sha256(bytes), bytes.len() as u64);
    change(layer);
    let mut altered = artifact.clone();
    altered.blobs[1].descriptor = layer.clone();
    altered.blobs[1].bytes = bytes.to_vec();
    altered.manifest = Raw::encode(manifest);
    altered
}

#[test]
fn tags() {
    let digest = image().digest;
    let tag = Kind::Signatures.tag(&digest).unwrap();
    assert_eq!(tag, format!("sha256-{}.sig", digest.hex()));
    assert_eq!(Kind::of_tag(&tag), Some((digest.clone(), Kind::Signatures)));
    let tag = Kind::Attestations.tag(&digest).unwrap();
    assert_eq!(Kind::of_tag(&tag), Some((digest.clone(), Kind::Attestations)));
    for tag in ["1.0", "sha256-", "sha256-ä", &tag.replace(".att", ".sbom"), &tag.replace('-', ":")]
    {
        assert_eq!(Kind::of_tag(tag), None, "{tag}");
    }
    let long: Digest = format!("sha512:{}", "a".repeat(128)).parse().unwrap();
    assert_eq!(Kind::Signatures.tag(&long), None);
    let descriptor = Descriptor::new(media_type::MANIFEST, long, 1);
    let subject = Subject { descriptor: &descriptor, name: None };
    let key = SigningKey::generate_p256();
    let error = legacy::sign_image(&key, &subject, &BTreeMap::new(), created()).unwrap_err();
    assert!(error.to_string().ends_with("is longer than a tag can be"), "{error}");
}

#[test]
fn payload_and_manifest_are_those_of_cosign() {
    let (_, artifact) = signed();
    expect![[r#"{"critical":{"identity":{"docker-reference":"registry.local/app:1"},"image":{"docker-manifest-digest":"sha256:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f"},"type":"cosign container image signature"},"optional":{"creator":"sealift","team":"release","timestamp":1700000000}}"#]]
        .assert_eq(&String::from_utf8(payload(&artifact)).unwrap());
    let mut manifest: Value = serde_json::from_slice(artifact.manifest.bytes()).unwrap();
    manifest["layers"][0]["annotations"]["dev.cosignproject.cosign/signature"] = "SIGNATURE".into();
    expect![[r#"{"config":{"digest":"sha256:c2b5bc21b927c882a004e6d35f3238285076d56f3f3fc29633c03f4664bdb36d","mediaType":"application/vnd.oci.image.config.v1+json","size":233},"layers":[{"annotations":{"dev.cosignproject.cosign/signature":"SIGNATURE"},"digest":"sha256:b729762c5b4c7dfa86d631dae3fede3ce8a0f623b16cbb61c4ebb1d09c3b810e","mediaType":"application/vnd.dev.cosign.simplesigning.v1+json","size":293}],"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}"#]]
        .assert_eq(&manifest.to_string());
    let config: Value = serde_json::from_slice(&artifact.blobs[0].bytes).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"][0], Digest::sha256(&payload(&artifact)).to_string());
}

#[test]
fn proves_both_kinds() {
    let (mut world, artifact) = signed();
    world.add(artifact);
    let attestation = attest(&world.key);
    world.add(attestation);
    expect![[r"
        proved signature of registry.local/app:1 by KEY
        proved https://spdx.dev/Document by KEY
    "]]
    .assert_eq(&world.report(&required()));
    let verification = world.verify();
    let signature = &verification.signatures[0];
    assert_eq!((signature.form, signature.created), (Form::Legacy, Some(created())));
    assert_eq!(signature.annotations["team"], "release");
    assert_eq!(verification.attestations[0].form, Form::Legacy);
    let wants = |value: &str| Requirements {
        annotations: [("team".to_owned(), value.to_owned())].into(),
        ..Requirements::default()
    };
    assert!(wants("release").evaluate(&verification).is_empty());
    expect!["image: no signature by a known key has all the required annotations, of which `team=qa` is the first"]
        .assert_eq(&wants("qa").evaluate(&verification)[0].to_string());
}

#[test]
fn every_kind_of_key() {
    for key in [
        SigningKey::generate_p384(),
        SigningKey::generate_p521(),
        SigningKey::generate_ed25519(),
        SigningKey::generate_rsa_of(RsaSize::Bits3072),
    ] {
        let mut world = World { key, ..World::new() };
        let artifact = sign_as(&world.key, Some(NAME));
        world.add(artifact);
        world.add(world.signature());
        let attestation = attest(&world.key);
        world.add(attestation);
        assert_eq!(world.verify().signatures.len(), 2);
        assert_eq!(world.verify().attestations.len(), 1);
        assert!(world.verify().refusals.is_empty());
    }
}

#[test]
fn a_larger_curve_with_the_hash_of_cosign_2() {
    let (mut world, good) = signed();
    let artifact = altered(&good, P384_PAYLOAD.as_bytes(), |layer| {
        let name = legacy::ANNOTATION_SIGNATURE.to_owned();
        layer.annotations.insert(name, P384_SIGNATURE.to_owned());
    });
    world.add(artifact);
    let public = PublicKey::from_pem(P384).unwrap();
    let verification = verify(&image(), &world.referrers, &world, &[public]);
    assert_eq!(verification.signatures.len(), 1, "{verification:?}");
}

#[test]
fn merging_keeps_others_byte_for_byte() {
    let (mut world, ours) = signed();
    let other = sign_as(&SigningKey::generate_p256(), None);
    // Another program's spacing, order and fields.
    let layer = serde_json::to_string_pretty(&other.manifest.value().layers[0]).unwrap();
    let layer = layer.replacen('{', "{\n \"urls\": [ ],\n  \"x\" :1.0,", 1);
    let theirs = format!(
        r#"{{ "layers": [ {layer} ], "annotations":{{"who": "else"}}, "schemaVersion":2, "mediaType":"{}","config":{} }}"#,
        media_type::MANIFEST,
        serde_json::to_string(&other.manifest.value().config).unwrap(),
    );
    let merged = legacy::merge(theirs.as_bytes(), ours.manifest.bytes()).unwrap().unwrap();
    let text = String::from_utf8(merged.manifest.bytes().to_vec()).unwrap();
    assert!(text.contains(&layer), "{text}");
    assert!(text.contains(r#""annotations":{"who": "else"}"#), "{text}");
    assert_eq!(merged.manifest.value().layers.len(), 2);
    assert_eq!(merged.manifest.value().config, merged.blobs[0].descriptor);
    // Again changes nothing, and so does what is there already.
    for there in [ours.manifest.bytes(), theirs.as_bytes(), merged.manifest.bytes()] {
        assert!(legacy::merge(merged.manifest.bytes(), there).unwrap().is_none());
    }
    world.add(other);
    world.add(ours);
    world.referrers.clear();
    world.add(merged);
    expect![[r"
        proved signature of registry.local/app:1 by KEY
        unproved signature (ARTIFACT): no known key made this signature of this payload
    "]]
    .assert_eq(&world.report(&Requirements::default()));
}

#[test]
fn merges_with_nothing_else() {
    let (world, ours) = signed();
    let image = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
    let both = String::from_utf8(ours.manifest.bytes().to_vec()).unwrap();
    let both = both.replacen('{', r#"{"manifests":[],"#, 1);
    let bundle = world.signature();
    for base in [&image[..], both.as_bytes(), bundle.manifest.bytes(), b"", b"{}"] {
        assert!(legacy::merge(base, ours.manifest.bytes()).is_err());
        assert!(legacy::merge(ours.manifest.bytes(), base).is_err());
    }
}

fn check(world: &mut World, artifact: Artifact, expected: Expect) {
    world.referrers.clear();
    world.add(artifact);
    let requirements = Requirements { signature: true, ..Requirements::default() };
    expected.assert_eq(&world.report(&requirements));
}

// One line for each case: what speaks against it.
fn check_all(world: &mut World, cases: Vec<Artifact>, expected: &Expect) {
    let mut text = String::new();
    for case in cases {
        world.referrers.clear();
        world.add(case);
        text += &world.report(&Requirements::default());
    }
    expected.assert_eq(&text);
}

#[test]
fn altered_payloads() {
    let (mut world, good) = signed();
    let text = String::from_utf8(payload(&good)).unwrap();
    let mut damaged = good.clone();
    damaged.blobs[1].bytes[5] ^= 1;
    world.add(damaged);
    let found = world.report(&Requirements::default());
    assert!(found.contains("the signed payload has digest `"), "{found}");
    // With digests that fit, it is what nobody known has signed.
    let evil = text.replace("app:1", "app:2");
    check(
        &mut world,
        altered(&good, evil.as_bytes(), |_| {}),
        expect![[r"
        unproved signature (ARTIFACT): no known key made this signature of this payload
        refused image: no signature by a known key; one by another key or kind proves nothing
    "]],
    );
    let other = SigningKey::generate_p256();
    check(
        &mut world,
        sign_as(&other, Some(NAME)),
        expect![[r"
        unproved signature (ARTIFACT): no known key made this signature of this payload
        refused image: no signature by a known key; one by another key or kind proves nothing
    "]],
    );
    let signed = |evil: &str| with_payload(&good, &world.key, evil.as_bytes());
    let cases = [
        signed(&text.replace("sha256:bafe", "sha256:cafe")),
        signed(&text.replace("sha256:bafe", "sha512:bafe")),
        signed(&text.replace("sha256:bafe", "SHA256:bafe")),
        signed(&text.replace("cosign container", "atomic container")),
        signed(&format!("{text} {{}}")),
        signed(&text.replace(r#""type":"#, r#""type":"a","type":"#)),
        signed(&text.replace(r#""identity":"#, r#""x":1,"identity":"#)),
        signed(&text.replace("registry.local/app:1", r"a\u001b[2J")),
        signed("{}"),
    ];
    check_all(
        &mut world,
        cases.into(),
        &expect![[r"
        refused signature (ARTIFACT): the signed payload is about `sha256:cafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f`, not about `IMAGE`
        refused signature (ARTIFACT): the signed payload is about `sha512:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f`, not about `IMAGE`
        refused signature (ARTIFACT): the signed payload is about `SHA256:bafebd36189ad3688b7b3915ea55d461e0bfcfbdde11e54b0a123999fb6be50f`, not about `IMAGE`
        refused signature (ARTIFACT): the signed payload is malformed: its type is `atomic container image signature`
        refused signature (ARTIFACT): the signed payload is malformed: not a valid simple signing payload: trailing characters
        refused signature (ARTIFACT): the signed payload is malformed: not a valid simple signing payload: the key `type` stands twice
        refused signature (ARTIFACT): the signed payload is malformed: not a valid simple signing payload: unknown field `x`, expected one of `identity`, `image`, `type`
        refused signature (ARTIFACT): the signed payload is malformed: the signed name has control characters or is too long
        refused signature (ARTIFACT): the signed payload is malformed: not a valid simple signing payload: missing field `critical`
    "]],
    );
}

#[test]
fn altered_layers() {
    let (mut world, good) = signed();
    let bytes = payload(&good);
    let annotate = |value: &str| {
        altered(&good, &bytes, |layer| {
            layer.annotations.insert(legacy::ANNOTATION_SIGNATURE.to_owned(), value.to_owned());
        })
    };
    let signature =
        good.manifest.value().layers[0].annotations[legacy::ANNOTATION_SIGNATURE].clone();
    let mut second = altered(&good, &bytes, |_| {});
    let mut manifest = second.manifest.value().clone();
    let mut layer = manifest.layers[0].clone();
    layer.media_type = legacy::ENVELOPE_MEDIA_TYPE.to_owned();
    manifest.layers.push(layer);
    second.manifest = Raw::encode(manifest);
    let cases = [
        annotate(""),
        annotate("?"),
        annotate(&format!("{signature}\n")),
        annotate(&"A".repeat(5000)),
        altered(&good, &bytes, |layer| layer.media_type = "text/plain".to_owned()),
        altered(&good, &bytes, |layer| layer.media_type = legacy::ENVELOPE_MEDIA_TYPE.to_owned()),
        altered(&good, &bytes, |layer| layer.size += 1),
        altered(&good, &bytes, |layer| layer.size = 2 << 20),
        altered(&good, &bytes, |layer| {
            layer.annotations.insert(legacy::ANNOTATION_CERTIFICATE.to_owned(), "x".to_owned());
        }),
        second,
    ];
    check_all(
        &mut world,
        cases.into(),
        &expect![[r"
        unproved signature (ARTIFACT): no known key made this signature of this payload
        refused signature (ARTIFACT): the signed payload is malformed: its signature is not base64
        refused signature (ARTIFACT): the signed payload is malformed: its signature is not base64
        refused signature (ARTIFACT): the signed payload is malformed: its signature is longer than any
        refused referrer (ARTIFACT): the signed payload has media type `text/plain`, not `application/vnd.dev.cosign.simplesigning.v1+json`
        refused referrer (ARTIFACT): the signed envelope is malformed: not a valid DSSE envelope: unknown field `critical`, expected one of `payload`, `payloadType`, `signatures`
        refused signature (ARTIFACT): the signed payload has 293 bytes, but its descriptor says 294
        refused signature (ARTIFACT): the signed payload has 2097152 bytes, more than the limit of 1048576
        unproved signature (ARTIFACT): it is signed with a certificate
        proved signature of registry.local/app:1 by KEY
        refused signature (ARTIFACT): the signed payload has media type `application/vnd.dsse.envelope.v1+json`, not `application/vnd.dev.cosign.simplesigning.v1+json`
    "]],
    );
}

#[test]
fn altered_attestations() {
    let mut world = World::new();
    let good = attest(&world.key);
    let bytes = payload(&good);
    let text = String::from_utf8(bytes.clone()).unwrap();
    let annotate = |value: &str| {
        altered(&good, &bytes, |layer| {
            layer.annotations.insert("predicateType".to_owned(), value.to_owned());
        })
    };
    let twice = text.replacen("\"payloadType\"", "\"payloadType\":\"a\",\"payloadType\"", 1);
    let kind = text.replace("vnd.in-toto+json", "vnd.in-toto+xml");
    let cases = [
        annotate(predicate_type::VULNERABILITIES),
        altered(&good, twice.as_bytes(), |_| {}),
        altered(&good, kind.as_bytes(), |_| {}),
        altered(&good, format!("{text}x").as_bytes(), |_| {}),
        attest(&SigningKey::generate_p256()),
    ];
    check_all(
        &mut world,
        cases.into(),
        &expect![[r"
        refused attestation `https://cosign.sigstore.dev/attestation/vuln/v1` (ARTIFACT): the annotation `predicateType` is `https://cosign.sigstore.dev/attestation/vuln/v1`, not `https://spdx.dev/Document`
        refused attestation `https://spdx.dev/Document` (ARTIFACT): the signed envelope is malformed: not a valid DSSE envelope: the key `payloadType` stands twice
        unproved attestation `https://spdx.dev/Document` (ARTIFACT): no known key made a signature of this envelope
        refused attestation `https://spdx.dev/Document` (ARTIFACT): the signed envelope is malformed: not a valid DSSE envelope: trailing characters
        unproved attestation `https://spdx.dev/Document` (ARTIFACT): no known key made a signature of this envelope
    "]],
    );
}

#[test]
fn an_attestation_for_another_image() {
    let mut world = World::new();
    let other = Descriptor::new(media_type::MANIFEST, Digest::sha256(b"other"), 5);
    let subject = Subject { descriptor: &other, name: None };
    let moved =
        legacy::attest(&world.key, &subject, predicate_type::SPDX, b"{}", created()).unwrap();
    check(
        &mut world,
        moved,
        expect![[r"
        refused attestation `https://spdx.dev/Document` (ARTIFACT): the signed statement is about `sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa`, not about `IMAGE`
        refused image: no signature by a known key
    "]],
    );
    let moved = legacy::sign_image(&world.key, &subject, &BTreeMap::new(), created()).unwrap();
    check(
        &mut world,
        moved,
        expect![[r"
        refused signature (ARTIFACT): the signed payload is about `sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa`, not about `IMAGE`
        refused image: no signature by a known key
    "]],
    );
}

#[test]
fn names_that_do_not_bind() {
    let (mut world, good) = signed();
    let plain = json!({
        "critical": {
            "identity": { "docker-reference": "registry.local/app" },
            "image": { "docker-manifest-digest": image().digest.to_string() },
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    let theirs = with_payload(&good, &world.key, plain.to_string().as_bytes());
    world.add(theirs);
    let verification = world.verify();
    assert!(!verification.signatures[0].binds_name);
    let passes = |name: &str, legacy_name| {
        let name = Some(name.to_owned());
        let requirements = Requirements { name, legacy_name, ..Requirements::default() };
        requirements.evaluate(&verification).is_empty()
    };
    assert!(!passes(NAME, NameRule::Whole));
    assert!(passes(NAME, NameRule::Repository));
    assert!(!passes("registry.local/other:1", NameRule::Repository));
    assert!(!passes("registry.local:5000/app:1", NameRule::Repository));
    assert!(passes("registry.local/other:1", NameRule::Ignored));
    // Our own name binds whatever the rule.
    world.referrers.clear();
    world.add(good);
    let verification = world.verify();
    assert!(verification.signatures[0].binds_name);
    assert!(!verification.signatures[0].is_for("registry.local/app:2", NameRule::Ignored));
}

#[test]
fn annotations_that_cannot_be_signed() {
    let world = World::new();
    let descriptor = image();
    let subject = Subject { descriptor: &descriptor, name: None };
    for (name, value) in [("creator", "a"), ("timestamp", "1"), ("", "a"), ("a", "\n")] {
        let annotations = [(name.to_owned(), value.to_owned())].into();
        assert!(legacy::sign_image(&world.key, &subject, &annotations, created()).is_err());
        assert!(crate::sign_image(&world.key, &subject, &annotations, created()).is_err());
    }
}

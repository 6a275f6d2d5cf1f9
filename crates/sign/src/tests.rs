//! Signatures and attestations, made, altered and verified.

use std::cell::RefCell;
use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use jiff::Timestamp;
use sealift_crypto::{PublicKey, SigningKey, dsse};
use sealift_oci::{Descriptor, Digest, Manifest, Raw, media_type};
use serde_json::{Value, json};

use crate::artifact::{ANNOTATION_CONTENT, ANNOTATION_PREDICATE_TYPE};
use crate::statement::PAYLOAD_TYPE;
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
        sign_image(&self.key, &Subject { descriptor: &descriptor, name: Some(NAME) }, created())
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
        let mut text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
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
    }
}

/// Verifies one artifact after an attacker, who can write everything but has no key, changed it.
fn check_attack(make: impl FnOnce(&World) -> Artifact, expected: Expect) {
    let mut world = World::new();
    let artifact = make(&world);
    world.add(artifact);
    let verification = world.verify();
    assert!(verification.signatures.is_empty() && verification.attestations.is_empty());
    expected.assert_eq(&world.report(&Requirements::default()));
}

fn remade(artifact: &Artifact, edit: impl FnOnce(&mut Manifest)) -> Artifact {
    let mut manifest = artifact.manifest.value().clone();
    edit(&mut manifest);
    Artifact { manifest: Raw::encode(manifest), blobs: artifact.blobs.clone() }
}

/// The artifact with another bundle, all digests and sizes made to fit.
fn with_bundle(artifact: &Artifact, bytes: Vec<u8>) -> Artifact {
    let descriptor = Descriptor::new(BUNDLE_MEDIA_TYPE, Digest::sha256(&bytes), bytes.len() as u64);
    let mut artifact = remade(artifact, |manifest| manifest.layers = vec![descriptor.clone()]);
    artifact.blobs[1] = Blob { descriptor, bytes };
    artifact
}

fn with_bundle_json(artifact: &Artifact, edit: impl FnOnce(&mut Value)) -> Artifact {
    let mut value: Value = serde_json::from_slice(&artifact.blobs[1].bytes).unwrap();
    edit(&mut value);
    with_bundle(artifact, serde_json::to_vec(&value).unwrap())
}

/// The artifact with another payload, signed by this key but hinted as the world's.
fn with_payload(world: &World, signer: &SigningKey, kind: &str, payload: &[u8]) -> Artifact {
    let envelope = dsse::sign(signer, kind, payload.to_vec());
    with_bundle(&world.signature(), bundle::encode(&world.key.public(), &envelope))
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
    expect![[r#"
        proved signature of registry.local/app:1 by KEY
        proved https://spdx.dev/Document by KEY
    "#]]
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
    expect![[r#""#]].assert_eq(&text);
    expect![[r#""#]].assert_eq(&payload_of(&artifact).to_string());
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
    expect![[r#"
        refused image: no signature by a known key
        refused image: no attestation `https://spdx.dev/Document` by a known key
    "#]]
    .assert_eq(&text);
    let other = World::new();
    world.add(other.signature());
    world.add(other.attestation());
    expect![[r#""#]].assert_eq(&world.report(&required()));
    // A signature is no attestation, and an attestation is no signature.
    let mut world = World::new();
    world.add(world.attestation());
    expect![[r#""#]].assert_eq(&world.report(&required()));
}

#[test]
fn a_signature_for_another_name_is_not_enough() {
    let mut world = World::new();
    world.add(world.signature());
    world.add(sign_image(&world.key, &Subject { descriptor: &image(), name: None }, created()));
    let name = Some("registry.local/app:2".to_owned());
    let requirements = Requirements { name, ..Requirements::default() };
    expect![[r#""#]].assert_eq(&world.report(&requirements));
}

#[test]
fn every_flipped_bit_is_refused_and_named() {
    for (make, noun) in [
        (World::signature as fn(&World) -> Artifact, "signature ("),
        (World::attestation, "attestation `https://spdx.dev/Document` ("),
    ] {
        let mut world = World::new();
        world.add(make(&world));
        let originals = world.blobs.clone();
        for (digest, original) in &originals {
            // The empty config is bound by its constant digest and never read.
            let is_config = original == b"{}";
            for index in 0..original.len() {
                let mut altered = original.clone();
                altered[index] ^= 1 << (index % 8);
                world.blobs.insert(digest.clone(), altered);
                let verification = world.verify();
                let is_proved =
                    !verification.signatures.is_empty() || !verification.attestations.is_empty();
                assert_eq!(is_proved, is_config, "byte {index}");
                if is_config {
                    continue;
                }
                let text = verification.refusals[0].to_string();
                assert!(text.starts_with(noun) && text.contains("has digest `sha256:"), "{text}");
            }
            world.blobs.insert(digest.clone(), original.clone());
        }
    }
}

#[test]
fn a_flipped_bit_is_named_by_part() {
    for index in [0, 1] {
        let mut world = World::new();
        world.add(world.signature());
        let manifest = world.referrers[0].digest.clone();
        let digest = if index == 0 {
            manifest
        } else {
            let manifest: Manifest = serde_json::from_slice(&world.blobs[&manifest]).unwrap();
            manifest.layers[0].digest.clone()
        };
        world.blobs.get_mut(&digest).unwrap()[9] ^= 1;
        let text = world.report(&Requirements::default());
        let part =
            if index == 0 { "the manifest has digest" } else { "the sigstore bundle has digest" };
        assert!(
            text.starts_with("refused signature (ARTIFACT): ") && text.contains(part),
            "{text}"
        );
        world.blobs.get_mut(&digest).unwrap().push(0);
        assert!(!world.verify().refusals.is_empty());
        world.blobs.remove(&digest);
        assert!(world.report(&Requirements::default()).contains("cannot be read: no such file"));
    }
}

#[test]
fn attack_signature_with_fitting_digests() {
    check_attack(
        |world| {
            with_bundle_json(&world.signature(), |bundle| {
                let other = World::new().signature();
                let other: Value = serde_json::from_slice(&other.blobs[1].bytes).unwrap();
                bundle["dsseEnvelope"]["signatures"] = other["dsseEnvelope"]["signatures"].clone();
            })
        },
        expect![[r#""#]],
    );
}

#[test]
fn attack_statement_with_fitting_digests() {
    check_attack(
        |world| {
            let mut statement = payload_of(&world.attestation());
            statement["predicate"]["a"] = json!(2);
            let payload = serde_json::to_vec(&statement).unwrap();
            with_payload(world, &SigningKey::generate_p256(), PAYLOAD_TYPE, &payload)
        },
        expect![[r#""#]],
    );
}

#[test]
fn attack_signature_of_another_image() {
    let moved = |world: &World| {
        let other = Descriptor::new(media_type::MANIFEST, Digest::sha256(b"other"), 5);
        let subject = Subject { descriptor: &other, name: Some(NAME) };
        sign_image(&world.key, &subject, created())
    };
    // As it is, and with a manifest made to refer to this image.
    let check = |make: &dyn Fn(&World) -> Artifact, expected: Expect| {
        check_attack(|world| make(world), expected);
    };
    check(&moved, expect![[r#""#]]);
    check(
        &|world| remade(&moved(world), |manifest| manifest.subject = Some(image())),
        expect![[r#""#]],
    );
}

#[test]
fn attack_other_media_type_or_size_of_the_image() {
    check_attack(
        |world| {
            remade(&world.signature(), |manifest| {
                manifest.subject.as_mut().unwrap().media_type = media_type::INDEX.to_owned();
            })
        },
        expect![[r#""#]],
    );
    check_attack(
        |world| remade(&world.signature(), |manifest| manifest.subject.as_mut().unwrap().size += 1),
        expect![[r#""#]],
    );
    check_attack(
        |world| remade(&world.signature(), |manifest| manifest.subject = None),
        expect![[r#""#]],
    );
}

#[test]
fn attack_attestation_passed_off_as_another() {
    let annotate = |kind: &'static str| {
        move |world: &World| {
            remade(&world.attestation(), |manifest| {
                let name = ANNOTATION_PREDICATE_TYPE.to_owned();
                manifest.annotations.insert(name, kind.to_owned());
            })
        }
    };
    check_attack(annotate(predicate_type::SIGN), expect![[r#""#]]);
    check_attack(annotate("\x1b[2J\u{202E}evil"), expect![[r#""#]]);
    check_attack(
        |world| {
            remade(&world.signature(), |manifest| {
                manifest.annotations.remove(ANNOTATION_CONTENT);
            })
        },
        expect![[r#""#]],
    );
}

#[test]
fn attack_payload_that_is_no_statement() {
    let image = image();
    let signed = |kind: &'static str, payload: String| {
        move |world: &World| with_payload(world, &world.key, kind, payload.as_bytes())
    };
    check_attack(signed("text/plain", "{}".to_owned()), expect![[r#""#]]);
    check_attack(signed(PAYLOAD_TYPE, "{}".to_owned()), expect![[r#""#]]);
    let statement = |kind: &str, subject: &str| {
        let predicate_type = predicate_type::SIGN;
        format!(
            r#"{{"_type":"{kind}","subject":[{subject}],"predicateType":"{predicate_type}","predicate":{{}}}}"#
        )
    };
    let v1 = crate::statement::TYPE;
    let digest = format!(r#"{{"digest":{{"sha256":"{}"}}}}"#, image.digest.hex());
    let old = statement("https://in-toto.io/Statement/v0.1", &digest);
    check_attack(signed(PAYLOAD_TYPE, old), expect![[r#""#]]);
    check_attack(signed(PAYLOAD_TYPE, statement(v1, "")), expect![[r#""#]]);
    let two = format!(r#"{{"digest":{{"sha256":"{0}","sha512":"{0}"}}}}"#, image.digest.hex());
    let text = statement(v1, &two);
    let mut world = World::new();
    world.add(with_payload(&world, &world.key, PAYLOAD_TYPE, text.as_bytes()));
    assert!(world.verify().signatures.is_empty(), "a digest that nobody compares");
    let twice = statement(v1, &digest).replacen('{', r#"{"predicateType":"x","#, 1);
    check_attack(signed(PAYLOAD_TYPE, twice), expect![[r#""#]]);
    let name = statement(v1, &digest.replacen('{', "{\"name\":\"a\\u001bb\",", 1));
    check_attack(signed(PAYLOAD_TYPE, name), expect![[r#""#]]);
    // The same without fault is what cosign writes.
    let mut world = World::new();
    let good = statement(v1, &digest);
    world.add(with_payload(&world, &world.key, PAYLOAD_TYPE, good.as_bytes()));
    expect![[r#"
        proved signature of - by KEY
    "#]]
    .assert_eq(&world.report(&Requirements::default()));
}

#[test]
fn attack_ambiguous_documents() {
    check_attack(
        |world| {
            let artifact = world.signature();
            let text = String::from_utf8(artifact.blobs[1].bytes.clone()).unwrap();
            with_bundle(&artifact, text.replacen('{', r#"{"mediaType":"x","#, 1).into_bytes())
        },
        expect![[r#""#]],
    );
    check_attack(
        |world| with_bundle_json(&world.signature(), |bundle| bundle["extra"] = json!(1)),
        expect![[r#""#]],
    );
    check_attack(
        |world| {
            with_bundle_json(&world.signature(), |bundle| {
                let signature = bundle["dsseEnvelope"]["signatures"][0].clone();
                bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap().push(signature);
            })
        },
        expect![[r#""#]],
    );
    check_attack(|world| with_bundle(&world.signature(), b"{}".to_vec()), expect![[r#""#]]);
    let artifact = World::new().signature();
    let text = String::from_utf8(artifact.manifest.bytes().to_vec()).unwrap();
    for (from, to, expected) in [
        ("{", r#"{"manifests":[],"#, "it is both a manifest and an index"),
        ("{", r#"{"schemaVersion":2,"#, "stands twice"),
        ("\"schemaVersion\":2", "\"schemaVersion\":1", "schema version is 1"),
        ("{", r#"{"x":"#, "malformed"),
    ] {
        let mut world = World::new();
        let bytes = text.replacen(from, to, 1).into_bytes();
        let digest = Digest::sha256(&bytes);
        world.referrers.push(Descriptor::new(
            media_type::MANIFEST,
            digest.clone(),
            bytes.len() as u64,
        ));
        world.blobs.insert(digest, bytes);
        let report = world.report(&Requirements::default());
        assert!(
            report.starts_with("refused referrer (ARTIFACT): the manifest is malformed: "),
            "{report}"
        );
        assert!(report.contains(expected), "{report}");
    }
}

#[test]
fn attack_other_shapes_of_the_manifest() {
    let edited = |edit: fn(&mut Manifest)| move |world: &World| remade(&world.signature(), edit);
    check_attack(edited(|manifest| manifest.layers.clear()), expect![[r#""#]]);
    check_attack(edited(|manifest| manifest.layers[0].media_type.push('x')), expect![[r#""#]]);
    check_attack(
        edited(|manifest| manifest.config.media_type = media_type::CONFIG.to_owned()),
        expect![[r#""#]],
    );
    check_attack(edited(|manifest| manifest.config.size = 3), expect![[r#""#]]);
    check_attack(
        edited(|manifest| manifest.media_type = Some(media_type::INDEX.to_owned())),
        expect![[r#""#]],
    );
    check_attack(edited(|manifest| manifest.layers[0].size = u64::MAX), expect![[r#""#]]);
}

#[test]
fn unknown_keys_and_kinds_prove_nothing() {
    check_attack(|_| World::new().signature(), expect![[r#""#]]);
    check_attack(
        |world| {
            remade(&world.signature(), |manifest| manifest.artifact_type = Some("a/b".to_owned()))
        },
        expect![[r#""#]],
    );
    check_attack(
        |world| {
            with_bundle_json(&world.signature(), |bundle| {
                bundle["verificationMaterial"] = json!({"certificate": {"rawBytes": ""}});
            })
        },
        expect![[r#""#]],
    );
    check_attack(
        |world| {
            with_bundle_json(&world.signature(), |bundle| {
                bundle.as_object_mut().unwrap().remove("dsseEnvelope");
                bundle["messageSignature"] = json!({});
            })
        },
        expect![[r#""#]],
    );
    // Without hint every known key is tried.
    check_attack(
        |_| {
            with_bundle_json(&World::new().signature(), |bundle| {
                bundle["verificationMaterial"]["publicKey"]["hint"] = json!("");
            })
        },
        expect![[r#""#]],
    );
    let mut world = World::new();
    world.add(with_bundle_json(&world.signature(), |bundle| {
        bundle["verificationMaterial"] = json!({"publicKey": {}, "tlogEntries": []});
    }));
    assert_eq!(world.verify().signatures.len(), 1);
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
    let check = |bytes: &[u8], expected: Expect| {
        let error = check_content(Part::Layer, &layer, &mut &bytes[..]).err();
        expected.assert_eq(&error.map_or_else(|| "fine".to_owned(), |error| error.to_string()));
    };
    check(b"layer", expect!["fine"]);
    check(b"lazer", expect![[r#""#]]);
    check(b"laye", expect![[r#""#]]);
    check(b"layer and more", expect![[r#""#]]);
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
    check(predicate_type::SPDX, b"", expect![[r#""#]]);
    check(predicate_type::SPDX, br#"{"a":1,"a":2}"#, expect![[r#""#]]);
    check(predicate_type::SPDX, b"[]", expect![[r#""#]]);
    check(predicate_type::SIGN, b"{}", expect![[r#""#]]);
    check("a b", b"{}", expect![[r#""#]]);
}

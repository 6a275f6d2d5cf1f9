//! What an attacker can do who can write everything but has no key, and the line that names it.

use super::*;
use crate::artifact::{ANNOTATION_CONTENT, ANNOTATION_PREDICATE_TYPE};
use crate::statement::PAYLOAD_TYPE;

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
    let envelope = dsse::sign(signer, kind, payload.to_vec()).unwrap();
    with_bundle(&world.signature(), bundle::encode(&world.key.public(), &envelope))
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
fn a_list_without_annotations_still_names_the_artifact() {
    let mut world = World::new();
    world.add(world.attestation());
    world.referrers[0].annotations.clear();
    world.blobs.get_mut(&world.referrers[0].digest).unwrap()[20] ^= 1;
    let text = world.report(&Requirements::default());
    assert!(
        text.starts_with(
            "refused attestation `https://spdx.dev/Document` (ARTIFACT): the manifest has digest"
        ),
        "{text}"
    );
}

#[test]
fn no_flipped_bit_with_fitting_digests_proves_anything_else() {
    let original = World::new();
    let (signature, attestation) = (original.signature(), original.attestation());
    for artifact in [&signature, &attestation] {
        let bundle = &artifact.blobs[1].bytes;
        for index in 0..bundle.len() {
            for bit in 0..8 {
                let mut bytes = bundle.clone();
                bytes[index] ^= 1 << bit;
                let mut world = World::new();
                world.add(with_bundle(artifact, bytes));
                let found = verify(&image(), &world.referrers, &world, &[original.key.public()]);
                let n_proved = found.signatures.len() + found.attestations.len();
                assert_eq!(
                    (n_proved, found.unproved.len() + found.refusals.len()),
                    (0, 1),
                    "{index}"
                );
            }
        }
        // The manifest is not signed: what stays proved must be exactly what was signed.
        for index in 0..artifact.manifest.bytes().len() {
            let mut bytes = artifact.manifest.bytes().to_vec();
            bytes[index] ^= 1 << (index % 7);
            let mut world = World::new();
            world.add(artifact.clone());
            let digest = Digest::sha256(&bytes);
            world.referrers =
                vec![Descriptor::new(media_type::MANIFEST, digest.clone(), bytes.len() as u64)];
            world.blobs.insert(digest, bytes);
            let found = verify(&image(), &world.referrers, &world, &[original.key.public()]);
            for signature in &found.signatures {
                assert_eq!(
                    (signature.created, signature.name.as_deref()),
                    (Some(created()), Some(NAME))
                );
            }
            for attestation in &found.attestations {
                assert_eq!(attestation.predicate_type, predicate_type::SPDX);
                assert_eq!(attestation.predicate, br#"{ "a": 1.0 }"#);
            }
        }
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
        expect![[r"
            refused signature (ARTIFACT): the signature does not match the statement under key `KEY`
        "]],
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
        expect![[r"
            refused signature (ARTIFACT): the signature does not match the statement under key `KEY`
        "]],
    );
}

#[test]
fn attack_signature_of_another_image() {
    let moved = |world: &World| {
        let other = Descriptor::new(media_type::MANIFEST, Digest::sha256(b"other"), 5);
        let subject = Subject { descriptor: &other, name: Some(NAME) };
        sign_image(&world.key, &subject, &BTreeMap::new(), created()).unwrap()
    };
    // As it is, and with a manifest made to refer to this image.
    let check = |make: &dyn Fn(&World) -> Artifact, expected: Expect| {
        check_attack(|world| make(world), expected);
    };
    check(
        &moved,
        expect![[r"
        refused signature (ARTIFACT): the manifest refers to `sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa` (application/vnd.oci.image.manifest.v1+json, 5 bytes), not to the image `IMAGE` (application/vnd.oci.image.manifest.v1+json, 19 bytes)
    "]],
    );
    check(
        &|world| remade(&moved(world), |manifest| manifest.subject = Some(image())),
        expect![[r"
            refused signature (ARTIFACT): the signed statement is about `sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa`, not about `IMAGE`
        "]],
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
        expect![[r"
            refused signature (ARTIFACT): the manifest refers to `IMAGE` (application/vnd.oci.image.index.v1+json, 19 bytes), not to the image `IMAGE` (application/vnd.oci.image.manifest.v1+json, 19 bytes)
        "]],
    );
    check_attack(
        |world| remade(&world.signature(), |manifest| manifest.subject.as_mut().unwrap().size += 1),
        expect![[r"
            refused signature (ARTIFACT): the manifest refers to `IMAGE` (application/vnd.oci.image.manifest.v1+json, 20 bytes), not to the image `IMAGE` (application/vnd.oci.image.manifest.v1+json, 19 bytes)
        "]],
    );
    check_attack(
        |world| remade(&world.signature(), |manifest| manifest.subject = None),
        expect![[r"
            refused signature (ARTIFACT): the manifest refers to nothing, not to the image `IMAGE` (application/vnd.oci.image.manifest.v1+json, 19 bytes)
        "]],
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
    check_attack(
        annotate(predicate_type::PROVENANCE),
        expect![[r"
        refused attestation `https://slsa.dev/provenance/v1` (ARTIFACT): the annotation `dev.sigstore.bundle.predicateType` is `https://slsa.dev/provenance/v1`, not `https://spdx.dev/Document`
    "]],
    );
    // cosign 3.0 writes this one on its attestations too; it makes no signature of them.
    let mut world = World::new();
    let artifact = annotate(predicate_type::SIGN)(&world);
    world.add(artifact);
    let verification = world.verify();
    assert!(verification.signatures.is_empty());
    let proved: Vec<&str> =
        verification.attestations.iter().map(|proved| proved.predicate_type.as_str()).collect();
    assert_eq!(proved, [predicate_type::SPDX]);
    check_attack(
        annotate("\x1b[2J\u{202E}evil"),
        expect![[r"
        refused attestation `�[2J�evil` (ARTIFACT): the annotation `dev.sigstore.bundle.predicateType` is `�[2J�evil`, not `https://spdx.dev/Document`
    "]],
    );
    check_attack(
        |world| {
            remade(&world.signature(), |manifest| {
                manifest.annotations.remove(ANNOTATION_CONTENT);
            })
        },
        expect![[r"
            refused signature (ARTIFACT): the annotation `dev.sigstore.bundle.content` is ``, not `dsse-envelope`
        "]],
    );
}

#[test]
fn attack_payload_that_is_no_statement() {
    let image = image();
    let signed = |kind: &'static str, payload: String| {
        move |world: &World| with_payload(world, &world.key, kind, payload.as_bytes())
    };
    check_attack(
        signed("text/plain", "{}".to_owned()),
        expect![[r"
        refused signature (ARTIFACT): the payload type is `text/plain`, not an in-toto statement
    "]],
    );
    check_attack(
        signed(PAYLOAD_TYPE, "{}".to_owned()),
        expect![[r"
            refused signature (ARTIFACT): the signed statement is malformed: not a valid in-toto statement: missing field `_type`
        "]],
    );
    let statement = |kind: &str, subject: &str| {
        let predicate_type = predicate_type::SIGN;
        format!(
            r#"{{"_type":"{kind}","subject":[{subject}],"predicateType":"{predicate_type}","predicate":{{}}}}"#
        )
    };
    let v1 = crate::statement::TYPE;
    let digest = format!(r#"{{"digest":{{"sha256":"{}"}}}}"#, image.digest.hex());
    let old = statement("https://in-toto.io/Statement/v0.2", &digest);
    check_attack(
        signed(PAYLOAD_TYPE, old),
        expect![[r"
        refused signature (ARTIFACT): the signed statement is malformed: its type is `https://in-toto.io/Statement/v0.2`
    "]],
    );
    check_attack(
        signed(PAYLOAD_TYPE, statement(v1, "")),
        expect![[r"
        refused signature (ARTIFACT): the signed statement is about nothing, not about `IMAGE`
    "]],
    );
    let two = format!(r#"{{"digest":{{"sha256":"{0}","sha512":"{0}"}}}}"#, image.digest.hex());
    let text = statement(v1, &two);
    let mut world = World::new();
    world.add(with_payload(&world, &world.key, PAYLOAD_TYPE, text.as_bytes()));
    assert!(world.verify().signatures.is_empty(), "a digest that nobody compares");
    let twice = statement(v1, &digest).replacen('{', r#"{"predicateType":"x","#, 1);
    check_attack(
        signed(PAYLOAD_TYPE, twice),
        expect![[r"
            refused signature (ARTIFACT): the signed statement is malformed: not a valid in-toto statement: the key `predicateType` stands twice
        "]],
    );
    let name = statement(v1, &digest.replacen('{', "{\"name\":\"a\\u001bb\",", 1));
    check_attack(
        signed(PAYLOAD_TYPE, name),
        expect![[r"
        refused signature (ARTIFACT): the signed statement is malformed: the signed name has control characters or is too long
    "]],
    );
    // The same without fault is what cosign writes.
    let mut world = World::new();
    let good = statement(v1, &digest);
    world.add(with_payload(&world, &world.key, PAYLOAD_TYPE, good.as_bytes()));
    expect![[r"
        proved signature of - by KEY
    "]]
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
        expect![[r"
            refused signature (ARTIFACT): the sigstore bundle is malformed: not a valid sigstore bundle: the key `mediaType` stands twice
        "]],
    );
    check_attack(
        |world| with_bundle_json(&world.signature(), |bundle| bundle["extra"] = json!(1)),
        expect![[r"
            refused signature (ARTIFACT): the sigstore bundle is malformed: not a valid sigstore bundle: unknown field `extra`, expected one of `mediaType`, `verificationMaterial`, `dsseEnvelope`, `messageSignature`
        "]],
    );
    check_attack(
        |world| {
            with_bundle_json(&world.signature(), |bundle| {
                let signature = bundle["dsseEnvelope"]["signatures"][0].clone();
                bundle["dsseEnvelope"]["signatures"].as_array_mut().unwrap().push(signature);
            })
        },
        expect![[r"
            refused signature (ARTIFACT): the sigstore bundle is malformed: it has not one signature
        "]],
    );
    check_attack(
        |world| with_bundle(&world.signature(), b"{}".to_vec()),
        expect![[r"
            refused signature (ARTIFACT): the sigstore bundle is malformed: not a valid sigstore bundle: missing field `mediaType`
        "]],
    );
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
        assert!(report.contains(" (ARTIFACT): the manifest is malformed: "), "{report}");
        assert!(report.contains(expected), "{report}");
    }
}

#[test]
fn attack_other_shapes_of_the_manifest() {
    let edited = |edit: fn(&mut Manifest)| move |world: &World| remade(&world.signature(), edit);
    check_attack(
        edited(|manifest| manifest.layers.clear()),
        expect![[r"
        refused signature (ARTIFACT): the manifest is malformed: it has 0 layers, not one
    "]],
    );
    check_attack(
        edited(|manifest| manifest.layers[0].media_type.push('x')),
        expect![[r"
        refused signature (ARTIFACT): the sigstore bundle has media type `application/vnd.dev.sigstore.bundle.v0.3+jsonx`, not `application/vnd.dev.sigstore.bundle.v0.3+json`
    "]],
    );
    check_attack(
        edited(|manifest| manifest.config.media_type = media_type::CONFIG.to_owned()),
        expect![[r"
            refused signature (ARTIFACT): the config has media type `application/vnd.oci.image.config.v1+json`, not `application/vnd.oci.empty.v1+json`
        "]],
    );
    check_attack(
        edited(|manifest| manifest.config.size = 3),
        expect![[r"
        refused signature (ARTIFACT): the config has 2 bytes, but its descriptor says 3
    "]],
    );
    check_attack(
        edited(|manifest| manifest.media_type = Some(media_type::INDEX.to_owned())),
        expect![[r"
            refused signature (ARTIFACT): the manifest has media type `application/vnd.oci.image.index.v1+json`, not `application/vnd.oci.image.manifest.v1+json`
        "]],
    );
    check_attack(
        edited(|manifest| manifest.layers[0].size = u64::MAX),
        expect![[r"
        refused signature (ARTIFACT): the sigstore bundle has 18446744073709551615 bytes, more than the limit of 134217728
    "]],
    );
}

#[test]
fn unknown_keys_and_kinds_prove_nothing() {
    check_attack(
        |_| World::new().signature(),
        expect![[r"
        unproved signature (ARTIFACT): it is signed by an unknown key
    "]],
    );
    check_attack(
        |world| {
            remade(&world.signature(), |manifest| manifest.artifact_type = Some("a/b".to_owned()))
        },
        expect![[r"
            unproved signature (ARTIFACT): `a/b` is not a kind that is verified
        "]],
    );
    check_attack(
        |world| {
            with_bundle_json(&world.signature(), |bundle| {
                bundle["verificationMaterial"] = json!({"certificate": {"rawBytes": ""}});
            })
        },
        expect![[r"
            unproved signature (ARTIFACT): it is signed with a certificate
        "]],
    );
    check_attack(
        |world| {
            with_bundle_json(&world.signature(), |bundle| {
                bundle.as_object_mut().unwrap().remove("dsseEnvelope");
                bundle["messageSignature"] = json!({ "signature": "AA==" });
            })
        },
        expect![[r"
            unproved signature (ARTIFACT): it is a signature without statement
        "]],
    );
    // Without hint every known key is tried.
    check_attack(
        |_| {
            with_bundle_json(&World::new().signature(), |bundle| {
                bundle["verificationMaterial"]["publicKey"]["hint"] = json!("");
            })
        },
        expect![[r"
            unproved signature (ARTIFACT): it is signed by an unknown key
        "]],
    );
    let mut world = World::new();
    world.add(with_bundle_json(&world.signature(), |bundle| {
        bundle["verificationMaterial"] = json!({"publicKey": {}, "tlogEntries": []});
    }));
    assert_eq!(world.verify().signatures.len(), 1);
}

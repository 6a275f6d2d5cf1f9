//! Each way in which a bundle is wrong, and what is said of it.

use sealift_crypto::certificate::{Extension, PURPOSE_TIME_STAMPING};
use sealift_crypto::{Hash, SigningKey};
use sealift_sigstore::{
    Artifact, Claim, Content, IdentityPolicy, Matcher, Proof, Signer, Thresholds, TrustedRoot,
    verify_bundle,
};
use serde_json::{Value, json};

use crate::instance::{CONTENT, IDENTITY, ISSUER, Instance, Kind, Plan, base64, extensions, time};

const NOW: &str = "2026-11-21T00:00:00Z";

fn policy() -> IdentityPolicy {
    IdentityPolicy::new(Matcher::exact(IDENTITY), Matcher::exact(ISSUER))
}

fn verify_with(bundle: &Value, root: &Value, policy: &IdentityPolicy) -> Result<Proof, String> {
    let root = TrustedRoot::from_json(root.to_string().as_bytes()).map_err(|e| e.to_string())?;
    let signer = Signer::Identity(policy, &root);
    verify_bundle(bundle.to_string().as_bytes(), Artifact::Bytes(CONTENT), signer, time(NOW))
        .map_err(|refusal| refusal.to_string())
}

fn refused(expected: &str, bundle: &Value, root: &Value) {
    assert_eq!(verify_with(bundle, root, &policy()).unwrap_err(), expected);
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

#[test]
fn good_bundles() {
    let instance = Instance::new();
    let root = instance.root();
    for kind in Kind::ALL {
        let bundle = instance.bundle(&Plan::new(kind));
        let proof =
            verify_with(&bundle, &root, &policy()).unwrap_or_else(|why| panic!("{kind:?}: {why}"));
        let identity = proof.identity.unwrap();
        assert_eq!((identity.name.as_str(), identity.issuer.as_str()), (IDENTITY, ISSUER));
        let repository = Claim { name: "repository", value: "https://ci.test/team/app".to_owned() };
        assert!(identity.claims.contains(&repository));
        assert_eq!(proof.time, Some(time(crate::instance::TIME)));
        let is_statement = matches!(proof.content, Content::Statement { .. });
        assert_eq!(is_statement, !matches!(kind, Kind::Hashed1 | Kind::Hashed2));
        let text = bundle.to_string();
        let root = TrustedRoot::from_json(root.to_string().as_bytes()).unwrap();
        let digest = Hash::Sha256.of(CONTENT);
        let signer = policy();
        let signer = Signer::Identity(&signer, &root);
        let artifact = Artifact::Digest(Hash::Sha256, &digest);
        verify_bundle(text.as_bytes(), artifact, signer, time(NOW)).unwrap();
    }
}

#[test]
fn the_proof_tells_each_step() {
    let instance = Instance::new();
    let bundle = instance.bundle(&Plan::new(Kind::Hashed1));
    let proof = verify_with(&bundle, &instance.root(), &policy()).unwrap();
    let whats: Vec<&str> = proof.steps.iter().map(|step| step.what).collect();
    // One path for each signed moment.
    assert_eq!(
        whats,
        [
            "content",
            "signature",
            "timestamp",
            "log",
            "certificate",
            "certificate",
            "certificate log",
            "identity"
        ]
    );
    assert_eq!(
        proof.steps[3].found,
        "entry 1002 of `https://rekor.test` at 2026-06-01T12:00:00Z, by promise and inclusion proof"
    );
    assert_eq!(
        proof.steps[4].found,
        "valid at 2026-06-01T12:00:00Z below `CN=middle,O=test`, `CN=root,O=test`"
    );
}

#[test]
fn an_entry_of_another_signature() {
    let instance = Instance::new();
    let root = instance.root();
    let key = SigningKey::generate_p256();
    for kind in Kind::ALL {
        let plan = Plan::new(kind);
        // The same signer, the same content, a second signature: a sound entry, but not of this one.
        let mut bundle = instance.bundle_by(&plan, &key);
        let mut other = instance.bundle_by(&plan, &key);
        *entry(&mut bundle) = entry(&mut other).take();
        refused("log entry 1002: it is of another signature", &bundle, &root);
        // Other content (GHSA-whqx-f9j3-ch6m: an entry of something else altogether).
        let mut bundle = instance.bundle_by(&plan, &key);
        let mut other =
            instance.bundle_by(&Plan { content: b"other".to_vec(), ..Plan::new(kind) }, &key);
        *entry(&mut bundle) = entry(&mut other).take();
        refused("log entry 1002: it is of other content", &bundle, &root);
    }
}

#[test]
fn an_entry_of_another_signer() {
    let instance = Instance::new();
    let root = instance.root();
    let key = SigningKey::generate_p256();
    let plan = Plan::new(Kind::Hashed1);
    // One key, two certificates: the signature fits both, the entry only one.
    let mut bundle = instance.bundle_by(&plan, &key);
    let other = instance.certificate(&plan, &key);
    bundle["verificationMaterial"]["certificate"]["rawBytes"] = json!(base64(other.der()));
    refused("log entry 1002: it is of another signer", &bundle, &root);
}

fn altered(instance: &Instance, kind: Kind, change: &dyn Fn(&mut Value)) -> Value {
    let mut bundle = instance.bundle(&Plan::new(kind));
    change(entry(&mut bundle));
    bundle
}

#[test]
fn altered_proofs() {
    let instance = Instance::new();
    let root = instance.root();
    let change = |kind, change: &dyn Fn(&mut Value)| altered(&instance, kind, change);
    let say = |expected: &str, bundle: Value| {
        refused(&format!("log entry 1002: {expected}"), &bundle, &root);
    };
    let broken = "its inclusion proof is too long, too short or broken";
    say(
        broken,
        change(Kind::Hashed2, &|entry| {
            let hashes = entry["inclusionProof"]["hashes"].as_array_mut().unwrap();
            hashes.push(json!(base64(&[0; 32])));
        }),
    );
    say(
        broken,
        change(Kind::Hashed2, &|entry| {
            entry["inclusionProof"]["hashes"].as_array_mut().unwrap().pop();
        }),
    );
    say(
        "its inclusion proof leads to another root",
        change(Kind::Hashed2, &|entry| entry["inclusionProof"]["logIndex"] = json!("3")),
    );
    say(
        "its checkpoint is of another tree",
        change(Kind::Hashed2, &|entry| {
            entry["inclusionProof"]["hashes"] = json!([]);
            entry["inclusionProof"]["treeSize"] = json!("1");
            entry["inclusionProof"]["logIndex"] = json!("0");
            let body = entry["canonicalizedBody"].as_str().unwrap().to_owned();
            let body = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body);
            let leaf = Hash::Sha256.of(&[&[0], &body.unwrap()[..]].concat());
            entry["inclusionProof"]["rootHash"] = json!(base64(&leaf));
        }),
    );
}

#[test]
fn altered_promises() {
    let instance = Instance::new();
    let root = instance.root();
    let change = |kind, change: &dyn Fn(&mut Value)| altered(&instance, kind, change);
    let say = |expected: &str, bundle: Value| {
        refused(&format!("log entry 1002: {expected}"), &bundle, &root);
    };
    let promise = "the log's promise is not its signature over this entry";
    say(promise, change(Kind::Hashed1, &|entry| entry["integratedTime"] = json!("1780315201")));
    say(
        "the log's promise has no time",
        change(Kind::Hashed1, &|entry| entry["integratedTime"] = json!("0")),
    );
    say(
        "its kind has no promise",
        change(Kind::Hashed2, &|entry| {
            entry["inclusionPromise"] = json!({"signedEntryTimestamp": "AAAA"});
        }),
    );
    say(
        "it has no inclusion proof with a checkpoint",
        change(Kind::Hashed1, &|entry| {
            entry.as_object_mut().unwrap().remove("inclusionProof");
        }),
    );
    say(
        "it is of another kind than the bundle says",
        change(Kind::Hashed2, &|entry| entry["kindVersion"]["version"] = json!("0.0.1")),
    );
    // A promise that the log gave for another number.
    say(promise, {
        let mut bundle = instance.bundle(&Plan::new(Kind::Hashed1));
        let mut other = instance.bundle(&Plan::new(Kind::Hashed1));
        entry(&mut bundle)["inclusionPromise"] = entry(&mut other)["inclusionPromise"].take();
        bundle
    });
    // The same entry twice would be two.
    say("it stands twice in the bundle", {
        let mut bundle = instance.bundle(&Plan::new(Kind::Hashed2));
        let twice = entry(&mut bundle).clone();
        bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(twice);
        bundle
    });
}

#[test]
fn a_checkpoint_by_another_key() {
    let instance = Instance::new();
    let mut other = Instance::new();
    other.middle = Instance::new().middle;
    let mut root = instance.root();
    // The log's name and number stay, its key is another's.
    root["tlogs"][1]["publicKey"]["rawBytes"] =
        other.root()["tlogs"][1]["publicKey"]["rawBytes"].take();
    let bundle = instance.bundle(&Plan::new(Kind::Hashed2));
    refused(
        "log entry 1002: its checkpoint is not signed by the log `https://rekor2.test`",
        &bundle,
        &root,
    );
    let mut root = instance.root();
    root["tlogs"][1]["logId"]["keyId"] = json!(base64(&[7; 32]));
    refused("0 of 1 needed log entries: log entry 1002: its log is unknown", &bundle, &root);
}

#[test]
fn times() {
    let instance = Instance::new();
    let root = instance.root();
    let at = |kind, text: &str| instance.bundle(&Plan { time: time(text), ..Plan::new(kind) });
    let late = at(Kind::Hashed2, "2026-06-01T12:05:01Z");
    let found = verify_with(&late, &root, &policy()).unwrap_err();
    assert!(
        found.ends_with(
            "is valid from 2026-06-01T11:55:00Z to 2026-06-01T12:05:00Z, and not at 2026-06-01T12:05:01Z"
        ),
        "{found}"
    );
    for kind in [Kind::Hashed1, Kind::Hashed2] {
        let early = verify_with(&at(kind, "2026-06-01T11:54:59Z"), &root, &policy());
        assert!(early.unwrap_err().contains("and not at 2026-06-01T11:54:59Z"));
        verify_with(&at(kind, "2026-06-01T12:05:00Z"), &root, &policy()).unwrap();
    }
    // One good moment does not make up for a bad one.
    let mut bundle = instance.bundle(&Plan { has_timestamp: false, ..Plan::new(Kind::Hashed1) });
    verify_with(&bundle, &root, &policy()).unwrap();
    let signature = bundle["messageSignature"]["signature"].as_str().unwrap();
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, signature).unwrap();
    let stamp = |at: &str| {
        let token = base64(&instance.timestamp(&signature, time(at)));
        json!({"rfc3161Timestamps": [{"signedTimestamp": token}]})
    };
    bundle["verificationMaterial"]["timestampVerificationData"] = stamp("2026-07-01T00:00:00Z");
    let found = verify_with(&bundle, &root, &policy()).unwrap_err();
    assert!(found.contains("and not at 2026-07-01T00:00:00Z"), "{found}");
    bundle["verificationMaterial"]["timestampVerificationData"] = stamp("2027-01-01T00:00:00Z");
    refused("timestamp 1: its time 2027-01-01T00:00:00Z is in the future", &bundle, &root);
    // Without any moment nothing says that the certificate was valid.
    let bundle = instance.bundle(&Plan { has_timestamp: false, ..Plan::new(Kind::Hashed2) });
    refused("0 of 1 needed signed times", &bundle, &root);
    let none = Thresholds { log_entries: 0, times: 0, certificate_timestamps: 0 };
    let none = IdentityPolicy { thresholds: none, ..policy() };
    assert_eq!(verify_with(&bundle, &root, &none).unwrap_err(), "0 of 1 needed signed times");
    // A timestamp of another signature.
    let mut bundle = instance.bundle(&Plan::new(Kind::Hashed2));
    bundle["verificationMaterial"]["timestampVerificationData"] = stamp(crate::instance::TIME);
    refused("timestamp 1: the timestamp is over other bytes", &bundle, &root);
}

#[test]
fn times_of_the_trusted_root() {
    let instance = Instance::new();
    let bundle = instance.bundle(&Plan::new(Kind::Hashed1));
    let ended = |pointer: &str| {
        let mut root = instance.root();
        root.pointer_mut(pointer).unwrap()["end"] = json!("2026-06-01T11:59:59Z");
        root
    };
    let at = "is not trusted at 2026-06-01T12:00:00Z";
    refused(
        &format!("log entry 1002: its log `https://rekor.test` {at}"),
        &bundle,
        &ended("/tlogs/0/publicKey/validFor"),
    );
    refused(
        &format!("the certificate's log: `https://ct.test` {at}"),
        &bundle,
        &ended("/ctlogs/0/publicKey/validFor"),
    );
    refused(
        &format!("the signing certificate is not trusted: `https://fulcio.test` {at}"),
        &bundle,
        &ended("/certificateAuthorities/0/validFor"),
    );
    let second = instance.bundle(&Plan::new(Kind::Hashed2));
    refused(
        &format!("0 of 1 needed signed times: timestamp 1: `https://stamp.test` {at}"),
        &second,
        &ended("/timestampAuthorities/0/validFor"),
    );
    // A log that signs no moments is judged by those of others.
    refused(
        &format!("log entry 1002: its log `https://rekor2.test` {at}"),
        &second,
        &ended("/tlogs/1/publicKey/validFor"),
    );
    let mut root = instance.root();
    root["tlogs"][0]["publicKey"]["validFor"] = json!({});
    refused(
        "not a usable trusted root: the log `https://rekor.test` has no sound time for which it is trusted",
        &bundle,
        &root,
    );
}

#[test]
fn certificates() {
    let instance = Instance::new();
    let root = instance.root();
    let with = |extensions: Vec<Extension>| {
        instance.bundle(&Plan { extensions: Some(extensions), ..Plan::new(Kind::Hashed1) })
    };
    let ends = |expected: &str, bundle: &Value| {
        let found = verify_with(bundle, &root, &policy()).unwrap_err();
        assert!(found.ends_with(expected), "{found}");
    };
    let without = |id: &str| -> Vec<Extension> {
        extensions(IDENTITY, ISSUER).into_iter().filter(|extension| extension.id != id).collect()
    };
    let usage = "2.5.29.37";
    ends("is not for signing code", &with(without(usage)));
    let stamping = Extension::extended_key_usage(false, &[PURPOSE_TIME_STAMPING]).unwrap();
    ends("is not for signing code", &with([without(usage), vec![stamping]].concat()));
    ends("the signing certificate names not exactly one identity", &with(without("2.5.29.17")));
    let old = "1.3.6.1.4.1.57264.1.1";
    verify_with(&with(without(old)), &root, &policy()).unwrap();
    let none = without(old).into_iter().filter(|e| e.id != "1.3.6.1.4.1.57264.1.8").collect();
    ends("the signing certificate names no issuer", &with(none));
    let other = Extension { id: old.to_owned(), is_critical: false, value: b"https://x".to_vec() };
    ends("the signing certificate names two issuers", &with([without(old), vec![other]].concat()));
    let critical = Extension { id: "1.2.3".to_owned(), is_critical: true, value: vec![5, 0] };
    ends(
        "has a critical extension `1.2.3` that is not understood",
        &with([extensions(IDENTITY, ISSUER), vec![critical]].concat()),
    );
    let authority = vec![Extension::basic_constraints(true, None)];
    ends(
        "the signing certificate is that of an authority",
        &with([extensions(IDENTITY, ISSUER), authority].concat()),
    );
    // Another instance's certificate.
    let found = verify_with(&Instance::new().bundle(&Plan::new(Kind::Hashed1)), &root, &policy());
    assert_eq!(
        found.unwrap_err(),
        "0 of 1 needed log entries: timestamp 1: the timestamp's signer is unknown: its certificate is \
         neither inside nor trusted; log entry 1002: its log is unknown"
    );
}

#[test]
fn an_issuer_that_is_no_authority() {
    let mut instance = Instance::new();
    // The middle one is a leaf, and the root trusts it as little as any other.
    let key = SigningKey::generate_p384();
    let plan = Plan { has_promise_of_certificate: false, ..Plan::new(Kind::Hashed1) };
    let leaf = sealift_crypto::certificate::Draft {
        subject: instance.middle.certificate.subject(),
        key: &key.public(),
        not_before: time("2025-01-01T00:00:00Z"),
        not_after: time("2035-01-01T00:00:00Z"),
        extensions: &[Extension::basic_constraints(false, None)],
    }
    .issue(&instance.root.certificate, &instance.root.key)
    .unwrap();
    instance.middle = crate::instance::Party { key, certificate: leaf };
    let bundle = instance.bundle(&plan);
    refused(
        "the signing certificate is not trusted: the certificate `CN=middle,O=test` signed another, but is \
         not an authority",
        &bundle,
        &instance.root(),
    );
}

#[test]
fn promises_of_certificate_logs() {
    let instance = Instance::new();
    let mut root = instance.root();
    let plan = Plan { has_promise_of_certificate: false, ..Plan::new(Kind::Hashed1) };
    let bundle = instance.bundle(&plan);
    refused("0 of 1 needed promises of certificate logs: the certificate has none", &bundle, &root);
    let unasked = Thresholds { certificate_timestamps: 0, ..Thresholds::default() };
    let unasked = IdentityPolicy { thresholds: unasked, ..policy() };
    verify_with(&bundle, &root, &unasked).unwrap();
    let bundle = instance.bundle(&Plan::new(Kind::Hashed1));
    let key = root["ctlogs"][0]["publicKey"]["rawBytes"].clone();
    root["ctlogs"][0]["publicKey"]["rawBytes"] = root["tlogs"][0]["publicKey"]["rawBytes"].clone();
    refused(
        "the certificate's log: a promise is not its signature over this certificate",
        &bundle,
        &root,
    );
    root["ctlogs"][0]["publicKey"]["rawBytes"] = key;
    root["ctlogs"][0]["logId"]["keyId"] = json!(base64(&[7; 32]));
    let found = verify_with(&bundle, &root, &policy()).unwrap_err();
    assert!(found.starts_with("0 of 1 needed promises of certificate logs: "), "{found}");
    assert!(found.ends_with(" is unknown"), "{found}");
}

#[test]
fn identities() {
    let instance = Instance::new();
    let root = instance.root();
    let bundle = instance.bundle(&Plan::new(Kind::Dsse1));
    let judge = |identity: Matcher, issuer: Matcher| {
        verify_with(&bundle, &root, &IdentityPolicy::new(identity, issuer)).map(|_| ())
    };
    let (right, issuer) = (|| Matcher::exact(IDENTITY), || Matcher::exact(ISSUER));
    let expression = |text: &str| Matcher::expression(text).unwrap();
    judge(expression(r"https://ci\.test/team/.*"), expression(".*")).unwrap();
    assert_eq!(
        judge(expression(r"https://ci\.test/team/"), issuer()).unwrap_err(),
        format!("the identity is `{IDENTITY}`, and all of `https://ci\\.test/team/` is asked for")
    );
    assert_eq!(
        judge(right(), Matcher::exact("https://other.test")).unwrap_err(),
        format!("the issuer is `{ISSUER}`, and `https://other.test` is asked for")
    );
    assert_eq!(
        judge(Matcher::exact(""), issuer()).unwrap_err(),
        format!("the identity is `{IDENTITY}`, and `` is asked for")
    );
    for text in ["(", "a)|(b", "(?x)a # "] {
        assert!(Matcher::expression(text).is_err(), "{text}");
    }
    let claim = |name: &str, matcher: Matcher| {
        let policy = policy().with_claim(name, matcher).map_err(|e| e.to_string())?;
        verify_with(&bundle, &root, &policy).map(|_| ())
    };
    claim("ref", Matcher::exact("refs/heads/main")).unwrap();
    claim("runner-environment", expression("hosted|other")).unwrap();
    assert_eq!(
        claim("ref", Matcher::exact("refs/heads/evil")).unwrap_err(),
        "the claim `ref` is `refs/heads/main`, and `refs/heads/evil` is asked for"
    );
    assert_eq!(
        claim("trigger", Matcher::exact("push")).unwrap_err(),
        "the claim `trigger` is nothing, and `push` is asked for"
    );
    assert_eq!(
        claim("colour", Matcher::exact("x")).unwrap_err(),
        "certificates have no claim `colour`"
    );
}

#[test]
fn other_content() {
    let instance = Instance::new();
    let root = instance.root();
    for (kind, expected) in [
        (Kind::Hashed1, "the bundle is for other content: it has the sha256"),
        (
            Kind::Dsse1,
            "the bundle is for other content: no subject of its statement has the digest of the content",
        ),
    ] {
        let plan = Plan { content: b"other".to_vec(), ..Plan::new(kind) };
        let found = verify_with(&instance.bundle(&plan), &root, &policy()).unwrap_err();
        assert!(found.starts_with(expected), "{found}");
    }
    // The digest is only a hint: without it the signature decides.
    let plan = Plan { content: b"other".to_vec(), ..Plan::new(Kind::Hashed1) };
    let mut bundle = instance.bundle(&plan);
    bundle["messageSignature"].as_object_mut().unwrap().remove("messageDigest");
    refused("the signature does not match", &bundle, &root);
}

#[test]
fn keys_and_certificates_are_not_mixed_up() {
    let instance = Instance::new();
    let root = TrustedRoot::from_json(instance.root().to_string().as_bytes()).unwrap();
    let key = SigningKey::generate_p256();
    let mut bundle = instance.bundle_by(&Plan::new(Kind::Hashed1), &key);
    let judge = |bundle: &Value, signer: Signer<'_>| {
        let bundle = bundle.to_string();
        verify_bundle(bundle.as_bytes(), Artifact::Bytes(CONTENT), signer, time(NOW))
            .map(|proof| proof.steps.len())
            .map_err(|refusal| refusal.to_string())
    };
    let public = key.public();
    assert_eq!(
        judge(&bundle, Signer::Key(&public, None)).unwrap_err(),
        "it is signed with a certificate, and a key is asked for"
    );
    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
    material.remove("certificate");
    material.insert("publicKey".to_owned(), json!({"hint": public.hint()}));
    assert_eq!(judge(&bundle, Signer::Key(&public, None)), Ok(2));
    assert_eq!(
        judge(&bundle, Signer::Identity(&policy(), &root)).unwrap_err(),
        "it is signed with a key, and a certificate is asked for"
    );
    // The entry names the certificate, and not the key.
    assert_eq!(
        judge(&bundle, Signer::Key(&public, Some(&root))).unwrap_err(),
        "log entry 1002: it is of another signer"
    );
    let other = SigningKey::generate_p256().public();
    assert_eq!(
        judge(&bundle, Signer::Key(&other, None)).unwrap_err(),
        "the signature does not match"
    );
}

#[test]
fn no_altered_byte_of_a_bundle_passes() {
    let instance = Instance::new();
    let root = TrustedRoot::from_json(instance.root().to_string().as_bytes()).unwrap();
    let policy = policy();
    for kind in [Kind::Hashed1, Kind::HashedEnvelope2] {
        let text = instance.bundle(&Plan::new(kind)).to_string();
        for index in (0..text.len()).step_by(23) {
            let mut bytes = text.clone().into_bytes();
            bytes[index] ^= 1;
            let signer = Signer::Identity(&policy, &root);
            let judged = verify_bundle(&bytes, Artifact::Bytes(CONTENT), signer, time(NOW));
            if let Ok(proof) = judged {
                // What nothing signs may change: numbers of the log for people, hints, the timestamp's versions.
                assert_eq!(proof.identity.unwrap().name, IDENTITY);
                assert_eq!(proof.time, Some(time(crate::instance::TIME)), "byte {index}");
            }
        }
    }
}

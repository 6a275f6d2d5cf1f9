//! What we sign, we verify.

use std::collections::BTreeMap;

use expect_test::expect;
use sealift_crypto::{Certificate, RsaSize, SigningKey};
use sealift_notation::{
    Algorithm, Envelope, EnvelopeFormat, SignedTime, SigningScheme, Statement, StoreName,
    StoreType, TrustStore, artifact, envelope_of, is_signature,
};

use crate::{Other, World, draft, leaf_extensions, name, refusal, time};

const FORMATS: [EnvelopeFormat; 2] = [EnvelopeFormat::Jws, EnvelopeFormat::Cose];

#[test]
fn every_kind_of_key_in_both_formats() {
    let keys = [
        (SigningKey::generate_p256(), Algorithm::Es256),
        (SigningKey::generate_p384(), Algorithm::Es384),
        (SigningKey::generate_p521(), Algorithm::Es512),
        (SigningKey::generate_rsa_of(RsaSize::Bits2048), Algorithm::Ps256),
        (SigningKey::generate_rsa(), Algorithm::Ps384),
        (SigningKey::generate_rsa_of(RsaSize::Bits4096), Algorithm::Ps512),
    ];
    for (key, algorithm) in keys {
        let world = World::with_key(key);
        for format in FORMATS {
            let bytes = world.sign(format);
            let envelope = Envelope::parse(format.media_type(), &bytes).unwrap();
            assert_eq!(envelope.algorithm, algorithm);
            let outcome = world.verify(format, &bytes);
            assert_eq!(refusal(&outcome), "accepted", "{algorithm:?} {format:?}");
            assert_eq!(outcome.checks.len(), 5);
            assert_eq!(outcome.warnings().count(), 0);
            let signed = outcome.signed.unwrap();
            assert_eq!(signed.target, world.target());
            assert_eq!(signed.subject(), "CN=app,O=Ship,ST=BE,C=CH");
            assert_eq!(*signed.key(), world.key.public());
            assert_eq!(signed.authority.as_ref(), world.chain.last());
            assert_eq!(signed.time, SignedTime::Claimed(time("2026-11-20T12:00:00Z")));
            assert_eq!(signed.agent.as_deref(), Some("sealift/test"));
        }
    }
}

#[test]
fn no_other_keys() {
    let world = World::with_key(SigningKey::generate_ed25519());
    let error = world.sign_as(EnvelopeFormat::Jws, |_| {}).unwrap_err();
    expect![
        "cannot sign: the key is none of P-256, P-384, P-521 and RSA of 2048, 3072 or 4096 bits"
    ]
    .assert_eq(&error.to_string());
}

#[test]
fn self_signed_signer() {
    let key = SigningKey::generate_p256();
    let (subject, extensions) = (name("alone"), leaf_extensions());
    let leaf = draft(&subject, &key.public(), &extensions).self_sign(&key).unwrap();
    let mut world = World::with_key(key);
    world.chain = vec![leaf];
    for format in FORMATS {
        assert_eq!(world.refusal(format, &world.sign(format)), "accepted");
    }
}

#[test]
fn signing_authority() {
    let world = World::new();
    let name = StoreName::new(StoreType::SigningAuthority, "team").unwrap();
    let statement = Statement::strict("team", vec![name.clone()]);
    let mut store = TrustStore::default();
    store.insert(name, vec![world.chain[2].clone()]).unwrap();
    for format in FORMATS {
        let bytes = world
            .sign_as(format, |request| {
                request.scheme = SigningScheme::SigningAuthority;
                request.expiry = Some(time("2026-12-21T00:00:00Z"));
            })
            .unwrap();
        // Long after the certificates: the service is believed about the time, and the expiry counts.
        let at = |now: &str| {
            let other = Other {
                statement: Some(&statement),
                store: Some(&store),
                now: Some(now),
                ..Other::default()
            };
            world.verify_with(format, &bytes, &other)
        };
        let outcome = at("2026-12-20T00:00:00Z");
        assert_eq!(refusal(&outcome), "accepted");
        let signed_at = outcome.signed.unwrap().time;
        assert_eq!(signed_at, SignedTime::SigningAuthority(time("2026-11-20T12:00:00Z")));
        expect!["the signature expired at 2026-12-21T00:00:00Z"]
            .assert_eq(&refusal(&at("2028-01-01T00:00:00Z")));
        // Who trusts it as an authority only does not believe its time.
        let outcome = world.verify(format, &bytes);
        expect!["the trust store `signingAuthority:team` cannot be used: it is not here"]
            .assert_eq(&refusal(&world.verify_with(
                format,
                &bytes,
                &Other { statement: Some(&statement), ..Other::default() },
            )));
        expect!["no certificate of the signature is in the trust stores of statement `team`"]
            .assert_eq(&refusal(&outcome));
    }
}

#[test]
fn artifacts() {
    let world = World::new();
    for format in FORMATS {
        let bytes = world.sign(format);
        let artifact = artifact(format, bytes.clone(), &world.image).unwrap();
        let manifest = artifact.manifest.value();
        assert!(is_signature(manifest));
        let layer = envelope_of(manifest, &world.image).unwrap();
        let blob = artifact.blobs.iter().find(|blob| blob.descriptor == *layer).unwrap();
        assert_eq!(blob.bytes, bytes);
        let thumbprints: Vec<String> =
            serde_json::from_str(&manifest.annotations["io.cncf.notary.x509chain.thumbprint#S256"])
                .unwrap();
        let own: Vec<String> = world.chain.iter().map(Certificate::fingerprint).collect();
        assert_eq!(thumbprints, own);
        // notation 2's form; a mixture of both is none.
        let mut newer = manifest.clone();
        newer.artifact_type = Some("application/vnd.cncf.notary.signature".to_owned());
        assert!(envelope_of(&newer, &world.image).is_err());
        newer.config.media_type = "application/vnd.oci.empty.v1+json".to_owned();
        assert!(is_signature(&newer) && envelope_of(&newer, &world.image).is_ok());
        newer.artifact_type = None;
        assert!(!is_signature(&newer) && envelope_of(&newer, &world.image).is_err());
        let mut other = world.image.clone();
        other.size += 1;
        let error = envelope_of(manifest, &other).unwrap_err();
        expect!["not the manifest of a Notary Project signature: it refers to another image"]
            .assert_eq(&error.to_string());
    }
}

#[test]
fn annotations_that_are_asked_for() {
    let world = World::new();
    let bytes = world.sign(EnvelopeFormat::Cose);
    let ask = |value: &str| {
        let annotations = BTreeMap::from([("build".to_owned(), value.to_owned())]);
        let other = Other { annotations: Some(&annotations), ..Other::default() };
        refusal(&world.verify_with(EnvelopeFormat::Cose, &bytes, &other))
    };
    assert_eq!(ask("7"), "accepted");
    expect!["the signature has no annotation `build` with the value `8`"].assert_eq(&ask("8"));
}

#[test]
fn what_is_not_signed() {
    let world = World::new();
    let refused = |change: &dyn Fn(&mut sealift_notation::Request<'_>)| {
        world.sign_as(EnvelopeFormat::Jws, |request| change(request)).unwrap_err().to_string()
    };
    expect!["cannot sign: it would expire before it is signed"].assert_eq(&refused(&|request| {
        request.expiry = Some(time("2026-11-20T12:00:00.9Z"));
    }));
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` is valid from 2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z, and not at 2027-01-02T00:00:00Z, the time of signing"]
        .assert_eq(&refused(&|request| request.signing_time = time("2027-01-02T00:00:00Z")));
    let other = World::new();
    let error = sealift_notation::sign(
        &sealift_notation::Request {
            format: EnvelopeFormat::Jws,
            scheme: SigningScheme::X509,
            target: &world.target(),
            chain: &other.chain,
            signing_time: time("2026-11-20T12:00:00Z"),
            expiry: None,
            agent: "x",
        },
        &world.key,
        |_| Ok(None),
    );
    expect!["cannot sign: the first certificate of the chain is of another key"]
        .assert_eq(&error.unwrap_err().to_string());
}

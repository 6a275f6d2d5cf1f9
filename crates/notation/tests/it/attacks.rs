//! Envelopes that somebody changed or made up, each with the message of its refusal.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use expect_test::expect;
use sealift_crypto::certificate::{Extension, KeyUsage, PURPOSE_CODE_SIGNING};
use sealift_crypto::{Certificate, RsaSize, Scheme, SigningKey};
use sealift_notation::{DistinguishedName, EnvelopeFormat, Statement, TrustedIdentity};
use sealift_oci::{Descriptor, Digest};
use serde_json::{Value, json};

use crate::{Other, World, authority_store, draft, leaf_extensions, name, refusal};

const JWS: EnvelopeFormat = EnvelopeFormat::Jws;
const COSE: EnvelopeFormat = EnvelopeFormat::Cose;

fn base64(text: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn protected() -> Value {
    json!({
        "alg": "ES256",
        "crit": ["io.cncf.notary.signingScheme"],
        "cty": "application/vnd.cncf.notary.payload.v1+json",
        "io.cncf.notary.signingScheme": "notary.x509",
        "io.cncf.notary.signingTime": "2026-11-20T13:00:00+01:00",
    })
}

fn payload(world: &World) -> Value {
    let (digest, size) = (world.image.digest.to_string(), world.image.size);
    json!({ "targetArtifact": { "mediaType": world.image.media_type, "digest": digest, "size": size } })
}

// A well signed JWS of any header and payload.
fn jws(world: &World, protected: &str, payload: &str) -> String {
    let signed = format!("{}.{}", base64(protected.as_bytes()), base64(payload.as_bytes()));
    let signature = world.key.sign_as(Scheme::EcdsaP256Raw, signed.as_bytes()).unwrap();
    let (protected, payload) = signed.split_once('.').unwrap();
    json!({
        "payload": payload,
        "protected": protected,
        "header": { "x5c": chain_base64(&world.chain) },
        "signature": base64(&signature),
    })
    .to_string()
}

fn chain_base64(chain: &[Certificate]) -> Vec<String> {
    chain.iter().map(|certificate| STANDARD.encode(certificate.der())).collect()
}

fn refused_header(world: &World, change: impl FnOnce(&mut Value)) -> String {
    let mut header = protected();
    change(&mut header);
    let envelope = jws(world, &header.to_string(), &payload(world).to_string());
    world.refusal(JWS, envelope.as_bytes())
}

#[test]
fn algorithms() {
    let world = World::new();
    assert_eq!(refused_header(&world, |_| {}), "accepted");
    for name in ["none", "HS256", "RS256", "RS512", "EdDSA", "es256", "ES256K", ""] {
        let expected = format!(
            "the signature's algorithm `{name}` is none of PS256, PS384, PS512, ES256, ES384 and ES512"
        );
        assert_eq!(refused_header(&world, |header| header["alg"] = name.into()), expected);
    }
    expect!["the signature's algorithm is PS256, but the key of the certificate makes ES256"]
        .assert_eq(&refused_header(&world, |header| header["alg"] = "PS256".into()));
    expect!["the signature's algorithm is ES384, but the key of the certificate makes ES256"]
        .assert_eq(&refused_header(&world, |header| header["alg"] = "ES384".into()));
    // An RSA key of 3072 bits makes PS384 and nothing else.
    let rsa = World::with_key(SigningKey::generate_rsa());
    let bytes = rsa.sign(JWS);
    let mut document: Value = serde_json::from_slice(&bytes).unwrap();
    let mut header = protected();
    header["alg"] = "PS256".into();
    document["protected"] = base64(header.to_string().as_bytes()).into();
    let signed = format!(
        "{}.{}",
        document["protected"].as_str().unwrap(),
        document["payload"].as_str().unwrap()
    );
    let signature = rsa.key.sign_as(Scheme::RsaPss, signed.as_bytes()).unwrap();
    document["signature"] = base64(&signature).into();
    expect!["the signature's algorithm is PS256, but the key of the certificate makes PS384"]
        .assert_eq(&rsa.refusal(JWS, document.to_string().as_bytes()));
    // PKCS#1 v1.5 with the right hash.
    let rsa = World::with_key(SigningKey::generate_rsa_of(RsaSize::Bits2048));
    let mut document: Value = serde_json::from_slice(&rsa.sign(JWS)).unwrap();
    let signed = format!(
        "{}.{}",
        document["protected"].as_str().unwrap(),
        document["payload"].as_str().unwrap()
    );
    let signature = rsa.key.sign_as(Scheme::RsaPkcs1, signed.as_bytes()).unwrap();
    document["signature"] = base64(&signature).into();
    expect!["the signature does not match what it signs"]
        .assert_eq(&rsa.refusal(JWS, document.to_string().as_bytes()));
}

#[test]
fn critical_headers() {
    let world = World::new();
    let crit = |names: Value| refused_header(&world, |header| header["crit"] = names);
    expect!["not a valid JWS envelope: the header `io.cncf.notary.signingScheme` is not in `crit`"]
        .assert_eq(&crit(json!([])));
    expect!["not a valid JWS envelope: `crit` names `b64`, which is not there"]
        .assert_eq(&crit(json!(["io.cncf.notary.signingScheme", "b64"])));
    expect!["not a valid JWS envelope: the critical header `alg` is not understood"]
        .assert_eq(&crit(json!(["io.cncf.notary.signingScheme", "alg"])));
    expect!["not a valid JWS envelope: `crit` names `io.cncf.notary.signingScheme` twice"]
        .assert_eq(&crit(json!(["io.cncf.notary.signingScheme", "io.cncf.notary.signingScheme"])));
    expect!["not a valid JWS envelope: `crit` is missing, or not a list of names"]
        .assert_eq(&crit(json!("io.cncf.notary.signingScheme")));
    expect!["not a valid JWS envelope: `crit` is missing, or not a list of names"].assert_eq(
        &refused_header(&world, |header| drop(header.as_object_mut().unwrap().remove("crit"))),
    );
    expect!["not a valid JWS envelope: the header `io.cncf.notary.expiry` is not in `crit`"]
        .assert_eq(&refused_header(&world, |header| {
            header["io.cncf.notary.expiry"] = "2027-01-01T00:00:00Z".into();
        }));
    expect!["not a valid JWS envelope: the critical header `io.cncf.notary.verificationPlugin` is not understood"]
        .assert_eq(&refused_header(&world, |header| {
            header["io.cncf.notary.verificationPlugin"] = "aws".into();
            header["crit"] =
                json!(["io.cncf.notary.signingScheme", "io.cncf.notary.verificationPlugin"]);
        }));
    // What is not critical may be there.
    assert_eq!(refused_header(&world, |header| header["com.example"] = 7.into()), "accepted");
}

#[test]
fn other_headers() {
    let world = World::new();
    let with =
        |name: &str, value: &str| refused_header(&world, |header| header[name] = value.into());
    expect!["not a valid JWS envelope: the payload is of type `application/json`"]
        .assert_eq(&with("cty", "application/json"));
    expect!["not a valid JWS envelope: the signing scheme `notary.x509.future` is not known"]
        .assert_eq(&with("io.cncf.notary.signingScheme", "notary.x509.future"));
    expect!["not a valid JWS envelope: `crit` names `io.cncf.notary.authenticSigningTime`, which is not there"]
        .assert_eq(&refused_header(&world, |header| {
            header["io.cncf.notary.signingScheme"] = "notary.x509.signingAuthority".into();
            header["crit"] = json!([
                "io.cncf.notary.signingScheme",
                "io.cncf.notary.authenticSigningTime"
            ]);
        }));
    expect!["not a valid JWS envelope: the header `io.cncf.notary.authenticSigningTime` has no place in the scheme `notary.x509`"]
        .assert_eq(&with("io.cncf.notary.authenticSigningTime", "2026-11-20T12:00:00Z"));
    expect!["not a valid JWS envelope: `2026-11-20 12:00:00` of `io.cncf.notary.signingTime` is not a time"]
        .assert_eq(&with("io.cncf.notary.signingTime", "2026-11-20 12:00:00"));
    expect!["not a valid JWS envelope: it expires before it is signed"].assert_eq(&refused_header(
        &world,
        |header| {
            header["io.cncf.notary.expiry"] = "2026-11-20T12:00:00Z".into();
            header["crit"] = json!(["io.cncf.notary.signingScheme", "io.cncf.notary.expiry"]);
        },
    ));
    expect!["not a valid JWS envelope: the key `alg` stands twice at line 1 column 20"].assert_eq(
        &world.refusal(
            JWS,
            jws(&world, r#"{"alg":"ES256","alg":"none"}"#, &payload(&world).to_string()).as_bytes(),
        ),
    );
}

#[test]
fn envelopes_of_json() {
    let world = World::new();
    let good = String::from_utf8(world.sign(JWS)).unwrap();
    let refused = |text: &str| world.refusal(JWS, text.as_bytes());
    assert_eq!(refused(&good), "accepted");
    expect!["not a valid JWS envelope: trailing characters at line 1 column 4"]
        .assert_eq(&refused("{} {}"));
    assert!(refused(&format!("{good}x")).contains("trailing characters"));
    assert!(
        refused(&good.replacen('{', r#"{"payload":"e30","#, 1))
            .contains("the key `payload` stands twice")
    );
    assert!(
        refused(&good.replacen('{', r#"{"signatures":[],"#, 1))
            .contains("unknown field `signatures`")
    );
    let mut document: Value = serde_json::from_str(&good).unwrap();
    document["header"]["alg"] = "ES256".into();
    expect!["not a valid JWS envelope: the header `alg` is not signed"]
        .assert_eq(&refused(&document.to_string()));
    let mut document: Value = serde_json::from_str(&good).unwrap();
    let signature = document["signature"].as_str().unwrap().to_owned();
    document["signature"] = format!("{signature}=").into();
    expect!["not a valid JWS envelope: the signature is not base64url"]
        .assert_eq(&refused(&document.to_string()));
    document["signature"] = "".into();
    expect!["the signature does not match what it signs"]
        .assert_eq(&refused(&document.to_string()));
    document["signature"] = signature.into();
    document["header"]["x5c"] = json!([]);
    expect!["not a valid JWS envelope: it has no certificate, or more than 16"]
        .assert_eq(&refused(&document.to_string()));
    document["header"]["x5c"] = vec!["AAAA"; 17].into();
    expect!["not a valid JWS envelope: it has no certificate, or more than 16"]
        .assert_eq(&refused(&document.to_string()));
    document["header"]["x5c"] = json!(["AAAA"]);
    expect![
        "not a valid JWS envelope: not a usable certificate: its structure is not that of RFC 5280"
    ]
    .assert_eq(&refused(&document.to_string()));
    let large = vec![b' '; (1 << 20) + 1];
    expect!["the envelope has 1048577 bytes, more than the limit of 1048576"]
        .assert_eq(&world.refusal(JWS, &large));
    expect!["`application/vnd.dev.sigstore.bundle.v0.3+json` is not the media type of a Notary Project signature"]
        .assert_eq(&sealift_notation::Envelope::parse("application/vnd.dev.sigstore.bundle.v0.3+json", good.as_bytes()).unwrap_err().to_string());
    // The other format's media type.
    assert!(world.refusal(COSE, good.as_bytes()).starts_with("not a valid COSE envelope"));
    assert!(world.refusal(JWS, &world.sign(COSE)).starts_with("not a valid JWS envelope"));
}

#[test]
fn other_artifacts() {
    let world = World::new();
    for format in [JWS, COSE] {
        let bytes = world.sign(format);
        let against = |change: fn(&mut Descriptor)| {
            let mut artifact = world.image.clone();
            change(&mut artifact);
            let other = Other { artifact: Some(&artifact), ..Other::default() };
            refusal(&world.verify_with(format, &bytes, &other))
        };
        assert!(
            against(|artifact| artifact.digest = Digest::sha256(b"other")).starts_with(
                "the signature is for another artifact: its digest is `sha256:6105d6cc"
            )
        );
        expect!["the signature is for another artifact: its media type is `application/vnd.oci.image.manifest.v1+json`, not `application/vnd.oci.image.index.v1+json`"]
            .assert_eq(&against(|artifact| {
                "application/vnd.oci.image.index.v1+json".clone_into(&mut artifact.media_type);
            }));
        expect!["the signature is for another artifact: its size is `5`, not `6`"]
            .assert_eq(&against(|artifact| artifact.size = 6));
    }
    let refused = |payload: &str| {
        world.refusal(JWS, jws(&world, &protected().to_string(), payload).as_bytes())
    };
    let good = payload(&world).to_string();
    assert_eq!(refused(&good), "accepted");
    expect!["not a valid payload: the key `targetArtifact` stands twice at line 1 column 37"]
        .assert_eq(&refused(r#"{"targetArtifact":{},"targetArtifact":{}}"#));
    assert!(refused(&good.replacen('{', r#"{"x":1,"#, 1)).contains("unknown field `x`"));
    assert!(refused(&good.replace("sha256:", "md5:")).contains("is not a digest"));
    assert!(
        refused(&good.replace("\"size\":5", "\"size\":5.0")).starts_with("not a valid payload")
    );
}

#[test]
fn certificates() {
    let usage = |usages: &[KeyUsage]| Extension::key_usage(usages);
    let leaf = |extensions: Vec<Extension>| {
        let world = World::with_leaf(SigningKey::generate_p256(), &extensions);
        let header = protected().to_string();
        world.refusal(JWS, jws(&world, &header, &payload(&world).to_string()).as_bytes())
    };
    let purposes = |purposes: &[&str]| {
        let usages = usage(&[KeyUsage::DigitalSignature]);
        leaf(vec![usages, Extension::extended_key_usage(false, purposes).unwrap()])
    };
    // The specification leaves the purpose open if there is none.
    assert_eq!(leaf(vec![usage(&[KeyUsage::DigitalSignature])]), "accepted");
    assert_eq!(purposes(&[PURPOSE_CODE_SIGNING]), "accepted");
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` is not for signing code"]
        .assert_eq(&purposes(&["1.3.6.1.5.5.7.3.1"]));
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` is for servers too, not only signing code"]
        .assert_eq(&purposes(&[PURPOSE_CODE_SIGNING, "1.3.6.1.5.5.7.3.1"]));
    expect![
        "the certificate `CN=app,O=Ship,ST=BE,C=CH` is for everything too, not only signing code"
    ]
    .assert_eq(&purposes(&[PURPOSE_CODE_SIGNING, "2.5.29.37.0"]));
    expect![
        "the certificate `CN=app,O=Ship,ST=BE,C=CH` does not say critically what its key is for"
    ]
    .assert_eq(&leaf(vec![]));
    let lax = Extension { is_critical: false, ..usage(&[KeyUsage::DigitalSignature]) };
    expect![
        "the certificate `CN=app,O=Ship,ST=BE,C=CH` does not say critically what its key is for"
    ]
    .assert_eq(&leaf(vec![lax]));
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` has a key that may not make signatures"]
        .assert_eq(&leaf(vec![usage(&[KeyUsage::CertificateSigning])]));
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` has a key that may be used for more than signatures"]
        .assert_eq(&leaf(vec![usage(&[KeyUsage::DigitalSignature, KeyUsage::CertificateSigning])]));
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` signed the artifact, but is an authority"]
        .assert_eq(&leaf(vec![
            usage(&[KeyUsage::DigitalSignature]),
            Extension::basic_constraints(true, None),
        ]));
    let unknown = Extension { id: "1.2.3.4".to_owned(), is_critical: true, value: vec![5, 0] };
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` has a critical extension `1.2.3.4` that is not understood"]
        .assert_eq(&leaf(vec![usage(&[KeyUsage::DigitalSignature]), unknown]));
}

#[test]
fn chains() {
    let world = World::new();
    let bytes = world.sign(JWS);
    let with = |chain: &[&Certificate]| {
        let mut document: Value = serde_json::from_slice(&bytes).unwrap();
        let chain: Vec<Certificate> = chain.iter().map(|one| (*one).clone()).collect();
        document["header"]["x5c"] = chain_base64(&chain).into();
        world.refusal(JWS, document.to_string().as_bytes())
    };
    let [leaf, middle, root] = world.chain.as_slice() else { panic!("three certificates") };
    assert_eq!(with(&[leaf, middle, root]), "accepted");
    expect!["the certificate `CN=Middle,O=Ship,ST=BE,C=CH` is the last of the chain and not a self-signed root"]
        .assert_eq(&with(&[leaf, root, middle]));
    expect!["the certificate `CN=Middle,O=Ship,ST=BE,C=CH` is the last of the chain and not a self-signed root"]
        .assert_eq(&with(&[leaf, middle]));
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` was not issued by `CN=Root,O=Ship,ST=BE,C=CH`, which follows it"]
        .assert_eq(&with(&[leaf, root]));
    expect![
        "the certificate `CN=Root,O=Ship,ST=BE,C=CH` is self-signed, but not the last of the chain"
    ]
    .assert_eq(&with(&[leaf, middle, root, root]));
    expect!["the certificate `CN=app,O=Ship,ST=BE,C=CH` was not issued by `CN=Middle,O=Ship,ST=BE,C=CH`, which follows it"]
        .assert_eq(&with(&[leaf, &World::new().chain[1], root]));
    expect!["the certificate `CN=Root,O=Ship,ST=BE,C=CH` signed the artifact, but is an authority"]
        .assert_eq(&with(&[root]));
    // A chain of the attacker's, with the same names.
    let attacker = World::new();
    expect!["no certificate of the signature is in the trust stores of statement `team`"]
        .assert_eq(&world.refusal(JWS, &attacker.sign(JWS)));
    // The attacker's signature under our chain.
    let mut document: Value = serde_json::from_slice(&attacker.sign(JWS)).unwrap();
    document["header"]["x5c"] = chain_base64(&world.chain).into();
    expect!["the signature does not match what it signs"]
        .assert_eq(&world.refusal(JWS, document.to_string().as_bytes()));
}

#[test]
fn authorities_that_are_none() {
    let key = SigningKey::generate_p256();
    let (leaf_name, middle_name) = (name("app"), name("Middle"));
    let extensions = leaf_extensions();
    let chain_of = |middle: &[Extension], root: &[Extension]| {
        let mut world = World::new();
        let root_name = name("Root");
        let (root_key, middle_key) = (&world.root_key, &world.middle_key);
        let root = draft(&root_name, &root_key.public(), root).self_sign(root_key).unwrap();
        let middle =
            draft(&middle_name, &middle_key.public(), middle).issue(&root, root_key).unwrap();
        let leaf =
            draft(&leaf_name, &key.public(), &extensions).issue(&middle, middle_key).unwrap();
        world.key = SigningKey::from_pkcs8_der(key.pkcs8().unwrap().expose()).unwrap();
        world.chain = vec![leaf, middle, root];
        let header = protected().to_string();
        world.refusal(JWS, jws(&world, &header, &payload(&world).to_string()).as_bytes())
    };
    let usage = Extension::key_usage(&[KeyUsage::CertificateSigning]);
    let authority = vec![Extension::basic_constraints(true, None), usage.clone()];
    assert_eq!(chain_of(&authority, &authority), "accepted");
    expect!["the certificate `CN=Middle,O=Ship,ST=BE,C=CH` signed another, but is not critically an authority"]
        .assert_eq(&chain_of(&[Extension::basic_constraints(false, None), usage.clone()], &authority));
    let lax = Extension { is_critical: false, ..Extension::basic_constraints(true, None) };
    expect!["the certificate `CN=Middle,O=Ship,ST=BE,C=CH` signed another, but is not critically an authority"]
        .assert_eq(&chain_of(&[lax, usage.clone()], &authority));
    let signs = Extension::key_usage(&[KeyUsage::DigitalSignature]);
    expect!["the certificate `CN=Middle,O=Ship,ST=BE,C=CH` signed another, but its key may not sign certificates"]
        .assert_eq(&chain_of(&[Extension::basic_constraints(true, None), signs], &authority));
    expect![
        "the certificate `CN=Root,O=Ship,ST=BE,C=CH` has more authorities below it than it allows"
    ]
    .assert_eq(&chain_of(&authority, &[Extension::basic_constraints(true, Some(0)), usage]));
}

#[test]
fn identities() {
    let world = World::new();
    let bytes = world.sign(COSE);
    let ask = |subject: &str| {
        let mut statement = Statement::strict("team", vec![authority_store()]);
        let subject = DistinguishedName::parse(subject).unwrap();
        statement.identities = vec![TrustedIdentity::Subject(subject)];
        let other = Other { statement: Some(&statement), ..Other::default() };
        refusal(&world.verify_with(COSE, &bytes, &other))
    };
    assert_eq!(ask("C=CH, S=BE, O=Ship"), "accepted");
    assert_eq!(ask("CN=app,C=CH,ST=BE,O=Ship"), "accepted");
    expect!["`CN=app,O=Ship,ST=BE,C=CH` is none of the trusted identities of statement `team`"]
        .assert_eq(&ask("CN=other,C=CH,ST=BE,O=Ship"));
    expect!["`CN=app,O=Ship,ST=BE,C=CH` is none of the trusted identities of statement `team`"]
        .assert_eq(&ask("OU=x,C=CH,ST=BE,O=Ship"));
}

// CBOR by hand: a head and what follows.
fn item(major: u8, length: usize, content: &[u8]) -> Vec<u8> {
    let mut bytes = match u8::try_from(length) {
        Ok(short @ 0..24) => vec![(major << 5) + short],
        Ok(byte) => vec![(major << 5) + 24, byte],
        Err(_) => {
            [&[(major << 5) + 25][..], &u16::try_from(length).unwrap().to_be_bytes()].concat()
        }
    };
    bytes.extend(content);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    item(3, text.len(), text.as_bytes())
}

fn bytes(content: &[u8]) -> Vec<u8> {
    item(2, content.len(), content)
}

// A well signed COSE of any protected entries.
fn cose(world: &World, entries: &[Vec<u8>]) -> Vec<u8> {
    let protected = item(5, entries.len() / 2, &entries.concat());
    cose_of(world, &protected, &bytes(payload(world).to_string().as_bytes()))
}

fn cose_of(world: &World, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let signed =
        item(4, 4, &[text("Signature1"), bytes(protected), bytes(&[]), payload.to_vec()].concat());
    let signature = world.key.sign_as(Scheme::EcdsaP256Raw, &signed).unwrap();
    let chain: Vec<u8> =
        world.chain.iter().flat_map(|certificate| bytes(certificate.der())).collect();
    let unprotected = item(5, 1, &[item(0, 33, &[]), item(4, world.chain.len(), &chain)].concat());
    let parts = [bytes(protected), unprotected, payload.to_vec(), bytes(&signature)].concat();
    [&[0xD2][..], &item(4, 4, &parts)].concat()
}

fn entries() -> Vec<Vec<u8>> {
    vec![
        vec![1],
        vec![0x26],
        vec![2],
        item(4, 1, &text("io.cncf.notary.signingScheme")),
        vec![3],
        text("application/vnd.cncf.notary.payload.v1+json"),
        text("io.cncf.notary.signingScheme"),
        text("notary.x509"),
        text("io.cncf.notary.signingTime"),
        vec![0xC1, 0x1A, 0x69, 0x20, 0x00, 0x00],
    ]
}

#[test]
fn envelopes_of_cbor() {
    let world = World::new();
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut entries = entries();
        change(&mut entries);
        world.refusal(COSE, &cose(&world, &entries))
    };
    assert_eq!(with(&|_| {}), "accepted");
    expect![
        "the signature's algorithm `-257` is none of PS256, PS384, PS512, ES256, ES384 and ES512"
    ]
    .assert_eq(&with(&|entries| entries[1] = vec![0x39, 1, 0]));
    expect!["the signature's algorithm `5` is none of PS256, PS384, PS512, ES256, ES384 and ES512"]
        .assert_eq(&with(&|entries| entries[1] = vec![5]));
    expect!["the signature's algorithm is PS256, but the key of the certificate makes ES256"]
        .assert_eq(&with(&|entries| entries[1] = vec![0x38, 36]));
    expect!["not a valid COSE envelope: the signed header `1` is missing"]
        .assert_eq(&with(&|entries| drop(entries.drain(0..2))));
    expect!["not a valid COSE envelope: `crit` is missing, or not a list of names"]
        .assert_eq(&with(&|entries| drop(entries.drain(2..4))));
    expect![
        "not a valid COSE envelope: the header `io.cncf.notary.signingScheme` is not in `crit`"
    ]
    .assert_eq(&with(&|entries| entries[3] = vec![0x80]));
    expect!["not a valid COSE envelope: the critical header `-65537` is not understood"].assert_eq(
        &with(&|entries| {
            entries[3] = item(
                4,
                2,
                &[text("io.cncf.notary.signingScheme"), vec![0x3A, 0, 1, 0, 0]].concat(),
            );
        }),
    );
    expect!["not a valid COSE envelope: `io.cncf.notary.signingTime` is not a whole number of seconds of tag 1"]
        .assert_eq(&with(&|entries| entries[9] = entries[9][1..].to_vec()));
    expect!["not a valid COSE envelope: not the CBOR that is read here: a simple value or a float that has no place there"]
        .assert_eq(&with(&|entries| entries[9] = vec![0xC1, 0xFB, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect!["not a valid COSE envelope: not the CBOR that is read here: the key `1` stands twice"]
        .assert_eq(&with(&|entries| entries.extend([vec![1], vec![0x26]])));
    expect!["not a valid COSE envelope: not the CBOR that is read here: a number that is longer than it must be"]
        .assert_eq(&with(&|entries| entries[0] = vec![0x18, 1]));
    expect!["not a valid COSE envelope: not the CBOR that is read here: an indefinite length"]
        .assert_eq(&with(&|entries| entries[3] = vec![0x9F, 0xFF]));
    let good = cose(&world, &entries());
    let refused = |bytes: &[u8]| world.refusal(COSE, bytes);
    expect!["not a valid COSE envelope: not the CBOR that is read here: bytes after its end"]
        .assert_eq(&refused(&[&good[..], &[0]].concat()));
    expect!["not a valid COSE envelope: it is not a `COSE_Sign1_Tagged` with its payload inside"]
        .assert_eq(&refused(&good[1..]));
    // COSE_Mac0, and a payload that lies elsewhere.
    expect!["not a valid COSE envelope: it is not a `COSE_Sign1_Tagged` with its payload inside"]
        .assert_eq(&refused(&[&[0xD1][..], &good[1..]].concat()));
    let protected = item(5, entries().len() / 2, &entries().concat());
    expect!["not a valid COSE envelope: it is not a `COSE_Sign1_Tagged` with its payload inside"]
        .assert_eq(&refused(&cose_of(&world, &protected, &[0xF6])));
    expect!["not a valid COSE envelope: not the CBOR that is read here: it ends too early"]
        .assert_eq(&refused(&[0xD2, 0x9B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]));
}

#[test]
fn every_changed_byte_is_refused() {
    let world = World::new();
    for format in [JWS, COSE] {
        let good = world.sign(format);
        for index in 0..good.len() {
            let mut changed = good.clone();
            changed[index] ^= 1 << (index % 7);
            let outcome = world.verify(format, &changed);
            // The agent and names of what is not signed may change, and nothing else.
            if outcome.is_accepted() {
                let signed = outcome.signed.unwrap();
                assert_eq!((&signed.target, &signed.chain), (&world.target(), &world.chain));
                assert_eq!(signed.time.moment(), crate::time("2026-11-20T12:00:00Z"));
            }
        }
        for length in (0..good.len()).step_by(7) {
            assert!(!world.verify(format, &good[..length]).is_accepted(), "{format:?} {length}");
        }
    }
}

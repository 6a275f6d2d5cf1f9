//! Tokens of an authority that is made here, and each way in which one is wrong.

use super::*;
use crate::certificate::{Draft, PURPOSE_CODE_SIGNING, PURPOSE_TIME_STAMPING};
use crate::{SigningKey, scheme};

const TIME: &[u8] = b"20260601120000.5Z";

// What a token says; each test changes one thing.
struct Plan {
    root: Certificate,
    root_key: SigningKey,
    leaf: Certificate,
    key: SigningKey,
    message: Vec<u8>,
    time: Vec<u8>,
    hash: Hash,
    // What the signed attributes say of the content and the certificate; None leaves them as they are.
    digest: Option<Vec<u8>>,
    bound: Option<Vec<u8>>,
    content_type: &'static str,
    is_embedded: bool,
    info_extra: Vec<u8>,
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    der::write(der::SEQUENCE, parts)
}

fn oid(text: &str) -> Vec<u8> {
    object_identifier::write(text).unwrap()
}

fn hash_identifier(hash: Hash) -> Vec<u8> {
    let last = match hash {
        Hash::Sha256 => 1,
        Hash::Sha384 => 2,
        Hash::Sha512 => 3,
    };
    sequence(&[&oid(&format!("2.16.840.1.101.3.4.2.{last}"))])
}

fn leaf_of(
    root: &Certificate,
    root_key: &SigningKey,
    key: &SigningKey,
    purpose: &str,
) -> Certificate {
    let extensions = [Extension::extended_key_usage(true, &[purpose]).unwrap()];
    Draft {
        subject: &Name::new(&[("CN", "stamps")]).unwrap(),
        key: &key.public(),
        not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
        not_after: "2026-12-31T00:00:00Z".parse().unwrap(),
        extensions: &extensions,
    }
    .issue(root, root_key)
    .unwrap()
}

impl Plan {
    fn new(key: SigningKey) -> Self {
        let root_key = SigningKey::generate_p256();
        let root = Draft {
            subject: &Name::new(&[("CN", "root")]).unwrap(),
            key: &root_key.public(),
            not_before: "2020-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2030-01-01T00:00:00Z".parse().unwrap(),
            extensions: &[Extension::basic_constraints(true, None)],
        }
        .self_sign(&root_key)
        .unwrap();
        let leaf = leaf_of(&root, &root_key, &key, PURPOSE_TIME_STAMPING);
        Self {
            root,
            root_key,
            leaf,
            key,
            message: b"message".to_vec(),
            time: TIME.to_vec(),
            hash: Hash::Sha256,
            digest: None,
            bound: None,
            content_type: TIMESTAMP_INFO,
            is_embedded: true,
            info_extra: Vec::new(),
        }
    }

    fn token(&self) -> Vec<u8> {
        let info = sequence(&[
            &[der::INTEGER, 1, 1],
            &oid("1.2.3"),
            &sequence(&[
                &hash_identifier(self.hash),
                &der::write(der::OCTET_STRING, &[&self.hash.of(&self.message)]),
            ]),
            &[der::INTEGER, 1, 7],
            &der::write(time::GENERALIZED_TIME, &[&self.time]),
            &sequence(&[&[der::INTEGER, 1, 1, 0x80, 2, 1, 0xF4]]),
            &[der::INTEGER, 1, 9],
            &self.info_extra,
        ]);
        let attribute = |id: &str, value: &[u8]| sequence(&[&oid(id), &der::write(SET, &[value])]);
        let digest = self.digest.clone().unwrap_or_else(|| Hash::Sha384.of(&info));
        let bound = self.bound.clone().unwrap_or_else(|| Hash::Sha512.of(self.leaf.der()));
        let ess =
            sequence(&[&hash_identifier(Hash::Sha512), &der::write(der::OCTET_STRING, &[&bound])]);
        let attributes = [
            attribute(CONTENT_TYPE, &oid(self.content_type)),
            attribute(MESSAGE_DIGEST, &der::write(der::OCTET_STRING, &[&digest])),
            attribute(SIGNING_CERTIFICATE_V2, &sequence(&[&sequence(&[&ess])])),
        ]
        .concat();
        let signature = self.key.sign(&der::write(SET, &[&attributes])).unwrap();
        let signer = sequence(&[
            &[der::INTEGER, 1, 1],
            &sequence(&[
                self.leaf.issuer().der(),
                &der::write(der::INTEGER, &[self.leaf.serial()]),
            ]),
            &hash_identifier(Hash::Sha384),
            &der::write(CONTEXT_0, &[&attributes]),
            &scheme::identifier_of(self.key.public().kind()),
            &der::write(der::OCTET_STRING, &[&signature]),
        ]);
        let certificates =
            if self.is_embedded { der::write(CONTEXT_0, &[self.leaf.der()]) } else { Vec::new() };
        let content = der::write(CONTEXT_0, &[&der::write(der::OCTET_STRING, &[&info])]);
        let data = sequence(&[
            &[der::INTEGER, 1, 3],
            &der::write(SET, &[&hash_identifier(Hash::Sha384)]),
            &sequence(&[&oid(TIMESTAMP_INFO), &content]),
            &certificates,
            &der::write(SET, &[&signer]),
        ]);
        sequence(&[&oid(SIGNED_DATA), &der::write(CONTEXT_0, &[&data])])
    }

    fn verify(&self) -> Result<Verified, String> {
        let token = Token::from_der(&self.token()).map_err(|refusal| refusal.to_string())?;
        token
            .verify(b"message", &[], std::slice::from_ref(&self.root))
            .map_err(|refusal| refusal.to_string())
    }
}

fn refused(expected: &str, change: impl FnOnce(&mut Plan)) {
    let mut plan = Plan::new(SigningKey::generate_p256());
    change(&mut plan);
    assert_eq!(plan.verify().unwrap_err(), expected);
}

#[test]
fn good_tokens() {
    for key in
        [SigningKey::generate_p256(), SigningKey::generate_p384(), SigningKey::generate_rsa()]
    {
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let mut plan =
                Plan::new(SigningKey::from_pkcs8_der(key.pkcs8().unwrap().expose()).unwrap());
            plan.hash = hash;
            let verified = plan.verify().unwrap();
            assert_eq!(verified.time.to_string(), "2026-06-01T12:00:00.5Z");
            assert_eq!(verified.path, [plan.leaf.clone(), plan.root.clone()]);
            let token = Token::from_der(&plan.token()).unwrap();
            assert_eq!(token.accuracy(), Duration::from_millis(1500));
        }
    }
}

#[test]
fn the_signer_may_be_given_besides() {
    let mut plan = Plan::new(SigningKey::generate_p256());
    plan.is_embedded = false;
    assert_eq!(plan.verify().unwrap_err(), Refusal::UnknownSigner.to_string());
    let token = Token::from_der(&plan.token()).unwrap();
    let (leaf, root) = (std::slice::from_ref(&plan.leaf), std::slice::from_ref(&plan.root));
    token.verify(b"message", leaf, root).unwrap();
    // Trusted itself.
    assert_eq!(token.verify(b"message", &[], leaf).unwrap().path.len(), 1);
}

#[test]
fn answers() {
    let plan = Plan::new(SigningKey::generate_p256());
    let answer = |status: u8| sequence(&[&sequence(&[&[der::INTEGER, 1, status]]), &plan.token()]);
    Token::from_der(&answer(0)).unwrap();
    Token::from_der(&answer(1)).unwrap();
    assert_eq!(Token::from_der(&answer(2)).unwrap_err(), Refusal::Status(2));
}

#[test]
fn attacks() {
    refused("the timestamp is over other bytes", |plan| plan.message = b"another".to_vec());
    refused("the timestamp's signature is over another content", |plan| {
        plan.digest = Some(Hash::Sha384.of(b"x"));
    });
    refused(
        "the timestamp was signed for another certificate than the one that it names",
        |plan| plan.bound = Some(Hash::Sha512.of(b"x")),
    );
    let malformed = "not a timestamp: its structure is not that of RFC 3161";
    refused(malformed, |plan| plan.content_type = SIGNED_DATA);
    refused(malformed, |plan| plan.time = b"20261301120000Z".to_vec());
    refused(malformed, |plan| plan.info_extra = vec![der::INTEGER, 1, 1]);
    refused(malformed, |plan| {
        let critical = sequence(&[&oid("1.2.3"), &[BOOLEAN, 1, 0xFF, der::OCTET_STRING, 0]]);
        plan.info_extra = der::write(CONTEXT_1, &[&critical]);
    });
    refused(
        "the timestamp's signer is not trusted: the certificate `CN=stamps` is valid from \
         2026-01-01T00:00:00Z to 2026-12-31T00:00:00Z, and not at 2027-01-01T00:00:00Z",
        |plan| plan.time = b"20270101000000Z".to_vec(),
    );
    refused(
        "the timestamp's signer is not trusted: the certificate `CN=stamps` is not for time stamping",
        |plan| {
            plan.leaf = leaf_of(&plan.root, &plan.root_key, &plan.key, PURPOSE_CODE_SIGNING);
        },
    );
    refused(
        "the timestamp's signer is not trusted: the certificate `CN=stamps` names `CN=root` as its \
         issuer, whose key did not sign it",
        |plan| plan.root = Plan::new(SigningKey::generate_p256()).root,
    );
    refused("the timestamp's signature does not match", |plan| {
        plan.key = SigningKey::generate_p256();
    });
}

#[test]
fn no_altered_byte_passes_as_another_moment() {
    let plan = Plan::new(SigningKey::generate_p256());
    let token = plan.token();
    let root = std::slice::from_ref(&plan.root);
    for index in 0..token.len() {
        assert!(Token::from_der(&token[..index]).is_err());
        for bit in [0, 3, 7] {
            let mut altered = token.clone();
            altered[index] ^= 1 << bit;
            let Ok(read) = Token::from_der(&altered) else { continue };
            // Fields outside of what is signed, such as versions, may change and mean nothing.
            if let Ok(verified) = read.verify(b"message", &[], root) {
                assert_eq!(verified.time.to_string(), "2026-06-01T12:00:00.5Z", "byte {index}");
            }
        }
    }
    assert!(Token::from_der(&vec![0x30; TOKEN_BYTES_MAX + 1]).is_err());
}

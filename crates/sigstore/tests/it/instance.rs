//! A whole sigstore of its own: certificate authority, log of certificates, logs of signatures, time stamping
//! authority. It makes bundles, right ones and, as told, wrong ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealift_crypto::certificate::{
    AlternativeName, Draft, Extension, KeyUsage, Name, PURPOSE_CODE_SIGNING, PURPOSE_TIME_STAMPING,
};
use sealift_crypto::dsse::pae;
use sealift_crypto::{Certificate, Hash, SigningKey};
use serde_json::{Value, json};

pub(crate) const IDENTITY: &str = "https://ci.test/team/app/release.yml@refs/heads/main";
pub(crate) const ISSUER: &str = "https://issuer.test";
pub(crate) const CONTENT: &[u8] = b"the content";
/// When the ordinary bundle was signed; its certificate is valid for ten minutes around it.
pub(crate) const TIME: &str = "2026-06-01T12:00:00Z";
const FULCIO: &str = "1.3.6.1.4.1.57264.1.";
const STATEMENT: &str = "application/vnd.in-toto+json";

/// A party with a key and a certificate.
pub(crate) struct Party {
    pub(crate) key: SigningKey,
    pub(crate) certificate: Certificate,
}

pub(crate) struct Instance {
    pub(crate) root: Party,
    pub(crate) middle: Party,
    pub(crate) stamp_root: Party,
    pub(crate) stamp: Party,
    pub(crate) certificate_log: SigningKey,
    pub(crate) rekor: SigningKey,
    pub rekor_2: SigningKey,
}

/// What kind of entry the log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hashed1,
    Dsse1,
    Intoto2,
    Hashed2,
    HashedEnvelope2,
    Dsse2,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Hashed1,
        Self::Dsse1,
        Self::Intoto2,
        Self::Hashed2,
        Self::HashedEnvelope2,
        Self::Dsse2,
    ];

    fn is_envelope(self) -> bool {
        !matches!(self, Self::Hashed1 | Self::Hashed2)
    }

    fn is_rekor_2(self) -> bool {
        matches!(self, Self::Hashed2 | Self::HashedEnvelope2 | Self::Dsse2)
    }
}

/// How a bundle is made.
pub(crate) struct Plan {
    pub(crate) kind: Kind,
    pub(crate) content: Vec<u8>,
    /// Moment of the log and of the timestamp.
    pub(crate) time: Timestamp,
    pub(crate) has_timestamp: bool,
    /// What a statement says.
    pub(crate) predicate_type: &'static str,
    /// Extensions of the certificate instead of the ordinary ones.
    pub(crate) extensions: Option<Vec<Extension>>,
    pub(crate) validity: (Timestamp, Timestamp),
    /// Whether the certificate is issued by the root's leaf that is no authority.
    pub(crate) has_promise_of_certificate: bool,
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The ordinary extensions of a certificate.
pub(crate) fn extensions(identity: &str, issuer: &str) -> Vec<Extension> {
    let claim = |number: u8, text: &str| Extension {
        id: format!("{FULCIO}{number}"),
        is_critical: false,
        value: der(0x0C, &[text.as_bytes()]),
    };
    let mut name =
        Extension::alternative_names(&[AlternativeName::Uri(identity.to_owned())]).unwrap();
    name.is_critical = true;
    vec![
        Extension::key_usage(&[KeyUsage::DigitalSignature]),
        Extension::extended_key_usage(false, &[PURPOSE_CODE_SIGNING]).unwrap(),
        name,
        Extension {
            id: format!("{FULCIO}1"),
            is_critical: false,
            value: issuer.as_bytes().to_vec(),
        },
        claim(8, issuer),
        claim(11, "hosted"),
        claim(12, "https://ci.test/team/app"),
        claim(14, "refs/heads/main"),
        claim(18, IDENTITY),
    ]
}

fn party(name: &str, extensions: &[Extension], issuer: Option<&Party>, key: SigningKey) -> Party {
    let draft = Draft {
        subject: &Name::new(&[("O", "test"), ("CN", name)]).unwrap(),
        key: &key.public(),
        not_before: time("2025-01-01T00:00:00Z"),
        not_after: time("2035-01-01T00:00:00Z"),
        extensions,
    };
    let certificate = match issuer {
        Some(issuer) => draft.issue(&issuer.certificate, &issuer.key),
        None => draft.self_sign(&key),
    };
    Party { certificate: certificate.unwrap(), key }
}

impl Plan {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            content: CONTENT.to_vec(),
            time: time(TIME),
            has_timestamp: true,
            predicate_type: "https://sigstore.dev/cosign/sign/v1",
            extensions: None,
            validity: (time("2026-06-01T11:55:00Z"), time("2026-06-01T12:05:00Z")),
            has_promise_of_certificate: true,
        }
    }
}

impl Instance {
    pub(crate) fn new() -> Self {
        let authority = [
            Extension::basic_constraints(true, None),
            Extension::key_usage(&[KeyUsage::CertificateSigning]),
        ];
        let stamps = [Extension::extended_key_usage(true, &[PURPOSE_TIME_STAMPING]).unwrap()];
        let root = party("root", &authority, None, SigningKey::generate_p384());
        let middle = party("middle", &authority, Some(&root), SigningKey::generate_p384());
        let stamp_root = party("stamp root", &authority, None, SigningKey::generate_p256());
        let stamp = party("stamp", &stamps, Some(&stamp_root), SigningKey::generate_p256());
        Self {
            root,
            middle,
            stamp_root,
            stamp,
            certificate_log: SigningKey::generate_p256(),
            rekor: SigningKey::generate_p256(),
            rekor_2: SigningKey::generate_ed25519(),
        }
    }

    /// The trusted root.
    pub(crate) fn root(&self) -> Value {
        let certificates = |parties: [&Party; 2]| {
            parties.map(|party| json!({"rawBytes": base64(party.certificate.der())}))
        };
        let authority = |uri: &str, parties: [&Party; 2]| {
            json!({
                "subject": {"organization": "test", "commonName": "test"},
                "uri": uri,
                "certChain": {"certificates": certificates(parties)},
                "validFor": {"start": "2026-01-01T00:00:00Z"},
            })
        };
        let log = |uri: &str, key: &SigningKey| {
            json!({
                "baseUrl": uri,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": base64(key.public().spki_der()),
                    "keyDetails": "PKIX",
                    "validFor": {"start": "2026-01-01T00:00:00Z"},
                },
                "logId": {"keyId": key.public().hint()},
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [
                log("https://rekor.test", &self.rekor),
                log("https://rekor2.test", &self.rekor_2),
            ],
            "ctlogs": [log("https://ct.test", &self.certificate_log)],
            "certificateAuthorities": [authority("https://fulcio.test", [&self.middle, &self.root])],
            "timestampAuthorities":
                [authority("https://stamp.test", [&self.stamp, &self.stamp_root])],
        })
    }

    /// A certificate for a key, with the promise of the log of certificates inside.
    pub(crate) fn certificate(&self, plan: &Plan, key: &SigningKey) -> Certificate {
        let ordinary = extensions(IDENTITY, ISSUER);
        let certificate = Draft {
            subject: &Name::new(&[]).unwrap(),
            key: &key.public(),
            not_before: plan.validity.0,
            not_after: plan.validity.1,
            extensions: plan.extensions.as_ref().unwrap_or(&ordinary),
        }
        .issue(&self.middle.certificate, &self.middle.key)
        .unwrap();
        if plan.has_promise_of_certificate {
            self.with_promise(&certificate, plan.time)
        } else {
            certificate
        }
    }

    fn with_promise(&self, certificate: &Certificate, at: Timestamp) -> Certificate {
        let part = certificate.signed_part();
        let milliseconds = u64::try_from(at.as_millisecond()).unwrap().to_be_bytes();
        let issuer = Hash::Sha256.of(self.middle.certificate.public_key().spki_der());
        let length = &u32::try_from(part.len()).unwrap().to_be_bytes()[1..];
        let signed = [&[0, 0], &milliseconds[..], &[0, 1], &issuer, length, part, &[0, 0]].concat();
        let signature = self.certificate_log.sign(&signed).unwrap();
        let count =
            |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        let id = Hash::Sha256.of(self.certificate_log.public().spki_der());
        let promise = [&[0], &id[..], &milliseconds, &[0, 0, 4, 3], &count(&signature)].concat();
        let list = der(0x04, &[&count(&count(&promise))]);
        let oid = [0x06, 0x0A, 0x2B, 6, 1, 4, 1, 0xD6, 0x79, 2, 4, 2];
        let extension = der(0x30, &[&oid, &der(0x04, &[&list])]);
        // The extensions are the last field, and the list is all that is in them.
        let content = inner(part);
        let at = (0..content.len())
            .find(|at| content[*at] == 0xA3 && whole(&content[*at..]) == Some(content.len() - at))
            .unwrap();
        let list = [inner(inner(&content[at..])), &extension].concat();
        let extensions = der(0xA3, &[&der(0x30, &[&list])]);
        let part = der(0x30, &[&content[..at], &extensions]);
        let signature = self.middle.key.sign(&part).unwrap();
        // ECDSA with SHA-384.
        let algorithm = [0x30, 0x0A, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3];
        let bits = der(0x03, &[&[0], &signature]);
        Certificate::from_der(&der(0x30, &[&part, &algorithm, &bits])).unwrap()
    }

    /// A timestamp over a signature.
    pub(crate) fn timestamp(&self, message: &[u8], at: Timestamp) -> Vec<u8> {
        let oid = |last: &[u8]| der(0x06, &[&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1], last]);
        let sha256 = der(0x30, &[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]]);
        let digest = |bytes: &[u8]| der(0x04, &[&Hash::Sha256.of(bytes)]);
        let text = at.to_string().replace(['-', ':', 'T'], "");
        let info = der(
            0x30,
            &[
                &[2, 1, 1, 6, 2, 0x2A, 3],
                &der(0x30, &[&sha256, &digest(message)]),
                &[2, 1, 1],
                &der(0x18, &[text.as_bytes()]),
            ],
        );
        let attribute = |last: &[u8], value: &[u8]| der(0x30, &[&oid(last), &der(0x31, &[value])]);
        let bound =
            der(0x30, &[&der(0x30, &[&der(0x30, &[&digest(self.stamp.certificate.der())])])]);
        let type_of_info = oid(&[9, 16, 1, 4]);
        let attributes = [
            attribute(&[9, 3], &type_of_info),
            attribute(&[9, 4], &digest(&info)),
            attribute(&[9, 16, 2, 47], &bound),
        ]
        .concat();
        let signature = self.stamp.key.sign(&der(0x31, &[&attributes])).unwrap();
        let name = self.stamp.certificate.issuer().der();
        let signer = der(
            0x30,
            &[
                &[2, 1, 1],
                &der(0x30, &[name, &der(0x02, &[self.stamp.certificate.serial()])]),
                &sha256,
                &der(0xA0, &[&attributes]),
                &[0x30, 0x0A, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2],
                &der(0x04, &[&signature]),
            ],
        );
        let content = der(0x30, &[&type_of_info, &der(0xA0, &[&der(0x04, &[&info])])]);
        let data =
            der(0x30, &[&[2, 1, 3], &der(0x31, &[&sha256]), &content, &der(0x31, &[&signer])]);
        let token = der(0x30, &[&oid(&[7, 2]), &der(0xA0, &[&data])]);
        der(0x30, &[&[0x30, 3, 2, 1, 0], &token])
    }

    /// A bundle.
    pub(crate) fn bundle(&self, plan: &Plan) -> Value {
        self.bundle_by(plan, &SigningKey::generate_p256())
    }

    /// A bundle that this key signed.
    pub(crate) fn bundle_by(&self, plan: &Plan, key: &SigningKey) -> Value {
        let certificate = self.certificate(plan, key);
        let digest = Hash::Sha256.of(&plan.content);
        let statement = statement(&digest, plan.predicate_type);
        let signed =
            if plan.kind.is_envelope() { pae(STATEMENT, &statement) } else { plan.content.clone() };
        let signature = key.sign(&signed).unwrap();
        let body = body(plan.kind, &signed, &statement, &signature, &certificate);
        let mut bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": base64(certificate.der())},
                "tlogEntries": [self.entry(plan, body.to_string().as_bytes())],
            },
        });
        if plan.has_timestamp {
            let token = base64(&self.timestamp(&signature, plan.time));
            bundle["verificationMaterial"]["timestampVerificationData"] =
                json!({"rfc3161Timestamps": [{"signedTimestamp": token}]});
        }
        if plan.kind.is_envelope() {
            bundle["dsseEnvelope"] = json!({
                "payload": base64(&statement),
                "payloadType": STATEMENT,
                "signatures": [{"sig": base64(&signature), "keyid": ""}],
            });
        } else {
            bundle["messageSignature"] = json!({
                "messageDigest": {"algorithm": "SHA2_256", "digest": base64(&digest)},
                "signature": base64(&signature),
            });
        }
        bundle
    }

    /// An entry of the log: the third of five, with the log's signatures.
    pub(crate) fn entry(&self, plan: &Plan, body: &[u8]) -> Value {
        let (key, name) = if plan.kind.is_rekor_2() {
            (&self.rekor_2, "rekor2.test")
        } else {
            (&self.rekor, "rekor.test")
        };
        let leaf = |content: &[u8]| Hash::Sha256.of(&[&[0], content].concat());
        let node = |left: &[u8], right: &[u8]| Hash::Sha256.of(&[&[1], left, right].concat());
        let others: Vec<Vec<u8>> = (0..5_u8).map(|n| leaf(&[n])).collect();
        let left = node(&others[0], &others[1]);
        let four = node(&left, &node(&leaf(body), &others[3]));
        let root = node(&four, &others[4]);
        let hashes = [&others[3], &left, &others[4]].map(|hash| base64(hash));
        let id = Hash::Sha256.of(key.public().spki_der());
        let text = format!("{name}\n5\n{}\n", base64(&root));
        let signature = [&id[..4], &key.sign(text.as_bytes()).unwrap()].concat();
        let kind: Value = serde_json::from_slice(body).unwrap();
        let mut entry = json!({
            "logIndex": "1002",
            "logId": {"keyId": base64(&id)},
            "kindVersion": {"kind": kind["kind"], "version": kind["apiVersion"]},
            "inclusionProof": {
                "logIndex": "2",
                "rootHash": base64(&root),
                "treeSize": "5",
                "hashes": hashes,
                "checkpoint": {"envelope": format!("{text}\n\u{2014} {name} {}\n", base64(&signature))},
            },
            "canonicalizedBody": base64(body),
        });
        if !plan.kind.is_rekor_2() {
            let seconds = plan.time.as_second();
            let id = hex(&id);
            let signed = format!(
                r#"{{"body":"{}","integratedTime":{seconds},"logID":"{id}","logIndex":1002}}"#,
                base64(body)
            );
            let promise = key.sign(signed.as_bytes()).unwrap();
            entry["integratedTime"] = json!(seconds.to_string());
            entry["inclusionPromise"] = json!({"signedEntryTimestamp": base64(&promise)});
        }
        entry
    }
}

fn statement(digest: &[u8], predicate_type: &str) -> Vec<u8> {
    let digest = hex(digest);
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "content", "digest": {"sha256": digest}}],
        "predicateType": predicate_type,
        "predicate": {},
    })
    .to_string()
    .into_bytes()
}

fn body(
    kind: Kind,
    signed: &[u8],
    statement: &[u8],
    signature: &[u8],
    certificate: &Certificate,
) -> Value {
    let hex = |bytes: &[u8]| hex(&Hash::Sha256.of(bytes));
    let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": hex(bytes)});
    let digest =
        |bytes: &[u8]| json!({"algorithm": "SHA2_256", "digest": base64(&Hash::Sha256.of(bytes))});
    let pem = base64(certificate.to_pem().as_bytes());
    let content = base64(signature);
    let with_verifier = json!({
        "content": content,
        "verifier": {
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "x509Certificate": {"rawBytes": base64(certificate.der())},
        },
    });
    let (name, version, spec) = match kind {
        Kind::Hashed1 => (
            "hashedrekord",
            "0.0.1",
            json!({
                "data": {"hash": hash(signed)},
                "signature": {"content": content, "publicKey": {"content": pem}},
            }),
        ),
        Kind::Dsse1 => (
            "dsse",
            "0.0.1",
            json!({
                "envelopeHash": hash(b"one spelling"),
                "payloadHash": hash(statement),
                "signatures": [{"signature": content, "verifier": pem}],
            }),
        ),
        Kind::Intoto2 => (
            "intoto",
            "0.0.2",
            json!({"content": {
                "envelope": {
                    "payloadType": STATEMENT,
                    "signatures": [{"publicKey": pem, "sig": base64(content.as_bytes())}],
                },
                "hash": hash(b"one spelling"),
                "payloadHash": hash(statement),
            }}),
        ),
        Kind::Hashed2 | Kind::HashedEnvelope2 => (
            "hashedrekord",
            "0.0.2",
            json!({"hashedRekordV002": {"data": digest(signed), "signature": with_verifier}}),
        ),
        Kind::Dsse2 => (
            "dsse",
            "0.0.2",
            json!({"dsseV002": {"payloadHash": digest(statement), "signatures": [with_verifier]}}),
        ),
    };
    json!({"apiVersion": version, "kind": name, "spec": spec})
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// An element of DER.
pub(crate) fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    match u16::try_from(content.len()).unwrap() {
        short @ 0..=0x7F => bytes.push(short.to_le_bytes()[0]),
        middle @ 0x80..=0xFF => bytes.extend([0x81, middle.to_le_bytes()[0]]),
        long => bytes.extend([&[0x82], &long.to_be_bytes()[..]].concat()),
    }
    bytes.extend(content);
    bytes
}

// Size of the element at the start, with its head.
fn whole(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, length @ 0..=0x7F, ..] => Some(2 + usize::from(*length)),
        [_, 0x81, length, ..] => Some(3 + usize::from(*length)),
        [_, 0x82, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

fn inner(bytes: &[u8]) -> &[u8] {
    match bytes[1] {
        0..=0x7F => &bytes[2..],
        0x81 => &bytes[3..],
        _ => &bytes[4..],
    }
}

//! Writes the seeds of Notary Project signatures, and the certificates that they are judged by:
//! `cargo run -p sealift-corpus --example notation_seeds`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use sealift_corpus::notation::REVOKED;
use sealift_corpus::sign::image;
use sealift_crypto::certificate::{Draft, Extension, KeyUsage, Name, PURPOSE_CODE_SIGNING};
use sealift_crypto::{Certificate, RevocationList, RevocationReason, Revoked, SigningKey};
use sealift_notation::{EnvelopeFormat, Request, SigningScheme, Target, sign};

fn main() {
    let key = SigningKey::from_pem(include_str!("../fixtures/signer.pem")).unwrap();
    let usage = Extension::key_usage(&[KeyUsage::DigitalSignature]);
    let purpose = Extension::extended_key_usage(false, &[PURPOSE_CODE_SIGNING]).unwrap();
    let signer = certificate(&key, "signer", &[usage, purpose]);
    let usage = Extension::key_usage(&[KeyUsage::CertificateSigning, KeyUsage::ListSigning]);
    let authority = certificate(&key, "root", &[Extension::basic_constraints(true, None), usage]);
    write("crates/corpus/fixtures/notation.pem", signer.to_pem().as_bytes());
    write("crates/corpus/fixtures/authority.pem", authority.to_pem().as_bytes());
    for (format, name) in [(EnvelopeFormat::Jws, "jws"), (EnvelopeFormat::Cose, "cose")] {
        let envelope = envelope(format, &key, &signer);
        write(&format!("fuzz/seeds/notation_{name}/signed"), &envelope);
    }
    let entry = Revoked {
        serial: REVOKED.to_vec(),
        at: time("2026-11-01T00:00:00Z"),
        reason: RevocationReason::KeyCompromise,
        invalid_since: Some(time("2026-10-01T00:00:00Z")),
    };
    let (from, to) = (time("2026-11-10T00:00:00Z"), time("2036-11-10T00:00:00Z"));
    let list = RevocationList::issue(&authority, &key, &[entry], from, to).unwrap();
    write("fuzz/seeds/crl/list.der", list.der());
}

fn write(path: &str, bytes: &[u8]) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn certificate(key: &SigningKey, name: &str, extensions: &[Extension]) -> Certificate {
    let subject = Name::new(&[("C", "CH"), ("ST", "BE"), ("O", "Seeds"), ("CN", name)]).unwrap();
    let (not_before, not_after) = (time("2026-01-01T00:00:00Z"), time("2126-01-01T00:00:00Z"));
    Draft { subject: &subject, key: &key.public(), not_before, not_after, extensions }
        .self_sign(key)
        .unwrap()
}

fn envelope(format: EnvelopeFormat, key: &SigningKey, signer: &Certificate) -> Vec<u8> {
    let image = image();
    let target = Target {
        media_type: image.media_type,
        digest: image.digest,
        size: image.size,
        annotations: BTreeMap::from([("seed".to_owned(), "yes".to_owned())]),
    };
    let request = Request {
        format,
        scheme: SigningScheme::X509,
        target: &target,
        chain: std::slice::from_ref(signer),
        signing_time: time("2026-11-20T12:00:00Z"),
        expiry: Some(time("2126-01-01T00:00:00Z")),
        agent: "sealift/seed",
    };
    sign(&request, key, |_| Ok(None)).unwrap()
}

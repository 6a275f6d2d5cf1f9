//! Keys, keyrings, signed texts, envelopes, JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::dsse::{self, Envelope};
use sealift_crypto::openpgp::{Keyring, verify_cleartext};
use sealift_crypto::{Error, PublicKey, Secret, SigningKey, canonical_json, strict_json};
use serde_json::Value;

use crate::text;

const KEYRING: &[u8] = include_bytes!("../fixtures/archive.asc");
const SIGNED: &[u8] = include_bytes!("../fixtures/signed.asc");
/// What the fixture's signer signed, and nothing else.
const PAYLOAD: &[u8] = b"Origin: Seeds\nSuite: stable\nDate: Sat, 01 Jun 2024 00:00:00 UTC\n";
const NOW: u64 = 1_750_000_000;

/// A test key; it signs seeds and nothing else.
pub(crate) fn signer() -> SigningKey {
    SigningKey::from_pem(include_str!("../fixtures/signer.pem")).expect("the fixture is a key")
}

pub(crate) fn signer_public() -> PublicKey {
    PublicKey::from_pem(include_str!("../fixtures/signer.pub")).expect("the fixture is a key")
}

/// An OpenPGP keyring, which then verifies a signed text: only the key that signed may be found.
pub fn keyring(bytes: &[u8]) {
    let Ok(keyring) = Keyring::parse(bytes) else { return };
    let keys = keyring.keys();
    assert!(!keys.is_empty(), "a keyring without keys is none");
    let joined = keyring.clone().joined(&keyring);
    assert_eq!(joined.keys(), keys, "a keyring joined with itself changes");
    if let Ok((payload, signer)) = verify_cleartext(SIGNED, &keyring, NOW) {
        assert_eq!(payload, PAYLOAD);
        let (_, known) = verify_cleartext(SIGNED, &fixture(), NOW).unwrap();
        assert_eq!(signer.fingerprint, known.fingerprint, "another key is said to have signed");
    }
}

/// A cleartext-signed message: whatever passes is the one text that was signed.
pub fn signed_text(bytes: &[u8]) {
    if let Ok((payload, _)) = verify_cleartext(bytes, &fixture(), NOW) {
        assert_eq!(payload, PAYLOAD, "a text that nobody signed passes");
    }
}

fn fixture() -> Keyring {
    Keyring::parse(KEYRING).expect("the fixture is a keyring")
}

/// A public key in PEM: what is written is read as the same.
pub fn public_key(bytes: &[u8]) {
    if let Ok(key) = PublicKey::from_spki_der(bytes) {
        assert_eq!(key.spki_der(), bytes, "a key has one encoding");
    }
    let Some(text) = text(bytes) else { return };
    let Ok(key) = PublicKey::from_pem(text) else { return };
    let again = PublicKey::from_pem(&key.to_pem()).unwrap();
    assert_eq!(again.fingerprint(), key.fingerprint());
    assert!(key.verify(b"message", b"signature").is_err());
    assert!(key.verify(b"message", b"").is_err());
}

/// The URI of a key in a token, or a file that stands for one: what is written is read as the same, and no message shows a PIN.
pub fn token_key(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match sealift_token::KeyFile::parse(text) {
        Ok(file) => {
            let written = file.to_text().unwrap();
            assert!(sealift_token::KeyFile::is(&written));
            assert_eq!(sealift_token::KeyFile::parse(&written).unwrap(), file);
            assert!(!file.uri_text().contains("pin-value"), "a PIN in a file");
        }
        Err(error) => check_token_message(&error),
    }
    match sealift_token::Uri::parse(text) {
        Ok(uri) => assert!(uri.module_path.is_absolute()),
        Err(error) => check_token_message(&error),
    }
}

fn check_token_message(error: &sealift_token::Error) {
    let line = error.to_string();
    assert!(!line.contains(char::is_control), "a message has control characters: {line:?}");
}

/// A private key in PEM, plain or encrypted, or what stands in the PEM of an encrypted one.
pub fn key_file(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        check_key_file(text);
    }
    let lines: Vec<String> = STANDARD
        .encode(bytes)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned() + "\n")
        .collect();
    let label = "ENCRYPTED SIGSTORE PRIVATE KEY";
    check_key_file(&format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.concat()));
}

fn check_key_file(text: &str) {
    let passphrase = Secret::new(b"seed".to_vec());
    for key in [
        SigningKey::from_pem(text),
        SigningKey::from_key_file(text, None),
        SigningKey::from_key_file(text, Some(&passphrase)),
    ]
    .into_iter()
    .flatten()
    {
        let signature = key.sign(b"message").unwrap();
        assert!(key.public().verify(b"message", &signature).is_ok(), "a key does not fit itself");
    }
}

/// A DSSE envelope: what is written is read as the same, and what passes is what was signed.
pub fn envelope(bytes: &[u8]) {
    let Ok(envelope) = Envelope::from_json(bytes) else { return };
    let again = Envelope::from_json(&envelope.to_json()).unwrap();
    assert_eq!(again.to_json(), envelope.to_json());
    assert_eq!((&again.payload_type, &again.payload), (&envelope.payload_type, &envelope.payload));
    if let Ok((payload, _)) = dsse::verify(&envelope, &[signer_public()]) {
        assert_eq!((payload, envelope.payload_type.as_str()), (&b"{}"[..], "text/seed"));
    }
}

/// Strict JSON: a part of JSON; its canonical form is a fixed point.
pub fn json(bytes: &[u8]) {
    let strict: Result<Value, Error> = strict_json::from_slice(bytes, "seed");
    assert_eq!(strict.is_ok(), strict_json::check(bytes, "seed").is_ok());
    let Ok(value) = strict else { return };
    let lenient: Value = serde_json::from_slice(bytes).expect("strict JSON is JSON");
    assert_eq!(lenient, value, "two readers of JSON differ");
    let Ok(canonical) = canonical_json::olpc(&value) else { return };
    // Control characters are not escaped in this form, so that it is not always JSON.
    let Ok(again) = strict_json::from_slice::<Value>(&canonical, "seed") else { return };
    assert_eq!(canonical_json::olpc(&again).unwrap(), canonical, "the canonical form changes");
}

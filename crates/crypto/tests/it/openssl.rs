//! ECDSA, Ed25519 and RSA signatures, there and back.

use std::fs;

use sealift_crypto::{KeyKind, PublicKey, SigningKey};

use crate::{has_program, must_run, run};

#[test]
fn openssl_accepts_our_signature() {
    if !has_program("openssl", "our ECDSA against openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let key = SigningKey::generate_p256();
    fs::write(path.join("key.pem"), key.public().to_pem()).unwrap();
    fs::write(path.join("message"), b"message").unwrap();
    fs::write(path.join("signature"), key.sign(b"message")).unwrap();
    let verify = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"];
    must_run(path, "openssl", &verify);
    fs::write(path.join("message"), b"another").unwrap();
    assert!(!run(path, "openssl", &verify).0);
    // The fingerprint is that of the DER form.
    must_run(
        path,
        "openssl",
        &["pkey", "-pubin", "-in", "key.pem", "-outform", "DER", "-out", "key.der"],
    );
    let digest = must_run(path, "openssl", &["dgst", "-sha256", "-r", "key.der"]);
    assert_eq!(digest.split(' ').next().unwrap(), key.public().fingerprint());
}

#[test]
fn we_accept_signatures_of_openssl() {
    if !has_program("openssl", "signatures of openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("message"), b"message").unwrap();
    let digest: &[&str] =
        &["dgst", "-sha256", "-sign", "private.pem", "-out", "signature", "message"];
    let raw: &[&str] = &[
        "pkeyutl",
        "-sign",
        "-rawin",
        "-inkey",
        "private.pem",
        "-in",
        "message",
        "-out",
        "signature",
    ];
    for (kind, make, sign) in [
        (
            KeyKind::EcdsaP256,
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
            digest,
        ),
        (KeyKind::Rsa, &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], digest),
        (KeyKind::Ed25519, &["-algorithm", "ed25519"], raw),
    ] {
        must_run(path, "openssl", &[&["genpkey", "-out", "private.pem"], make].concat());
        must_run(path, "openssl", &["pkey", "-in", "private.pem", "-pubout", "-out", "public.pem"]);
        must_run(path, "openssl", sign);
        let key =
            PublicKey::from_pem(&fs::read_to_string(path.join("public.pem")).unwrap()).unwrap();
        assert_eq!(key.kind(), kind);
        let signature = fs::read(path.join("signature")).unwrap();
        key.verify(b"message", &signature).unwrap();
        assert!(key.verify(b"messag", &signature).is_err());
        for index in 0..signature.len() {
            let mut altered = signature.clone();
            altered[index] ^= 1 << (index % 8);
            assert!(key.verify(b"message", &altered).is_err(), "{kind:?} byte {index}");
        }
        let private = fs::read_to_string(path.join("private.pem")).unwrap();
        match SigningKey::from_pem(&private) {
            Ok(signing) => assert_eq!((kind, signing.public()), (KeyKind::EcdsaP256, key)),
            Err(error) => assert_ne!(kind, KeyKind::EcdsaP256, "{error}"),
        }
    }
}

#[test]
fn refuses_weak_and_unknown_keys_of_openssl() {
    if !has_program("openssl", "weak keys of openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for make in [
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"][..],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
        &["-algorithm", "X25519"],
    ] {
        must_run(path, "openssl", &[&["genpkey", "-out", "private.pem"], make].concat());
        must_run(path, "openssl", &["pkey", "-in", "private.pem", "-pubout", "-out", "public.pem"]);
        let text = fs::read_to_string(path.join("public.pem")).unwrap();
        assert!(PublicKey::from_pem(&text).is_err(), "{make:?}");
        let text = fs::read_to_string(path.join("private.pem")).unwrap();
        assert!(SigningKey::from_pem(&text).is_err(), "{make:?}");
    }
}

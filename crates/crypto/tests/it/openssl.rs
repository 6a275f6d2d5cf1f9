//! ECDSA, Ed25519 and RSA signatures, there and back.

use std::fs;

use jiff::Timestamp;
use sealift_crypto::pem::Block;
use sealift_crypto::{Certificate, KeyKind, PublicKey, Scheme, Secret, SigningKey};

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
    fs::write(path.join("signature"), key.sign(b"message").unwrap()).unwrap();
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
    let digest_384: &[&str] =
        &["dgst", "-sha384", "-sign", "private.pem", "-out", "signature", "message"];
    let digest_512: &[&str] =
        &["dgst", "-sha512", "-sign", "private.pem", "-out", "signature", "message"];
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
        (
            KeyKind::EcdsaP384,
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
            digest_384,
        ),
        (
            KeyKind::EcdsaP521,
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
            digest_512,
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
        let signing = SigningKey::from_pem(&private).unwrap();
        assert_eq!(signing.public(), key);
        key.verify(b"message", &signing.sign(b"message").unwrap()).unwrap();
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
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"][..],
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

// Docker's key files, there and back: PBES2 with and without a named function.
#[test]
fn encrypted_keys() {
    if !has_program("openssl", "encrypted keys of openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let passphrase = Secret::from("correct horse".to_owned());
    let key = SigningKey::generate_p256();
    let content = Secret::new(key.to_docker_pkcs8_der(&passphrase).unwrap());
    let block = Block { label: "ENCRYPTED PRIVATE KEY".to_owned(), headers: Vec::new(), content };
    fs::write(path.join("ours.pem"), block.to_text().unwrap()).unwrap();
    let pass = "pass:correct horse";
    must_run(
        path,
        "openssl",
        &["pkey", "-in", "ours.pem", "-passin", pass, "-pubout", "-out", "ours.pub"],
    );
    let public = PublicKey::from_pem(&fs::read_to_string(path.join("ours.pub")).unwrap()).unwrap();
    assert_eq!(public, key.public());
    for function in ["hmacWithSHA1", "hmacWithSHA256", "hmacWithSHA512"] {
        let convert = ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", function];
        let files = ["-in", "ours.pem", "-passin", pass, "-passout", pass, "-out", "theirs.pem"];
        must_run(path, "openssl", &[&convert[..], &files].concat());
        let text = fs::read_to_string(path.join("theirs.pem")).unwrap();
        let block = Block::parse(&text).unwrap();
        let read = SigningKey::from_encrypted_pkcs8_der(block.content.expose(), &passphrase);
        assert_eq!(read.unwrap().public(), key.public());
        let wrong = Secret::from("wrong".to_owned());
        assert!(SigningKey::from_encrypted_pkcs8_der(block.content.expose(), &wrong).is_err());
    }
}

#[test]
fn certificates() {
    if !has_program("openssl", "certificates") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let (from, to) = (time("2026-11-21T00:02:09Z"), time("2056-11-18T00:02:09Z"));
    let key = SigningKey::generate_p256();
    let certificate = Certificate::self_signed(&key, "host:5443/app", from, to).unwrap();
    fs::write(path.join("ours.pem"), certificate.to_pem()).unwrap();
    let text = must_run(
        path,
        "openssl",
        &["x509", "-in", "ours.pem", "-noout", "-subject", "-dates", "-ext", "extendedKeyUsage"],
    );
    for expected in
        ["host:5443/app", "Nov 21 00:02:09 2026", "Nov 18 00:02:09 2056", "Code Signing"]
    {
        assert!(text.contains(expected), "{text}");
    }
}

// An authority of openssl's and a certificate by it.
#[test]
fn certificates_of_openssl() {
    if !has_program("openssl", "certificates of openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let authority: &[&str] = &[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-subj",
        "/O=Lab/CN=Lab CA",
        "-days",
        "30",
    ];
    must_run(path, "openssl", authority);
    let request: &[&str] = &[
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "leaf.key",
        "-out",
        "leaf.csr",
        "-subj",
        "/CN=host:5443\\/app",
    ];
    must_run(path, "openssl", request);
    let issue: &[&str] = &[
        "x509",
        "-req",
        "-in",
        "leaf.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        "30",
        "-out",
        "leaf.pem",
    ];
    must_run(path, "openssl", issue);
    let read = |name: &str| {
        let text = fs::read_to_string(path.join(name)).unwrap();
        Certificate::chain_from_pem(&text).unwrap().remove(0)
    };
    let (leaf, authority) = (read("leaf.pem"), read("ca.pem"));
    assert!(authority.is_authority() && !leaf.is_authority());
    assert!(leaf.is_signed_by(&authority) && authority.is_signed_by(&authority));
    assert!(!authority.is_signed_by(&leaf) && !leaf.is_signed_by(&leaf));
    assert_eq!(leaf.common_name(), Some("host:5443/app"));
}

#[test]
fn rsa_pss() {
    if !has_program("openssl", "RSA PSS") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    fs::write(path.join("message"), b"message").unwrap();
    must_run(path, "openssl", &["genrsa", "-out", "key.pem", "2048"]);
    let sign = ["dgst", "-sha256", "-sign", "key.pem", "-sigopt", "rsa_padding_mode:pss"];
    let rest = ["-sigopt", "rsa_pss_saltlen:32", "-out", "signature", "message"];
    must_run(path, "openssl", &[&sign[..], &rest].concat());
    let key = SigningKey::from_pem(&fs::read_to_string(path.join("key.pem")).unwrap()).unwrap();
    let signature = fs::read(path.join("signature")).unwrap();
    key.public().verify_as(Scheme::RsaPss, b"message", &signature).unwrap();
    assert!(key.public().verify_as(Scheme::RsaPkcs1, b"message", &signature).is_err());
}

// What openssl signs with every algorithm that a certificate may name; the old ones are refused.
#[test]
fn algorithms_of_certificates() {
    if !has_program("openssl", "certificates of openssl") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (ec, rsa) = (&["-algorithm", "EC", "-pkeyopt"][..], &["-algorithm", "RSA", "-pkeyopt"][..]);
    let curve = |name| [ec, &[name][..]].concat();
    let keys = [
        (curve("ec_paramgen_curve:P-256"), false),
        (curve("ec_paramgen_curve:P-384"), false),
        (curve("ec_paramgen_curve:P-521"), false),
        ([rsa, &["rsa_keygen_bits:2048"]].concat(), true),
    ];
    let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1"];
    for (make, is_rsa) in keys {
        must_run(path, "openssl", &[&["genpkey", "-out", "private.pem"], &make[..]].concat());
        for (hash, is_good) in
            [("-sha256", true), ("-sha384", true), ("-sha512", true), ("-sha1", false)]
        {
            let paddings: &[&[&str]] = if is_rsa { &[&[], &pss] } else { &[&[]] };
            for padding in paddings {
                let request = [
                    "req",
                    "-x509",
                    "-key",
                    "private.pem",
                    "-subj",
                    "/CN=root",
                    "-out",
                    "root.pem",
                    hash,
                ];
                must_run(path, "openssl", &[&request[..], padding].concat());
                let text = fs::read_to_string(path.join("root.pem")).unwrap();
                let root = Certificate::chain_from_pem(&text).unwrap().remove(0);
                assert_eq!(root.is_self_signed(), is_good, "{make:?} {hash} {padding:?}");
                assert_eq!(root.is_signed_by(&root), is_good, "{make:?} {hash} {padding:?}");
            }
        }
        let old = ["pkey", "-in", "private.pem", "-traditional", "-out", "old.pem"];
        must_run(path, "openssl", &old);
        let old = fs::read_to_string(path.join("old.pem")).unwrap();
        let new = fs::read_to_string(path.join("private.pem")).unwrap();
        let read = SigningKey::from_pem(&old).unwrap();
        assert_eq!(read.public(), SigningKey::from_pem(&new).unwrap().public());
    }
}

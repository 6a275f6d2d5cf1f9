//! cosign's key file. The fixtures are made by `tests/fixtures/key_file/make.py`, which is independent of our code.

use sealift_crypto::{Error, PublicKey, Secret, SigningKey};

const PRIVATE: &str = include_str!("../fixtures/key_file/cosign.key");
const PRIVATE_OLD: &str = include_str!("../fixtures/key_file/cosign-old.key");
const PUBLIC: &str = include_str!("../fixtures/key_file/cosign.pub");

fn passphrase(text: &str) -> Secret {
    Secret::from(text.to_owned())
}

fn refusal(text: &str) -> String {
    match SigningKey::from_encrypted_pem(text, &passphrase("correct horse")) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

// The fixture's JSON with one part replaced, as PEM again.
fn altered(from: &str, to: &str) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let body: String = PRIVATE.lines().filter(|line| !line.starts_with('-')).collect();
    let json = String::from_utf8(STANDARD.decode(body).unwrap()).unwrap();
    assert!(json.contains(from), "{json}");
    let body = STANDARD.encode(json.replace(from, to));
    format!(
        "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n{body}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
    )
}

#[test]
fn reads_both_kinds() {
    let public = PublicKey::from_pem(PUBLIC).unwrap();
    for text in [PRIVATE, PRIVATE_OLD] {
        let key = SigningKey::from_encrypted_pem(text, &passphrase("correct horse")).unwrap();
        assert_eq!(key.public(), public);
        public.verify(b"x", &key.sign(b"x").unwrap()).unwrap();
    }
}

#[test]
fn writes_what_it_reads() {
    let key = SigningKey::generate_p256();
    for text in ["", "p"] {
        let pem = key.to_encrypted_pem(&passphrase(text)).unwrap();
        assert!(pem.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
        let read = SigningKey::from_encrypted_pem(&pem, &passphrase(text)).unwrap();
        assert_eq!(read.public(), key.public());
        let wrong = SigningKey::from_encrypted_pem(&pem, &passphrase("q"));
        assert!(matches!(wrong, Err(Error::Passphrase)));
    }
}

#[test]
fn refuses_other_parameters() {
    for (from, to, expected) in [
        (
            "\"N\":65536",
            "\"N\":1073741824",
            "the key file's scrypt cost `N` is `1073741824`, allowed is a power of two from 16384 to 131072",
        ),
        (
            "\"N\":65536",
            "\"N\":1024",
            "the key file's scrypt cost `N` is `1024`, allowed is a power of two from 16384 to 131072",
        ),
        (
            "\"N\":65536",
            "\"N\":65535",
            "the key file's scrypt cost `N` is `65535`, allowed is a power of two from 16384 to 131072",
        ),
        (
            "\"r\":8",
            "\"r\":1048576",
            "the key file's scrypt block size `r` is `1048576`, allowed is `8`",
        ),
        ("\"p\":1", "\"p\":64", "the key file's scrypt `p` is `64`, allowed is `1`"),
        ("scrypt", "none", "the key file's key derivation is `none`, allowed is `scrypt`"),
        ("nacl/secretbox", "none", "the key file's cipher is `none`, allowed is `nacl/secretbox`"),
    ] {
        assert_eq!(refusal(&altered(from, to)), expected);
    }
    assert!(refusal(&altered("{\"kdf\":", "{\"kdf\":{},\"kdf\":")).contains("stands twice"));
    assert!(refusal(&altered("\"N\":65536", "\"N\":65536,\"x\":1")).contains("unknown field"));
    assert!(refusal(&altered("\"N\":65536", "\"N\":-1")).contains("invalid value"));
    assert_eq!(
        refusal("x"),
        "not a PEM block `ENCRYPTED SIGSTORE PRIVATE KEY`: it does not begin with that label"
    );
}

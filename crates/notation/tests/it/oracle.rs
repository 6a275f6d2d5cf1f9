//! Other readers over what we sign: `cbor2` and `cryptography` of PyPI, in `$SEALIFT_PYTHON` or `python3`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::{RsaSize, SigningKey};
use sealift_notation::{EnvelopeFormat, SigningScheme};

use crate::{World, time};

const SCRIPT: &str = r#"
import base64, json, sys
import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

def check(algorithm, leaf, signed, signature):
    key = x509.load_der_x509_certificate(leaf).public_key()
    hash = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[algorithm[2:]]
    if algorithm.startswith("PS"):
        key.verify(signature, signed, padding.PSS(padding.MGF1(hash), hash.digest_size), hash)
    else:
        half = len(signature) // 2
        assert half == (key.curve.key_size + 7) // 8
        numbers = [int.from_bytes(part, "big") for part in (signature[:half], signature[half:])]
        key.verify(encode_dss_signature(*numbers), signed, ec.ECDSA(hash))

def unpad(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

for line in sys.stdin:
    case = json.loads(line)
    raw = base64.b64decode(case["envelope"])
    if case["format"] == "JWS":
        document = json.loads(raw)
        assert list(document) == ["payload", "protected", "header", "signature"]
        protected = json.loads(unpad(document["protected"]))
        leaf = base64.b64decode(document["header"]["x5c"][0])
        signed = (document["protected"] + "." + document["payload"]).encode()
        check(protected["alg"], leaf, signed, unpad(document["signature"]))
        payload = json.loads(unpad(document["payload"]))
    else:
        tag = cbor2.loads(raw)
        assert tag.tag == 18
        assert cbor2.dumps(cbor2.CBORTag(18, list(tag.value)), canonical=True) == raw, "another form"
        protected, unprotected, payload, signature = tag.value
        headers = cbor2.loads(protected)
        assert cbor2.dumps(headers, canonical=True, datetime_as_timestamp=True) == protected
        signed = cbor2.dumps(["Signature1", protected, b"", payload])
        names = {-7: "ES256", -35: "ES384", -36: "ES512", -37: "PS256", -38: "PS384", -39: "PS512"}
        check(names[headers[1]], unprotected[33][0], signed, signature)
        assert headers["io.cncf.notary.expiry"].timestamp() == 1798761600
        payload = json.loads(payload)
    assert payload["targetArtifact"]["annotations"] == {"build": "7"}
    print("good")
"#;

#[test]
fn other_readers_verify_what_we_sign() {
    let python = std::env::var_os("SEALIFT_PYTHON").unwrap_or_else(|| "python3".into());
    let probe = Command::new(&python).args(["-c", "import cbor2, cryptography"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "SKIPPED: no cbor2 in $SEALIFT_PYTHON or `python3`, our envelopes have one reader"
        );
        return;
    }
    let mut cases = String::new();
    for key in [
        SigningKey::generate_p256(),
        SigningKey::generate_p384(),
        SigningKey::generate_p521(),
        SigningKey::generate_rsa_of(RsaSize::Bits2048),
        SigningKey::generate_rsa(),
        SigningKey::generate_rsa_of(RsaSize::Bits4096),
    ] {
        let world = World::with_key(key);
        for format in [EnvelopeFormat::Jws, EnvelopeFormat::Cose] {
            for scheme in [SigningScheme::X509, SigningScheme::SigningAuthority] {
                let envelope = world.sign_as(format, |request| {
                    request.scheme = scheme;
                    request.expiry = Some(time("2027-01-01T00:00:00Z"));
                });
                let envelope = STANDARD.encode(envelope.unwrap());
                let case = serde_json::json!({ "format": format.as_str(), "envelope": envelope });
                cases.extend([&case.to_string(), "\n"]);
            }
        }
    }
    let mut child = Command::new(&python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(cases.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), cases.lines().count());
}

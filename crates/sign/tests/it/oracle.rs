//! securesystemslib and sigstore's own data types (PyPI) over what we write, in `$SEALIFT_PYTHON` or `python3`.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use jiff::Timestamp;
use sealift_crypto::SigningKey;
use sealift_oci::{Descriptor, Digest, media_type};
use sealift_sign::{Subject, attest, legacy, predicate_type, sign_image};

const SCRIPT: &str = r#"
import base64, hashlib, json, sys
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey, Key
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, padding
from cryptography.hazmat.primitives import hashes

folder = sys.argv[1]
pem = open(folder + "/key.pub", "rb").read()
public = load_pem_public_key(pem)
if isinstance(public, rsa.RSAPublicKey):
    # The default of the library is PSS; sigstore's keys sign with PKCS#1 v1.5.
    key = SSlibKey("id", "rsa", "rsa-pkcs1v15-sha256", {"public": pem.decode()})
else:
    key = SSlibKey.from_crypto(public, "id")

def check_envelope(data):
    for signature in data["signatures"]:
        # The library wants one, the format does not.
        signature["keyid"] = "id"
    envelope = Envelope.from_dict(data)
    assert envelope.payload_type == "application/vnd.in-toto+json"
    assert envelope.verify([key], 1)
    return json.loads(envelope.payload)

for name in ["signature", "attestation"]:
    text = open(f"{folder}/{name}.json").read()
    if "--protobuf" in sys.argv:
        from sigstore_protobuf_specs.dev.sigstore.bundle.v1 import Bundle
        bundle = Bundle.from_dict(json.loads(text))
        assert bundle.media_type == "application/vnd.dev.sigstore.bundle.v0.3+json"
        assert bundle.is_set("dsse_envelope")
        hint = bundle.verification_material.public_key.hint
        der = base64.b64decode("".join(pem.decode().splitlines()[1:-1]))
        assert hint == base64.b64encode(hashlib.sha256(der).digest()).decode()
    statement = check_envelope(json.loads(text)["dsseEnvelope"])
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
check_envelope(json.load(open(folder + "/envelope.json")))

payload = open(folder + "/payload.json", "rb").read()
signature = base64.b64decode(open(folder + "/payload.sig").read(), validate=True)
if isinstance(public, ec.EllipticCurvePublicKey):
    hash = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}[public.key_size]
    public.verify(signature, payload, ec.ECDSA(hash))
elif isinstance(public, ed25519.Ed25519PublicKey):
    public.verify(signature, payload)
else:
    public.verify(signature, payload, padding.PKCS1v15(), hashes.SHA256())
assert json.loads(payload)["critical"]["type"] == "cosign container image signature"
"#;

fn python(modules: &str) -> Option<String> {
    let python = std::env::var("SEALIFT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let output = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("SKIPPED: no {modules} in $SEALIFT_PYTHON, nothing was tried with it");
    }
    is_there.then_some(python)
}

#[test]
fn other_readers_accept_what_is_written() {
    let Some(python) = python("securesystemslib, cryptography") else { return };
    let with_types = self::python("sigstore_protobuf_specs").is_some();
    let image = Descriptor::new(media_type::MANIFEST, Digest::sha256(b"image"), 5);
    let subject = Subject { descriptor: &image, name: Some("registry.example/app:1") };
    let none = BTreeMap::new();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    for key in [
        SigningKey::generate_p256(),
        SigningKey::generate_p384(),
        SigningKey::generate_ed25519(),
        SigningKey::generate_rsa(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
        write("key.pub", key.public().to_pem().as_bytes());
        let signature = sign_image(&key, &subject, &none, now).unwrap();
        write("signature.json", &signature.blobs[1].bytes);
        let attestation = attest(&key, &subject, predicate_type::SPDX, b"{}", now).unwrap();
        write("attestation.json", &attestation.blobs[1].bytes);
        let attestation = legacy::attest(&key, &subject, predicate_type::SPDX, b"{}", now).unwrap();
        write("envelope.json", &attestation.blobs[1].bytes);
        let signature = legacy::sign_image(&key, &subject, &none, now).unwrap();
        write("payload.json", &signature.blobs[1].bytes);
        let layer = &signature.manifest.value().layers[0];
        write("payload.sig", layer.annotations[legacy::ANNOTATION_SIGNATURE].as_bytes());
        let mut command = Command::new(&python);
        command.args(["-c", SCRIPT]).arg(folder.path());
        if with_types {
            command.arg("--protobuf");
        }
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?}: {errors}", key.public());
    }
}

//! securesystemslib, the library behind python-tuf, over what we sign. Wanted in `$SEALIFT_PYTHON` or `python3`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use sealift_crypto::SigningKey;
use sealift_tuf::{FileMeta, Key, Role, Signer, Targets, seal};
use serde_json::json;

use crate::lab::{days, start};

const SCRIPT: &str = r#"
import base64, json, sys
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Signature, SSlibKey
for line in sys.stdin:
    case = json.loads(line)
    document = json.loads(case["document"])
    message = encode_canonical(document["signed"]).encode()
    assert case["document"].encode().startswith(b'{"signed":' + message), "canonical form differs"
    public = base64.b64decode(case["key"]["keyval"]["public"])
    signature = document["signatures"][0]
    raw = base64.b64decode(signature["sig"])
    if signature["method"] == "eddsa":
        public, kind, scheme = public.hex(), "ed25519", "ed25519"
    else:
        pem = serialization.load_der_public_key(public).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        public, kind, scheme = pem.decode(), "rsa", "rsassa-pss-sha256"
    if signature["method"] == "ecdsa":
        kind, scheme = "ecdsa", "ecdsa-sha2-nistp256"
        raw = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = SSlibKey(signature["keyid"], kind, scheme, {"public": public})
    key.verify_signature(Signature(signature["keyid"], raw.hex()), message)
    try:
        key.verify_signature(Signature(signature["keyid"], raw.hex()), message + b" ")
    except Exception:
        print("good")
"#;

#[test]
fn securesystemslib_verifies_what_we_sign() {
    let python = std::env::var_os("SEALIFT_PYTHON").unwrap_or_else(|| "python3".into());
    let probe =
        Command::new(&python).args(["-c", "import securesystemslib, cryptography"]).output();
    if !probe.is_ok_and(|output| output.status.success()) {
        eprintln!(
            "SKIPPED: no securesystemslib in $SEALIFT_PYTHON or `python3`, our signatures are not tested"
        );
        return;
    }
    let keys =
        [SigningKey::generate_p256(), SigningKey::generate_ed25519(), SigningKey::generate_rsa()];
    let mut lines = String::new();
    for private in &keys {
        let key = Key::bare(&private.public());
        let mut targets = Targets::new(start() + days(1));
        let mut file = FileMeta::of_manifest([1; 32], 523);
        file.custom = Some(json!({"\u{e9}": "\"\\ <>& \u{2028}", "b": [1, -2, null, true]}));
        targets.targets.insert("v1".to_owned(), file);
        let signer = Signer { key: &key, private };
        let document = seal(&Role::TARGETS, &targets.to_map(), &[signer]).unwrap();
        let document = String::from_utf8(document).unwrap();
        lines += &(json!({ "document": document, "key": key.to_value() }).to_string() + "\n");
    }
    let mut child = Command::new(&python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "good\n".repeat(keys.len()));
}

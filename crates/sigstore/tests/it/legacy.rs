//! Signatures as cosign 1 and 2 stored them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::SigningKey;
use sealift_sigstore::{
    Artifact, IdentityPolicy, Legacy, LegacyContent, Matcher, TrustedRoot, verify_legacy,
};
use serde_json::{Value, json};

use crate::instance::{CONTENT, IDENTITY, ISSUER, Instance, Kind, Plan, base64, hex, time};

// The annotations of a layer.
struct Annotations {
    signature: String,
    certificate: String,
    chain: String,
    bundle: Option<String>,
    timestamp: Option<String>,
}

fn annotations(instance: &Instance, bundle: &Value) -> Annotations {
    let material = &bundle["verificationMaterial"];
    let decode = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
    let certificate = decode(&material["certificate"]["rawBytes"]);
    let entry = &material["tlogEntries"][0];
    let seconds: u64 = entry["integratedTime"].as_str().unwrap().parse().unwrap();
    let id = hex(&decode(&entry["logId"]["keyId"]));
    let promise = json!({
        "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"],
            "integratedTime": seconds,
            "logIndex": 1002,
            "logID": id,
        },
    });
    let token = &material["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"];
    Annotations {
        signature: bundle["messageSignature"]["signature"].as_str().unwrap_or("").to_owned(),
        certificate: sealift_crypto::Certificate::from_der(&certificate).unwrap().to_pem(),
        chain: instance.middle.certificate.to_pem() + &instance.root.certificate.to_pem(),
        bundle: Some(promise.to_string()),
        timestamp: Some(json!({"SignedRFC3161Timestamp": token}).to_string()),
    }
}

fn judge(
    instance: &Instance,
    content: LegacyContent<'_>,
    annotations: &Annotations,
) -> Result<String, String> {
    let root = TrustedRoot::from_json(instance.root().to_string().as_bytes()).unwrap();
    let policy = IdentityPolicy::new(Matcher::exact(IDENTITY), Matcher::exact(ISSUER));
    let legacy = Legacy {
        content,
        certificate: &annotations.certificate,
        chain: Some(&annotations.chain),
        bundle: annotations.bundle.as_deref(),
        timestamp: annotations.timestamp.as_deref(),
    };
    verify_legacy(&legacy, &policy, &root, time("2026-11-21T00:00:00Z"))
        .map(|proof| proof.identity.unwrap().name)
        .map_err(|refusal| refusal.to_string())
}

#[test]
fn messages() {
    let instance = Instance::new();
    let key = SigningKey::generate_p256();
    let bundle = instance.bundle_by(&Plan::new(Kind::Hashed1), &key);
    let mut right = annotations(&instance, &bundle);
    let judge = |payload: &[u8], annotations: &Annotations| {
        let content = LegacyContent::Message { payload, signature: &annotations.signature };
        judge(&instance, content, annotations)
    };
    assert_eq!(judge(CONTENT, &right), Ok(IDENTITY.to_owned()));
    assert_eq!(judge(b"other", &right).unwrap_err(), "the signature does not match");
    // The promise is needed, and it must be this signature's.
    let other = instance.bundle_by(&Plan::new(Kind::Hashed1), &key);
    right.bundle = annotations(&instance, &other).bundle;
    assert_eq!(judge(CONTENT, &right).unwrap_err(), "log entry 1002: it is of another signature");
    right.bundle = None;
    assert_eq!(judge(CONTENT, &right).unwrap_err(), "0 of 1 needed log entries");
    right.bundle = Some("{}".to_owned());
    assert!(judge(CONTENT, &right).unwrap_err().starts_with("not a usable sigstore bundle: "));
    let mut altered = annotations(&instance, &bundle);
    altered.bundle = altered.bundle.map(|text| text.replace("1002", "1003"));
    assert_eq!(
        judge(CONTENT, &altered).unwrap_err(),
        "log entry 1003: the log's promise is not its signature over this entry"
    );
}

#[test]
fn envelopes() {
    let instance = Instance::new();
    for kind in [Kind::Dsse1, Kind::Intoto2] {
        let bundle = instance.bundle(&Plan::new(kind));
        let envelope = bundle["dsseEnvelope"].to_string();
        let mut right = annotations(&instance, &bundle);
        let judge = |artifact: &[u8], annotations: &Annotations| {
            let artifact = Artifact::Bytes(artifact);
            let content = LegacyContent::Envelope { envelope: envelope.as_bytes(), artifact };
            judge(&instance, content, annotations)
        };
        // Here the timestamp is over the whole layer.
        assert_eq!(
            judge(CONTENT, &right).unwrap_err(),
            "timestamp 1: the timestamp is over other bytes"
        );
        let token = instance.timestamp(envelope.as_bytes(), time(crate::instance::TIME));
        right.timestamp = Some(json!({"SignedRFC3161Timestamp": base64(&token)}).to_string());
        assert_eq!(judge(CONTENT, &right), Ok(IDENTITY.to_owned()));
        assert!(
            judge(b"other", &right).unwrap_err().starts_with("the bundle is for other content")
        );
    }
}

//! The sigstore bundle v0.3, with a public key and a DSSE envelope
//! (<https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::PublicKey;
use sealift_crypto::dsse::Envelope;
use sealift_crypto::strict_json;
use sealift_oci::Digest;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Media type of the bundle, and artifact type of its manifest.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
/// Bundles above this size are refused.
pub(crate) const BYTES_MAX: usize = sealift_crypto::dsse::ENVELOPE_BYTES_MAX;

/// A bundle as far as it was understood.
pub(crate) enum Bundle {
    /// An envelope and the hint at the key that signed it; empty if there is none.
    Key { hint: String, envelope: Envelope },
    /// A signature of a file's bytes, with the digest that it says the file has.
    Message { digest: Option<Digest>, signature: Vec<u8> },
    /// Something sound that we do not verify.
    Foreign(&'static str),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    media_type: String,
    verification_material: Material,
    dsse_envelope: Option<Box<RawValue>>,
    message_signature: Option<MessageSignature>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageSignature {
    message_digest: Option<MessageDigest>,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageDigest {
    algorithm: String,
    digest: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Material {
    public_key: Option<KeyHint>,
    certificate: Option<IgnoredAny>,
    x509_certificate_chain: Option<IgnoredAny>,
    // A log entry or a time stamp can add trust to a key; we take none from them.
    #[serde(rename = "tlogEntries")]
    _log_entries: Option<IgnoredAny>,
    #[serde(rename = "timestampVerificationData")]
    _timestamps: Option<IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyHint {
    #[serde(default)]
    hint: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    media_type: &'a str,
    verification_material: WrittenMaterial,
    dsse_envelope: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenMaterial {
    public_key: KeyHint,
}

/// Writes a bundle.
pub(crate) fn encode(key: &PublicKey, envelope: &Envelope) -> Vec<u8> {
    let envelope = String::from_utf8(envelope.to_json()).expect("JSON is UTF-8");
    let envelope = RawValue::from_string(envelope).expect("the envelope was just written as JSON");
    let bundle = Written {
        media_type: MEDIA_TYPE,
        verification_material: WrittenMaterial { public_key: KeyHint { hint: key.hint() } },
        dsse_envelope: &envelope,
    };
    serde_json::to_vec(&bundle).expect("a bundle has string keys only")
}

/// Reads a bundle; the error says why it is none.
pub(crate) fn decode(bytes: &[u8]) -> Result<Bundle, String> {
    let wire: Wire =
        strict_json::from_slice(bytes, "sigstore bundle").map_err(|error| error.to_string())?;
    if wire.media_type != MEDIA_TYPE {
        return Err(format!(
            "its media type is `{}`, not `{MEDIA_TYPE}`",
            crate::verification::clean(&wire.media_type)
        ));
    }
    let material = wire.verification_material;
    let is_certificate =
        material.certificate.is_some() || material.x509_certificate_chain.is_some();
    match (material.public_key, wire.dsse_envelope, wire.message_signature) {
        (Some(_), ..) if is_certificate => Err("it has both a key and a certificate".to_owned()),
        (_, Some(_), Some(_)) => Err("it has both an envelope and a message signature".to_owned()),
        (_, None, None) => Err("it has neither an envelope nor a message signature".to_owned()),
        (None, ..) if is_certificate => Ok(Bundle::Foreign("it is signed with a certificate")),
        (None, ..) => Err("it has neither a key nor a certificate".to_owned()),
        (Some(_), None, Some(message)) => read_message(&message),
        (Some(key), Some(envelope), None) => {
            let envelope = Envelope::from_json(envelope.get().as_bytes())
                .map_err(|error| error.to_string())?;
            Ok(Bundle::Key { hint: key.hint, envelope })
        }
    }
}

fn read_message(message: &MessageSignature) -> Result<Bundle, String> {
    let decode = |text: &str, what: &str| {
        STANDARD.decode(text).map_err(|_| format!("its {what} is not base64"))
    };
    let signature = decode(&message.signature, "signature")?;
    let Some(stated) = &message.message_digest else {
        return Ok(Bundle::Message { digest: None, signature });
    };
    if stated.algorithm != "SHA2_256" {
        return Ok(Bundle::Foreign("its digest is not SHA-256"));
    }
    let digest = decode(&stated.digest, "digest")?;
    let hex = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let digest = format!("sha256:{hex}").parse().map_err(|_| "its digest has not 32 bytes")?;
    Ok(Bundle::Message { digest: Some(digest), signature })
}

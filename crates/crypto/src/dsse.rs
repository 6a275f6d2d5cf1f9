//! Dead Simple Signing Envelope 1.0 (<https://github.com/secure-systems-lab/dsse>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{Error, PublicKey, SigningKey, strict_json};

/// Envelopes above this size are refused.
pub const ENVELOPE_BYTES_MAX: usize = 128 << 20;
const SIGNATURES_MAX: usize = 32;
const TYPE_BYTES_MAX: usize = 256;

/// A payload with its type and signatures. Nothing of it is true until [`verify`] says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Media type of the payload.
    pub payload_type: String,
    /// The signed bytes.
    pub payload: Vec<u8>,
    /// The signatures.
    pub signatures: Vec<Signature>,
}

/// A signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// A hint at the key, not protected.
    pub key_id: String,
    /// The signature.
    pub bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    payload: String,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    sig: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    keyid: String,
}

/// The bytes that are signed: `DSSEv1 <length> <type> <length> <payload>`.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Signs a payload.
pub fn sign(key: &SigningKey, payload_type: &str, payload: Vec<u8>) -> Result<Envelope, Error> {
    let bytes = key.sign(&pae(payload_type, &payload))?;
    let signature = Signature { key_id: String::new(), bytes };
    Ok(Envelope { payload_type: payload_type.to_owned(), payload, signatures: vec![signature] })
}

/// The payload and the index of the key that signed it: the first key with a good signature.
pub fn verify<'a>(envelope: &'a Envelope, keys: &[PublicKey]) -> Result<(&'a [u8], usize), Error> {
    let message = pae(&envelope.payload_type, &envelope.payload);
    if envelope.signatures.len() > SIGNATURES_MAX {
        return Err(Error::Envelope("more than 32 signatures"));
    }
    let is_signed_by = |key: &PublicKey| {
        envelope.signatures.iter().any(|signature| key.verify(&message, &signature.bytes).is_ok())
    };
    match keys.iter().position(is_signed_by) {
        Some(index) => Ok((&envelope.payload, index)),
        None => Err(Error::NoKnownSigner { n_keys: keys.len() }),
    }
}

impl Envelope {
    /// Reads the JSON form: no unknown or duplicate keys, padded standard base64, nothing after the object.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        if json.len() > ENVELOPE_BYTES_MAX {
            return Err(Error::TooLarge {
                what: "DSSE envelope",
                size: json.len(),
                limit: ENVELOPE_BYTES_MAX,
            });
        }
        let wire: Wire = strict_json::from_slice(json, "DSSE envelope")?;
        if wire.payload_type.is_empty() || wire.payload_type.len() > TYPE_BYTES_MAX {
            return Err(Error::Envelope("the payload type is empty or longer than 256 bytes"));
        }
        if wire.signatures.is_empty() || wire.signatures.len() > SIGNATURES_MAX {
            return Err(Error::Envelope("not 1 to 32 signatures"));
        }
        let decode = |text: &str, what| STANDARD.decode(text).map_err(|_| Error::Envelope(what));
        let payload = decode(&wire.payload, "the payload is not base64")?;
        let mut signatures = Vec::new();
        for signature in wire.signatures {
            let bytes = decode(&signature.sig, "a signature is not base64")?;
            signatures.push(Signature { key_id: signature.keyid, bytes });
        }
        Ok(Self { payload_type: wire.payload_type, payload, signatures })
    }

    /// Writes the JSON form.
    pub fn to_json(&self) -> Vec<u8> {
        let signatures = self.signatures.iter().map(|signature| WireSignature {
            sig: STANDARD.encode(&signature.bytes),
            keyid: signature.key_id.clone(),
        });
        let wire = Wire {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: signatures.collect(),
        };
        serde_json::to_vec(&wire).expect("the envelope has string keys only")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // dsse/protocol.md and its test vectors.
    #[test]
    fn encoding_of_the_specification() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    }

    #[test]
    fn signs_and_verifies() {
        let keys = [SigningKey::generate_p256(), SigningKey::generate_p256()];
        let public = [keys[0].public(), keys[1].public()];
        let envelope = sign(&keys[1], "text/plain", b"hello".to_vec()).unwrap();
        let read = Envelope::from_json(&envelope.to_json()).unwrap();
        assert_eq!(read, envelope);
        assert_eq!(verify(&read, &public).unwrap(), (&b"hello"[..], 1));
        assert!(verify(&read, &public[..1]).is_err());
        assert!(verify(&read, &[]).is_err());
        let other_type = Envelope { payload_type: "text/html".to_owned(), ..read.clone() };
        assert!(verify(&other_type, &public).is_err());
        let unsigned = Envelope { signatures: Vec::new(), ..read };
        assert!(verify(&unsigned, &public).is_err());
    }

    #[test]
    fn no_altered_byte_changes_what_is_verified() {
        let key = SigningKey::generate_p256();
        let envelope = sign(&key, "text/plain", b"hello".to_vec()).unwrap();
        let json = envelope.to_json();
        for index in 0..json.len() {
            for bit in 0..8 {
                let mut altered = json.clone();
                altered[index] ^= 1 << bit;
                let Ok(read) = Envelope::from_json(&altered) else { continue };
                assert!(verify(&read, &[key.public()]).is_err(), "byte {index} bit {bit}");
            }
        }
    }

    #[test]
    fn refuses_bad_envelopes() {
        for json in [
            "",
            "{}",
            r#"{"payload":"","payloadType":"a","signatures":[]}"#,
            r#"{"payload":"","payloadType":"","signatures":[{"sig":""}]}"#,
            r#"{"payload":"!","payloadType":"a","signatures":[{"sig":""}]}"#,
            r#"{"payload":"YQ","payloadType":"a","signatures":[{"sig":""}]}"#,
            r#"{"payload":"YR==","payloadType":"a","signatures":[{"sig":""}]}"#,
            r#"{"payload":"","payload":"","payloadType":"a","signatures":[{"sig":""}]}"#,
            r#"{"payload":"","payloadType":"a","signatures":[{"sig":"","x":1}]}"#,
            r#"{"payload":"","payloadType":"a","signatures":[{"sig":""}],"x":1}"#,
            r#"{"payload":"","payloadType":"a","signatures":[{"sig":""}]} {}"#,
        ] {
            assert!(Envelope::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }
}

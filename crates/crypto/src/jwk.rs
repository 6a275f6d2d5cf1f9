//! Public keys as JSON Web Keys (RFC 7517, RFC 7518 §6).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::cursor::Cursor;
use crate::{Error, KeyKind, PublicKey, der};

const RSA_BYTES_MAX: usize = 1024;

impl PublicKey {
    /// Reads a P-256 or an RSA key. A private part, should there be one, is not looked at.
    pub fn from_jwk(key: &Map<String, Value>) -> Result<Self, Error> {
        let error = |reason| Error::Key { what: "JSON Web Key", reason };
        let text = |name: &str| key.get(name).and_then(Value::as_str);
        let bytes = |name: &str| {
            text(name)
                .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
                .ok_or_else(|| error("a number is missing or is not base64"))
        };
        match (text("kty"), text("crv")) {
            (Some("EC"), Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                if x.len() != 32 || y.len() != 32 {
                    return Err(error("a number has not 32 bytes"));
                }
                let point = [&[4], &x[..], &y].concat();
                Self::from_spki_der(Self::from_point(KeyKind::EcdsaP256, &point).spki_der())
            }
            (Some("RSA"), _) => {
                let (modulus, exponent) = (bytes("n")?, bytes("e")?);
                if modulus.len() > RSA_BYTES_MAX || exponent.len() > 8 {
                    return Err(error("a number is too large"));
                }
                let numbers = [write_integer(&modulus), write_integer(&exponent)];
                Self::from_rsa_pkcs1(&der::write(der::SEQUENCE, &[&numbers[0], &numbers[1]]))
            }
            _ => Err(error("it is neither P-256 nor RSA")),
        }
    }

    /// Writes a P-256 or an RSA key.
    pub fn to_jwk(&self) -> Option<Map<String, Value>> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let key = match self.kind() {
            KeyKind::EcdsaP256 => {
                let (x, y) = self.raw_bytes().get(1..)?.split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            KeyKind::Rsa => {
                let mut outer = Cursor::new(self.raw_bytes());
                let mut numbers = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
                let modulus = der::positive_integer(&mut numbers)?;
                let exponent = der::positive_integer(&mut numbers)?;
                json!({ "kty": "RSA", "n": encode(modulus), "e": encode(exponent) })
            }
            _ => return None,
        };
        key.as_object().cloned()
    }
}

// A positive number: no needless zeros, and one where the first bit is set.
fn write_integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let number = &bytes[start..];
    let zero: &[u8] = if number.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    der::write(der::INTEGER, &[zero, number])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn round_trip() {
        for key in [SigningKey::generate_p256(), SigningKey::generate_rsa()] {
            let public = key.public();
            assert_eq!(PublicKey::from_jwk(&public.to_jwk().unwrap()).unwrap(), public);
        }
        assert_eq!(SigningKey::generate_ed25519().public().to_jwk(), None);
    }

    #[test]
    fn refused() {
        let fine = SigningKey::generate_p256().public().to_jwk().unwrap();
        for (name, value) in [
            ("kty", json!("oct")),
            ("crv", json!("P-384")),
            ("x", json!(7)),
            ("x", json!("AAAA")),
            ("y", json!("*")),
            ("y", fine["x"].clone()),
        ] {
            let mut altered = fine.clone();
            altered.insert(name.to_owned(), value);
            assert!(PublicKey::from_jwk(&altered).is_err(), "{name}");
        }
        let long = URL_SAFE_NO_PAD.encode([0xFF; 1025]);
        for (modulus, exponent) in [("", "AQAB"), ("AQAB", "AQAB"), (long.as_str(), "AQAB")] {
            let key = json!({ "kty": "RSA", "n": modulus, "e": exponent });
            assert!(PublicKey::from_jwk(key.as_object().unwrap()).is_err(), "{modulus}");
        }
    }
}

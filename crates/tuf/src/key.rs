//! Keys as Notary writes them, their ids, and which signatures each may make.
//!
//! The id is the SHA-256 of the canonical JSON of type and public part. A certificate is a public part too, so that one
//! key can have two ids: who counts signers counts [`Key::identity`].

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::{Certificate, KeyKind, PublicKey, Scheme, SigningKey, canonical_json};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::hash::sha256_hex;
use crate::{Error, Role};

/// A public key of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    id: String,
    kind: String,
    public: String,
    material: Result<Material, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Material {
    public_key: PublicKey,
    // The leaf first, then authorities; empty for a bare key.
    certificates: Vec<Certificate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    keytype: String,
    keyval: WireValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireValue {
    public: String,
    #[serde(default)]
    private: Option<String>,
}

impl Key {
    fn new(key_type: &str, public: String) -> Self {
        let material = read_material(key_type, &public);
        let value = wire(key_type, &public);
        let canonical = canonical_json::olpc(&value).expect("there are no numbers in it");
        Self { id: sha256_hex(&canonical), kind: key_type.to_owned(), public, material }
    }

    /// A bare key.
    pub fn bare(key: &PublicKey) -> Self {
        match key.kind() {
            // The larger curves get the type that they would have, and are then of no use: Notary signs on P-256.
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => {
                Self::new("ecdsa", STANDARD.encode(key.spki_der()))
            }
            KeyKind::Rsa => Self::new("rsa", STANDARD.encode(key.spki_der())),
            KeyKind::Ed25519 => Self::new("ed25519", STANDARD.encode(key.raw_bytes())),
        }
    }

    /// The key of a certificate: what roots have.
    pub fn of_certificate(certificate: &Certificate) -> Result<Self, Error> {
        let key_type = match certificate.public_key().kind() {
            KeyKind::EcdsaP256 => "ecdsa-x509",
            KeyKind::Rsa => "rsa-x509",
            KeyKind::Ed25519 => {
                return Err(Error::Key("Notary has no certificates of Ed25519 keys".to_owned()));
            }
            KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => {
                return Err(Error::Key("Notary signs on P-256 and no other curve".to_owned()));
            }
        };
        Ok(Self::new(key_type, STANDARD.encode(certificate.to_pem())))
    }

    /// Reads a key as it stands in a document or comes from a server.
    pub fn from_value(value: &Value) -> Result<Self, Error> {
        let wire: Wire = serde_json::from_value(value.clone()).map_err(|error| {
            Error::Key(format!("not a key: {}", crate::error::printable(&error.to_string())))
        })?;
        if wire.keyval.private.is_some_and(|private| !private.is_empty()) {
            return Err(Error::Key("a public key with its private part".to_owned()));
        }
        Ok(Self::new(&wire.keytype, wire.keyval.public))
    }

    /// Reads a key from the JSON of a server.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Error> {
        let value: Value = sealift_crypto::strict_json::from_slice(bytes, "key")
            .map_err(|error| Error::Key(error.to_string()))?;
        Self::from_value(&value)
    }

    /// The key as it stands in a document.
    pub fn to_value(&self) -> Value {
        wire(&self.kind, &self.public)
    }

    /// Its id: lower-case hex.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its type, `ecdsa` for example.
    pub fn key_type(&self) -> &str {
        &self.kind
    }

    /// The key proper, if we can use it.
    pub fn public_key(&self) -> Result<&PublicKey, Error> {
        match &self.material {
            Ok(material) => Ok(&material.public_key),
            Err(reason) => Err(Error::Key(format!("key {}: {reason}", short(&self.id)))),
        }
    }

    /// Its certificates, the leaf first; none for a bare key.
    pub fn certificates(&self) -> &[Certificate] {
        self.material.as_ref().map_or(&[], |material| &material.certificates)
    }

    /// What two names of one key have in common: the hash of the key proper.
    pub fn identity(&self) -> Result<String, Error> {
        Ok(self.public_key()?.fingerprint())
    }

    /// The id of the bare key: under it Docker keeps the private part.
    pub fn bare_id(&self) -> Result<String, Error> {
        if self.certificates().is_empty() {
            return Ok(self.id.clone());
        }
        Ok(Self::bare(self.public_key()?).id)
    }

    /// Checks a signature. The method must be one of the key's type.
    pub fn verify(&self, method: &str, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let key = self.public_key()?;
        let scheme = scheme(&self.kind, method).ok_or_else(|| {
            let method = crate::error::printable(method);
            let id = short(&self.id);
            Error::Key(format!("key {id} of type `{}` makes no `{method}` signatures", self.kind))
        })?;
        key.verify_as(scheme, message, signature)
            .map_err(|error| Error::Key(format!("key {}: {error}", short(&self.id))))
    }
}

/// How a key signs where it can choose: method and signature.
pub(crate) fn sign(
    key: &SigningKey,
    message: &[u8],
) -> Result<(&'static str, Vec<u8>), sealift_crypto::Error> {
    let (method, scheme) = match key.public().kind() {
        KeyKind::EcdsaP256 => ("ecdsa", Scheme::EcdsaP256Raw),
        KeyKind::EcdsaP384 => ("ecdsa", Scheme::EcdsaP384Raw),
        KeyKind::EcdsaP521 => ("ecdsa", Scheme::EcdsaP521Raw),
        KeyKind::Ed25519 => ("eddsa", Scheme::Ed25519),
        KeyKind::Rsa => ("rsapss", Scheme::RsaPss),
    };
    Ok((method, key.sign_as(scheme, message)?))
}

// Lower case before the comparison, as in Notary.
fn scheme(key_type: &str, method: &str) -> Option<Scheme> {
    match (key_type, method.to_ascii_lowercase().as_str()) {
        ("ecdsa" | "ecdsa-x509", "ecdsa") => Some(Scheme::EcdsaP256Raw),
        ("rsa" | "rsa-x509", "rsapss") => Some(Scheme::RsaPss),
        ("rsa" | "rsa-x509", "rsapkcs1v15") => Some(Scheme::RsaPkcs1),
        ("rsa", "pycrypto-pkcs#1 pss") => Some(Scheme::RsaPss),
        ("ed25519", "eddsa") => Some(Scheme::Ed25519),
        _ => None,
    }
}

fn wire(key_type: &str, public: &str) -> Value {
    json!({ "keytype": key_type, "keyval": { "private": null, "public": public } })
}

fn read_material(key_type: &str, public: &str) -> Result<Material, String> {
    let bytes = STANDARD.decode(public).map_err(|_| "it is not base64".to_owned())?;
    let say = |error: sealift_crypto::Error| error.to_string();
    let (kind, is_certificate) = match key_type {
        "ecdsa" => (KeyKind::EcdsaP256, false),
        "ecdsa-x509" => (KeyKind::EcdsaP256, true),
        "rsa" => (KeyKind::Rsa, false),
        "rsa-x509" => (KeyKind::Rsa, true),
        "ed25519" => (KeyKind::Ed25519, false),
        _ => return Err(format!("its type `{}` is unknown", crate::error::printable(key_type))),
    };
    let material = if is_certificate {
        let text =
            std::str::from_utf8(&bytes).map_err(|_| "its certificate is not PEM".to_owned())?;
        let certificates = Certificate::chain_from_pem(text).map_err(say)?;
        let n_leaves =
            certificates.iter().filter(|certificate| !certificate.is_authority()).count();
        if n_leaves != 1 || certificates[0].is_authority() {
            return Err("its chain does not begin with the only certificate that is no authority"
                .to_owned());
        }
        Material { public_key: certificates[0].public_key().clone(), certificates }
    } else if kind == KeyKind::Ed25519 {
        let public_key = PublicKey::from_ed25519_bytes(&bytes).map_err(say)?;
        Material { public_key, certificates: Vec::new() }
    } else {
        // Some RSA keys are PEM in base64: python-tuf wrote them so.
        let text = std::str::from_utf8(&bytes).ok().filter(|text| text.starts_with("-----BEGIN "));
        let key = match text {
            Some(text) if kind == KeyKind::Rsa => PublicKey::from_pem(text),
            _ => PublicKey::from_spki_der(&bytes),
        };
        Material { public_key: key.map_err(say)?, certificates: Vec::new() }
    };
    if material.public_key.kind() != kind {
        return Err(format!(
            "it is of kind {}, not `{key_type}`",
            material.public_key.kind().as_str()
        ));
    }
    Ok(material)
}

/// The first letters of an id.
pub(crate) fn short(id: &str) -> String {
    crate::error::printable(&id.chars().take(12).collect::<String>())
}

/// Reads the keys of a document: each under its own id.
pub(crate) fn read_keys(
    role: &Role,
    keys: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Key>, Error> {
    let mut read = BTreeMap::new();
    for (id, value) in keys {
        let key =
            Key::from_value(value).map_err(|error| Error::malformed(role, error.to_string()))?;
        if key.id() != id {
            let (id, own) = (short(id), short(key.id()));
            return Err(Error::malformed(role, format!("key {id} has in truth the id {own}")));
        }
        read.insert(id.clone(), key);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_of_a_recorded_key() {
        let key = Key::from_json(
            br#"{"keytype":"ecdsa","keyval":{"public":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERadRO1Dgc1JO/drxGOHBAjzyBmKCj1RfUv89C2cHdSbIdiaC9XrFoWmaUyVdtRdkMUUGFOrugHqy1g2K8iyb/A==","private":null}}"#,
        )
        .unwrap();
        assert_eq!(key.id(), "5172f85b79934cf6297747a84045a087f29a02ab51c8719ce679eb2761d5d893");
        assert_eq!(key.bare_id().unwrap(), key.id());
        assert_eq!(Key::bare(key.public_key().unwrap()), key);
    }

    #[test]
    fn refuses_methods_of_other_types() {
        for signer in [SigningKey::generate_p256(), SigningKey::generate_ed25519()] {
            let key = Key::bare(&signer.public());
            let (own, signature) = sign(&signer, b"x").unwrap();
            for method in ["ecdsa", "eddsa", "rsapss", "rsapkcs1v15", "none", ""] {
                assert_eq!(key.verify(method, b"x", &signature).is_ok(), method == own);
            }
            assert!(key.verify(&own.to_uppercase(), b"x", &signature).is_ok());
            assert_eq!(Key::from_value(&key.to_value()).unwrap(), key);
        }
    }

    #[test]
    fn keys_that_cannot_be_used() {
        for (json, reason) in [
            (r#"{"keytype":"hmac","keyval":{"public":"eA=="}}"#, "type `hmac` is unknown"),
            (r#"{"keytype":"ecdsa","keyval":{"public":"eA=="}}"#, "not a usable public key"),
            (r#"{"keytype":"ecdsa","keyval":{"public":"?"}}"#, "not base64"),
            (r#"{"keytype":"ed25519","keyval":{"public":"eA=="}}"#, "not a usable public key"),
        ] {
            let error = Key::from_json(json.as_bytes()).unwrap().public_key().unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
        for json in [
            r#"{"keytype":"ecdsa","keyval":{"public":"eA==","private":"eA=="}}"#,
            r#"{"keytype":"ecdsa","keyval":{"public":"eA=="},"x":1}"#,
            r#"{"keytype":"ecdsa","keytype":"rsa","keyval":{"public":"eA=="}}"#,
            r#"{"keytype":"ecdsa"}"#,
        ] {
            assert!(Key::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }
}

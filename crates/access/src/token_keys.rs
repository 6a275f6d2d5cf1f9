//! Keys that tokens may be signed with: a JSON Web Key Set (RFC 7517), or certificates as distribution's
//! `rootcertbundle` has them.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealift_crypto::chain::{self, Purpose, Question};
use sealift_crypto::{Certificate, PublicKey, strict_json};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::TokenFault;
use crate::Error;

const FILE_BYTES_MAX: usize = 1 << 20;
const KEYS_MAX: usize = 64;
const CHAIN_MAX: usize = 4;

/// Keys that are trusted to sign tokens.
#[derive(Clone, Debug, Default)]
pub struct TokenKeys {
    // By the names that a token may have for a key.
    keys: Vec<(Vec<String>, PublicKey)>,
    roots: Vec<Certificate>,
}

impl TokenKeys {
    /// Reads a key set or a bundle of certificates.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(Error::file(path))?;
        Self::parse(&bytes).map_err(|reason| Error::TokenKeys { path: path.to_owned(), reason })
    }

    /// Reads the text of one.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err("it is larger than 1 MiB".to_owned());
        }
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        let keys = if text.trim_start().starts_with('{') {
            Self::of_key_set(text)?
        } else {
            Self::of_certificates(text)?
        };
        match keys.keys.len() {
            0 => Err("it has no key that could sign tokens".to_owned()),
            1..=KEYS_MAX => Ok(keys),
            _ => Err("it has more than 64 keys".to_owned()),
        }
    }

    fn of_certificates(text: &str) -> Result<Self, String> {
        let roots = Certificate::chain_from_pem(text).map_err(|error| error.to_string())?;
        let names = |certificate: &Certificate| {
            let key = certificate.public_key().clone();
            (vec![Self::docker_id(&key)], key)
        };
        Ok(Self { keys: roots.iter().map(names).collect(), roots })
    }

    fn of_key_set(text: &str) -> Result<Self, String> {
        let set: Map<String, Value> = strict_json::from_slice(text.as_bytes(), "key set")
            .map_err(|error| error.to_string())?;
        let list = set.get("keys").and_then(Value::as_array).ok_or("it has no list `keys`")?;
        let mut keys = Vec::new();
        for entry in list.iter().take(KEYS_MAX + 1) {
            let entry = entry.as_object().ok_or("a key is not an object")?;
            // Key sets hold keys for other uses, and of kinds that we do not have.
            if entry.get("use").is_some_and(|purpose| purpose != "sig") {
                continue;
            }
            let Ok(key) = PublicKey::from_jwk(entry) else { continue };
            let id = entry.get("kid").and_then(Value::as_str).map(str::to_owned);
            keys.push((id.into_iter().chain([Self::docker_id(&key)]).collect(), key));
        }
        Ok(Self { keys, roots: Vec::new() })
    }

    /// How Docker's token servers name a key: 240 bits of the SHA-256 of the key, in base32, in groups of four.
    pub fn docker_id(key: &PublicKey) -> String {
        const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let hash = Sha256::digest(key.spki_der());
        let mut id = String::new();
        for (index, group) in hash[..30].chunks_exact(5).enumerate() {
            let bits = group.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            for digit in 0..8_usize {
                if digit % 4 == 0 && index + digit > 0 {
                    id.push(':');
                }
                let value = usize::try_from(bits >> (35 - 5 * digit) & 31).unwrap_or(0);
                id.push(char::from(DIGITS[value]));
            }
        }
        id
    }

    /// The keys that may have signed a token with this header.
    pub(super) fn candidates(
        &self,
        header: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Vec<PublicKey>, TokenFault> {
        if header.contains_key("jku") || header.contains_key("x5u") {
            return Err(TokenFault("its key lies elsewhere"));
        }
        if let Some(chain) = header.get("x5c") {
            return Ok(vec![self.of_chain(chain, now)?]);
        }
        if let Some(key) = header.get("jwk") {
            let key = key.as_object().and_then(|key| PublicKey::from_jwk(key).ok());
            let key = key.ok_or(TokenFault("the key that it brings cannot be read"))?;
            let is_known = self.keys.iter().any(|(_, known)| *known == key);
            return if is_known {
                Ok(vec![key])
            } else {
                Err(TokenFault("the key that it brings is not trusted"))
            };
        }
        let id = header.get("kid").and_then(Value::as_str);
        let of_id: Vec<PublicKey> = self
            .keys
            .iter()
            .filter(|(ids, _)| ids.iter().any(|known| Some(known.as_str()) == id))
            .map(|(_, key)| key.clone())
            .collect();
        if !of_id.is_empty() {
            return Ok(of_id);
        }
        // Not every server names keys as we do; the keys are as trusted under another name.
        Ok(self.keys.iter().map(|(_, key)| key.clone()).collect())
    }

    /// Whether there is a key of this name.
    pub(super) fn has_id(&self, id: &str) -> bool {
        self.keys.iter().any(|(ids, _)| ids.iter().any(|known| known == id))
    }

    /// The keys of the name that a token has for its key. One that it brings along is none.
    pub(super) fn of_id(&self, header: &Map<String, Value>) -> Result<Vec<PublicKey>, TokenFault> {
        if ["jku", "x5u", "x5c", "jwk"].iter().any(|name| header.contains_key(*name)) {
            return Err(TokenFault("it brings a key along"));
        }
        let id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err(TokenFault("the name of its key is not text")),
        };
        let is_meant = |ids: &[String]| id.is_none_or(|id| ids.contains(id));
        let found = self.keys.iter().filter(|(ids, _)| is_meant(ids));
        Ok(found.map(|(_, key)| key.clone()).collect())
    }

    // The key of the first certificate, if a path leads from it to one that is trusted.
    fn of_chain(&self, list: &Value, now: Timestamp) -> Result<PublicKey, TokenFault> {
        let unreadable = TokenFault("the certificates that it brings cannot be read");
        let list = list.as_array().filter(|list| (1..=CHAIN_MAX).contains(&list.len()));
        let read = |entry: &Value| {
            let der = STANDARD.decode(entry.as_str()?).ok()?;
            Certificate::from_der(&der).ok()
        };
        let chain: Option<Vec<Certificate>> = list.ok_or(unreadable)?.iter().map(read).collect();
        let chain = chain.ok_or(unreadable)?;
        let question = Question {
            leaf: &chain[0],
            intermediates: &chain[1..],
            roots: &self.roots,
            purpose: Purpose::Any,
            at: now,
        };
        chain::validate(&question)
            .map_err(|_| TokenFault("the certificates that it brings are not trusted"))?;
        Ok(chain[0].public_key().clone())
    }
}

#[cfg(test)]
mod tests {
    use sealift_crypto::SigningKey;
    use serde_json::json;

    use super::*;

    #[test]
    fn sets_and_bundles() {
        let key = SigningKey::generate_p256().public();
        let mut jwk = key.to_jwk().unwrap();
        jwk.insert("kid".to_owned(), json!("one"));
        let other = json!({"kty": "oct", "k": "AAAA"});
        let set = json!({"keys": [jwk, other]}).to_string();
        let keys = TokenKeys::parse(set.as_bytes()).unwrap();
        assert_eq!(keys.keys, [(vec!["one".to_owned(), TokenKeys::docker_id(&key)], key)]);
        for text in [
            "",
            "{}",
            r#"{"keys":[]}"#,
            r#"{"keys":[1]}"#,
            r#"{"keys":[],"keys":[]}"#,
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ] {
            assert!(TokenKeys::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_docker() {
        let id = TokenKeys::docker_id(&SigningKey::generate_p256().public());
        assert_eq!(id.split(':').map(str::len).collect::<Vec<_>>(), [4; 12]);
    }
}

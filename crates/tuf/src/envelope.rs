//! Signed documents: bytes, what of them was signed, and by whom.
//!
//! As Notary does, signatures are checked over the canonical form of the decoded `signed` and never over the bytes that
//! came. So that both say the same, the bytes must be strict JSON, and no field may have a twin in other letter case,
//! which Go's reader would take for it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::{SigningKey, canonical_json, strict_json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::hash::sha256_hex;
use crate::key::{self, Key, short};
use crate::{Error, Limits, Role};

/// A signature of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Which key made it.
    #[serde(rename = "keyid")]
    pub key_id: String,
    /// How.
    pub method: String,
    /// Base64.
    pub sig: String,
}

/// A signed document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    bytes: Vec<u8>,
    signed: Map<String, Value>,
    canonical: Vec<u8>,
    signatures: Vec<Signature>,
}

/// Who may sign a role, and how many must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The keys, by id.
    pub keys: BTreeMap<String, Key>,
    /// How many different keys must sign.
    pub threshold: u64,
}

impl Envelope {
    /// Reads a document. Whose it is stands in errors only.
    pub fn parse(bytes: &[u8], role: &Role, limits: &Limits) -> Result<Self, Error> {
        let limit = limits.bytes_of(role);
        if bytes.len() > limit {
            return Err(Error::TooLarge { role: role.clone(), size: bytes.len(), limit });
        }
        let mut document: Map<String, Value> = strict_json::from_slice(bytes, "TUF document")
            .map_err(|error| Error::malformed(role, error.to_string()))?;
        let Some(Value::Object(signed)) = document.remove("signed") else {
            return Err(Error::malformed(role, "it has no `signed`"));
        };
        let signatures = document.remove("signatures").unwrap_or(Value::Null);
        if let Some(name) = document.keys().next() {
            let name = crate::error::printable(name);
            return Err(Error::malformed(
                role,
                format!("`{name}` stands outside of what is signed"),
            ));
        }
        let signatures: Option<Vec<Signature>> = serde_json::from_value(signatures)
            .map_err(|error| Error::malformed(role, format!("its signatures: {error}")))?;
        let signatures = signatures.unwrap_or_default();
        if signatures.len() > limits.signatures {
            return Err(Error::malformed(
                role,
                format!("more than {} signatures", limits.signatures),
            ));
        }
        let canonical = canonical(role, &signed)?;
        Ok(Self { bytes: bytes.to_vec(), signed, canonical, signatures })
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What was signed, decoded.
    pub fn signed(&self) -> &Map<String, Value> {
        &self.signed
    }

    /// What was signed, in the canonical form.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// The signatures as they stand there.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Hex of the hash of what was signed: two documents of one content differ in signatures only.
    pub fn content_id(&self) -> String {
        sha256_hex(&self.canonical)
    }

    /// Checks that enough different keys signed; returns their identities.
    pub fn check_signatures(
        &self,
        role: &Role,
        authority: &Authority,
    ) -> Result<BTreeSet<String>, Error> {
        let mut signers = BTreeSet::new();
        let mut faults = Vec::new();
        for signature in &self.signatures {
            match self.signer(signature, authority) {
                Ok(identity) if signers.contains(&identity) => {
                    faults.push(format!("key {} signed already", short(&signature.key_id)));
                }
                Ok(identity) => {
                    signers.insert(identity);
                }
                Err(Error::Key(fault)) => faults.push(fault),
                Err(error) => faults.push(error.to_string()),
            }
        }
        if authority.threshold >= 1 && signers.len() as u64 >= authority.threshold {
            return Ok(signers);
        }
        let (role, threshold) = (role.clone(), authority.threshold);
        Err(Error::Threshold { role, valid: signers.len(), threshold, faults })
    }

    fn signer(&self, signature: &Signature, authority: &Authority) -> Result<String, Error> {
        let id = short(&signature.key_id);
        let key = authority
            .keys
            .get(&signature.key_id)
            .ok_or_else(|| Error::Key(format!("key {id} may not sign it")))?;
        let bytes = STANDARD
            .decode(&signature.sig)
            .map_err(|_| Error::Key(format!("key {id}: its signature is not base64")))?;
        key.verify(&signature.method, &self.canonical, &bytes)?;
        key.identity()
    }
}

// The canonical form, after a look for twins.
fn canonical(role: &Role, signed: &Map<String, Value>) -> Result<Vec<u8>, Error> {
    for known in [
        "_type",
        "consistent_snapshot",
        "delegations",
        "expires",
        "keys",
        "meta",
        "roles",
        "targets",
        "version",
    ] {
        let twin = signed.keys().find(|name| *name != known && name.eq_ignore_ascii_case(known));
        if let Some(twin) = twin {
            let twin = crate::error::printable(twin);
            return Err(Error::malformed(role, format!("`{twin}` looks like `{known}`")));
        }
    }
    canonical_json::olpc(&Value::Object(signed.clone()))
        .map_err(|error| Error::malformed(role, error.to_string()))
}

/// Who signs a document: a private key under the id that the document knows it by.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The key as the parent document has it.
    pub key: &'a Key,
    /// Its private part.
    pub private: &'a SigningKey,
}

/// Signs a document and writes it as Notary does.
pub fn seal(
    role: &Role,
    signed: &Map<String, Value>,
    signers: &[Signer<'_>],
) -> Result<Vec<u8>, Error> {
    let canonical = canonical(role, signed)?;
    let mut signatures = Vec::new();
    for signer in signers {
        let (method, signature) = key::sign(signer.private, &canonical)
            .map_err(|source| Error::Key(source.to_string()))?;
        let key_id = signer.key.id().to_owned();
        let sig = STANDARD.encode(signature);
        signatures.push(Signature { key_id, method: method.to_owned(), sig });
    }
    write(role, &canonical, &signatures)
}

/// Writes what was signed and signatures of it.
pub(crate) fn write(
    role: &Role,
    canonical: &[u8],
    signatures: &[Signature],
) -> Result<Vec<u8>, Error> {
    // The canonical form leaves control characters as they are; then it is no JSON.
    if canonical.iter().any(|byte| *byte < b' ') {
        return Err(Error::malformed(role, "it has control characters"));
    }
    let signatures = serde_json::to_vec(signatures).expect("signatures are text");
    Ok([b"{\"signed\":", canonical, b",\"signatures\":", &signatures, b"}"].concat())
}

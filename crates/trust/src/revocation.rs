//! The signed revocation list: digests and keys that are trusted no more, with time and reason.
//!
//! It is a DSSE envelope in a file. Its number only rises; a list that is older than one that was seen is refused. A
//! revoked digest is refused under every name. Signatures of a revoked key count only if somebody else than the signer
//! says that they are older than the revocation.

use jiff::Timestamp;
use sealift_crypto::dsse::{self, Envelope};
use sealift_crypto::{PublicKey, SigningKey, strict_json};
use sealift_oci::Digest;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::text::clean;

/// Payload type of the envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.dev.sealift.revocation.v1+json";

/// Lists above this size are refused.
pub const BYTES_MAX: usize = 16 << 20;
const ENTRIES_MAX: usize = 100_000;
const WHAT: &str = "revocation list";

/// A revocation list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// Its number; each list has a higher one.
    pub counter: u64,
    /// When it was made, in seconds since 1970.
    pub issued_secs: i64,
    /// What is revoked.
    pub entries: Vec<Revocation>,
}

/// Something that is trusted no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What.
    pub what: Revoked,
    /// Since when, in seconds since 1970.
    pub since_secs: i64,
    /// Why.
    pub reason: String,
}

/// What can be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// An image, or a signature or attestation by the digest of its manifest.
    Digest(Digest),
    /// A key or certificate: the SHA-256 of the public key or of the certificate, lower-case hex.
    Key(String),
}

/// What is kept of a list that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Its number.
    pub counter: u64,
    /// SHA-256 of its content.
    pub content: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    counter: u64,
    issued: String,
    revoked: Vec<WireEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    since: String,
    reason: String,
}

impl RevocationList {
    /// The list with one entry more; what is revoked already keeps its place and its time.
    pub fn add(&mut self, revocation: Revocation) -> bool {
        if self.entries.iter().any(|known| known.what == revocation.what) {
            return false;
        }
        self.entries.push(revocation);
        true
    }

    /// The entry of a digest.
    pub fn digest(&self, digest: &Digest) -> Option<&Revocation> {
        self.entries.iter().find(|entry| entry.what == Revoked::Digest(digest.clone()))
    }

    /// The entry of a key or certificate.
    pub fn key(&self, fingerprint: &str) -> Option<&Revocation> {
        self.entries
            .iter()
            .find(|entry| matches!(&entry.what, Revoked::Key(key) if key == fingerprint))
    }

    /// What is kept of it, so that an older one is refused.
    pub fn mark(&self) -> Mark {
        let content = Digest::sha256(&self.encode()).hex().to_owned();
        Mark { counter: self.counter, content }
    }

    /// Refuses a list that is older than one that was seen, or another of the same number.
    pub fn check_newer(&self, known: &Mark, file: &str) -> Result<(), Error> {
        let subject = clean(file);
        if self.counter < known.counter {
            let (found, known) = (self.counter, known.counter);
            return Err(Error::Older { what: WHAT, subject, found, known });
        }
        if self.counter == known.counter && self.mark() != *known {
            return Err(Error::Forked { what: WHAT, subject, number: self.counter });
        }
        Ok(())
    }

    fn encode(&self) -> Vec<u8> {
        let entry = |entry: &Revocation| {
            let (digest, key) = match &entry.what {
                Revoked::Digest(digest) => (Some(digest.to_string()), None),
                Revoked::Key(key) => (None, Some(key.clone())),
            };
            let (since, reason) = (crate::text::time(entry.since_secs), entry.reason.clone());
            WireEntry { digest, key, since, reason }
        };
        let wire = Wire {
            version: 1,
            counter: self.counter,
            issued: crate::text::time(self.issued_secs),
            revoked: self.entries.iter().map(entry).collect(),
        };
        serde_json::to_vec(&wire).expect("all keys are text")
    }
}

/// Reads what a user names: `sha256:…` for a digest, 64 digits of hex for a key.
pub fn read_revoked(text: &str) -> Result<Revoked, String> {
    if text.contains(':') {
        let digest: Digest =
            text.parse().map_err(|_| format!("`{}` is not a digest", clean(text)))?;
        return Ok(Revoked::Digest(digest));
    }
    let is_hex =
        text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_hex {
        return Ok(Revoked::Key(text.to_owned()));
    }
    Err(format!(
        "`{}` is neither a digest (`sha256:…`) nor the fingerprint of a key (64 digits of hex)",
        clean(text)
    ))
}

/// Signs a list.
pub fn sign(list: &RevocationList, key: &SigningKey) -> Result<Vec<u8>, sealift_crypto::Error> {
    Ok(dsse::sign(key, PAYLOAD_TYPE, list.encode())?.to_json())
}

/// Reads a list that one of these keys has signed.
pub fn verify(bytes: &[u8], keys: &[PublicKey]) -> Result<RevocationList, Error> {
    if bytes.len() > BYTES_MAX {
        return Err(error("it is larger than 16 MiB"));
    }
    let envelope = Envelope::from_json(bytes.trim_ascii_end())
        .map_err(|source| error(&clean(&source.to_string())))?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(error("it is a signed document of another kind"));
    }
    let (payload, _) = dsse::verify(&envelope, keys)
        .map_err(|_| error("no key that may sign it has signed it"))?;
    decode(payload)
}

fn decode(payload: &[u8]) -> Result<RevocationList, Error> {
    let wire: Wire = strict_json::from_slice(payload, WHAT)
        .map_err(|source| error(&clean(&source.to_string())))?;
    if wire.version != 1 {
        return Err(error("its version is not 1"));
    }
    if wire.revoked.len() > ENTRIES_MAX {
        return Err(error("it has more than 100000 entries"));
    }
    let secs = |text: &str| {
        let time: Timestamp = text.parse().map_err(|_| error("a time in it is not RFC 3339"))?;
        Ok(time.as_second())
    };
    let mut entries = Vec::new();
    for entry in wire.revoked {
        let text = match (entry.digest, entry.key) {
            (Some(digest), None) if digest.contains(':') => digest,
            (None, Some(key)) if !key.contains(':') => key,
            _ => return Err(error("an entry has not exactly one digest or key")),
        };
        let what = read_revoked(&text).map_err(|reason| error(&reason))?;
        entries.push(Revocation {
            what,
            since_secs: secs(&entry.since)?,
            reason: clean(&entry.reason),
        });
    }
    Ok(RevocationList { counter: wire.counter, issued_secs: secs(&wire.issued)?, entries })
}

fn error(reason: &str) -> Error {
    Error::Signed { what: WHAT, reason: reason.to_owned() }
}

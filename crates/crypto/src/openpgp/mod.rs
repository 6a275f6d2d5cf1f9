//! Verifies what Debian archives sign: a cleartext-signed `InRelease` against a keyring file (RFC 9580, RFC 4880).
//!
//! Entry points: [`Keyring::parse`], [`verify_cleartext`].
//! Version 4 keys, RSA of 2048 to 4096 bits and Ed25519, SHA-256, SHA-384 and SHA-512. A signature counts only if
//! its key may sign now: self-signed, bound, meant for signing, not expired, not revoked.

mod certificate;
mod cleartext;
mod fault;
mod key;
mod packet;
mod signature;

#[cfg(test)]
mod tests;

pub use fault::{KeyFault, RefusedSignature, SignatureFault};

use crate::{Error, hex};
use certificate::Certificate;
use packet::{TAG_SIGNATURE, decode_armor, lines, split};
use signature::{KIND_TEXT, Signature};

const KEYRING_BYTES_MAX: usize = 8 << 20;
const SIGNATURES_MAX: usize = 64;
const BEGIN_KEYS: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END_KEYS: &[u8] = b"-----END PGP PUBLIC KEY BLOCK-----";
const BEGIN_SECRET: &[u8] = b"-----BEGIN PGP PRIVATE KEY BLOCK-----";

/// Public keys that are trusted.
#[derive(Clone)]
pub struct Keyring {
    certificates: Vec<Certificate>,
}

/// A primary key of a keyring, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    /// Fingerprint, 40 upper-case hex digits.
    pub fingerprint: String,
    /// Its first user, not proved, without control characters.
    pub user_id: String,
}

/// Who signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Fingerprint of the key that made the signature, 40 upper-case hex digits.
    pub fingerprint: String,
    /// Fingerprint of the primary key it belongs to.
    pub primary_fingerprint: String,
    /// The user of the key, without control characters; empty if the key has none.
    pub user_id: String,
    /// When it was signed, in Unix seconds.
    pub signed_at: u64,
}

impl Keyring {
    /// Reads a keyring: binary or armoured, one or more keys, files simply joined.
    ///
    /// Keys that cannot be used (old versions, DSA, short RSA) are read and never verify anything.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > KEYRING_BYTES_MAX {
            return Err(Error::TooLarge {
                what: "keyring",
                size: bytes.len(),
                limit: KEYRING_BYTES_MAX,
            });
        }
        let binary = match bytes.first() {
            Some(first) if first & 0x80 != 0 => bytes.to_vec(),
            _ => decode_blocks(bytes)?,
        };
        let certificates = certificate::read(&split(&binary)?)?;
        if certificates.is_empty() {
            return Err(Error::EmptyKeyring);
        }
        Ok(Self { certificates })
    }

    /// The keyring with the keys of another one added.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Self {
        self.certificates.extend(other.certificates.iter().cloned());
        Self { certificates: certificate::merge(self.certificates) }
    }

    /// The primary keys.
    pub fn keys(&self) -> Vec<KeyName> {
        self.certificates
            .iter()
            .map(|certificate| KeyName {
                fingerprint: hex::upper(&certificate.primary.fingerprint),
                user_id: printable(certificate.first_user().unwrap_or_default()),
            })
            .collect()
    }
}

/// Verifies a cleartext-signed message: at least one signature must be good and by a key of the keyring.
///
/// Returns the signed text, each line with `\n` and without the trailing whitespace that signatures do not cover, and
/// who signed. `now` is in Unix seconds.
pub fn verify_cleartext(
    text: &[u8],
    keyring: &Keyring,
    now: u64,
) -> Result<(Vec<u8>, Signer), Error> {
    let message = cleartext::parse(text)?;
    let packets = split(&message.signatures)?;
    if packets.len() > SIGNATURES_MAX {
        return Err(Error::CleartextSignatures("more than 64 signatures"));
    }
    if packets.iter().any(|packet| packet.tag != TAG_SIGNATURE) {
        return Err(Error::CleartextSignatures("not only signatures after the text"));
    }
    let mut refused = Vec::new();
    for packet in packets {
        let signature = match Signature::parse(packet.body) {
            Ok(signature) => signature,
            Err(fault) => {
                refused.push(RefusedSignature { issuer: "unknown".to_owned(), fault });
                continue;
            }
        };
        let issuer = signature.issuer.text();
        let named = message.hashes.contains(&signature.hash);
        let result = if named {
            check_signature(&signature, &message.hashed, keyring, now)
        } else {
            Err(SignatureFault::HashNotNamed)
        };
        match result {
            Ok(signer) => return Ok((message.payload, signer)),
            Err(fault) => refused.push(RefusedSignature { issuer, fault }),
        }
    }
    Err(Error::NoGoodSignature { refused })
}

fn check_signature(
    signature: &Signature,
    hashed: &[u8],
    keyring: &Keyring,
    now: u64,
) -> Result<Signer, SignatureFault> {
    if signature.kind != KIND_TEXT {
        return Err(SignatureFault::Kind(signature.kind));
    }
    if signature.issuer.is_unknown() {
        return Err(SignatureFault::NoIssuer);
    }
    let mut fault = SignatureFault::UnknownKey;
    // A short key id can fit several keys: any of them may be the one.
    for certificate in &keyring.certificates {
        for (role, key) in certificate.find(&signature.issuer) {
            if let Err(reason) = signature.verify(key, |context| context.update(hashed)) {
                fault = reason;
                continue;
            }
            check_times(signature, key.created, now)?;
            let user_id = certificate.may_sign(role, now)?.unwrap_or_default();
            return Ok(Signer {
                fingerprint: hex::upper(&key.fingerprint),
                primary_fingerprint: hex::upper(&certificate.primary.fingerprint),
                user_id: printable(user_id),
                signed_at: signature.created,
            });
        }
    }
    Err(fault)
}

fn check_times(signature: &Signature, key_created: u64, now: u64) -> Result<(), SignatureFault> {
    if signature.created > now {
        return Err(SignatureFault::Future(signature.created));
    }
    if signature.created < key_created {
        return Err(SignatureFault::OlderThanKey);
    }
    match signature.expires() {
        Some(end) if end <= now => Err(SignatureFault::Expired(end)),
        _ => Ok(()),
    }
}

fn decode_blocks(text: &[u8]) -> Result<Vec<u8>, Error> {
    let lines = lines(text);
    let mut bytes = Vec::new();
    let mut begin = None;
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim_ascii_end();
        if line == BEGIN_SECRET {
            return Err(Error::SecretKeyInKeyring);
        }
        match begin {
            None if line == BEGIN_KEYS => begin = Some(index + 1),
            Some(first) if line == END_KEYS => {
                let block = lines[first..index].iter().map(|line| line.trim_ascii_end());
                bytes.extend(decode_armor(first + 1, block)?);
                begin = None;
            }
            _ => {}
        }
    }
    match begin {
        Some(first) => Err(Error::Armor { line: first, reason: "the block has no end" }),
        None if bytes.is_empty() => Err(Error::NotAKeyring),
        None => Ok(bytes),
    }
}

fn printable(text: &[u8]) -> String {
    crate::error::printable(&String::from_utf8_lossy(text))
}

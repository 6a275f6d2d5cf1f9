//! Signature packets of version 4 (RFC 9580 §5.2.3) and the check of one signature.

use aws_lc_rs::digest::{Context, Digest, SHA256, SHA384, SHA512};

use super::fault::SignatureFault;
use super::key::Key;
use super::packet::{integer, subpacket_length};
use crate::cursor::Cursor;
use crate::hex;

pub(super) const KIND_TEXT: u8 = 0x01;
pub(super) const KIND_SUBKEY_BINDING: u8 = 0x18;
pub(super) const KIND_BACK: u8 = 0x19;
pub(super) const KIND_DIRECT: u8 = 0x1F;
pub(super) const KIND_KEY_REVOCATION: u8 = 0x20;
pub(super) const KIND_SUBKEY_REVOCATION: u8 = 0x28;
pub(super) const KIND_CERTIFICATION_REVOCATION: u8 = 0x30;

/// Key flag: this key may sign data (RFC 9580 §5.2.3.29).
pub(super) const FLAG_SIGN: u8 = 0x02;

const EMBEDDED_BYTES_MAX: usize = 16 << 10;

/// A signature whose structure is sound; nothing of it is true until [`Signature::verify`] says so.
#[derive(Clone, Default)]
pub(super) struct Signature {
    pub(super) kind: u8,
    pub(super) algorithm: u8,
    pub(super) hash: u8,
    /// From the version to the end of the hashed subpackets, as it is hashed.
    hashed_part: Vec<u8>,
    left: [u8; 2],
    values: Vec<u8>,
    pub(super) created: u64,
    expires_after: Option<u32>,
    pub(super) key_expires_after: Option<u32>,
    pub(super) flags: Option<u8>,
    pub(super) is_primary_user: bool,
    pub(super) revokers: Vec<[u8; 20]>,
    pub(super) issuer: Issuer,
    pub(super) embedded: Option<Vec<u8>>,
}

/// Who claims to have made a signature.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Issuer {
    fingerprint: Option<[u8; 20]>,
    key_id: Option<[u8; 8]>,
}

impl Issuer {
    pub(super) fn is(&self, key: &Key) -> bool {
        match (self.fingerprint, self.key_id) {
            (Some(fingerprint), _) => fingerprint == key.fingerprint,
            (None, Some(key_id)) => key_id == key.fingerprint[12..],
            (None, None) => false,
        }
    }

    pub(super) fn is_among(&self, fingerprints: &[[u8; 20]]) -> bool {
        fingerprints.iter().any(|fingerprint| match (self.fingerprint, self.key_id) {
            (Some(own), _) => own == *fingerprint,
            (None, Some(key_id)) => key_id == fingerprint[12..],
            (None, None) => false,
        })
    }

    pub(super) fn is_unknown(&self) -> bool {
        self.fingerprint.is_none() && self.key_id.is_none()
    }

    pub(super) fn text(&self) -> String {
        match (self.fingerprint, self.key_id) {
            (Some(fingerprint), _) => hex::upper(&fingerprint),
            (None, Some(key_id)) => hex::upper(&key_id),
            (None, None) => "unknown".to_owned(),
        }
    }
}

impl Signature {
    pub(super) fn parse(body: &[u8]) -> Result<Self, SignatureFault> {
        let early = || SignatureFault::Malformed("it ends early");
        let mut cursor = Cursor::new(body);
        let version = cursor.u8().ok_or_else(early)?;
        if version != 4 {
            return Err(SignatureFault::Version(version));
        }
        let [kind, algorithm, hash] = cursor.array().ok_or_else(early)?;
        let hashed_length = usize::from(cursor.u16().ok_or_else(early)?);
        let hashed = cursor.take(hashed_length).ok_or_else(early)?;
        let hashed_part = body[..6 + hashed_length].to_vec();
        let unhashed_length = usize::from(cursor.u16().ok_or_else(early)?);
        let unhashed = cursor.take(unhashed_length).ok_or_else(early)?;
        let left = cursor.array().ok_or_else(early)?;
        let values = cursor.rest().to_vec();
        let mut signature =
            Self { kind, algorithm, hash, hashed_part, left, values, ..Self::default() };
        signature.read_hashed(hashed)?;
        signature.read_unhashed(unhashed)?;
        Ok(signature)
    }

    fn read_hashed(&mut self, area: &[u8]) -> Result<(), SignatureFault> {
        let malformed = |reason| move || SignatureFault::Malformed(reason);
        let mut created = None;
        for_each_subpacket(area, |is_critical, kind, body| {
            let number = || {
                let bytes = body.try_into().map_err(|_| malformed("a time of wrong length")())?;
                Ok::<u32, SignatureFault>(u32::from_be_bytes(bytes))
            };
            match kind {
                2 if created.is_some() => return Err(malformed("two times of creation")()),
                2 => created = Some(number()?),
                3 => self.expires_after = Some(number()?).filter(|seconds| *seconds != 0),
                9 => self.key_expires_after = Some(number()?).filter(|seconds| *seconds != 0),
                12 => {
                    let revoker = body.get(2..).and_then(|bytes| bytes.try_into().ok());
                    self.revokers.push(revoker.ok_or_else(malformed("a bad revocation key"))?);
                }
                25 => self.is_primary_user = body == [1],
                27 => self.flags = Some(body.first().copied().unwrap_or(0)),
                16 | 32 | 33 => self.read_issuer_or_embedded(kind, body)?,
                // Known, and of no weight here: exportable, trust, expression, revocable, preferences, key server,
                // policy, user, reason, features, target, recipient, cipher suites.
                4..=7 | 11 | 21..=24 | 26 | 28..=31 | 34 | 35 | 39 => {}
                _ if is_critical => return Err(SignatureFault::CriticalSubpacket(kind)),
                _ => {}
            }
            Ok(())
        })?;
        let created = created.ok_or_else(malformed("no time of creation"))?;
        self.created = u64::from(created);
        Ok(())
    }

    // Not protected by the signature: only what proves itself is read from here.
    fn read_unhashed(&mut self, area: &[u8]) -> Result<(), SignatureFault> {
        for_each_subpacket(area, |_, kind, body| match kind {
            16 if self.issuer.key_id.is_none() => self.read_issuer_or_embedded(kind, body),
            33 if self.issuer.fingerprint.is_none() => self.read_issuer_or_embedded(kind, body),
            32 if self.embedded.is_none() => self.read_issuer_or_embedded(kind, body),
            _ => Ok(()),
        })
    }

    fn read_issuer_or_embedded(&mut self, kind: u8, body: &[u8]) -> Result<(), SignatureFault> {
        let malformed = || SignatureFault::Malformed("a subpacket of wrong length");
        match kind {
            16 => self.issuer.key_id = Some(body.try_into().map_err(|_| malformed())?),
            33 => {
                let (version, fingerprint) = body.split_first().ok_or_else(malformed)?;
                if *version == 4 {
                    self.issuer.fingerprint =
                        Some(fingerprint.try_into().map_err(|_| malformed())?);
                }
            }
            _ if body.len() > EMBEDDED_BYTES_MAX => return Err(malformed()),
            _ => self.embedded = Some(body.to_vec()),
        }
        Ok(())
    }

    /// When the signature ends, in Unix seconds.
    pub(super) fn expires(&self) -> Option<u64> {
        self.expires_after.map(|seconds| self.created + u64::from(seconds))
    }

    /// Checks the signature over what `feed` hashes.
    pub(super) fn verify(
        &self,
        key: &Key,
        feed: impl FnOnce(&mut Context),
    ) -> Result<(), SignatureFault> {
        let algorithm = match self.hash {
            8 => &SHA256,
            9 => &SHA384,
            10 => &SHA512,
            other => return Err(SignatureFault::Hash(other)),
        };
        let mut context = Context::new(algorithm);
        feed(&mut context);
        context.update(&self.hashed_part);
        let length = u32::try_from(self.hashed_part.len()).expect("its length field has 16 bits");
        context.update(&[4, 0xFF]);
        context.update(&length.to_be_bytes());
        let digest = context.finish();
        if digest.as_ref()[..2] != self.left {
            return Err(SignatureFault::Bad);
        }
        self.verify_digest(key, &digest)
    }

    fn verify_digest(&self, key: &Key, digest: &Digest) -> Result<(), SignatureFault> {
        let malformed = || SignatureFault::Malformed("the numbers of the signature");
        let mut cursor = Cursor::new(&self.values);
        let value = match self.algorithm {
            1 | 3 => integer(&mut cursor).ok_or_else(malformed)?.to_vec(),
            22 => {
                let mut value = left_padded(integer(&mut cursor).ok_or_else(malformed)?, 32);
                value.extend(left_padded(integer(&mut cursor).ok_or_else(malformed)?, 32));
                value
            }
            27 => cursor.take(64).ok_or_else(malformed)?.to_vec(),
            other => return Err(SignatureFault::Algorithm(other)),
        };
        if !cursor.is_empty() {
            return Err(malformed());
        }
        key.verify_digest(self.algorithm, digest, &value)
    }
}

/// The number with zeros in front, `length` bytes at least.
pub(super) fn left_padded(number: &[u8], length: usize) -> Vec<u8> {
    let mut padded = vec![0; length.saturating_sub(number.len())];
    padded.extend_from_slice(number);
    padded
}

fn for_each_subpacket(
    area: &[u8],
    mut visit: impl FnMut(bool, u8, &[u8]) -> Result<(), SignatureFault>,
) -> Result<(), SignatureFault> {
    let malformed = || SignatureFault::Malformed("the subpackets do not fill their area");
    let mut cursor = Cursor::new(area);
    while !cursor.is_empty() {
        let length = subpacket_length(&mut cursor).ok_or_else(malformed)?;
        let bytes = cursor.take(length).ok_or_else(malformed)?;
        let (kind, body) = bytes.split_first().ok_or_else(malformed)?;
        visit(kind & 0x80 != 0, kind & 0x7F, body)?;
    }
    Ok(())
}

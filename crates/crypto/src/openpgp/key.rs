//! Public keys of version 4 (RFC 9580 §5.5).

use aws_lc_rs::digest::{
    Context, Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest,
};
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RsaPublicKeyComponents, UnparsedPublicKey,
};

use super::fault::SignatureFault;
use super::packet::integer;
use super::signature::left_padded;
use crate::cursor::Cursor;

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
// 1.3.6.1.4.1.11591.15.1 (RFC 9580 §9.2, Ed25519Legacy)
const OID_ED25519: &[u8] = &[0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01];

/// A public key or subkey.
#[derive(Clone)]
pub(super) struct Key {
    body: Vec<u8>,
    pub(super) fingerprint: [u8; 20],
    pub(super) created: u64,
    algorithm: u8,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ed25519([u8; 32]),
    // A kind of key, or a size, that is never used to verify.
    Unsupported,
}

impl Key {
    /// `None` if it is not a key of version 4.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        if cursor.u8()? != 4 || body.len() > usize::from(u16::MAX) {
            return None;
        }
        let created = u64::from(cursor.u32()?);
        let algorithm = cursor.u8()?;
        let material = Material::parse(algorithm, cursor).unwrap_or(Material::Unsupported);
        let mut framed = vec![0x99];
        framed.extend_from_slice(&u16::try_from(body.len()).ok()?.to_be_bytes());
        framed.extend_from_slice(body);
        // SHA-1 is a version 4 key's name only; every signature over the key hashes the key itself.
        let fingerprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, &framed).as_ref().try_into().ok()?;
        Some(Self { body: body.to_vec(), fingerprint, created, algorithm, material })
    }

    /// The packet's body.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Hashes the key as signatures over keys do (RFC 9580 §5.2.4).
    pub(super) fn feed(&self, context: &mut Context) {
        let length = u16::try_from(self.body.len()).expect("checked by `parse`");
        context.update(&[0x99]);
        context.update(&length.to_be_bytes());
        context.update(&self.body);
    }

    pub(super) fn verify_digest(
        &self,
        algorithm: u8,
        digest: &Digest,
        value: &[u8],
    ) -> Result<(), SignatureFault> {
        let is_same = algorithm == self.algorithm || (algorithm <= 3 && self.algorithm <= 3);
        match &self.material {
            Material::Rsa { modulus, exponent } if is_same => {
                let parameters = match digest.algorithm() {
                    algorithm if *algorithm == SHA256 => &RSA_PKCS1_2048_8192_SHA256,
                    algorithm if *algorithm == SHA384 => &RSA_PKCS1_2048_8192_SHA384,
                    algorithm if *algorithm == SHA512 => &RSA_PKCS1_2048_8192_SHA512,
                    _ => return Err(SignatureFault::Bad),
                };
                RsaPublicKeyComponents { n: modulus, e: exponent }
                    .to_parsed_public_key(parameters)
                    .map_err(|_| SignatureFault::Bad)?
                    .verify_digest_sig(digest, &left_padded(value, modulus.len()))
                    .map_err(|_| SignatureFault::Bad)
            }
            Material::Ed25519(point) if is_same => UnparsedPublicKey::new(&ED25519, point)
                .verify(digest.as_ref(), value)
                .map_err(|_| SignatureFault::Bad),
            _ => Err(SignatureFault::Algorithm(algorithm)),
        }
    }
}

impl Material {
    fn parse(algorithm: u8, mut cursor: Cursor<'_>) -> Option<Self> {
        let material = match algorithm {
            // Encrypt-or-sign and sign-only.
            1 | 3 => {
                let modulus = integer(&mut cursor)?;
                let exponent = integer(&mut cursor)?;
                let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
                if !RSA_BITS.contains(&bits) {
                    return None;
                }
                Self::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() }
            }
            22 => {
                let length = usize::from(cursor.u8()?);
                if cursor.take(length)? != OID_ED25519 {
                    return None;
                }
                let point = integer(&mut cursor)?.strip_prefix(&[0x40])?;
                Self::Ed25519(point.try_into().ok()?)
            }
            27 => Self::Ed25519(cursor.array()?),
            _ => return None,
        };
        cursor.is_empty().then_some(material)
    }
}

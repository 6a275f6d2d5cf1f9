//! Public keys: ECDSA on NIST's curves, Ed25519 and RSA.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cursor::Cursor;
use crate::scheme::{self, Hash, Scheme};
use crate::{Error, der, hex, pem};

const LABEL: &str = "PUBLIC KEY";
// SubjectPublicKeyInfo up to the key (RFC 5480 §2, RFC 8410 §4, RFC 8017 A.1).
const SPKI_P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A,
    0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const SPKI_P384: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B,
    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];
const SPKI_P521: &[u8] = &[
    0x30, 0x81, 0x9B, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05,
    0x2B, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
];
const SPKI_ED25519: &[u8] =
    &[0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];
const ALGORITHM_RSA: &[u8] =
    &[0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00];
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key. The kind of key decides the algorithm of its signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    spki: Vec<u8>,
    // Offset of the key proper in `spki`.
    start: usize,
}

/// Kind of a key and algorithm of its signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// ECDSA on P-256 with SHA-256, strict DER.
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384, strict DER.
    EcdsaP384,
    /// ECDSA on P-521 with SHA-512, strict DER.
    EcdsaP521,
    /// Ed25519.
    Ed25519,
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rsa,
}

impl KeyKind {
    /// Name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
        }
    }

    /// Bytes of one of the two numbers of its ECDSA signatures.
    pub(crate) fn number_bytes(self) -> Option<usize> {
        match self {
            Self::EcdsaP256 => Some(32),
            Self::EcdsaP384 => Some(48),
            Self::EcdsaP521 => Some(66),
            Self::Ed25519 | Self::Rsa => None,
        }
    }
}

impl PublicKey {
    /// Reads a PEM `PUBLIC KEY` block.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        Self::from_spki_der(&pem::decode(text, LABEL)?)
    }

    /// Reads a DER `SubjectPublicKeyInfo`.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, Error> {
        let error = |reason| Error::Key { what: "public key", reason };
        let prefixes = [
            (KeyKind::EcdsaP256, SPKI_P256),
            (KeyKind::EcdsaP384, SPKI_P384),
            (KeyKind::EcdsaP521, SPKI_P521),
            (KeyKind::Ed25519, SPKI_ED25519),
        ];
        let known = prefixes.into_iter().find(|(_, prefix)| spki.starts_with(prefix));
        let (kind, start) = match known {
            Some((kind, prefix)) => (kind, prefix.len()),
            None => (KeyKind::Rsa, rsa_start(spki).ok_or_else(|| {
                error("it is not an uncompressed P-256, P-384 or P-521, an Ed25519 or an RSA key of 2048 bits or more")
            })?),
        };
        let key = Self { kind, spki: spki.to_vec(), start };
        if kind.number_bytes().is_some() && key.bytes().first() != Some(&4) {
            return Err(error("the point is not uncompressed"));
        }
        ParsedPublicKey::new(key.algorithm(), key.bytes())
            .map_err(|_| error("it is not a valid key of its kind"))?;
        Ok(key)
    }

    pub(crate) fn from_point(kind: KeyKind, point: &[u8]) -> Self {
        let prefix = match kind {
            KeyKind::EcdsaP384 => SPKI_P384,
            KeyKind::EcdsaP521 => SPKI_P521,
            KeyKind::Ed25519 => SPKI_ED25519,
            KeyKind::EcdsaP256 | KeyKind::Rsa => SPKI_P256,
        };
        Self { kind, spki: [prefix, point].concat(), start: prefix.len() }
    }

    /// The key of an RSAPublicKey of PKCS#1.
    pub fn from_rsa_pkcs1(key: &[u8]) -> Result<Self, Error> {
        let algorithm = der::write(der::SEQUENCE, &[ALGORITHM_RSA]);
        let bits = der::write(der::BIT_STRING, &[&[0], key]);
        Self::from_spki_der(&der::write(der::SEQUENCE, &[&algorithm, &bits]))
    }

    /// Reads the 32 bytes of an Ed25519 key.
    pub fn from_ed25519_bytes(point: &[u8]) -> Result<Self, Error> {
        Self::from_spki_der(&[SPKI_ED25519, point].concat())
    }

    /// The key proper: the point, or the RSAPublicKey of PKCS#1.
    pub fn raw_bytes(&self) -> &[u8] {
        self.bytes()
    }

    /// The key as a PEM `PUBLIC KEY` block.
    pub fn to_pem(&self) -> String {
        pem::encode(&self.spki, LABEL)
    }

    /// Kind of key.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The DER `SubjectPublicKeyInfo`.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// Checks a signature over a message.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let numbers;
        let signature = match self.kind.number_bytes() {
            Some(n_bytes) => {
                numbers = der::decode_ecdsa_signature(signature, n_bytes)
                    .ok_or(Error::SignatureEncoding("not two positive numbers in strict DER"))?;
                &numbers[..]
            }
            None => signature,
        };
        self.verify_with(self.algorithm(), message, signature)
    }

    /// Checks a signature over a message of which only the digest is here: ECDSA in DER, or RSA PKCS#1.
    ///
    /// Ed25519 signs messages and no digests.
    pub fn verify_digest(&self, hash: Hash, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
        if let Some(n_bytes) = self.kind.number_bytes() {
            der::decode_ecdsa_signature(signature, n_bytes)
                .ok_or(Error::SignatureEncoding("not two positive numbers in strict DER"))?;
        }
        let algorithm = scheme::of_digest(self.kind, hash)
            .ok_or(Error::SignatureEncoding("Ed25519 signs no digests"))?;
        let digest = hash
            .import(digest)
            .ok_or(Error::SignatureEncoding("the digest is not as long as its kind is"))?;
        UnparsedPublicKey::new(algorithm, self.bytes())
            .verify_digest(&digest, signature)
            .map_err(|_| Error::Signature)
    }

    /// Checks a signature of another form. A scheme that is not the key's is refused.
    pub fn verify_as(&self, scheme: Scheme, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        if scheme.kind() != self.kind {
            return Err(Error::Scheme { key: self.kind.as_str(), scheme: scheme.as_str() });
        }
        if let Some(n_bytes) = self.kind.number_bytes()
            && signature.len() != 2 * n_bytes
        {
            let is_der = der::decode_ecdsa_signature(signature, n_bytes).is_some();
            return Err(Error::SignatureEncoding(match (n_bytes, is_der) {
                (32, true) => "it is DER, and not two numbers of 32 bytes",
                (32, false) => "not two numbers of 32 bytes",
                (48, true) => "it is DER, and not two numbers of 48 bytes",
                (48, false) => "not two numbers of 48 bytes",
                (_, true) => "it is DER, and not two numbers of 66 bytes",
                (_, false) => "not two numbers of 66 bytes",
            }));
        }
        self.verify_with(scheme.verification(), message, signature)
    }

    /// Checks a signature in the form that the algorithm of the crypto library wants.
    pub(crate) fn verify_with(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        UnparsedPublicKey::new(algorithm, self.bytes())
            .verify(message, signature)
            .map_err(|_| Error::Signature)
    }

    /// Bits of the modulus of an RSA key.
    pub fn rsa_bits(&self) -> Option<usize> {
        if self.kind != KeyKind::Rsa {
            return None;
        }
        let mut outer = Cursor::new(self.bytes());
        let mut numbers = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
        let modulus = der::positive_integer(&mut numbers)?;
        Some(modulus.len() * 8 - modulus.first()?.leading_zeros() as usize)
    }

    /// Base64 of the SHA-256 of the `SubjectPublicKeyInfo`: how sigstore bundles name a key.
    pub fn hint(&self) -> String {
        STANDARD.encode(digest(&SHA256, &self.spki))
    }

    /// Lower-case hex of the SHA-256 of the `SubjectPublicKeyInfo`.
    pub fn fingerprint(&self) -> String {
        hex::lower(digest(&SHA256, &self.spki).as_ref())
    }

    fn bytes(&self) -> &[u8] {
        &self.spki[self.start..]
    }

    fn algorithm(&self) -> &'static dyn VerificationAlgorithm {
        match self.kind {
            KeyKind::EcdsaP256 => &ECDSA_P256_SHA256_FIXED,
            KeyKind::EcdsaP384 => &ECDSA_P384_SHA384_FIXED,
            KeyKind::EcdsaP521 => &ECDSA_P521_SHA512_FIXED,
            KeyKind::Ed25519 => &ED25519,
            KeyKind::Rsa => &RSA_PKCS1_2048_8192_SHA256,
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "PublicKey({} {})", self.kind.as_str(), self.fingerprint())
    }
}

// Where the RSAPublicKey starts, if all around it is strict DER and its size is allowed.
fn rsa_start(spki: &[u8]) -> Option<usize> {
    let mut outer = Cursor::new(spki);
    let mut info = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
    let algorithm = der::element(&mut info, der::SEQUENCE)?;
    let key = der::element(&mut info, der::BIT_STRING)?.strip_prefix(&[0])?;
    let mut inner = Cursor::new(key);
    let mut numbers = Cursor::new(der::element(&mut inner, der::SEQUENCE)?);
    let modulus = der::positive_integer(&mut numbers)?;
    der::positive_integer(&mut numbers)?;
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    let is_sound = algorithm == ALGORITHM_RSA
        && [outer, info, inner, numbers].iter().all(Cursor::is_empty)
        && RSA_BITS.contains(&bits);
    is_sound.then(|| spki.len() - key.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn pem_round_trip() {
        let key = SigningKey::generate_p256().public();
        let read = PublicKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(read, key);
        assert_eq!(read.kind(), KeyKind::EcdsaP256);
        assert_eq!(read.hint().len(), 44);
        assert_eq!(read.fingerprint().len(), 64);
    }

    // RFC 8032 §7.1, test 2.
    #[test]
    fn ed25519_of_the_specification() {
        let point = [
            0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a, 0xa7, 0x4d, 0x1b,
            0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4, 0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1,
            0x2a, 0xf4, 0x66, 0x0c,
        ];
        let signature = [
            0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b, 0x5f, 0x64,
            0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f, 0xb3, 0x76, 0x22, 0x23,
            0xeb, 0xdb, 0x69, 0xda, 0x08, 0x5a, 0xc1, 0xe4, 0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f,
            0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c, 0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee,
            0xb0, 0x0d, 0x29, 0x16, 0x12, 0xbb, 0x0c, 0x00,
        ];
        let key = PublicKey::from_spki_der(&[SPKI_ED25519, &point].concat()).unwrap();
        assert_eq!(key.kind(), KeyKind::Ed25519);
        key.verify(&[0x72], &signature).unwrap();
        assert!(key.verify(&[0x73], &signature).is_err());
        assert!(key.verify(&[0x72], &signature[..63]).is_err());
    }

    #[test]
    fn signatures_over_digests() {
        for key in [SigningKey::generate_p256(), SigningKey::generate_rsa()] {
            let (signature, public) = (key.sign(b"message").unwrap(), key.public());
            let verify = |hash: Hash, message: &[u8]| {
                public.verify_digest(hash, &hash.of(message), &signature)
            };
            verify(Hash::Sha256, b"message").unwrap();
            assert!(verify(Hash::Sha256, b"another").is_err());
            assert!(verify(Hash::Sha384, b"message").is_err());
            let short = &Hash::Sha256.of(b"message")[..31];
            assert!(public.verify_digest(Hash::Sha256, short, &signature).is_err());
        }
        let key = SigningKey::generate_ed25519();
        let digest = Hash::Sha256.of(b"message");
        assert!(
            key.public().verify_digest(Hash::Sha256, &digest, &key.sign(&digest).unwrap()).is_err()
        );
    }

    #[test]
    fn every_altered_byte_is_refused_or_another_key() {
        let key = SigningKey::generate_p256();
        let signature = key.sign(b"message").unwrap();
        let spki = key.public().spki_der().to_vec();
        for index in 0..spki.len() {
            for bit in 0..8 {
                let mut altered = spki.clone();
                altered[index] ^= 1 << bit;
                if let Ok(other) = PublicKey::from_spki_der(&altered) {
                    assert!(other.verify(b"message", &signature).is_err(), "byte {index}");
                }
            }
        }
        for length in 0..spki.len() {
            assert!(PublicKey::from_spki_der(&spki[..length]).is_err());
        }
        assert!(PublicKey::from_spki_der(&[&spki[..], &[0]].concat()).is_err());
    }
}

//! How signatures are made and written, where a format leaves a choice; and how X.509 names them.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA384_ASN1,
    ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1,
    ECDSA_P521_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaSignatureEncoding, VerificationAlgorithm,
};

use crate::cursor::Cursor;
use crate::{Error, KeyKind, PublicKey, der};

const OID_ECDSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
const OID_ECDSA_SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03];
const OID_ECDSA_SHA512: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04];
const OID_RSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
const OID_RSA_SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0C];
const OID_RSA_SHA512: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0D];
const OID_RSA_PSS: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A];
const OID_MGF1: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x08];
const OID_ED25519: &[u8] = &[0x2B, 0x65, 0x70];
pub(crate) const OID_SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const OID_SHA384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const OID_SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];
pub(crate) const NULL: &[u8] = &[0x05, 0x00];

/// How a signature is made and written, where a format leaves a choice or differs from [`PublicKey::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// ECDSA on P-256 with SHA-256: both numbers in 32 bytes each, as Notary and JOSE (ES256) write them.
    EcdsaP256Raw,
    /// ECDSA on P-384 with SHA-384: both numbers in 48 bytes each, ES384.
    EcdsaP384Raw,
    /// ECDSA on P-521 with SHA-512: both numbers in 66 bytes each, ES512.
    EcdsaP521Raw,
    /// Ed25519.
    Ed25519,
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaPkcs1,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSA PSS with SHA-256 and a salt of 32 bytes, PS256.
    RsaPss,
    /// RSA PSS with SHA-384 and a salt of 48 bytes, PS384.
    RsaPssSha384,
    /// RSA PSS with SHA-512 and a salt of 64 bytes, PS512.
    RsaPssSha512,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::EcdsaP256Raw,
        Self::EcdsaP384Raw,
        Self::EcdsaP521Raw,
        Self::Ed25519,
        Self::RsaPkcs1,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
        Self::RsaPss,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
    ];

    /// Name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256Raw => "ecdsa-p256",
            Self::EcdsaP384Raw => "ecdsa-p384",
            Self::EcdsaP521Raw => "ecdsa-p521",
            Self::Ed25519 => "ed25519",
            Self::RsaPkcs1 => "rsa-pkcs1",
            Self::RsaPkcs1Sha384 => "rsa-pkcs1-sha384",
            Self::RsaPkcs1Sha512 => "rsa-pkcs1-sha512",
            Self::RsaPss => "rsa-pss",
            Self::RsaPssSha384 => "rsa-pss-sha384",
            Self::RsaPssSha512 => "rsa-pss-sha512",
        }
    }

    /// The kind of key that makes such signatures.
    pub fn kind(self) -> KeyKind {
        match self {
            Self::EcdsaP256Raw => KeyKind::EcdsaP256,
            Self::EcdsaP384Raw => KeyKind::EcdsaP384,
            Self::EcdsaP521Raw => KeyKind::EcdsaP521,
            Self::Ed25519 => KeyKind::Ed25519,
            _ => KeyKind::Rsa,
        }
    }

    /// What the crypto library calls it. ECDSA wants both numbers in full length.
    pub(crate) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::EcdsaP256Raw => &ECDSA_P256_SHA256_FIXED,
            Self::EcdsaP384Raw => &ECDSA_P384_SHA384_FIXED,
            Self::EcdsaP521Raw => &ECDSA_P521_SHA512_FIXED,
            Self::Ed25519 => &ED25519,
            Self::RsaPkcs1 => &RSA_PKCS1_2048_8192_SHA256,
            Self::RsaPkcs1Sha384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::RsaPkcs1Sha512 => &RSA_PKCS1_2048_8192_SHA512,
            Self::RsaPss => &RSA_PSS_2048_8192_SHA256,
            Self::RsaPssSha384 => &RSA_PSS_2048_8192_SHA384,
            Self::RsaPssSha512 => &RSA_PSS_2048_8192_SHA512,
        }
    }

    /// How an RSA key signs so.
    pub(crate) fn rsa(self) -> Option<&'static RsaSignatureEncoding> {
        match self {
            Self::RsaPkcs1 => Some(&RSA_PKCS1_SHA256),
            Self::RsaPkcs1Sha384 => Some(&RSA_PKCS1_SHA384),
            Self::RsaPkcs1Sha512 => Some(&RSA_PKCS1_SHA512),
            Self::RsaPss => Some(&RSA_PSS_SHA256),
            Self::RsaPssSha384 => Some(&RSA_PSS_SHA384),
            Self::RsaPssSha512 => Some(&RSA_PSS_SHA512),
            Self::EcdsaP256Raw | Self::EcdsaP384Raw | Self::EcdsaP521Raw | Self::Ed25519 => None,
        }
    }
}

/// The hashes that signatures may be over. SHA-1 is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The hash of bytes.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        aws_lc_rs::digest::digest(self.algorithm(), bytes).as_ref().to_vec()
    }

    /// A digest that was computed elsewhere, if its length is right.
    pub(crate) fn import(self, bytes: &[u8]) -> Option<aws_lc_rs::digest::Digest> {
        aws_lc_rs::digest::Digest::import_less_safe(bytes, self.algorithm()).ok()
    }

    fn algorithm(self) -> &'static aws_lc_rs::digest::Algorithm {
        match self {
            Self::Sha256 => &aws_lc_rs::digest::SHA256,
            Self::Sha384 => &aws_lc_rs::digest::SHA384,
            Self::Sha512 => &aws_lc_rs::digest::SHA512,
        }
    }

    /// Name, as image digests have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
        }
    }

    /// Reads the content of an `AlgorithmIdentifier`: no parameters, or NULL.
    pub(crate) fn from_identifier(identifier: &[u8]) -> Option<Self> {
        let mut content = Cursor::new(identifier);
        let oid = der::element(&mut content, der::OBJECT_IDENTIFIER)?;
        let is_plain = content.is_empty() || content.rest() == NULL;
        is_plain.then_some(())?;
        match oid {
            OID_SHA256 => Some(Self::Sha256),
            OID_SHA384 => Some(Self::Sha384),
            OID_SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// The `AlgorithmIdentifier` of the signatures that a key makes by [`crate::SigningKey::sign`].
pub(crate) fn identifier_of(kind: KeyKind) -> Vec<u8> {
    let (oid, parameters) = match kind {
        KeyKind::EcdsaP256 => (OID_ECDSA_SHA256, &[][..]),
        KeyKind::EcdsaP384 => (OID_ECDSA_SHA384, &[][..]),
        KeyKind::EcdsaP521 => (OID_ECDSA_SHA512, &[][..]),
        KeyKind::Ed25519 => (OID_ED25519, &[][..]),
        KeyKind::Rsa => (OID_RSA_SHA256, NULL),
    };
    der::write(der::SEQUENCE, &[&der::write(der::OBJECT_IDENTIFIER, &[oid]), parameters])
}

impl PublicKey {
    /// Checks a signature whose algorithm X.509 names; `identifier` is the content of the `AlgorithmIdentifier`.
    ///
    /// What is not ECDSA, Ed25519 or RSA with SHA-256 or more, or not of this key's kind, is refused.
    pub(crate) fn verify_identified(
        &self,
        identifier: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        let unknown =
            || Error::SignatureEncoding("its algorithm is not one of the key's, or too old");
        let algorithm = self.algorithm_of(identifier).ok_or_else(unknown)?;
        if let Some(n_bytes) = self.kind().number_bytes() {
            // The library reads DER; that it is strict is checked here.
            der::decode_ecdsa_signature(signature, n_bytes)
                .ok_or(Error::SignatureEncoding("not two positive numbers in strict DER"))?;
        }
        self.verify_with(algorithm, message, signature)
    }

    /// Checks a signature over a hash that is named apart, as CMS does it; `identifier` may name the key's kind only.
    pub fn verify_hashed(
        &self,
        identifier: &[u8],
        hash: Hash,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), Error> {
        const OID_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
        let mut content = Cursor::new(identifier);
        let oid = der::element(&mut content, der::OBJECT_IDENTIFIER);
        let is_null = content.is_empty() || content.rest() == NULL;
        if oid == Some(OID_RSA) && is_null && self.kind() == KeyKind::Rsa {
            return self.verify_with(pkcs1(hash), message, signature);
        }
        self.verify_identified(identifier, message, signature)
    }

    fn algorithm_of(&self, identifier: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
        let mut content = Cursor::new(identifier);
        let oid = der::element(&mut content, der::OBJECT_IDENTIFIER)?;
        let parameters = content.rest();
        let hash = match oid {
            OID_ECDSA_SHA256 | OID_RSA_SHA256 => Hash::Sha256,
            OID_ECDSA_SHA384 | OID_RSA_SHA384 => Hash::Sha384,
            OID_ECDSA_SHA512 | OID_RSA_SHA512 => Hash::Sha512,
            OID_RSA_PSS if self.kind() == KeyKind::Rsa => return pss(parameters),
            OID_ED25519 if self.kind() == KeyKind::Ed25519 && parameters.is_empty() => {
                return Some(&ED25519);
            }
            _ => return None,
        };
        let is_rsa = [OID_RSA_SHA256, OID_RSA_SHA384, OID_RSA_SHA512].contains(&oid);
        match self.kind() {
            KeyKind::Rsa if is_rsa && (parameters == NULL || parameters.is_empty()) => {
                Some(pkcs1(hash))
            }
            KeyKind::Rsa | KeyKind::Ed25519 => None,
            kind if !is_rsa && parameters.is_empty() => Some(ecdsa(kind, hash)),
            _ => None,
        }
    }
}

/// How a key of this kind signs what is hashed already.
pub(crate) fn of_digest(kind: KeyKind, hash: Hash) -> Option<&'static dyn VerificationAlgorithm> {
    match kind {
        KeyKind::Ed25519 => None,
        KeyKind::Rsa => Some(pkcs1(hash)),
        kind => Some(ecdsa(kind, hash)),
    }
}

fn pkcs1(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
    }
}

fn ecdsa(kind: KeyKind, hash: Hash) -> &'static dyn VerificationAlgorithm {
    match (kind, hash) {
        (KeyKind::EcdsaP384, Hash::Sha256) => &ECDSA_P384_SHA256_ASN1,
        (KeyKind::EcdsaP384, Hash::Sha384) => &ECDSA_P384_SHA384_ASN1,
        (KeyKind::EcdsaP384, Hash::Sha512) => &ECDSA_P384_SHA512_ASN1,
        (KeyKind::EcdsaP521, Hash::Sha256) => &ECDSA_P521_SHA256_ASN1,
        (KeyKind::EcdsaP521, Hash::Sha384) => &ECDSA_P521_SHA384_ASN1,
        (KeyKind::EcdsaP521, Hash::Sha512) => &ECDSA_P521_SHA512_ASN1,
        (_, Hash::Sha256) => &ECDSA_P256_SHA256_ASN1,
        (_, Hash::Sha384) => &ECDSA_P256_SHA384_ASN1,
        (_, Hash::Sha512) => &ECDSA_P256_SHA512_ASN1,
    }
}

// RFC 4055 §3.1: one hash for the message and for the mask, and a salt as long as the hash.
fn pss(parameters: &[u8]) -> Option<&'static dyn VerificationAlgorithm> {
    let mut outer = Cursor::new(parameters);
    let mut fields = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
    let mut part = |tag| Some(Cursor::new(der::element(&mut fields, tag)?));
    let mut hash = part(0xA0)?;
    let mut mask = part(0xA1)?;
    let mut salt = part(0xA2)?;
    let hash = Hash::from_identifier(der::element(&mut hash, der::SEQUENCE)?)?;
    let mut mask = Cursor::new(der::element(&mut mask, der::SEQUENCE)?);
    (der::element(&mut mask, der::OBJECT_IDENTIFIER)? == OID_MGF1).then_some(())?;
    let mask_hash = Hash::from_identifier(der::element(&mut mask, der::SEQUENCE)?)?;
    let salt_bytes = der::positive_integer(&mut salt)?;
    let (algorithm, n_bytes): (&'static dyn VerificationAlgorithm, u8) = match hash {
        Hash::Sha256 => (&RSA_PSS_2048_8192_SHA256, 32),
        Hash::Sha384 => (&RSA_PSS_2048_8192_SHA384, 48),
        Hash::Sha512 => (&RSA_PSS_2048_8192_SHA512, 64),
    };
    let is_sound = outer.is_empty() && fields.is_empty() && mask_hash == hash;
    (is_sound && salt_bytes == [n_bytes]).then_some(algorithm)
}

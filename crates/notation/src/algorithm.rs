//! The six algorithms of the specification. Which one a key makes follows from its kind and size.

use sealift_crypto::{KeyKind, PublicKey, Scheme};

/// An algorithm, named as JWS does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA PSS with SHA-256, of 2048 bits.
    Ps256,
    /// RSA PSS with SHA-384, of 3072 bits.
    Ps384,
    /// RSA PSS with SHA-512, of 4096 bits.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
}

impl Algorithm {
    /// All, with their numbers in COSE as they stand in CBOR: the number `-1 - n`.
    const ALL: [(Self, u64); 6] = [
        (Self::Ps256, 36),
        (Self::Ps384, 37),
        (Self::Ps512, 38),
        (Self::Es256, 6),
        (Self::Es384, 34),
        (Self::Es512, 35),
    ];

    /// The algorithm of a key, if the specification has one for it.
    pub fn of_key(key: &PublicKey) -> Option<Self> {
        match (key.kind(), key.rsa_bits()) {
            (KeyKind::EcdsaP256, _) => Some(Self::Es256),
            (KeyKind::EcdsaP384, _) => Some(Self::Es384),
            (KeyKind::EcdsaP521, _) => Some(Self::Es512),
            (KeyKind::Rsa, Some(2048)) => Some(Self::Ps256),
            (KeyKind::Rsa, Some(3072)) => Some(Self::Ps384),
            (KeyKind::Rsa, Some(4096)) => Some(Self::Ps512),
            _ => None,
        }
    }

    /// Name in JWS.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().map(|(algorithm, _)| *algorithm).find(|known| known.as_str() == name)
    }

    pub(crate) fn from_cose(number: u64) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == number).map(|(algorithm, _)| *algorithm)
    }

    pub(crate) fn cose(self) -> u64 {
        let entry = Self::ALL.iter().find(|(known, _)| *known == self);
        entry.expect("the table has all algorithms").1
    }

    pub(crate) fn scheme(self) -> Scheme {
        match self {
            Self::Ps256 => Scheme::RsaPss,
            Self::Ps384 => Scheme::RsaPssSha384,
            Self::Ps512 => Scheme::RsaPssSha512,
            Self::Es256 => Scheme::EcdsaP256Raw,
            Self::Es384 => Scheme::EcdsaP384Raw,
            Self::Es512 => Scheme::EcdsaP521Raw,
        }
    }
}

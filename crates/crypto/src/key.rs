//! Private keys: ECDSA on P-256 with SHA-256, as cosign and Docker make them; P-384, P-521, Ed25519, RSA; and keys that
//! lie elsewhere.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, RsaSignatureEncoding,
};

use crate::external::{self, ExternalKey};
use crate::{Error, KeyKind, PublicKey, Scheme, Secret, der, key_file, pem, pkcs8};

const LABEL_PLAIN: &str = "PRIVATE KEY";
const RANDOM: &str = "the operating system gives random bytes";

// Order of P-256 and its half (SEC 2 §2.4.2).
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51,
];
const HALF_ORDER: [u8; 32] = [
    0x7F, 0xFF, 0xFF, 0xFF, 0x80, 0x00, 0x00, 0x00, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xDE, 0x73, 0x7D, 0x56, 0xD3, 0x8B, 0xCF, 0x42, 0x79, 0xDC, 0xE5, 0x61, 0x7E, 0x31, 0x92, 0xA8,
];

/// A private key that signs.
pub struct SigningKey {
    pair: Pair,
    // None for a key that lies elsewhere.
    pkcs8: Option<Secret>,
}

/// Sizes of RSA keys that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RsaSize {
    /// The least that is accepted anywhere.
    Bits2048,
    /// What lasts.
    Bits3072,
    /// More, and slower.
    Bits4096,
}

enum Pair {
    Ecdsa(KeyKind, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    External(Box<dyn ExternalKey>),
}

impl SigningKey {
    /// A new key of the operating system's randomness.
    pub fn generate_p256() -> Self {
        Self::generate_ecdsa(KeyKind::EcdsaP256, &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    /// A new key on P-384.
    pub fn generate_p384() -> Self {
        Self::generate_ecdsa(KeyKind::EcdsaP384, &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    /// A new key on P-521.
    pub fn generate_p521() -> Self {
        Self::generate_ecdsa(KeyKind::EcdsaP521, &ECDSA_P521_SHA512_FIXED_SIGNING)
    }

    fn generate_ecdsa(kind: KeyKind, algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        let pair = EcdsaKeyPair::generate(algorithm).expect(RANDOM);
        let pkcs8 = pair.to_pkcs8v1().expect("a key that was just made can be written");
        Self { pair: Pair::Ecdsa(kind, pair), pkcs8: Some(Secret::new(pkcs8.as_ref().to_vec())) }
    }

    /// A new Ed25519 key of the operating system's randomness.
    pub fn generate_ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().expect(RANDOM);
        let pkcs8 = pair.to_pkcs8v1().expect("a key that was just made can be written");
        Self { pair: Pair::Ed25519(pair), pkcs8: Some(Secret::new(pkcs8.as_ref().to_vec())) }
    }

    /// A new RSA key of 3072 bits of the operating system's randomness. Takes up to seconds.
    pub fn generate_rsa() -> Self {
        Self::generate_rsa_of(RsaSize::Bits3072)
    }

    /// A new RSA key of another size.
    pub fn generate_rsa_of(size: RsaSize) -> Self {
        let size = match size {
            RsaSize::Bits2048 => KeySize::Rsa2048,
            RsaSize::Bits3072 => KeySize::Rsa3072,
            RsaSize::Bits4096 => KeySize::Rsa4096,
        };
        let pair = RsaKeyPair::generate(size).expect(RANDOM);
        let pkcs8: Pkcs8V1Der<'static> =
            pair.as_der().expect("a key that was just made can be written");
        Self { pkcs8: Some(Secret::new(pkcs8.as_ref().to_vec())), pair: Pair::Rsa(pair) }
    }

    /// A key that lies elsewhere, in a token or a service. It signs as any other; its private part cannot be had.
    pub fn external(key: Box<dyn ExternalKey>) -> Self {
        Self { pair: Pair::External(key), pkcs8: None }
    }

    /// Reads a DER PKCS#8 key: P-256, P-384, P-521, Ed25519, or RSA of 2048 bits or more.
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, Error> {
        let error = |reason| Error::Key { what: "private key", reason };
        let (kind, pkcs8) = pkcs8::normalise(pkcs8)
            .ok_or(error("it is not a P-256, P-384, P-521, Ed25519 or RSA key in PKCS#8"))?;
        let pair = match kind {
            KeyKind::EcdsaP256 | KeyKind::EcdsaP384 | KeyKind::EcdsaP521 => {
                EcdsaKeyPair::from_pkcs8(ecdsa_signing(kind), &pkcs8)
                    .map(|pair| Pair::Ecdsa(kind, pair))
            }
            KeyKind::Ed25519 => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).map(Pair::Ed25519)
            }
            KeyKind::Rsa => RsaKeyPair::from_pkcs8(&pkcs8).map(Pair::Rsa),
        };
        let pair = pair.map_err(|_| error("it is not a valid key of its kind"))?;
        let key = Self { pair, pkcs8: Some(Secret::new(pkcs8.to_vec())) };
        if let Pair::Rsa(pair) = &key.pair {
            // Small keys are refused here and not when something is signed.
            PublicKey::from_rsa_pkcs1(pair.public_key().as_ref())?;
        }
        Ok(key)
    }

    /// Reads an encrypted DER PKCS#8 key (PBES2).
    pub fn from_encrypted_pkcs8_der(bytes: &[u8], passphrase: &Secret) -> Result<Self, Error> {
        // CBC does not notice a wrong passphrase every time, the key inside does.
        Self::from_pkcs8_der(pkcs8::decrypt(bytes, passphrase)?.expose())
            .map_err(|_| Error::Passphrase)
    }

    /// The key as an encrypted DER PKCS#8, as Docker writes it. It withstands guessing badly: for exports only.
    pub fn to_docker_pkcs8_der(&self, passphrase: &Secret) -> Result<Vec<u8>, Error> {
        Ok(pkcs8::encrypt_for_docker(self.pkcs8()?, passphrase))
    }

    /// The key as a DER PKCS#8. A key that lies elsewhere has none.
    pub fn pkcs8(&self) -> Result<&Secret, Error> {
        self.pkcs8.as_ref().ok_or(Error::NotExportable)
    }

    /// Reads an unencrypted PEM `PRIVATE KEY` block, or the older `EC PRIVATE KEY` and `RSA PRIVATE KEY`.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        if key_file::is_encrypted(text) || pem::has_label(text, "ENCRYPTED PRIVATE KEY") {
            return Err(Error::Encrypted);
        }
        if pem::has_label(text, "RSA PRIVATE KEY") {
            let key = Secret::new(pem::decode(text, "RSA PRIVATE KEY")?);
            return Self::from_pkcs8_der(&pkcs8::wrap(KeyKind::Rsa, key.expose()));
        }
        if pem::has_label(text, "EC PRIVATE KEY") {
            let key = Secret::new(pem::decode(text, "EC PRIVATE KEY")?);
            let reason = "it is not a key on P-256, P-384 or P-521 in SEC 1";
            let kind =
                pkcs8::sec1_kind(key.expose()).ok_or(Error::Key { what: "private key", reason })?;
            return Self::from_pkcs8_der(&pkcs8::wrap(kind, key.expose()));
        }
        let pkcs8 = Secret::new(pem::decode(text, LABEL_PLAIN)?);
        Self::from_pkcs8_der(pkcs8.expose())
    }

    /// Reads cosign's encrypted key file.
    pub fn from_encrypted_pem(text: &str, passphrase: &Secret) -> Result<Self, Error> {
        Self::from_pkcs8_der(key_file::decrypt(text, passphrase)?.expose())
    }

    /// Reads a key file of either kind; the passphrase counts for an encrypted one only.
    pub fn from_key_file(text: &str, passphrase: Option<&Secret>) -> Result<Self, Error> {
        match passphrase {
            Some(passphrase) if key_file::is_encrypted(text) => {
                Self::from_encrypted_pem(text, passphrase)
            }
            _ => Self::from_pem(text),
        }
    }

    /// Writes cosign's encrypted key file. Takes about a tenth of a second and 64 MiB.
    pub fn to_encrypted_pem(&self, passphrase: &Secret) -> Result<String, Error> {
        Ok(key_file::encrypt(self.pkcs8()?, passphrase))
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        match &self.pair {
            Pair::Ecdsa(kind, pair) => PublicKey::from_point(*kind, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => {
                PublicKey::from_point(KeyKind::Ed25519, pair.public_key().as_ref())
            }
            Pair::Rsa(pair) => PublicKey::from_rsa_pkcs1(pair.public_key().as_ref())
                .expect("the key was checked when it was read or made"),
            Pair::External(key) => key.public(),
        }
    }

    /// Signs a message as [`PublicKey::verify`] expects it: for P-256 ECDSA with SHA-256 in DER, with the lower of the
    /// two possible numbers. Only a key that lies elsewhere can fail.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match &self.pair {
            Pair::Ecdsa(kind, pair) => {
                der::encode_ecdsa_signature(&sign_ecdsa(*kind, pair, message))
            }
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => sign_rsa(pair, &RSA_PKCS1_SHA256, message),
            Pair::External(key) => {
                let kind = key.public().kind();
                let scheme = external::default_scheme(kind);
                let signature = self.sign_externally(key.as_ref(), scheme, message)?;
                match kind.number_bytes() {
                    Some(_) => der::encode_ecdsa_signature(&signature),
                    None => signature,
                }
            }
        })
    }

    /// Signs a message in another form. A scheme that is not the key's is refused.
    pub fn sign_as(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.public().kind();
        if key != scheme.kind() {
            return Err(Error::Scheme { key: key.as_str(), scheme: scheme.as_str() });
        }
        Ok(match &self.pair {
            Pair::Ecdsa(kind, pair) => sign_ecdsa(*kind, pair, message),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                sign_rsa(pair, scheme.rsa().expect("the scheme is one of RSA"), message)
            }
            Pair::External(key) => self.sign_externally(key.as_ref(), scheme, message)?,
        })
    }

    // A token may be broken or another than it says: what it gives is looked at before anybody gets it.
    fn sign_externally(
        &self,
        key: &dyn ExternalKey,
        scheme: Scheme,
        message: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let mut signature = external::sign(key, scheme, message)?;
        if scheme == Scheme::EcdsaP256Raw
            && signature.len() == 64
            && signature[32..] > HALF_ORDER[..]
        {
            negate(&mut signature[32..]);
        }
        let good = self.public().verify_as(scheme, message, &signature);
        good.map_err(|_| {
            Error::External("its signature does not match its public key".to_owned())
        })?;
        Ok(signature)
    }
}

fn ecdsa_signing(kind: KeyKind) -> &'static EcdsaSigningAlgorithm {
    match kind {
        KeyKind::EcdsaP384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        KeyKind::EcdsaP521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
        KeyKind::EcdsaP256 | KeyKind::Ed25519 | KeyKind::Rsa => &ECDSA_P256_SHA256_FIXED_SIGNING,
    }
}

// On P-256 the lower of the two possible numbers: one signature has one form. Nobody asks that of the larger curves.
fn sign_ecdsa(kind: KeyKind, pair: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
    let signature = pair.sign(&SystemRandom::new(), message).expect(RANDOM);
    let mut numbers = signature.as_ref().to_vec();
    if kind == KeyKind::EcdsaP256 && numbers[32..] > HALF_ORDER[..] {
        negate(&mut numbers[32..]);
    }
    numbers
}

fn sign_rsa(pair: &RsaKeyPair, encoding: &'static RsaSignatureEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature).expect(RANDOM);
    signature
}

// The order minus the number.
fn negate(number: &mut [u8]) {
    let mut has_borrowed = false;
    for (digit, order) in number.iter_mut().zip(ORDER).rev() {
        let (difference, first) = order.overflowing_sub(*digit);
        let (difference, second) = difference.overflowing_sub(u8::from(has_borrowed));
        *digit = difference;
        has_borrowed = first || second;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_and_verifies() {
        let key = SigningKey::generate_p256();
        for size in 0..50 {
            let message = vec![7; size];
            let signature = key.sign(&message).unwrap();
            key.public().verify(&message, &signature).unwrap();
            let numbers = der::decode_ecdsa_signature(&signature, 32).unwrap();
            assert!(numbers[32..] <= HALF_ORDER[..], "not the lower number");
        }
    }

    #[test]
    fn accepts_the_higher_number() {
        let key = SigningKey::generate_p256();
        let signature = key.sign(b"x").unwrap();
        let mut numbers = der::decode_ecdsa_signature(&signature, 32).unwrap();
        negate(&mut numbers[32..]);
        key.public().verify(b"x", &der::encode_ecdsa_signature(&numbers)).unwrap();
    }

    #[test]
    fn refuses_every_altered_bit() {
        let key = SigningKey::generate_p256();
        let signature = key.sign(b"message").unwrap();
        for index in 0..signature.len() {
            for bit in 0..8 {
                let mut altered = signature.clone();
                altered[index] ^= 1 << bit;
                assert!(key.public().verify(b"message", &altered).is_err(), "byte {index}");
            }
        }
        assert!(key.public().verify(b"messagf", &signature).is_err());
        assert!(SigningKey::generate_p256().public().verify(b"message", &signature).is_err());
    }

    #[test]
    fn raw_signatures_of_both_numbers() {
        let key = SigningKey::generate_p256();
        let scheme = Scheme::EcdsaP256Raw;
        for _ in 0..20 {
            let mut raw = key.sign_as(scheme, b"x").unwrap();
            assert!(raw[32..] <= HALF_ORDER[..], "not the lower number");
            key.public().verify_as(scheme, b"x", &raw).unwrap();
            negate(&mut raw[32..]);
            key.public().verify_as(scheme, b"x", &raw).unwrap();
            assert!(key.public().verify_as(scheme, b"y", &raw).is_err());
        }
        let error = key.public().verify_as(scheme, b"x", &key.sign(b"x").unwrap()).unwrap_err();
        let expected = "the signature is malformed: it is DER, and not two numbers of 32 bytes";
        assert_eq!(error.to_string(), expected);
        assert!(key.public().verify_as(scheme, b"x", &[0; 64]).is_err());
        assert!(key.public().verify_as(Scheme::Ed25519, b"x", &[0; 64]).is_err());
    }

    #[test]
    fn other_kinds_of_keys() {
        for key in [
            SigningKey::generate_p384(),
            SigningKey::generate_p521(),
            SigningKey::generate_ed25519(),
            SigningKey::generate_rsa(),
            SigningKey::generate_rsa_of(RsaSize::Bits2048),
        ] {
            let kind = key.public().kind();
            for _ in 0..5 {
                key.public().verify(b"x", &key.sign(b"x").unwrap()).unwrap();
            }
            let read = SigningKey::from_pkcs8_der(key.pkcs8().unwrap().expose()).unwrap();
            assert_eq!(read.public(), key.public());
            assert_eq!(PublicKey::from_pem(&key.public().to_pem()).unwrap(), key.public());
            for scheme in Scheme::ALL {
                let signature = key.sign_as(scheme, b"x");
                assert_eq!(signature.is_ok(), scheme.kind() == kind);
                if let Ok(signature) = signature {
                    key.public().verify_as(scheme, b"x", &signature).unwrap();
                    assert!(key.public().verify_as(scheme, b"y", &signature).is_err());
                    for other in Scheme::ALL.into_iter().filter(|other| *other != scheme) {
                        assert!(key.public().verify_as(other, b"x", &signature).is_err());
                    }
                }
            }
        }
        assert_eq!(SigningKey::generate_rsa().public().rsa_bits(), Some(3072));
        assert_eq!(SigningKey::generate_p384().public().rsa_bits(), None);
    }

    #[test]
    fn plain_pem() {
        let key = SigningKey::generate_p256();
        let text = pem::encode(key.pkcs8().unwrap().expose(), LABEL_PLAIN);
        assert_eq!(SigningKey::from_pem(&text).unwrap().public(), key.public());
        assert_eq!(SigningKey::from_key_file(&text, None).unwrap().public(), key.public());
        let encrypted = key.to_encrypted_pem(&Secret::from("p".to_owned())).unwrap();
        assert!(matches!(SigningKey::from_pem(&encrypted), Err(Error::Encrypted)));
        assert!(matches!(SigningKey::from_key_file(&encrypted, None), Err(Error::Encrypted)));
    }
}

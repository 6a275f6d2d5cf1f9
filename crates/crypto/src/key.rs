//! Private keys: ECDSA on P-256 with SHA-256, as cosign makes them.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::{Error, PublicKey, Secret, der, key_file, pem};

const LABEL_PLAIN: &str = "PRIVATE KEY";

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
    pair: EcdsaKeyPair,
    pkcs8: Secret,
}

impl SigningKey {
    /// A new key of the operating system's randomness.
    pub fn generate_p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("the operating system gives random bytes");
        let pkcs8 = pair.to_pkcs8v1().expect("a key that was just made can be written");
        Self { pair, pkcs8: Secret::new(pkcs8.as_ref().to_vec()) }
    }

    /// Reads a DER PKCS#8 key.
    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, Error> {
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(|_| {
                Error::Key { what: "private key", reason: "it is not a P-256 key in PKCS#8" }
            })?;
        Ok(Self { pair, pkcs8: Secret::new(pkcs8.to_vec()) })
    }

    /// Reads an unencrypted PEM `PRIVATE KEY` block.
    pub fn from_pem(text: &str) -> Result<Self, Error> {
        if key_file::is_encrypted(text) || pem::has_label(text, "ENCRYPTED PRIVATE KEY") {
            return Err(Error::Encrypted);
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
    pub fn to_encrypted_pem(&self, passphrase: &Secret) -> String {
        key_file::encrypt(&self.pkcs8, passphrase)
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey::from_p256_point(self.pair.public_key().as_ref())
    }

    /// Signs a message: ECDSA with SHA-256 in DER, with the lower of the two possible numbers.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message)
            .expect("the operating system gives random bytes");
        let mut numbers: [u8; 64] =
            signature.as_ref().try_into().expect("a fixed P-256 signature has 64 bytes");
        if numbers[32..] > HALF_ORDER[..] {
            negate(&mut numbers[32..]);
        }
        der::encode_p256_signature(&numbers)
    }
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
            let signature = key.sign(&message);
            key.public().verify(&message, &signature).unwrap();
            let numbers = der::decode_p256_signature(&signature).unwrap();
            assert!(numbers[32..] <= HALF_ORDER[..], "not the lower number");
        }
    }

    #[test]
    fn accepts_the_higher_number() {
        let key = SigningKey::generate_p256();
        let mut numbers = der::decode_p256_signature(&key.sign(b"x")).unwrap();
        negate(&mut numbers[32..]);
        key.public().verify(b"x", &der::encode_p256_signature(&numbers)).unwrap();
    }

    #[test]
    fn refuses_every_altered_bit() {
        let key = SigningKey::generate_p256();
        let signature = key.sign(b"message");
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
    fn plain_pem() {
        let key = SigningKey::generate_p256();
        let text = pem::encode(key.pkcs8.expose(), LABEL_PLAIN);
        assert_eq!(SigningKey::from_pem(&text).unwrap().public(), key.public());
        assert_eq!(SigningKey::from_key_file(&text, None).unwrap().public(), key.public());
        let encrypted = key.to_encrypted_pem(&Secret::from("p".to_owned()));
        assert!(matches!(SigningKey::from_pem(&encrypted), Err(Error::Encrypted)));
        assert!(matches!(SigningKey::from_key_file(&encrypted, None), Err(Error::Encrypted)));
    }
}

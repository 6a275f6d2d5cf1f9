//! Secrets at rest, sealed by a key that lies elsewhere: AES-256-GCM with a random nonce, bound to a context.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand;

use crate::{Error, Secret};

/// Bytes of a sealing key.
const KEY_BYTES: usize = 32;

/// A key that seals and opens. A secret sealed for one context does not open for another.
pub struct SealingKey(RandomizedNonceKey);

impl SealingKey {
    /// Takes 32 random bytes.
    pub fn new(key: &Secret) -> Result<Self, Error> {
        if key.expose().len() != KEY_BYTES {
            return Err(Error::Key { what: "sealing key", reason: "it has not 32 bytes" });
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, key.expose())
            .map_err(|_| Error::Key { what: "sealing key", reason: "it has not 32 bytes" })?;
        Ok(Self(key))
    }

    /// New bytes for a key.
    pub fn generate() -> Secret {
        let mut bytes = vec![0; KEY_BYTES];
        rand::fill(&mut bytes).expect("the operating system gives random bytes");
        Secret::new(bytes)
    }

    /// Seals a secret: nonce, ciphertext, tag.
    pub fn seal(&self, secret: &Secret, context: &str) -> Vec<u8> {
        let mut bytes = secret.expose().to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut bytes)
            .expect("a secret is shorter than the cipher's limit");
        [&nonce.as_ref()[..], &bytes].concat()
    }

    /// Opens what was sealed for this context.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Secret, Error> {
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or(Error::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::Sealed)?;
        let mut bytes = zeroize::Zeroizing::new(ciphertext.to_vec());
        let opened = self
            .0
            .open_in_place(nonce, Aad::from(context.as_bytes()), &mut bytes)
            .map_err(|_| Error::Sealed)?;
        Ok(Secret::new(opened.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_was_sealed_for_it() {
        let key = SealingKey::new(&SealingKey::generate()).unwrap();
        let sealed = key.seal(&Secret::from("secret".to_owned()), "a");
        assert_eq!(key.open(&sealed, "a").unwrap().expose(), b"secret");
        assert!(key.open(&sealed, "b").is_err());
        assert!(SealingKey::new(&SealingKey::generate()).unwrap().open(&sealed, "a").is_err());
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 1;
            assert!(key.open(&altered, "a").is_err(), "byte {index}");
            assert!(key.open(&sealed[..index], "a").is_err());
        }
        assert!(SealingKey::new(&Secret::new(vec![0; 31])).is_err());
    }
}

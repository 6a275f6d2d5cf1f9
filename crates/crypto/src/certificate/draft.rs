//! Certificates that we issue: a name, a key, a time and extensions, signed by an authority or by the key itself.

use aws_lc_rs::rand;
use jiff::Timestamp;

use super::{Certificate, EXTENSIONS, Extension, Name, VERSION};
use crate::{Error, Hash, PublicKey, SigningKey, der, scheme, time};

/// What a new certificate says.
pub struct Draft<'a> {
    /// Whose it is.
    pub subject: &'a Name,
    /// Its key.
    pub key: &'a PublicKey,
    /// First moment at which it is valid.
    pub not_before: Timestamp,
    /// Last moment at which it is valid.
    pub not_after: Timestamp,
    /// Extensions, besides the identifiers of the keys.
    pub extensions: &'a [Extension],
}

impl Draft<'_> {
    /// The certificate, signed by its own key.
    pub fn self_sign(&self, key: &SigningKey) -> Result<Certificate, Error> {
        self.sign(self.subject, key, &[])
    }

    /// The certificate, signed by its own key, with the identifier by which those that it signs name it.
    pub fn issue_self(&self, key: &SigningKey) -> Result<Certificate, Error> {
        self.sign(self.subject, key, &[Extension::subject_key_id(&key_id(self.key))])
    }

    /// The certificate, signed by an authority; the identifiers of both keys are added.
    pub fn issue(&self, authority: &Certificate, key: &SigningKey) -> Result<Certificate, Error> {
        let of_authority = match authority.subject_key_id() {
            Some(id) => id.to_vec(),
            None => key_id(authority.public_key()),
        };
        let ids = [
            Extension::subject_key_id(&key_id(self.key)),
            Extension::authority_key_id(&of_authority),
        ];
        self.sign(authority.subject(), key, &ids)
    }

    fn sign(
        &self,
        issuer: &Name,
        key: &SigningKey,
        ids: &[Extension],
    ) -> Result<Certificate, Error> {
        let mut serial = [0; 16];
        rand::fill(&mut serial).expect("the operating system gives random bytes");
        // A positive number without a needless zero.
        serial[0] = serial[0] & 0x3F | 0x40;
        let sequence = |parts: &[&[u8]]| der::write(der::SEQUENCE, parts);
        let algorithm = scheme::identifier_of(key.public().kind());
        let mut extensions = Vec::new();
        for extension in self.extensions.iter().chain(ids) {
            extensions.extend(extension.to_der()?);
        }
        let signed = sequence(&[
            &[VERSION, 3, der::INTEGER, 1, 2],
            &der::write(der::INTEGER, &[&serial]),
            &algorithm,
            issuer.der(),
            &sequence(&[&time::write(self.not_before)?, &time::write(self.not_after)?]),
            self.subject.der(),
            self.key.spki_der(),
            &der::write(EXTENSIONS, &[&sequence(&[&extensions])]),
        ]);
        let signature = der::write(der::BIT_STRING, &[&[0], &key.sign(&signed)?]);
        Certificate::from_der(&sequence(&[&signed, &algorithm, &signature]))
    }
}

// RFC 7093 §2 (1): the first 160 bits of the SHA-256 of the key.
fn key_id(key: &PublicKey) -> Vec<u8> {
    Hash::Sha256.of(key.raw_bytes())[..20].to_vec()
}

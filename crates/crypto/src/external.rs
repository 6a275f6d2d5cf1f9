//! Keys that lie elsewhere: in a token, behind an agent. They sign digests; everything around is made here.

use crate::cursor::Cursor;
use crate::{Error, Hash, KeyKind, PublicKey, Scheme, der};

// DigestInfo up to the digest (RFC 8017 §9.2, note 1).
const DIGEST_INFO_SHA256: &[u8] = &[
    0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];
const DIGEST_INFO_SHA384: &[u8] = &[
    0x30, 0x41, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
    0x00, 0x04, 0x30,
];
const DIGEST_INFO_SHA512: &[u8] = &[
    0x30, 0x51, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05,
    0x00, 0x04, 0x40,
];

const POINT_BYTES_MAX: usize = 512;
const RSA_BYTES_MAX: usize = 2048;

/// A private key that this program cannot read, only use.
pub trait ExternalKey: Send + Sync {
    /// Its public key.
    fn public(&self) -> PublicKey;

    /// Signs; the error says in words why it cannot.
    fn sign(&self, input: &SigningInput<'_>) -> Result<Vec<u8>, String>;
}

/// What an external key is asked to sign, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningInput<'a> {
    /// ECDSA over a digest. The answer is two numbers, each as long as the curve's order.
    EcdsaDigest(&'a [u8]),
    /// Ed25519 over a message.
    Ed25519Message(&'a [u8]),
    /// RSA PKCS#1 v1.5 over a DigestInfo.
    RsaPkcs1DigestInfo(&'a [u8]),
    /// RSA PSS over a digest, whose length tells the hash; the salt is as long.
    RsaPssDigest(&'a [u8]),
}

/// The scheme of [`PublicKey::verify`], before two numbers are wrapped in DER.
pub(crate) fn default_scheme(kind: KeyKind) -> Scheme {
    match kind {
        KeyKind::EcdsaP256 => Scheme::EcdsaP256Raw,
        KeyKind::EcdsaP384 => Scheme::EcdsaP384Raw,
        KeyKind::EcdsaP521 => Scheme::EcdsaP521Raw,
        KeyKind::Ed25519 => Scheme::Ed25519,
        KeyKind::Rsa => Scheme::RsaPkcs1,
    }
}

/// Has a message signed. The caller checked that the scheme is the key's.
pub(crate) fn sign(
    key: &dyn ExternalKey,
    scheme: Scheme,
    message: &[u8],
) -> Result<Vec<u8>, Error> {
    let pkcs1 = |hash: Hash| {
        let prefix = match hash {
            Hash::Sha256 => DIGEST_INFO_SHA256,
            Hash::Sha384 => DIGEST_INFO_SHA384,
            Hash::Sha512 => DIGEST_INFO_SHA512,
        };
        key.sign(&SigningInput::RsaPkcs1DigestInfo(&[prefix, &hash.of(message)].concat()))
    };
    let pss = |hash: Hash| key.sign(&SigningInput::RsaPssDigest(&hash.of(message)));
    let ecdsa = |hash: Hash| key.sign(&SigningInput::EcdsaDigest(&hash.of(message)));
    let answer = match scheme {
        Scheme::EcdsaP256Raw => ecdsa(Hash::Sha256),
        Scheme::EcdsaP384Raw => ecdsa(Hash::Sha384),
        Scheme::EcdsaP521Raw => ecdsa(Hash::Sha512),
        Scheme::Ed25519 => key.sign(&SigningInput::Ed25519Message(message)),
        Scheme::RsaPkcs1 => pkcs1(Hash::Sha256),
        Scheme::RsaPkcs1Sha384 => pkcs1(Hash::Sha384),
        Scheme::RsaPkcs1Sha512 => pkcs1(Hash::Sha512),
        Scheme::RsaPss => pss(Hash::Sha256),
        Scheme::RsaPssSha384 => pss(Hash::Sha384),
        Scheme::RsaPssSha512 => pss(Hash::Sha512),
    };
    answer.map_err(Error::External)
}

impl PublicKey {
    /// The key of a curve's parameters (a DER object identifier) and a point, bare or in an OCTET STRING, as tokens
    /// have them.
    pub fn from_curve_point(parameters: &[u8], point: &[u8]) -> Result<Self, Error> {
        const EC: &[u8] = &[0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
        if parameters.len() > POINT_BYTES_MAX || point.len() > POINT_BYTES_MAX {
            return Err(Error::Key { what: "public key", reason: "it is longer than any" });
        }
        let mut cursor = Cursor::new(point);
        let inner = der::element(&mut cursor, der::OCTET_STRING);
        let point = inner.filter(|_| cursor.is_empty()).unwrap_or(point);
        let algorithm = der::write(der::SEQUENCE, &[EC, parameters]);
        let bits = der::write(der::BIT_STRING, &[&[0], point]);
        Self::from_spki_der(&der::write(der::SEQUENCE, &[&algorithm, &bits]))
    }

    /// The RSA key of a modulus and an exponent, big-endian.
    pub fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, Error> {
        if modulus.len() > RSA_BYTES_MAX || exponent.len() > RSA_BYTES_MAX {
            return Err(Error::Key { what: "public key", reason: "it is longer than any" });
        }
        let number = |bytes: &[u8]| {
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            let bytes = &bytes[start..];
            let sign: &[u8] =
                if bytes.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
            der::write(der::INTEGER, &[sign, bytes])
        };
        let numbers = der::write(der::SEQUENCE, &[&number(modulus), &number(exponent)]);
        Self::from_rsa_pkcs1(&numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    // A token that answers with what it was given.
    struct Echo(PublicKey, Vec<u8>);

    impl ExternalKey for Echo {
        fn public(&self) -> PublicKey {
            self.0.clone()
        }

        fn sign(&self, _: &SigningInput<'_>) -> Result<Vec<u8>, String> {
            if self.1.is_empty() { Err("the token is gone".to_owned()) } else { Ok(self.1.clone()) }
        }
    }

    #[test]
    fn public_keys_of_parts() {
        let key = SigningKey::generate_p256().public();
        let parameters = [0x06, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7];
        let point = key.raw_bytes();
        let wrapped = der::write(der::OCTET_STRING, &[point]);
        for point in [point, &wrapped] {
            assert_eq!(PublicKey::from_curve_point(&parameters, point).unwrap(), key);
        }
        assert!(PublicKey::from_curve_point(&parameters[..4], point).is_err());
        assert!(PublicKey::from_curve_point(&parameters, &point[1..]).is_err());
        assert!(PublicKey::from_curve_point(&parameters, &vec![4; 70_000]).is_err());
        assert!(PublicKey::from_rsa_numbers(&[], &[3]).is_err());
        assert!(PublicKey::from_rsa_numbers(&vec![1; 70_000], &[3]).is_err());
        let mut modulus = vec![0, 0xC1];
        modulus.extend([1; 255]);
        let key = PublicKey::from_rsa_numbers(&modulus, &[1, 0, 1]).unwrap();
        assert_eq!(key, PublicKey::from_rsa_numbers(&modulus[1..], &[0, 1, 0, 1]).unwrap());
    }

    #[test]
    fn what_a_token_answers_is_checked() {
        let key = SigningKey::generate_p256();
        let raw = key.sign_as(Scheme::EcdsaP256Raw, b"x").unwrap();
        let token = |answer: Vec<u8>| SigningKey::external(Box::new(Echo(key.public(), answer)));
        let good = token(raw.clone());
        key.public().verify(b"x", &good.sign(b"x").unwrap()).unwrap();
        assert_eq!(good.sign_as(Scheme::EcdsaP256Raw, b"x").unwrap(), raw);
        assert!(matches!(good.sign_as(Scheme::RsaPss, b"x"), Err(Error::Scheme { .. })));
        assert!(matches!(good.pkcs8(), Err(Error::NotExportable)));
        for (answer, expected) in [
            (Vec::new(), "the key cannot sign: the token is gone"),
            (raw.clone(), "the key cannot sign: its signature does not match its public key"),
            (vec![0; 7], "the key cannot sign: its signature does not match its public key"),
        ] {
            assert_eq!(token(answer).sign(b"y").unwrap_err().to_string(), expected);
        }
    }
}

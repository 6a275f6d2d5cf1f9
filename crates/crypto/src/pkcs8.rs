//! PKCS#8 (RFC 5958) as others write it, and PBES2 (RFC 8018) around it.
//!
//! Docker's keys say version 1 though they carry no public key, and its Ed25519 keys carry the public key twice; both
//! are brought to the plain form. Its key files are encrypted with PBKDF2-HMAC-SHA1 and AES-256-CBC.

use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{pbkdf2, rand};
use zeroize::Zeroizing;

use crate::cursor::Cursor;
use crate::{Error, KeyKind, Secret, der};

const OID_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const OID_EC: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const OID_P256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
const OID_P384: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x22];
const OID_P521: &[u8] = &[0x2B, 0x81, 0x04, 0x00, 0x23];
const OID_ED25519: &[u8] = &[0x2B, 0x65, 0x70];
const OID_PBES2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0D];
const OID_PBKDF2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, 0x0C];
const OID_HMAC_SHA1: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x07];
const OID_HMAC_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x09];
const OID_HMAC_SHA512: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x0B];
const OID_AES256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A];

const SEC1_PARAMETERS: u8 = 0xA0;
const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 16;
const SALT_BYTES_MAX: usize = 64;
// OpenSSL writes 2048, careful people a million; more would only keep the processor busy.
const ITERATIONS_MAX: u32 = 10_000_000;
const DOCKER_ITERATIONS: NonZeroU32 = NonZeroU32::new(2048).expect("not zero");
const DOCKER_SALT_BYTES: usize = 8;
const ED25519_SEED_BYTES: usize = 32;
const ED25519_NOTARY_BYTES: usize = 96;

/// The kind of a key and the plain form of its file.
pub(crate) fn normalise(pkcs8: &[u8]) -> Option<(KeyKind, Zeroizing<Vec<u8>>)> {
    let mut outer = Cursor::new(pkcs8);
    let mut inner = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
    let version = der::element(&mut inner, der::INTEGER)?;
    let algorithm = der::whole(&mut inner, der::SEQUENCE)?;
    let key = der::element(&mut inner, der::OCTET_STRING)?;
    if !outer.is_empty() || !matches!(version, [0 | 1]) {
        return None;
    }
    let mut content = Cursor::new(algorithm);
    let mut content = Cursor::new(der::element(&mut content, der::SEQUENCE)?);
    let kind = match der::element(&mut content, der::OBJECT_IDENTIFIER)? {
        OID_RSA => KeyKind::Rsa,
        OID_ED25519 => KeyKind::Ed25519,
        OID_EC => curve_kind(der::element(&mut content, der::OBJECT_IDENTIFIER)?)?,
        _ => return None,
    };
    if !inner.is_empty() {
        // Attributes or a public key: the crypto library checks them.
        return Some((kind, Zeroizing::new(pkcs8.to_vec())));
    }
    let seed;
    let key = if kind == KeyKind::Ed25519 && key.len() == ED25519_NOTARY_BYTES {
        let start = key.len() - 2 * ED25519_SEED_BYTES;
        seed = Zeroizing::new(der::write(
            der::OCTET_STRING,
            &[&key[start..start + ED25519_SEED_BYTES]],
        ));
        &seed[..]
    } else {
        key
    };
    let key = Zeroizing::new(der::write(der::OCTET_STRING, &[key]));
    Some((
        kind,
        Zeroizing::new(der::write(der::SEQUENCE, &[&[der::INTEGER, 1, 0], algorithm, &key])),
    ))
}

fn curve_kind(oid: &[u8]) -> Option<KeyKind> {
    match oid {
        OID_P256 => Some(KeyKind::EcdsaP256),
        OID_P384 => Some(KeyKind::EcdsaP384),
        OID_P521 => Some(KeyKind::EcdsaP521),
        _ => None,
    }
}

/// The kind of an ECPrivateKey of SEC 1: what its parameters say, or the length of its number.
pub(crate) fn sec1_kind(key: &[u8]) -> Option<KeyKind> {
    let mut outer = Cursor::new(key);
    let mut fields = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
    der::element(&mut fields, der::INTEGER)?;
    let number = der::element(&mut fields, der::OCTET_STRING)?;
    match der::optional(&mut fields, SEC1_PARAMETERS)?.0 {
        Some(parameters) => {
            curve_kind(der::element(&mut Cursor::new(parameters), der::OBJECT_IDENTIFIER)?)
        }
        None => [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::EcdsaP521]
            .into_iter()
            .find(|kind| kind.number_bytes() == Some(number.len())),
    }
}

/// The PKCS#8 of an ECPrivateKey of SEC 1, and of an RSAPrivateKey of PKCS#1.
pub(crate) fn wrap(kind: KeyKind, key: &[u8]) -> Zeroizing<Vec<u8>> {
    let ecdsa = |curve: &[u8]| {
        let curve = der::write(der::OBJECT_IDENTIFIER, &[curve]);
        der::write(der::SEQUENCE, &[&der::write(der::OBJECT_IDENTIFIER, &[OID_EC]), &curve])
    };
    let algorithm = match kind {
        KeyKind::EcdsaP256 => ecdsa(OID_P256),
        KeyKind::EcdsaP384 => ecdsa(OID_P384),
        KeyKind::EcdsaP521 => ecdsa(OID_P521),
        KeyKind::Rsa => der::write(
            der::SEQUENCE,
            &[&der::write(der::OBJECT_IDENTIFIER, &[OID_RSA]), &[0x05, 0]],
        ),
        KeyKind::Ed25519 => {
            der::write(der::SEQUENCE, &[&der::write(der::OBJECT_IDENTIFIER, &[OID_ED25519])])
        }
    };
    let key = Zeroizing::new(der::write(der::OCTET_STRING, &[key]));
    Zeroizing::new(der::write(der::SEQUENCE, &[&[der::INTEGER, 1, 0], &algorithm, &key]))
}

struct Parameters<'a> {
    salt: &'a [u8],
    iterations: NonZeroU32,
    prf: pbkdf2::Algorithm,
    iv: [u8; BLOCK_BYTES],
}

/// Opens an EncryptedPrivateKeyInfo.
pub(crate) fn decrypt(bytes: &[u8], passphrase: &Secret) -> Result<Secret, Error> {
    let malformed = Error::Key {
        what: "encrypted private key",
        reason: "it is not PBES2 with PBKDF2 and AES-256-CBC",
    };
    let (parameters, ciphertext) = parse(bytes).ok_or(malformed)?;
    if parameters.iterations.get() > ITERATIONS_MAX {
        return Err(Error::KeyFileParameter {
            name: "number of PBKDF2's iterations",
            value: parameters.iterations.to_string(),
            allowed: "at most 10000000",
        });
    }
    let key = stretch(&parameters, passphrase);
    let key = UnboundCipherKey::new(&AES_256, &*key).map_err(|_| Error::Passphrase)?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| Error::Passphrase)?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let context = DecryptionContext::Iv128(FixedLength::from(parameters.iv));
    let opened = key.decrypt(&mut plain, context).map_err(|_| Error::Passphrase)?;
    Ok(Secret::new(opened.to_vec()))
}

/// Writes an EncryptedPrivateKeyInfo as Docker does. It withstands guessing badly: for exports only.
pub(crate) fn encrypt_for_docker(pkcs8: &Secret, passphrase: &Secret) -> Vec<u8> {
    let mut salt = [0; DOCKER_SALT_BYTES];
    let mut iv = [0; BLOCK_BYTES];
    for bytes in [&mut salt[..], &mut iv[..]] {
        rand::fill(bytes).expect("the operating system gives random bytes");
    }
    let prf = pbkdf2::PBKDF2_HMAC_SHA1;
    let parameters = Parameters { salt: &salt, iterations: DOCKER_ITERATIONS, prf, iv };
    let key = stretch(&parameters, passphrase);
    let key = UnboundCipherKey::new(&AES_256, &*key).expect("the key has 32 bytes");
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).expect("the key is an AES key");
    let mut bytes = pkcs8.expose().to_vec();
    let context = aws_lc_rs::cipher::EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(&mut bytes, context).expect("a key is shorter than the cipher's limit");
    let iterations = DOCKER_ITERATIONS.get().to_be_bytes();
    let sequence = |parts: &[&[u8]]| der::write(der::SEQUENCE, parts);
    let oid = |oid: &[u8]| der::write(der::OBJECT_IDENTIFIER, &[oid]);
    let octets = |octets: &[u8]| der::write(der::OCTET_STRING, &[octets]);
    let stretching = sequence(&[&octets(&salt), &der::write(der::INTEGER, &[&iterations[2..]])]);
    let derivation = sequence(&[&oid(OID_PBKDF2), &stretching]);
    let encryption = sequence(&[&oid(OID_AES256_CBC), &octets(&iv)]);
    let scheme = sequence(&[&oid(OID_PBES2), &sequence(&[&derivation, &encryption])]);
    sequence(&[&scheme, &octets(&bytes)])
}

fn stretch(parameters: &Parameters<'_>, passphrase: &Secret) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    let Parameters { prf, iterations, salt, .. } = *parameters;
    pbkdf2::derive(prf, iterations, salt, passphrase.expose(), &mut *key);
    key
}

fn parse(bytes: &[u8]) -> Option<(Parameters<'_>, &[u8])> {
    let mut outer = Cursor::new(bytes);
    let mut info = Cursor::new(der::element(&mut outer, der::SEQUENCE)?);
    let mut scheme = Cursor::new(der::element(&mut info, der::SEQUENCE)?);
    let ciphertext = der::element(&mut info, der::OCTET_STRING)?;
    (der::element(&mut scheme, der::OBJECT_IDENTIFIER)? == OID_PBES2).then_some(())?;
    let mut parts = Cursor::new(der::element(&mut scheme, der::SEQUENCE)?);
    let mut derivation = Cursor::new(der::element(&mut parts, der::SEQUENCE)?);
    let mut encryption = Cursor::new(der::element(&mut parts, der::SEQUENCE)?);
    (der::element(&mut derivation, der::OBJECT_IDENTIFIER)? == OID_PBKDF2).then_some(())?;
    let mut stretching = Cursor::new(der::element(&mut derivation, der::SEQUENCE)?);
    let salt = der::element(&mut stretching, der::OCTET_STRING)?;
    let iterations = number(der::positive_integer(&mut stretching)?)?;
    if let Some(length) = der::optional(&mut stretching, der::INTEGER)?.0 {
        (length == [32]).then_some(())?;
    }
    let prf = match der::optional(&mut stretching, der::SEQUENCE)?.0 {
        None => pbkdf2::PBKDF2_HMAC_SHA1,
        Some(prf) => {
            let mut prf = Cursor::new(prf);
            match der::element(&mut prf, der::OBJECT_IDENTIFIER)? {
                OID_HMAC_SHA1 => pbkdf2::PBKDF2_HMAC_SHA1,
                OID_HMAC_SHA256 => pbkdf2::PBKDF2_HMAC_SHA256,
                OID_HMAC_SHA512 => pbkdf2::PBKDF2_HMAC_SHA512,
                _ => return None,
            }
        }
    };
    (der::element(&mut encryption, der::OBJECT_IDENTIFIER)? == OID_AES256_CBC).then_some(())?;
    let iv = der::element(&mut encryption, der::OCTET_STRING)?.try_into().ok()?;
    let is_all_read = [outer, info, scheme, parts, derivation, encryption, stretching]
        .iter()
        .all(Cursor::is_empty);
    let is_sound = is_all_read && salt.len() <= SALT_BYTES_MAX && !ciphertext.is_empty();
    is_sound.then_some((Parameters { salt, iterations, prf, iv }, ciphertext))
}

fn number(bytes: &[u8]) -> Option<NonZeroU32> {
    let mut padded = [0; 4];
    padded[4_usize.checked_sub(bytes.len())?..].copy_from_slice(bytes);
    NonZeroU32::new(u32::from_be_bytes(padded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn docker_form_round_trip() {
        let secret = Secret::new(vec![9; 138]);
        let passphrase = Secret::from("correct horse".to_owned());
        let sealed = encrypt_for_docker(&secret, &passphrase);
        assert_eq!(decrypt(&sealed, &passphrase).unwrap().expose(), secret.expose());
        for cut in 0..sealed.len() {
            assert!(decrypt(&sealed[..cut], &passphrase).is_err());
        }
        let mut greedy = sealed.clone();
        let place = greedy.windows(4).position(|part| part == [2, 2, 8, 0]).unwrap();
        greedy.splice(place..place + 4, [2, 4, 0x7F, 0xFF, 0xFF, 0xFF]);
        // The lengths around it are wrong now; the parser must see that before it stretches.
        assert!(decrypt(&greedy, &passphrase).is_err());
    }

    #[test]
    fn version_one_without_public_key() {
        let key = SigningKey::generate_p256();
        let mut docker = key.pkcs8().unwrap().expose().to_vec();
        let place = docker.windows(3).position(|part| part == [2, 1, 0]).unwrap();
        docker[place + 2] = 1;
        assert_eq!(SigningKey::from_pkcs8_der(&docker).unwrap().public(), key.public());
        docker[place + 2] = 2;
        assert!(SigningKey::from_pkcs8_der(&docker).is_err());
    }

    #[test]
    fn ed25519_as_notary_has_it() {
        let seed = [7; 32];
        let plain = wrap(KeyKind::Ed25519, &der::write(der::OCTET_STRING, &[&seed]));
        let key = SigningKey::from_pkcs8_der(&plain).unwrap();
        let point = key.public().raw_bytes().to_vec();
        let notary = wrap(KeyKind::Ed25519, &[&point[..], &seed, &point].concat());
        assert_eq!(SigningKey::from_pkcs8_der(&notary).unwrap().public(), key.public());
    }
}

//! cosign's encrypted private key file: PEM around JSON, scrypt and NaCl's secretbox around PKCS#8.
//!
//! Format: <https://github.com/secure-systems-lab/go-securesystemslib/tree/main/encrypted>.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{Key, KeyInit as _, Nonce, XSalsa20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Error, Secret, pem, strict_json};

const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const LABEL_OLD: &str = "ENCRYPTED COSIGN PRIVATE KEY";
const KDF: &str = "scrypt";
const CIPHER: &str = "nacl/secretbox";
const LOG_COST: u8 = 16;
const LOG_COSTS: std::ops::RangeInclusive<u8> = 14..=17;
const BLOCK_SIZE: u32 = 8;
const PARALLELISM: u32 = 1;
const SALT_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kdf {
    name: String,
    params: Parameters,
    salt: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(rename = "N")]
    cost: u64,
    #[serde(rename = "r")]
    block_size: u32,
    #[serde(rename = "p")]
    parallelism: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cipher {
    name: String,
    nonce: String,
}

pub(crate) fn is_encrypted(text: &str) -> bool {
    pem::has_label(text, LABEL) || pem::has_label(text, LABEL_OLD)
}

/// The PKCS#8 inside.
pub(crate) fn decrypt(text: &str, passphrase: &Secret) -> Result<Secret, Error> {
    let label = if pem::has_label(text, LABEL_OLD) { LABEL_OLD } else { LABEL };
    let file: File = strict_json::from_slice(&pem::decode(text, label)?, "key file")?;
    let log_cost = check_parameters(&file)?;
    let salt = decode(&file.kdf.salt, "salt")?;
    let nonce = decode(&file.cipher.nonce, "nonce")?;
    if salt.len() != SALT_BYTES || nonce.len() != NONCE_BYTES {
        return Err(Error::Key {
            what: "key file",
            reason: "the salt has not 32 or the nonce not 24 bytes",
        });
    }
    let ciphertext = decode(&file.ciphertext, "ciphertext")?;
    cipher(passphrase, &salt, log_cost)
        .decrypt(Nonce::from_slice(&nonce), ciphertext.as_slice())
        .map(Secret::new)
        .map_err(|_| Error::Passphrase)
}

/// A key file with a new salt and nonce.
pub(crate) fn encrypt(pkcs8: &Secret, passphrase: &Secret) -> String {
    let mut salt = [0; SALT_BYTES];
    let mut nonce = [0; NONCE_BYTES];
    for bytes in [&mut salt[..], &mut nonce[..]] {
        rand::fill(bytes).expect("the operating system gives random bytes");
    }
    let ciphertext = cipher(passphrase, &salt, LOG_COST)
        .encrypt(Nonce::from_slice(&nonce), pkcs8.expose())
        .expect("a key is shorter than the cipher's limit");
    let file = File {
        kdf: Kdf {
            name: KDF.to_owned(),
            params: Parameters {
                cost: 1 << LOG_COST,
                block_size: BLOCK_SIZE,
                parallelism: PARALLELISM,
            },
            salt: STANDARD.encode(salt),
        },
        cipher: Cipher { name: CIPHER.to_owned(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode(ciphertext),
    };
    let json = serde_json::to_vec(&file).expect("the file has string keys only");
    pem::encode(&json, LABEL)
}

// Returns the logarithm of the cost. Caps keep a hostile file from eating memory or weakening the key.
fn check_parameters(file: &File) -> Result<u8, Error> {
    let Parameters { cost, block_size, parallelism } = file.kdf.params;
    let allow = |is_allowed: bool, name, value: String, allowed| {
        if is_allowed { Ok(()) } else { Err(Error::KeyFileParameter { name, value, allowed }) }
    };
    let short = |text: &str| text.chars().take(40).collect::<String>();
    allow(file.kdf.name == KDF, "key derivation", short(&file.kdf.name), "`scrypt`")?;
    allow(file.cipher.name == CIPHER, "cipher", short(&file.cipher.name), "`nacl/secretbox`")?;
    let log_cost =
        LOG_COSTS.into_iter().find(|log_cost| 1 << log_cost == cost).ok_or_else(|| {
            let allowed = "a power of two from 16384 to 131072";
            Error::KeyFileParameter { name: "scrypt cost `N`", value: cost.to_string(), allowed }
        })?;
    allow(block_size == BLOCK_SIZE, "scrypt block size `r`", block_size.to_string(), "`8`")?;
    allow(parallelism == PARALLELISM, "scrypt `p`", parallelism.to_string(), "`1`")?;
    Ok(log_cost)
}

fn cipher(passphrase: &Secret, salt: &[u8], log_cost: u8) -> XSalsa20Poly1305 {
    let parameters = scrypt::Params::new(log_cost, BLOCK_SIZE, PARALLELISM)
        .expect("the caller checked the parameters");
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(passphrase.expose(), salt, &parameters, &mut *key)
        .expect("32 bytes are an allowed length");
    XSalsa20Poly1305::new(Key::from_slice(&*key))
}

fn decode(text: &str, name: &'static str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|_| Error::KeyFileParameter {
        name,
        value: text.chars().take(40).collect(),
        allowed: "base64",
    })
}

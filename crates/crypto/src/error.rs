//! What can go wrong with keys, signatures and signed documents.

use crate::openpgp::RefusedSignature;

/// An error of this crate. None carries secret data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a PEM block of the expected kind.
    #[error("not a PEM block `{label}`: {reason}")]
    Pem {
        /// Expected label.
        label: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// Larger than anything real.
    #[error("{what} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A key that cannot be used.
    #[error("not a usable {what}: {reason}")]
    Key {
        /// Public or private key.
        what: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A key file whose parameters are not among the allowed ones.
    #[error("the key file's {name} is `{value}`, allowed is {allowed}")]
    KeyFileParameter {
        /// Name of the parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The key file could not be decrypted.
    #[error("cannot decrypt the private key: the passphrase is wrong or the file is damaged")]
    Passphrase,
    /// The key file is encrypted, but was read as a plain one.
    #[error("the private key is encrypted")]
    Encrypted,
    /// A key that lies elsewhere did not sign.
    #[error("the key cannot sign: {0}")]
    External(String),
    /// A key that lies elsewhere was to be written to a file.
    #[error("the private key lies in a token and cannot be written to a file")]
    NotExportable,
    /// A signature that is not of the strict form.
    #[error("the signature is malformed: {0}")]
    SignatureEncoding(&'static str),
    /// A signature scheme that is not one of the key's.
    #[error("a key of kind {key} makes no signatures of kind {scheme}")]
    Scheme {
        /// Kind of the key.
        key: &'static str,
        /// What was asked for.
        scheme: &'static str,
    },
    /// A certificate that cannot be read or used.
    #[error("not a usable certificate: {0}")]
    Certificate(&'static str),
    /// A list of revoked certificates that cannot be read or does not count.
    #[error("not a usable list of revoked certificates: {0}")]
    RevocationList(&'static str),
    /// Sealed bytes that do not open: another key, another context, or damage.
    #[error("the sealed bytes do not open with this key")]
    Sealed,
    /// A signature that does not match.
    #[error("the signature does not match what it signs")]
    Signature,
    /// Not the JSON document that was expected.
    #[error("not a valid {what}: {}", printable(&source.to_string()))]
    Json {
        /// What was expected.
        what: &'static str,
        /// What the JSON reader says.
        source: serde_json::Error,
    },
    /// A DSSE envelope that is not sound.
    #[error("not a valid DSSE envelope: {0}")]
    Envelope(&'static str),
    /// No signature of an envelope is by one of the keys.
    #[error("none of the {n_keys} known keys made a signature of the envelope")]
    NoKnownSigner {
        /// How many keys were tried.
        n_keys: usize,
    },
    /// A number that canonical JSON cannot hold.
    #[error("canonical JSON has whole numbers of at most 53 bits only, not `{0}`")]
    CanonicalNumber(String),
    /// An OpenPGP packet that cannot be read.
    #[error("not an OpenPGP packet at byte {offset}: {reason}")]
    Packet {
        /// Where it starts.
        offset: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// OpenPGP armour that cannot be read.
    #[error("not OpenPGP armour in line {line}: {reason}")]
    Armor {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A text that is not a cleartext-signed message.
    #[error("not a cleartext-signed message, line {line}: {reason}")]
    Cleartext {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// The signatures after the text are not what may stand there.
    #[error("not a cleartext-signed message: {0}")]
    CleartextSignatures(&'static str),
    /// The file holds private keys.
    #[error("the keyring holds a private key")]
    SecretKeyInKeyring,
    /// Neither binary nor armoured keys.
    #[error("not an OpenPGP keyring")]
    NotAKeyring,
    /// No key that can be read.
    #[error("the keyring has no key of version 4")]
    EmptyKeyring,
    /// No signature is good.
    #[error("no signature is good: {}", list(.refused))]
    NoGoodSignature {
        /// Every signature and what is wrong with it.
        refused: Vec<RefusedSignature>,
    },
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        use crate::openpgp::SignatureFault;
        let hint = match self {
            Self::Passphrase => "give the passphrase that the key was made with",
            Self::Encrypted => "give the passphrase of the key",
            Self::SecretKeyInKeyring => "export public keys only: `gpg --export KEY > keyring.gpg`",
            Self::NotAKeyring => {
                "a keybox (`.kbx`) must be exported first: `gpg --no-default-keyring --keyring FILE --export`"
            }
            Self::NoGoodSignature { refused } => {
                let has = |fault: fn(&SignatureFault) -> bool| {
                    refused.iter().any(|signature| fault(&signature.fault))
                };
                if has(|fault| matches!(fault, SignatureFault::Future(_))) {
                    "check that the clock of this machine is right"
                } else if has(|fault| *fault == SignatureFault::UnknownKey) {
                    "add the archive's key to the keyring, if you trust it"
                } else {
                    return None;
                }
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn list(refused: &[RefusedSignature]) -> String {
    if refused.is_empty() {
        return "there is none".to_owned();
    }
    refused.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Text from outside, fit for a terminal: a document's own keys stand in what the JSON reader says of it.
pub(crate) fn printable(text: &str) -> String {
    let visible = |character: char| if character.is_control() { '\u{FFFD}' } else { character };
    text.chars().take(300).map(visible).collect()
}

//! Keys, signatures, certificates, DSSE, key files, OpenPGP verification, canonical JSON.
//!
//! Entry points: [`SigningKey`], [`PublicKey`], [`dsse::sign`], [`chain::validate`], [`timestamp::Token`],
//! [`openpgp::verify_cleartext`].
//! This is the only crate that touches the crypto library. Invariants: an algorithm follows from the key and never
//! from the message; encodings are strict (DER, base64, JSON without duplicate keys); what is not understood is
//! refused; secrets are zeroised and have no text form.

pub mod certificate;
pub mod chain;
pub mod timestamp;

mod error;
mod external;
mod jwk;
mod key;
mod key_file;
mod mac;
mod pkcs8;
mod public_key;
mod revocation_list;
mod scheme;
mod sealing;
mod secret;
mod server_certificate;
mod time;

pub mod canonical_json;
pub mod dsse;
pub mod openpgp;
pub mod pem;
pub mod strict_json;

mod cursor;
mod der;
mod hex;

pub use certificate::Certificate;
pub use error::Error;
pub use external::{ExternalKey, SigningInput};
pub use key::{RsaSize, SigningKey};
pub use mac::hmac_sha256;
pub use public_key::{KeyKind, PublicKey};
pub use revocation_list::{RevocationList, RevocationReason, Revoked};
pub use scheme::{Hash, Scheme};
pub use sealing::SealingKey;
pub use secret::{Secret, constant_time_equal};
pub use server_certificate::{issued_server, self_signed_server, server_authority};

//! Keys, signatures, DSSE, key files, OpenPGP verification, canonical JSON.
//!
//! Entry points: [`SigningKey`], [`PublicKey`], [`dsse::sign`], [`openpgp::verify_cleartext`].
//! This is the only crate that touches the crypto library. Invariants: an algorithm follows from the key and never
//! from the message; encodings are strict (DER, base64, JSON without duplicate keys); what is not understood is
//! refused; secrets are zeroised and have no text form.

mod error;
mod key;
mod key_file;
mod public_key;
mod secret;

pub mod canonical_json;
pub mod dsse;
pub mod openpgp;
pub mod strict_json;

mod cursor;
mod der;
mod hex;
mod pem;

pub use error::Error;
pub use key::SigningKey;
pub use public_key::{KeyKind, PublicKey};
pub use secret::{Secret, constant_time_equal};

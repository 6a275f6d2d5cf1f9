//! Keys in PKCS#11 tokens, named by URI (RFC 7512).
//!
//! Entry points: [`Uri::parse`], [`open`]; a [`KeyFile`] stands for a key of a token in a folder of keys. A token's module is a shared library that is loaded into the program; a program
//! that is linked statically cannot do that, so it is built without the feature `modules`, and [`open`] says so.
//! Invariants: a URI means one key or it is refused; a PIN stands in no URI and in no message; what a token answers is
//! checked against its public key before it is used (`crypto::SigningKey`).

mod error;
mod file;
mod uri;

#[cfg(feature = "modules")]
mod key;

pub use error::Error;
pub use file::KeyFile;
pub use uri::{PinSource, Uri};

use sealift_crypto::{Secret, SigningKey};

/// Opens the key that a URI names. Without a PIN only what the token shows to everybody is found.
#[cfg(feature = "modules")]
pub fn open(uri: &Uri, pin: Option<&Secret>) -> Result<SigningKey, Error> {
    Ok(SigningKey::external(Box::new(key::open(uri, pin)?)))
}

/// Says that this program cannot load modules.
#[cfg(not(feature = "modules"))]
pub fn open(_: &Uri, _: Option<&Secret>) -> Result<SigningKey, Error> {
    Err(Error::NoModules)
}

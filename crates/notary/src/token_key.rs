//! Keys of the keyring that lie in tokens: named by their URI, or by a file that stands for one.

use std::path::{Path, PathBuf};

use sealift_crypto::{PublicKey, Secret, SigningKey};
use sealift_token::{KeyFile, PinSource, Uri};

use crate::keyring::{KeyEntry, KeyUse, Need, Passphrases, Purpose, read_text};
use crate::states::read_file;
use crate::{Error, Keyring};

/// The URI that was given where a file may stand.
pub(crate) fn uri_of(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| Uri::is(text))
}

/// Whether a key lies in a token.
pub(crate) fn is_in_token(entry: &KeyEntry) -> Result<bool, Error> {
    Ok(uri_of(&entry.path).is_some() || KeyFile::is(&read_text(&entry.path)?))
}

/// The entry of a key that was named by its URI. What its public part is the token shows to those only who log in.
pub(crate) fn entry_of_uri(text: &str) -> Result<KeyEntry, Error> {
    let uri = Uri::parse(text).map_err(|error| unusable(text, &error))?;
    Ok(KeyEntry {
        name: uri.to_string(),
        path: PathBuf::from(text),
        key_use: KeyUse::Signer,
        gun: None,
        public: Err("it lies in a token".to_owned()),
    })
}

/// The public key in a file that stands for a key.
pub(crate) fn public_of(text: &str) -> Option<Result<PublicKey, String>> {
    KeyFile::is(text).then(|| {
        KeyFile::parse(text).map(|file| file.public().clone()).map_err(|error| error.to_string())
    })
}

/// Opens a key by its URI.
pub(crate) fn open_uri(text: &str, passphrases: &dyn Passphrases) -> Result<SigningKey, Error> {
    let fail = |error| unusable(text, &error);
    let uri = Uri::parse(text).map_err(fail)?;
    let pin = pin(&uri, passphrases)?;
    sealift_token::open(&uri, pin.as_ref()).map_err(|error| unusable(&uri.to_string(), &error))
}

/// Opens the key that a file stands for.
pub(crate) fn open_file(
    name: &str,
    text: &str,
    passphrases: &dyn Passphrases,
) -> Result<SigningKey, Error> {
    let fail = |error| unusable(name, &error);
    let file = KeyFile::parse(text).map_err(fail)?;
    let pin = pin(file.uri(), passphrases)?;
    file.open(pin.as_ref()).map_err(fail)
}

// The PIN comes from where the URI says, or from where passphrases come from.
fn pin(uri: &Uri, passphrases: &dyn Passphrases) -> Result<Option<Secret>, Error> {
    let name = uri.to_string();
    let Some(PinSource::File(path)) = &uri.pin_source else {
        let (purpose, key_use) = (Purpose::Open, KeyUse::Signer);
        return passphrases.passphrase(&Need { purpose, key_use, name: &name, is_docker: false });
    };
    let bytes = read_file(path)?.ok_or_else(|| Error::file("read", path, "it is not there"))?;
    let bytes = Secret::new(bytes);
    let line = bytes.expose().split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Some(Secret::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())))
}

impl Keyring {
    /// Takes a key in a token over: a file that stands for it, with its public part beside it. The key stays where it is.
    pub(crate) fn add_token(
        &self,
        name: &str,
        uri: &str,
        passphrases: &dyn Passphrases,
    ) -> Result<KeyEntry, Error> {
        let key = open_uri(uri, passphrases)?;
        let text = KeyFile::new(uri, key.public()).and_then(|file| file.to_text());
        self.write_pair(name, &text.map_err(|error| unusable(name, &error))?, &key.public())
    }
}

fn unusable(name: &str, error: &sealift_token::Error) -> Error {
    Error::Key {
        name: name.chars().filter(|character| !character.is_control()).take(80).collect(),
        reason: error.to_string(),
        hint: error
            .hint()
            .unwrap_or("look at the token with `pkcs11-tool --list-objects`")
            .to_owned(),
    }
}

//! The key folder: `default.key` and `default.pub`, and the public keys of others.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sealift_crypto::{PublicKey, Secret, SigningKey};
use sealift_token::KeyFile;

use crate::Error;

const KEY_BYTES_MAX: u64 = 64 << 10;

/// A public key and the file it came from.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// Name for people: the file's, without its ending.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The key.
    pub key: PublicKey,
}

/// A private key and the name of its file.
pub struct Signer {
    /// Name for people.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The key.
    pub key: SigningKey,
}

/// Opens a private key.
pub fn open(path: &Path, passphrase: Option<&Secret>) -> Result<Signer, Error> {
    let mode = fs::metadata(path)
        .map_err(|source| Error::file("read", path, source))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(Error::usage(
            format!(
                "the private key `{}` can be read by others (mode {:o})",
                path.display(),
                mode & 0o777
            ),
            format!(
                "run `chmod 600 {}`, and make a new key if others may have read it",
                path.display()
            ),
        ));
    }
    let text = read(path)?;
    let key = SigningKey::from_key_file(&text, passphrase)
        .map_err(|source| Error::Key { path: path.to_owned(), source })?;
    Ok(Signer { name: name_of(path), path: path.to_owned(), key })
}

/// What a file says of a key in a token, if it stands for one. Nothing in it is secret, so others may read it.
pub fn token_file(path: &Path) -> Result<Option<KeyFile>, Error> {
    let text = read(path)?;
    if !KeyFile::is(&text) {
        return Ok(None);
    }
    KeyFile::parse(&text).map(Some).map_err(|error| {
        let hint = error.hint().unwrap_or("check `--key`");
        Error::usage(format!("`{}` cannot be used: {error}", path.display()), hint)
    })
}

/// Makes a P-256 key pair: `PATH` for its owner only, and beside it the public key, ending in `.pub`.
pub fn create(path: &Path, passphrase: &Secret) -> Result<Signer, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|source| Error::file("make", folder, source))?;
    let public_path = path.with_extension("pub");
    if public_path.exists() {
        return Err(Error::usage(
            format!(
                "the public key `{}` is there, but its private key is not",
                public_path.display()
            ),
            format!(
                "bring `{}` back, or move the public key away to have a new pair made",
                path.display()
            ),
        ));
    }
    let key = SigningKey::generate_p256();
    let text = key
        .to_encrypted_pem(passphrase)
        .map_err(|source| Error::Key { path: path.to_owned(), source })?;
    write_new(path, 0o600, &text)?;
    if let Err(error) = write_new(&public_path, 0o644, &key.public().to_pem()) {
        // Half a key pair would be in the way of the next try.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(Signer { name: name_of(path), path: path.to_owned(), key })
}

/// Reads one public key.
pub fn public(path: &Path) -> Result<TrustedKey, Error> {
    let key = PublicKey::from_pem(&read(path)?)
        .map_err(|source| Error::Key { path: path.to_owned(), source })?;
    Ok(TrustedKey { name: name_of(path), path: path.to_owned(), key })
}

/// Reads all public keys of a folder, in the order of their names. One that cannot be read is an error: a key that
/// silently does not count would make a verification mean something else.
pub fn public_keys(folder: &Path) -> Result<Vec<TrustedKey>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::file("read", folder, source)),
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "pub"))
        .collect();
    paths.sort();
    paths.iter().map(|path| public(path)).collect()
}

fn read(path: &Path) -> Result<String, Error> {
    let fail = |source| Error::file("read", path, source);
    let file = File::open(path).map_err(fail)?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, KEY_BYTES_MAX), &mut text)
        .map_err(fail)?;
    Ok(text)
}

// Never over a file that is there: a lost key cannot be had again.
fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), Error> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|source| Error::file("write", path, source))
}

fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_pair_is_made_once_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/default.key");
        let passphrase = Secret::new(b"open sesame".to_vec());
        let made = create(&path, &passphrase).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(create(&path, &passphrase).is_err(), "a key is never overwritten");
        let opened = open(&path, Some(&passphrase)).unwrap();
        assert_eq!(opened.key.public().fingerprint(), made.key.public().fingerprint());
        assert!(matches!(
            open(&path, Some(&Secret::new(b"wrong".to_vec()))),
            Err(Error::Key { .. })
        ));
        assert!(matches!(open(&path, None), Err(Error::Key { .. })));
        assert_eq!(public_keys(path.parent().unwrap()).unwrap().len(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(open(&path, Some(&passphrase)), Err(Error::Usage { .. })));
    }

    #[test]
    fn an_unreadable_public_key_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("other.pub"), "not a key").unwrap();
        assert!(matches!(public_keys(folder.path()), Err(Error::Key { .. })));
        assert!(public_keys(&folder.path().join("none")).unwrap().is_empty());
    }
}

//! The folder of a server: one process has it, and the key that seals the server's keys lies in it or elsewhere.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::{SealingKey, Secret};

use crate::Error;

const KEY_FILE: &str = "sealing.key";
const DATABASE: &str = "trust.db";
const KEY_FILE_BYTES_MAX: u64 = 256;

/// A folder that belongs to this process until it is dropped.
pub struct Folder {
    path: PathBuf,
    sealing: Secret,
    // The lock goes with the file.
    _lock: File,
}

impl Folder {
    /// Where the database lies.
    pub fn database(&self) -> PathBuf {
        self.path.join(DATABASE)
    }

    /// The bytes of the key that seals keys.
    pub fn sealing(&self) -> &Secret {
        &self.sealing
    }
}

/// Opens a folder, which is made if it is not there. Without a sealing key of the caller's, that of the folder is used;
/// it is made if there is nothing yet that could have been sealed.
pub fn open_folder(path: &Path, sealing: Option<Secret>) -> Result<Folder, Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::folder(path))?;
    let lock_path = path.join("lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&lock_path)
        .map_err(Error::folder(&lock_path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => return Err(Error::folder(&lock_path)(error)),
    }
    let sealing = match sealing {
        Some(sealing) => sealing,
        None => own_key(path)?,
    };
    SealingKey::new(&sealing).map_err(|_| Error::SealingKey {
        path: path.join(KEY_FILE),
        reason: "it does not have 32 bytes".to_owned(),
    })?;
    Ok(Folder { path: path.to_owned(), sealing, _lock: lock })
}

/// Reads a sealing key: 32 bytes in base64.
pub fn parse_sealing_key(text: &str) -> Option<Secret> {
    let bytes = Secret::new(STANDARD.decode(text.trim()).ok()?);
    (bytes.expose().len() == 32).then_some(bytes)
}

fn own_key(folder: &Path) -> Result<Secret, Error> {
    let path = folder.join(KEY_FILE);
    match File::open(&path) {
        Ok(file) => read_key(file, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if folder.join(DATABASE).exists() {
                return Err(Error::SealingKey {
                    path,
                    reason: "it is missing, and the database has keys that it seals".to_owned(),
                });
            }
            make_key(&path)
        }
        Err(error) => Err(Error::folder(&path)(error)),
    }
}

fn read_key(file: File, path: &Path) -> Result<Secret, Error> {
    let refused =
        |reason: &str| Error::SealingKey { path: path.to_owned(), reason: reason.to_owned() };
    if file.metadata().map_err(Error::folder(path))?.mode() & 0o077 != 0 {
        return Err(refused("others than its owner may read it"));
    }
    let mut bytes = Vec::new();
    file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(Error::folder(path))?;
    // Zeroised on drop, as the bytes are.
    let text = Secret::new(bytes);
    std::str::from_utf8(text.expose())
        .ok()
        .and_then(parse_sealing_key)
        .ok_or_else(|| refused("it is not 32 bytes in base64"))
}

// By rename, so that a crash leaves a whole key or none.
fn make_key(path: &Path) -> Result<Secret, Error> {
    let key = SealingKey::generate();
    let new = path.with_extension("new");
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::folder(&new)(error));
        }
        _ => {}
    }
    let write = || -> io::Result<()> {
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&new)?;
        let text = Secret::from(STANDARD.encode(key.expose()) + "\n");
        file.write_all(text.expose())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    write().map_err(Error::folder(path))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn refusal(folder: &Path) -> String {
        open_folder(folder, None).err().unwrap().to_string()
    }

    #[test]
    fn one_process_and_one_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        let first = open_folder(&path, None).unwrap();
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().mode() & 0o777;
        assert_eq!((mode(""), mode(KEY_FILE)), (0o700, 0o600));
        assert!(refusal(&path).contains("another process"));
        let bytes = first.sealing().expose().to_vec();
        drop(first);
        assert_eq!(open_folder(&path, None).unwrap().sealing().expose(), bytes);
        let given = open_folder(&path, Some(Secret::new(vec![7; 32]))).unwrap();
        assert_eq!(given.sealing().expose(), [7; 32]);
        drop(given);
        assert!(open_folder(&path, Some(Secret::new(vec![7; 31]))).is_err());
        fs::set_permissions(path.join(KEY_FILE), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(refusal(&path).contains("may read it"));
    }

    #[test]
    fn a_lost_key_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(DATABASE), "").unwrap();
        assert!(refusal(directory.path()).contains("missing"));
        let key = directory.path().join(KEY_FILE);
        let mut file =
            File::options().create(true).truncate(true).write(true).mode(0o600).open(&key).unwrap();
        file.write_all(b"not a key").unwrap();
        assert!(refusal(directory.path()).contains("base64"));
    }
}

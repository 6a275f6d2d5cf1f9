//! Files that people and programs change while a server reads them: one at a time, whole or not at all, for the owner's
//! eyes.

use std::fs::{File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{FlockOperation, flock};

/// Which file it was, so that a change is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    modified: Option<SystemTime>,
    device_and_number: (u64, u64),
    size: u64,
}

impl FileStamp {
    /// Of a file, following links; `None` if there is none.
    pub fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: found.modified().ok(),
            device_and_number: (found.dev(), found.ino()),
            size: found.len(),
        })
    }
}

/// The bytes of a file, `None` if there is none.
pub(crate) fn read(path: &Path, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > bytes_max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too large"));
    }
    Ok(Some(bytes))
}

/// Held while a file is changed. Another program waits for it.
pub(crate) struct Held {
    path: PathBuf,
    _lock: File,
}

impl Held {
    /// Waits until nobody else changes the file.
    pub(crate) fn new(path: &Path) -> io::Result<Self> {
        // The file itself is replaced, so that a lock on it would be one on the old file.
        let lock = beside(path, "lock")?;
        let lock =
            File::options().create(true).write(true).truncate(false).mode(0o600).open(lock)?;
        flock(&lock, FlockOperation::LockExclusive)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Puts a file with these bytes in the place of the old one.
    pub(crate) fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        // What an administrator opened for a group stays open for it.
        let old = std::fs::metadata(&self.path).ok();
        let mode = old.as_ref().map_or(0o600, |old| old.permissions().mode() & 0o640 | 0o600);
        // A link stays one.
        let path = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let new = beside(&path, "new")?;
        let _ = std::fs::remove_file(&new);
        let written = (|| {
            let mut file = File::options().create_new(true).write(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            if let Some(old) = &old {
                // The superuser writes for a service that reads; who else may not give files away keeps it.
                let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
            }
            file.set_permissions(Permissions::from_mode(mode))?;
            file.sync_all()?;
            std::fs::rename(&new, &path)
        })();
        if written.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        written?;
        File::open(folder_of(&path))?.sync_all()
    }
}

/// Makes a file that only the owner may read, unless there is one.
pub(crate) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let held = Held::new(path)?;
    match std::fs::symlink_metadata(path) {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => held.replace(bytes),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn beside(path: &Path, ending: &str) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut own = std::ffi::OsString::from(".");
    own.push(name);
    own.push(".");
    own.push(ending);
    Ok(folder_of(path).join(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_it_was_it_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        // Only the superuser can give it away; for anybody else it stays their own.
        let _ = std::os::unix::fs::chown(&path, None, Some(65_534));
        let before = std::fs::metadata(&path).unwrap();
        Held::new(&path).unwrap().replace(b"new").unwrap();
        let after = std::fs::metadata(&path).unwrap();
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_eq!(after.mode() & 0o777, 0o640);
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let mode = || std::fs::metadata(&path).unwrap().mode() & 0o777;
        Held::new(&path).unwrap().replace(b"one").unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), mode()), (b"one".to_vec(), 0o600));
        let first = FileStamp::of(&path);
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        Held::new(&path).unwrap().replace(b"two").unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), mode()), (b"two".to_vec(), 0o640));
        assert!(first.is_some() && FileStamp::of(&path) != first);
        assert!(create(&path, b"three").is_err());
        let other = folder.path().join("other");
        create(&other, b"x").unwrap();
        assert_eq!(read(&other, 1).unwrap(), Some(b"x".to_vec()));
        assert!(read(&other, 0).is_err());
        assert_eq!(read(&folder.path().join("none"), 0).unwrap(), None);
        assert_eq!(FileStamp::of(&folder.path().join("none")), None);
    }

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let held = Held::new(&path).unwrap();
                        let old = read(&path, 100).unwrap().unwrap_or_default();
                        held.replace(&[&old[..], b"x"].concat()).unwrap();
                    }
                });
            }
        });
        assert_eq!(std::fs::read(&path).unwrap().len(), 40);
    }
}

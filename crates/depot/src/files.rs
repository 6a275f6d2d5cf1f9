//! The depot's files: blobs by digest, uploads by id, and how they come to stay.
//!
//! A blob appears under its digest by rename, after its bytes are on the disk; then its folder is brought to the disk
//! too. Both waits are counted, and a file whose wait failed is removed: what the disk has of it is not known.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sealift_oci::{Algorithm, Digest, Hasher};

use crate::Error;

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];
const PIECE_BYTES: usize = 1 << 20;

/// The folder of a depot, which belongs to this process until it is dropped.
pub(crate) struct Files {
    root: PathBuf,
    reserve_bytes: u64,
    n_syncs: AtomicU64,
    // Tests let a wait fail: so many more succeed.
    syncs_left: AtomicI64,
    making: Mutex<()>,
    // The lock goes with the file.
    _lock: File,
}

/// A file found among the blobs.
pub(crate) struct Found {
    /// The digest that its name says.
    pub(crate) digest: Digest,
    /// Its size in bytes.
    pub(crate) size: u64,
}

impl Files {
    /// Takes a folder, which is made if it is not there.
    pub(crate) fn open(root: &Path, reserve_bytes: u64) -> Result<Self, Error> {
        let failed = |error| Error::file("the registry's folder")(error);
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(failed)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(root.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let files = Self {
            root: root.to_owned(),
            reserve_bytes,
            n_syncs: AtomicU64::new(0),
            syncs_left: AtomicI64::new(i64::MAX),
            making: Mutex::default(),
            _lock: lock,
        };
        files.make_folders().map_err(failed)?;
        Ok(files)
    }

    // Those of single blobs are made when the first one comes that lies there.
    fn make_folders(&self) -> io::Result<()> {
        for name in ["uploads", "quarantine", "blobs"] {
            make_folder(&self.root.join(name))?;
        }
        let blobs = self.root.join("blobs");
        for algorithm in ALGORITHMS {
            let folder = blobs.join(algorithm.as_str());
            make_folder(&folder)?;
            // Also what a process made in it that was killed before it could wait.
            self.sync_folder(&folder)?;
        }
        self.sync_folder(&blobs)?;
        self.sync_folder(&self.root)
    }

    /// Makes the folder of a blob's file if need be, and waits until it is on the disk.
    pub(crate) fn make_room(&self, blob: &Digest) -> io::Result<()> {
        let path = self.blob(blob);
        let Some(folder) = path.parent() else { return Ok(()) };
        // Nobody else may believe in a folder that the disk may not have yet.
        let _turn = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if !make_folder(folder)? {
            return Ok(());
        }
        let synced = folder.parent().map_or(Ok(()), |above| self.sync_folder(above));
        if synced.is_err() {
            // The next one makes it, and waits again.
            drop(fs::remove_dir(folder));
        }
        synced
    }

    /// The folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where a blob lies.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let mut path = self.root.join("blobs");
        path.push(digest.algorithm().as_str());
        path.push(&digest.hex()[..2]);
        path.push(digest.hex());
        path
    }

    /// Where an upload or another file that is not whole lies; `name` has no `/`.
    pub(crate) fn upload(&self, name: &str) -> PathBuf {
        self.root.join("uploads").join(name)
    }

    /// Where a damaged blob is set aside.
    pub(crate) fn quarantine(&self, digest: &Digest) -> PathBuf {
        self.root.join("quarantine").join(format!(
            "{}-{}",
            digest.algorithm().as_str(),
            digest.hex()
        ))
    }

    /// Makes an empty file that nobody else may read.
    pub(crate) fn create(path: &Path) -> io::Result<File> {
        File::options().create(true).truncate(true).read(true).write(true).mode(0o600).open(path)
    }

    /// Waits until a file is on the disk.
    pub(crate) fn sync(&self, file: &File) -> io::Result<()> {
        self.n_syncs.fetch_add(1, Ordering::Relaxed);
        if self.syncs_left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Err(io::Error::from_raw_os_error(5));
        }
        file.sync_all()
    }

    /// Waits until a folder's names are on the disk.
    pub(crate) fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.sync(&File::open(path)?)
    }

    /// Makes a file, whose bytes were just written, the file of a blob: two waits for the disk, and a third for each of
    /// the 256 folders when it gets its first one.
    pub(crate) fn settle(&self, file: &File, from: &Path, blob: &Digest) -> io::Result<()> {
        let to = self.blob(blob);
        let move_it = || -> io::Result<()> {
            self.sync(file)?;
            self.make_room(blob)?;
            fs::rename(from, &to)?;
            to.parent().map_or(Ok(()), |folder| self.sync_folder(folder))
        };
        let settled = move_it();
        if settled.is_err() {
            // Neither name may be trusted; a failure to remove them changes nothing of that, the ledger has neither.
            drop(fs::remove_file(from));
            drop(fs::remove_file(&to));
        }
        settled
    }

    /// Waits until all of the folder's disk is written.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        self.n_syncs.fetch_add(1, Ordering::Relaxed);
        rustix::fs::syncfs(File::open(&self.root)?).map_err(io::Error::from)
    }

    /// How often the disk was waited for.
    pub(crate) fn n_syncs(&self) -> u64 {
        self.n_syncs.load(Ordering::Relaxed)
    }

    /// Lets the waits fail after so many more.
    #[cfg(test)]
    pub(crate) fn fail_syncs_after(&self, n_syncs: i64) {
        self.syncs_left.store(n_syncs, Ordering::Relaxed);
    }

    /// Bytes that may still be written.
    pub(crate) fn n_bytes_free(&self) -> Result<u64, Error> {
        let state = rustix::fs::statvfs(&self.root)
            .map_err(|error| Error::file("the disk")(error.into()))?;
        Ok(state.f_bavail.saturating_mul(state.f_frsize).saturating_sub(self.reserve_bytes))
    }

    /// Refuses what the disk cannot take.
    pub(crate) fn check_free(&self, n_bytes: u64) -> Result<(), Error> {
        if self.n_bytes_free()? < n_bytes.max(1) { Err(Error::Full) } else { Ok(()) }
    }

    /// All blobs' files of one algorithm and first byte, by name.
    pub(crate) fn list(&self, algorithm: Algorithm, first: u8) -> Result<Vec<Found>, Error> {
        let path = self.root.join("blobs").join(algorithm.as_str()).join(format!("{first:02x}"));
        let failed = |error| Error::file("the folder of blobs")(error);
        let mut found = Vec::new();
        let entries = match fs::read_dir(path) {
            // No blob has come yet that lies there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let digest = format!("{}:{}", algorithm.as_str(), name.to_string_lossy());
            if let Ok(digest) = digest.parse() {
                match entry.metadata() {
                    Ok(metadata) => found.push(Found { digest, size: metadata.len() }),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed(error)),
                }
            }
        }
        found.sort_unstable_by(|left, right| left.digest.cmp(&right.digest));
        Ok(found)
    }

    /// Names of the files in the folder of uploads.
    pub(crate) fn uploads(&self) -> Result<Vec<String>, Error> {
        let failed = |error| Error::file("the folder of uploads")(error);
        let entries = fs::read_dir(self.root.join("uploads")).map_err(failed)?;
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }
}

// True if it was not there. Two may make one at the same time.
fn make_folder(path: &Path) -> io::Result<bool> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        made => made.map(|()| true),
    }
}

/// Every folder of blobs, as [`Files::list`] takes them.
pub(crate) fn folders() -> impl Iterator<Item = (Algorithm, u8)> {
    ALGORITHMS.into_iter().flat_map(|algorithm| (0..=255).map(move |first| (algorithm, first)))
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The digest of the first `length` bytes of a file; `pause` is told how many bytes each piece had.
pub(crate) fn hash_file(
    path: &Path,
    algorithm: Algorithm,
    length: u64,
    mut pause: impl FnMut(usize),
) -> io::Result<Hasher> {
    let mut file = File::open(path)?.take(length);
    let mut hasher = Hasher::new(algorithm);
    let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(length).unwrap_or(PIECE_BYTES)).max(1)];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hasher),
            Ok(n_bytes) => {
                hasher.update(&piece[..n_bytes]);
                pause(n_bytes);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

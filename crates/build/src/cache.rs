//! The cache of steps, in the store's folder `cache/build`.
//!
//! ```text
//! FLAVOR/snapshots/ID      a layer folder in overlayfs's upper form; complete, because it came by rename
//! FLAVOR/steps/KEY         JSON: what a step gave
//! FLAVOR/inputs/KEY        digest of what a COPY takes from another stage
//! FLAVOR/mounts/ID         content of `RUN --mount=type=cache`
//! FLAVOR/stale/ID          this snapshot has no record yet, or no more; it goes when no build runs
//! FLAVOR/locks/KEY         held while a step is executed
//! FLAVOR/lock              held, shared, by every build
//! ```
//!
//! Nothing here is trusted to be there or to be readable: what is not, is built again.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sealift_oci::{Descriptor, Digest};
use sealift_store::{Store, Temporary};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::error::{Error, Result};
use crate::tree::is_missing;
use crate::view::{Flavor, remove_all};

const RECORD_BYTES_MAX: u64 = 1 << 20;
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Room for secrets that never touches a disk.
const MEMORY: &str = "/dev/shm";
const MEMORY_PREFIX: &str = "sealift-build-";

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// The cache, locked for the time of a build.
pub(crate) struct Cache {
    root: PathBuf,
    store: Store,
    flavor: Flavor,
    /// Dropped last of all; nothing tidies up before.
    lock: File,
}

/// What a step gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The layer folder; `None` if the step changed no file.
    pub(crate) snapshot: Option<String>,
    /// When it was executed, RFC 3339.
    pub(crate) created: String,
    /// The layer made of the folder, by the time that its times were clamped to.
    #[serde(default)]
    pub(crate) layers: BTreeMap<String, Packed>,
}

/// A layer made of a layer folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Packed {
    /// The compressed layer; `None` if there was nothing in it.
    pub(crate) layer: Option<PackedLayer>,
}

/// A compressed layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PackedLayer {
    pub(crate) descriptor: Descriptor,
    pub(crate) diff_id: Digest,
}

/// A layer folder that is being made; it goes if it is not committed.
pub(crate) struct Draft {
    folder: Temporary,
    memory: OnceLock<TempDir>,
}

impl Draft {
    /// The layer folder.
    pub(crate) fn upper(&self) -> PathBuf {
        self.folder.path().join("upper")
    }

    /// The folder that overlayfs works in.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// A folder for other things of the step.
    pub(crate) fn other(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.path().join("other").join(name);
        fs::create_dir_all(&path).map_err(Error::io("make", &path))?;
        Ok(path)
    }

    /// A folder for secrets, in memory if the machine has such a place; it goes with the draft.
    pub(crate) fn secret(&self) -> Result<PathBuf> {
        if let Some(folder) = self.memory.get() {
            return Ok(folder.path().to_owned());
        }
        let memory = Path::new(MEMORY);
        let beneath = if memory.is_dir() { memory } else { self.folder.path() };
        // Its owner alone may enter it, and its name says whose it is: see `sweep_memory`.
        let prefix = format!("{MEMORY_PREFIX}{}-", std::process::id());
        let folder =
            TempDir::with_prefix_in(prefix, beneath).map_err(Error::io("make", beneath))?;
        Ok(self.memory.get_or_init(|| folder).path().to_owned())
    }
}

impl Cache {
    /// Opens the cache, and tidies it if no other build runs.
    pub(crate) fn open(store: &Store, flavor: Flavor) -> Result<Self> {
        let root = store.cache_dir("build")?.join(flavor.name());
        for folder in ["snapshots", "steps", "inputs", "mounts", "stale", "locks"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(Error::io("make", &path))?;
        }
        let path = root.join("lock");
        let lock = open_lock(&path)?;
        let cache = Self { root, store: store.clone(), flavor, lock };
        if cache.lock.try_lock().is_ok() {
            cache.tidy();
        }
        cache.lock.lock_shared().map_err(Error::io("lock", &path))?;
        Ok(cache)
    }

    /// Attributes that overlayfs uses here.
    pub(crate) fn flavor(&self) -> Flavor {
        self.flavor
    }

    /// What a step gave, if its snapshot is still there.
    pub(crate) fn record(&self, key: &Digest) -> Option<Record> {
        let record: Record = read_json(&self.step_path(key))?;
        let is_whole = record.snapshot.as_ref().is_none_or(|id| {
            is_id(id) && self.snapshot(id).is_dir() && !self.root.join("stale").join(id).exists()
        });
        is_whole.then_some(record)
    }

    /// Remembers what a step gave. A snapshot that was there before is of no use any more.
    pub(crate) fn set_record(&self, key: &Digest, record: &Record) -> Result<()> {
        if let Some(before) = read_json::<Record>(&self.step_path(key)) {
            let replaced = before.snapshot.filter(|id| record.snapshot.as_ref() != Some(id));
            if let Some(id) = replaced.filter(|id| is_id(id)) {
                self.mark_stale(&id)?;
            }
        }
        write_json(&self.step_path(key), record)?;
        if let Some(id) = &record.snapshot {
            let path = self.root.join("stale").join(id);
            match fs::remove_file(&path) {
                Err(error) if !is_missing(&error) => return Err(Error::io("remove", &path)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// A digest that was computed before.
    pub(crate) fn input(&self, key: &Digest) -> Option<Digest> {
        read_json(&self.root.join("inputs").join(key.hex()))
    }

    /// Remembers a digest.
    pub(crate) fn set_input(&self, key: &Digest, digest: &Digest) -> Result<()> {
        write_json(&self.root.join("inputs").join(key.hex()), digest)
    }

    /// Where a snapshot lies.
    pub(crate) fn snapshot(&self, id: &str) -> PathBuf {
        self.root.join("snapshots").join(id)
    }

    /// The folder of a cache mount.
    pub(crate) fn mount(&self, id: &str) -> PathBuf {
        self.root.join("mounts").join(id)
    }

    /// Begins a snapshot.
    pub(crate) fn draft(&self) -> Result<Draft> {
        let draft = Draft { folder: self.store.temporary_dir("build")?, memory: OnceLock::new() };
        for path in [draft.upper(), draft.work()] {
            fs::create_dir(&path).map_err(Error::io("make", &path))?;
        }
        Ok(draft)
    }

    /// Puts a snapshot into its place and gives its id.
    pub(crate) fn commit(&self, key: &Digest, draft: &Draft) -> Result<String> {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let nanos = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_nanos());
        let unique = Digest::sha256(format!("{}-{number}-{nanos}", std::process::id()).as_bytes());
        let id = format!("{}-{}", &key.hex()[..16], &unique.hex()[..8]);
        let path = self.snapshot(&id);
        // Until its record is written, nobody would find it again.
        self.mark_stale(&id)?;
        fs::rename(draft.upper(), &path).map_err(Error::io("write", &path))?;
        Ok(id)
    }

    /// Waits until nobody else works on this key.
    pub(crate) fn lock(&self, key: &Digest, cancel: &AtomicBool) -> Result<File> {
        self.lock_named(key.hex(), cancel)
    }

    pub(crate) fn lock_named(&self, name: &str, cancel: &AtomicBool) -> Result<File> {
        let path = self.root.join("locks").join(name);
        let file = open_lock(&path)?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if cancel.load(Ordering::Relaxed) => {
                    return Err(Error::Cancelled);
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
                Err(TryLockError::Error(error)) => return Err(Error::io("lock", &path)(error)),
            }
        }
    }

    fn mark_stale(&self, id: &str) -> Result<()> {
        let path = self.root.join("stale").join(id);
        fs::write(&path, b"").map_err(Error::io("write", &path))
    }

    // Nobody else is building. A failure here harms nobody.
    fn tidy(&self) {
        for entry in fs::read_dir(self.root.join("stale")).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name.to_str().is_some_and(is_id)
                && remove_all(&self.root.join("snapshots").join(&name)).is_ok()
            {
                let _ = fs::remove_file(entry.path());
            }
        }
        sweep_memory(Path::new(MEMORY));
        for entry in fs::read_dir(self.root.join("locks")).into_iter().flatten().flatten() {
            let _ = fs::remove_file(entry.path());
        }
    }

    fn step_path(&self, key: &Digest) -> PathBuf {
        self.root.join("steps").join(key.hex())
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let bytes = serde_json::to_vec(value).expect("our records have string keys only");
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let name = format!(".new-{}-{number}", std::process::id());
    let temporary = path.with_file_name(name);
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        Error::io("write", path)(error)
    })
}

// Secrets of builds that were killed.
fn sweep_memory(memory: &Path) {
    for entry in fs::read_dir(memory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix(MEMORY_PREFIX))
            .and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = remove_all(&entry.path());
        }
    }
}

fn open_lock(path: &Path) -> Result<File> {
    let open = || File::options().create(true).truncate(false).write(true).open(path);
    open().map_err(Error::io("open", path))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    use std::io::Read;
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(RECORD_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

// A record is a file like any other: its ids must not become paths elsewhere.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

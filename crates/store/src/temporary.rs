//! Files and folders of writes under way. Each carries the number of its process, so that what a killed process left
//! behind is swept by the next one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Store};

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A folder that is removed with everything in it when dropped.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Store {
    /// A fresh folder on the store's own file system, so that what is made in it can be renamed into place.
    pub fn temporary_dir(&self, name: &str) -> Result<Temporary, Error> {
        let path = self.temporary_path(name);
        fs::create_dir_all(&path).map_err(|source| Error::io("make", &path, source))?;
        Ok(Temporary(path))
    }

    pub(crate) fn temporary_path(&self, name: &str) -> PathBuf {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        self.root().join("temporary").join(format!("{}-{number}-{name}", std::process::id()))
    }

    // Removes what processes that are gone have left. A failure here harms nobody.
    pub(crate) fn sweep_temporary(&self) {
        let Ok(entries) = fs::read_dir(self.root().join("temporary")) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let owner = name.to_str().and_then(|name| name.split('-').next());
            let is_alive = owner.is_some_and(|process| Path::new("/proc").join(process).exists());
            if !is_alive {
                let path = entry.path();
                let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
            }
        }
    }
}

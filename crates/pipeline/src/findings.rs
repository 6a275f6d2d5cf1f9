//! What analyses found, kept in files beside the store under a name for this version of the analysis.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sealift_store::Store;

/// A folder of findings of one kind.
pub(crate) struct Findings {
    folder: PathBuf,
}

impl Findings {
    /// The folder beside this store; `None` if there can be none. What other versions of the analysis kept goes when a
    /// new one comes: nobody would ever read it.
    pub(crate) fn beside(store: &Store, kind: &str) -> Option<Self> {
        let all = store.cache_dir(kind).ok()?;
        let folder = all.join(sealift_catalog::ANALYSIS);
        if !folder.is_dir() {
            fs::create_dir_all(&folder).ok()?;
            remove_others(&all, &folder);
        }
        Some(Self { folder })
    }

    /// Where something that has several files is kept under this name.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What was saved under the name.
    pub(crate) fn load(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }

    /// Keeps something. A cache that cannot be written costs time and nothing else.
    pub(crate) fn save(&self, name: &str, bytes: &[u8]) {
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(bytes)?;
            file.persist(self.folder.join(name))?;
            Ok(())
        };
        write().ok();
    }
}

fn remove_others(all: &Path, own: &Path) {
    let Ok(entries) = fs::read_dir(all) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path != own) {
        // Somebody else may do the same at the same time.
        fs::remove_dir_all(path).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_version_takes_the_place_of_the_old() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).unwrap();
        let old = store.cache_dir("layers").unwrap().join("old");
        fs::create_dir(&old).unwrap();
        fs::write(old.join("a"), "b").unwrap();

        let findings = Findings::beside(&store, "layers").unwrap();
        assert!(!old.exists());
        assert_eq!(findings.load("a"), None);
        findings.save("a", b"c");
        assert_eq!(Findings::beside(&store, "layers").unwrap().load("a").unwrap(), b"c");
    }
}

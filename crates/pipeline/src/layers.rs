//! What was found in layers, kept beside the store: a layer that was looked at once is not read again.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use sealift_image::LayerCache;
use sealift_oci::Digest;
use sealift_store::Store;

/// The findings on disk, in a folder for this version of the analysis.
pub(crate) struct Findings {
    folder: PathBuf,
}

impl Findings {
    /// Those beside this store; `None` if there can be no folder for them.
    pub(crate) fn beside(store: &Store) -> Option<Self> {
        let folder = store.cache_dir("layers").ok()?.join(sealift_catalog::ANALYSIS);
        fs::create_dir_all(&folder).ok()?;
        Some(Self { folder })
    }

    fn path(&self, diff_id: &Digest, key: &str) -> PathBuf {
        let dash = if key.is_empty() { "" } else { "-" };
        self.folder.join(format!("{}{dash}{key}", diff_id.to_string().replace(':', "-")))
    }
}

impl LayerCache for Findings {
    fn load(&self, diff_id: &Digest, key: &str) -> Option<Vec<u8>> {
        fs::read(self.path(diff_id, key)).ok()
    }

    // A cache that cannot be written costs time and nothing else.
    fn save(&self, diff_id: &Digest, key: &str, bytes: &[u8]) {
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(bytes)?;
            file.persist(self.path(diff_id, key))?;
            Ok(())
        };
        write().ok();
    }
}

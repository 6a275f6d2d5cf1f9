//! The local content-addressed store.
//!
//! Entry point: [`Store::open`]. On disk it is an OCI image layout (image-spec, image-layout.md) that skopeo and umoci
//! read, with two folders of ours beside it:
//!
//! ```text
//! oci-layout, index.json          the layout: named images, and the artifacts that refer to them
//! blobs/sha256/HEX                content, named by its digest
//! cache/NAME/…                    caches of the other crates; may be deleted at any time
//! temporary/…                     writes under way, each swept once its process is gone
//! lock                            held while index.json changes
//! stamps                          which layers were hashed and not touched since
//! ```
//!
//! Invariants: a blob appears by rename once its digest is known to match; `index.json` is replaced by rename under
//! the lock; whatever is read is hashed again before it is believed, but for layers
//! with a stamp ([`Stamps`]).

mod blob;
mod error;
mod index;
mod stamps;
mod temporary;

pub use blob::BlobWriter;
pub use error::Error;
pub use stamps::{Facts, Stamps};
pub use temporary::Temporary;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_image::{BlobSource, Image};
use sealift_oci::{DOCUMENT_BYTES_MAX, Descriptor, Digest, Platform};

/// The local store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    root: Arc<PathBuf>,
}

impl Store {
    /// Opens the store at a folder, and makes it if it is not there.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        for folder in ["blobs/sha256", "cache", "temporary"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).map_err(|source| Error::io("make", &path, source))?;
        }
        let store = Self { root: Arc::new(root) };
        let marker = store.root.join("oci-layout");
        if !marker.exists() {
            store.replace_file(&marker, br#"{"imageLayoutVersion":"1.0.0"}"#)?;
        }
        store.sweep_temporary();
        Ok(store)
    }

    /// Opens an OCI layout that is there, to add artifacts to it. [`Store::tidy_layout`] removes what only a store has.
    pub fn open_layout(root: &Path) -> Result<Self, Error> {
        let marker = root.join("oci-layout");
        fs::metadata(&marker).map_err(|source| Error::io("read", &marker, source))?;
        Self::open(root)
    }

    /// Leaves nothing in a layout that belongs to a store only.
    pub fn tidy_layout(&self) {
        // What is not empty somebody uses, and it stays.
        for folder in ["cache", "temporary"] {
            let _ = fs::remove_dir(self.root.join(folder));
        }
        let _ = fs::remove_file(self.root.join("lock"));
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for another crate's cache. Its content may vanish between two runs.
    pub fn cache_dir(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.root.join("cache").join(name);
        fs::create_dir_all(&path).map_err(|source| Error::io("make", &path, source))?;
        Ok(path)
    }

    /// Where a blob lies, or would lie.
    pub fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.algorithm().as_str()).join(digest.hex())
    }

    /// True if the blob is there. Its bytes are not checked.
    pub fn has_blob(&self, digest: &Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// Opens a blob for reading. The reader must check the digest.
    pub fn open_blob(&self, digest: &Digest) -> Result<fs::File, Error> {
        let path = self.blob_path(digest);
        fs::File::open(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::MissingBlob(digest.clone()),
            _ => Error::io("open", &path, source),
        })
    }

    /// Reads a document (manifest, config, attestation) and checks its digest.
    pub fn read_blob(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.open_blob(digest)?
            .take(DOCUMENT_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| Error::io("read", &self.blob_path(digest), source))?;
        if bytes.len() > DOCUMENT_BYTES_MAX {
            return Err(Error::DocumentTooLarge(digest.clone()));
        }
        if !digest.matches(&bytes) {
            return Err(Error::DigestMismatch {
                expected: digest.clone(),
                actual: Digest::sha256(&bytes),
            });
        }
        Ok(bytes)
    }

    /// Writes a blob, if it is not there yet.
    pub fn put_blob(&self, bytes: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::sha256(bytes);
        // A blob that is there but damaged is written anew.
        if self.has_blob(&digest) && self.read_blob(&digest).is_ok() {
            return Ok(digest);
        }
        let mut writer = self.blob_writer()?;
        std::io::Write::write_all(&mut writer, bytes)
            .map_err(|source| Error::io("write", &self.blob_path(&digest), source))?;
        Ok(writer.commit(Some(&digest))?.0)
    }

    /// Begins a blob whose digest is not known yet.
    pub fn blob_writer(&self) -> Result<BlobWriter, Error> {
        BlobWriter::create(self)
    }

    /// The image that a descriptor points to; an index is followed to this machine's platform by the image crate.
    pub fn image(&self, descriptor: &Descriptor) -> Result<Image, Error> {
        Ok(sealift_image::image_from_descriptor(Arc::new(self.clone()), descriptor)?)
    }

    /// The same; an index is followed to the platform.
    pub fn image_for(&self, descriptor: &Descriptor, platform: &Platform) -> Result<Image, Error> {
        Ok(sealift_image::image_for_platform(Arc::new(self.clone()), descriptor, platform)?)
    }

    // Replaces a file by rename, so that a reader sees the old or the new one.
    fn replace_file(&self, path: &Path, bytes: &[u8]) -> Result<(), Error> {
        let temporary = self.temporary_path("file");
        let write = || -> std::io::Result<()> {
            let mut file = fs::File::create(&temporary)?;
            std::io::Write::write_all(&mut file, bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, path)
        };
        write().map_err(|source| {
            let _ = fs::remove_file(&temporary);
            Error::io("write", path, source)
        })
    }
}

impl BlobSource for Store {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, sealift_image::Error> {
        let path = self.blob_path(&descriptor.digest);
        let file = fs::File::open(&path).map_err(|source| {
            sealift_image::Error::blob(&descriptor.digest, &path.display().to_string(), source)
        })?;
        Ok(Box::new(file))
    }

    fn is_at(&self, digest: &Digest, path: &Path) -> bool {
        self.blob_path(digest) == path
    }
}

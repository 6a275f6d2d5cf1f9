//! A file tree that `COPY` reads: the context, a stage's file system, or one that is being written.
//!
//! Paths are resolved here, beneath the tree's root, and never by the system: a symbolic link cannot lead out.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use sealift_archive::{Mtime, RelativePath};
use sealift_oci::Digest;

use crate::error::{Error, Result};

const LINKS_MAX: usize = 40;
// Enough for nearly every file; the kernel's limit is 64 KiB.
const NAMES_BYTES: usize = 1 << 10;
const VALUE_BYTES_MAX: usize = 64 << 10;

/// What an entry of a tree is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Directory,
    Symlink(Vec<u8>),
    Character(u32, u32),
    Block(u32, u32),
    Fifo,
    Socket,
}

/// What is known of an entry without reading it.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u64,
    pub(crate) mtime: Mtime,
    /// Device and inode, if the file has further names.
    pub(crate) identity: Option<(u64, u64)>,
}

impl Node {
    pub(crate) fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }

    /// Reads an entry; `None` if there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        match path.symlink_metadata() {
            Ok(metadata) => Self::from_metadata(path, &metadata).map(Some),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(Error::io("read", path)(error)),
        }
    }

    pub(crate) fn from_metadata(path: &Path, metadata: &Metadata) -> Result<Self> {
        let file_type = metadata.file_type();
        let device = || (rustix::fs::major(metadata.rdev()), rustix::fs::minor(metadata.rdev()));
        let kind = if file_type.is_dir() {
            Kind::Directory
        } else if file_type.is_symlink() {
            let target = path.read_link().map_err(Error::io("read", path))?;
            Kind::Symlink(target.as_os_str().as_bytes().to_vec())
        } else if file_type.is_char_device() {
            Kind::Character(device().0, device().1)
        } else if file_type.is_block_device() {
            Kind::Block(device().0, device().1)
        } else if file_type.is_fifo() {
            Kind::Fifo
        } else if file_type.is_socket() {
            Kind::Socket
        } else {
            Kind::File
        };
        let has_names = metadata.nlink() > 1 && !file_type.is_dir();
        Ok(Self {
            kind,
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            size: if file_type.is_file() { metadata.len() } else { 0 },
            mtime: Mtime {
                secs: metadata.mtime(),
                nanos: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
            },
            identity: has_names.then(|| (metadata.dev(), metadata.ino())),
        })
    }
}

pub(crate) fn is_missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// A file tree that can be read.
pub(crate) trait Tree: Sync {
    /// The entry at exactly this path; no symbolic link is followed.
    fn node(&self, path: &RelativePath) -> Result<Option<Node>>;
    /// Names in a directory, sorted.
    fn children(&self, path: &RelativePath) -> Result<Vec<Vec<u8>>>;
    /// Opens a regular file.
    fn open(&self, path: &RelativePath) -> Result<File>;
    /// The attributes that belong into an image.
    fn xattrs(&self, path: &RelativePath) -> Result<BTreeMap<Vec<u8>, Vec<u8>>>;
    /// SHA-256 of a regular file.
    fn digest(&self, path: &RelativePath) -> Result<Digest> {
        digest_file(self.open(path)?, path)
    }
}

pub(crate) fn digest_file(mut file: File, path: &RelativePath) -> Result<Digest> {
    let mut hasher = sealift_oci::Hasher::new(sealift_oci::Algorithm::Sha256);
    std::io::copy(&mut file, &mut hasher).map_err(Error::io("read", path.as_path()))?;
    Ok(hasher.finish())
}

/// Looks up the entry at exactly a path.
pub(crate) type Lookup<'a> = &'a dyn Fn(&RelativePath) -> Result<Option<Node>>;

/// Follows symbolic links, beneath the root. What is missing stays as it is written. `follow_last` is false for a
/// path whose last part may itself be a link.
pub(crate) fn resolve(lookup: Lookup<'_>, path: &[u8], follow_last: bool) -> Result<RelativePath> {
    let mut pending: Vec<Vec<u8>> = parts(path).rev().collect();
    let mut current: Vec<Vec<u8>> = Vec::new();
    let mut links = 0;
    while let Some(part) = pending.pop() {
        match part.as_slice() {
            b"." => continue,
            b".." => {
                current.pop();
                continue;
            }
            _ => current.push(part),
        }
        if pending.is_empty() && !follow_last {
            break;
        }
        let here = joined(&current)?;
        if let Some(Node { kind: Kind::Symlink(target), .. }) = lookup(&here)? {
            links += 1;
            if links > LINKS_MAX {
                return Err(Error::Destination {
                    path: String::from_utf8_lossy(path).into_owned(),
                    reason: format!("more than {LINKS_MAX} symbolic links on the way"),
                });
            }
            current.pop();
            if target.starts_with(b"/") {
                current.clear();
            }
            pending.extend(parts(&target).rev());
        }
    }
    joined(&current)
}

/// Reads the attributes of a file that an image keeps.
pub(crate) fn read_xattrs(path: &Path) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut names = vec![0; NAMES_BYTES];
    let size = match rustix::fs::llistxattr(path, &mut names) {
        Err(rustix::io::Errno::RANGE) => {
            names.resize(VALUE_BYTES_MAX, 0);
            rustix::fs::llistxattr(path, &mut names)
        }
        other => other,
    };
    let size = match size {
        Ok(size) => size,
        Err(rustix::io::Errno::NOTSUP) => return Ok(found),
        Err(error) => return Err(Error::os("read the attributes of", path)(error)),
    };
    for name in names[..size].split(|byte| *byte == 0).filter(|name| is_kept(name)) {
        let mut value = vec![0; VALUE_BYTES_MAX];
        match rustix::fs::lgetxattr(path, name, &mut value) {
            Ok(size) => {
                value.truncate(size);
                found.insert(name.to_vec(), value);
            }
            Err(rustix::io::Errno::NODATA | rustix::io::Errno::NOTSUP) => {}
            Err(error) => return Err(Error::os("read the attributes of", path)(error)),
        }
    }
    Ok(found)
}

// File capabilities and user attributes belong to the file; labels of this machine, ACLs and overlayfs's own do not.
fn is_kept(name: &[u8]) -> bool {
    name == b"security.capability"
        || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).map(<[u8]>::to_vec)
}

fn joined(parts: &[Vec<u8>]) -> Result<RelativePath> {
    RelativePath::parse(&parts.join(&b'/')).map_err(|source| Error::Archive {
        path: String::from_utf8_lossy(&parts.join(&b'/')).into_owned(),
        source,
    })
}

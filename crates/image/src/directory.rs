//! A folder of the host as a file tree.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use sealift_archive::{Mtime, RelativePath, read_bounded};

use crate::inspection::{Gate, Inspection};
use crate::read::{ReadLimits, Wanted};
use crate::scan::{Body, over_limit};
use crate::{Error, FileFact, FileKind, FileTree, Note, Result};

/// Reads a folder as it lies there. Links are not followed; what cannot be read gets a note.
///
/// `/proc`, `/sys` and `/dev` right below the folder are left out if they are mounts.
pub fn open_directory(path: &Path, wanted: &Wanted<'_>, limits: &ReadLimits) -> Result<FileTree> {
    open(path, wanted, None, limits)
}

/// The same, with extracts of files that are only looked at.
pub fn open_directory_inspected(
    path: &Path,
    wanted: &Wanted<'_>,
    inspection: &Inspection<'_>,
    limits: &ReadLimits,
) -> Result<FileTree> {
    open(path, wanted, Some(inspection), limits)
}

fn open(
    path: &Path,
    wanted: &Wanted<'_>,
    inspection: Option<&Inspection<'_>>,
    limits: &ReadLimits,
) -> Result<FileTree> {
    let io_error = |error| Error::io(path, error);
    let root = fs::canonicalize(path).map_err(io_error)?;
    let metadata = fs::metadata(&root).map_err(io_error)?;
    if !metadata.is_dir() {
        return Err(io_error(io::ErrorKind::NotADirectory.into()));
    }
    let device = metadata.dev();
    let mut walk = Walk {
        found: BTreeMap::new(),
        notes: Vec::new(),
        kept_bytes: 0,
        inspection,
        gate: Gate::default(),
        buffer: Vec::new(),
    };
    let mut directories = vec![(root.clone(), RelativePath::root())];
    walk.add(&root, RelativePath::root(), &metadata, wanted, limits);
    while let Some((directory, inner)) = directories.pop() {
        for (child, name) in walk.children(&directory, &inner) {
            let metadata = match fs::symlink_metadata(&child) {
                Ok(metadata) => metadata,
                Err(error) => {
                    walk.note(name, &error);
                    continue;
                }
            };
            let is_virtual = matches!(name.as_bytes(), b"proc" | b"sys" | b"dev");
            if is_virtual && metadata.dev() != device {
                continue;
            }
            if walk.found.len() as u64 >= limits.archive.entries_max {
                let (what, limit) = ("number of files", limits.archive.entries_max);
                let source = sealift_archive::Error::Limit { what, limit, path: None };
                return Err(Error::Archive { path: path.to_owned(), source });
            }
            walk.add(&child, name.clone(), &metadata, wanted, limits);
            if metadata.is_dir() {
                directories.push((child, name));
            }
        }
    }
    Ok(walk.finish(wanted, limits, &root))
}

struct Walk<'a> {
    found: BTreeMap<RelativePath, (FileFact, Body)>,
    notes: Vec<Note>,
    kept_bytes: u64,
    inspection: Option<&'a Inspection<'a>>,
    gate: Gate,
    buffer: Vec<u8>,
}

impl Walk<'_> {
    // Sorted, so that limits hit the same files each time.
    fn children(&mut self, directory: &Path, inner: &RelativePath) -> Vec<(PathBuf, RelativePath)> {
        let list = || -> io::Result<Vec<PathBuf>> {
            fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect()
        };
        let mut paths = match list() {
            Ok(paths) => paths,
            Err(error) => {
                self.note(inner.clone(), &error);
                return Vec::new();
            }
        };
        paths.sort_by(|left, right| right.cmp(left));
        let named = |path: PathBuf| {
            let name = inner.join(path.file_name()?.as_bytes()).ok()?;
            Some((path, name))
        };
        paths.into_iter().rev().filter_map(named).collect()
    }

    fn add(
        &mut self,
        path: &Path,
        name: RelativePath,
        metadata: &Metadata,
        wanted: &Wanted<'_>,
        limits: &ReadLimits,
    ) {
        let kind = match kind(path, metadata) {
            Ok(Some(kind)) => kind,
            // A socket is no part of an image.
            Ok(None) => return,
            Err(error) => return self.note(name, &error),
        };
        let fact = fact(name.clone(), kind, metadata);
        let body = if fact.is_file() && wanted(&name, &fact.meta()) {
            self.body(path, &name, fact.size, limits)
        } else {
            self.inspect(path, &fact, limits)
        };
        self.found.insert(name, (fact, body));
    }

    fn body(&mut self, path: &Path, name: &RelativePath, size: u64, limits: &ReadLimits) -> Body {
        if let Some(over) = over_limit(size, self.kept_bytes, limits) {
            return over;
        }
        let read = || -> Result<Vec<u8>, sealift_archive::Error> {
            let file = File::open(path)?;
            // It may have become something else since it was listed.
            if !file.metadata()?.is_file() {
                return Err(io::Error::other("it is no longer a regular file").into());
            }
            read_bounded(file, limits.body_bytes_max)
        };
        match read() {
            Ok(bytes) => {
                self.kept_bytes += bytes.len() as u64;
                Body::Kept(bytes.into())
            }
            Err(error) => {
                self.note(name.clone(), &error);
                Body::None
            }
        }
    }

    fn inspect(&mut self, path: &Path, fact: &FileFact, limits: &ReadLimits) -> Body {
        let Some(inspection) = self.inspection else { return Body::None };
        if !fact.is_file() || !(inspection.wanted)(&fact.path, &fact.meta()) {
            return Body::None;
        }
        let (gate, buffer) = (&self.gate, &mut self.buffer);
        let read = File::open(path)
            .map_err(sealift_archive::Error::from)
            .and_then(|file| inspection.body(&fact.path, fact.size, file, buffer, (gate, limits)));
        read.unwrap_or_else(|error| {
            self.note(fact.path.clone(), &error);
            Body::None
        })
    }

    fn note(&mut self, path: RelativePath, error: &dyn std::fmt::Display) {
        self.notes.push(Note { path, message: format!("not read: {error}") });
    }

    fn finish(mut self, wanted: &Wanted<'_>, limits: &ReadLimits, root: &Path) -> FileTree {
        let mut tree = FileTree::default();
        let mut bodies = Vec::new();
        for (fact, body) in std::mem::take(&mut self.found).into_values() {
            tree.facts.push(fact);
            bodies.push(body);
        }
        // What wanted links lead to is wanted too.
        for index in 0..tree.facts.len() {
            let fact = &tree.facts[index];
            if !matches!(fact.kind, FileKind::Symlink(_)) || !wanted(&fact.path, &fact.meta()) {
                continue;
            }
            let Some(target) = tree.resolve_index(&fact.path) else { continue };
            let fact = &tree.facts[target];
            if fact.is_file() && matches!(bodies[target], Body::None) {
                let path = root.join(fact.path.as_path());
                bodies[target] = self.body(&path, &fact.path, fact.size, limits);
            }
        }
        for (index, body) in bodies.into_iter().enumerate() {
            match body {
                Body::None => {}
                Body::Kept(bytes) => {
                    tree.bodies.insert(index, bytes);
                }
                Body::Extract(bytes) => {
                    tree.extracts.insert(index, bytes);
                }
                Body::OverLimit(message) => {
                    self.notes.push(Note { path: tree.facts[index].path.clone(), message });
                }
            }
        }
        self.notes.sort();
        self.notes.dedup();
        tree.notes = self.notes;
        tree
    }
}

fn kind(path: &Path, metadata: &Metadata) -> io::Result<Option<FileKind>> {
    let kind = metadata.file_type();
    // The encoding of glibc's gnu_dev_major and gnu_dev_minor.
    let (high, low) = (metadata.rdev() >> 32, metadata.rdev() & 0xffff_ffff);
    let narrow = |number: u64| u32::try_from(number & 0xffff_ffff).unwrap_or(u32::MAX);
    let major = narrow((low >> 8) & 0xfff | high & 0xffff_f000);
    let minor = narrow(low & 0xff | (low >> 12) & 0xffff_ff00);
    Ok(Some(if kind.is_file() {
        FileKind::File
    } else if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_symlink() {
        FileKind::Symlink(fs::read_link(path)?.into_os_string().into_vec())
    } else if kind.is_char_device() {
        FileKind::CharDevice { major, minor }
    } else if kind.is_block_device() {
        FileKind::BlockDevice { major, minor }
    } else if kind.is_fifo() {
        FileKind::Fifo
    } else {
        return Ok(None);
    }))
}

fn fact(path: RelativePath, kind: FileKind, metadata: &Metadata) -> FileFact {
    let size = if kind == FileKind::File { metadata.len() } else { 0 };
    FileFact {
        path,
        kind,
        mode: metadata.mode() & 0o7777,
        uid: u64::from(metadata.uid()),
        gid: u64::from(metadata.gid()),
        size,
        mtime: Mtime {
            secs: metadata.mtime(),
            nanos: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
        },
        xattrs: BTreeMap::new(),
        layer: 0,
        hard_link: None,
        is_implied: false,
    }
}

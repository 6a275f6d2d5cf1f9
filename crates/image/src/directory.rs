//! A folder of the host as a file tree.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use sealift_archive::{EntryKind, Header, Mtime, RelativePath, read_bounded};

use crate::inspection::{Gate, Inspection};
use crate::read::{ReadLimits, Wanted, tree_of_scan};
use crate::records::{Record, Records};
use crate::scan::{Body, Scan, file_meta, over_limit};
use crate::{Error, FileTree, Note, Result};

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
    let folder = File::open(path).map_err(io_error)?;
    let metadata = folder.metadata().map_err(io_error)?;
    if !metadata.is_dir() {
        return Err(io_error(io::ErrorKind::NotADirectory.into()));
    }
    let device = metadata.dev();
    let mut walk = Walk {
        folder,
        found: BTreeMap::new(),
        marks: BTreeMap::new(),
        notes: Vec::new(),
        kept_bytes: 0,
        inspection,
        gate: Gate::default(),
        buffer: Vec::new(),
    };
    let mut directories = vec![(path.to_owned(), RelativePath::root())];
    walk.add(path, RelativePath::root(), &metadata, wanted, limits);
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
    walk.finish(wanted, limits)
}

struct Walk<'a> {
    folder: File,
    found: BTreeMap<RelativePath, (Header, Body)>,
    marks: BTreeMap<RelativePath, Vec<u8>>,
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
            let opened = self.open(inner, OFlags::DIRECTORY)?;
            let names = Dir::read_from(&opened)?.map(|entry| {
                let entry = entry?;
                let name = entry.file_name().to_bytes();
                let is_name = name != b"." && name != b"..";
                Ok(is_name.then(|| directory.join(OsStr::from_bytes(name))))
            });
            names.filter_map(io::Result::transpose).collect()
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
        let header = header(name.clone(), kind, metadata);
        let body = if header.kind == EntryKind::File && wanted(&name, &file_meta(&header)) {
            self.body(&name, header.size, limits)
        } else {
            self.inspect(&header, limits)
        };
        self.watch(&header, &body);
        self.found.insert(name, (header, body));
    }

    // Who lives in the folder may change it at any time. What has become a link leads nowhere, and what has become a pipe
    // does not wait.
    fn open(&self, name: &RelativePath, flags: OFlags) -> io::Result<File> {
        let path = if name.is_root() { Path::new(".") } else { name.as_path() };
        let flags = flags | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let opened = match openat2(&self.folder, path, flags, Mode::empty(), resolve) {
            // Kernels before 5.6, and sandboxes that have not heard of it.
            Err(Errno::NOSYS) => openat(&self.folder, path, flags, Mode::empty()),
            other => other,
        };
        Ok(File::from(opened?))
    }

    fn body(&mut self, name: &RelativePath, size: u64, limits: &ReadLimits) -> Body {
        if let Some(over) = over_limit(size, self.kept_bytes, limits) {
            return over;
        }
        let read = || -> Result<Vec<u8>, sealift_archive::Error> {
            let file = self.open(name, OFlags::empty())?;
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

    fn inspect(&mut self, header: &Header, limits: &ReadLimits) -> Body {
        let Some(inspection) = self.inspection else { return Body::None };
        let is_file = header.kind == EntryKind::File;
        if !is_file || !(inspection.wanted)(&header.path, &file_meta(header)) {
            return Body::None;
        }
        let file = self.open(&header.path, OFlags::empty());
        let (gate, buffer) = (&self.gate, &mut self.buffer);
        let read = file.map_err(sealift_archive::Error::from).and_then(|file| {
            inspection.body(&header.path, header.size, file, buffer, (gate, limits))
        });
        read.unwrap_or_else(|error| {
            self.note(header.path.clone(), &error);
            Body::None
        })
    }

    // Of what is not in memory the beginning is read once more.
    fn watch(&mut self, header: &Header, body: &Body) {
        let Some(watch) = self.inspection.and_then(|inspection| inspection.watch) else { return };
        let name = &header.path;
        if header.kind != EntryKind::File || !(watch.wanted)(name, &file_meta(header)) {
            return;
        }
        let found = match body {
            Body::Kept(bytes) => Ok(watch.whole(name, bytes)),
            _ => self
                .open(name, OFlags::empty())
                .and_then(|mut file| watch.begin(name, &mut file, &mut self.buffer)),
        };
        match found {
            Ok(Some(found)) => _ = self.marks.insert(name.clone(), found),
            Ok(None) => {}
            // An inspection that failed has said so.
            Err(error) => self.note(name.clone(), &error),
        }
    }

    fn note(&mut self, path: RelativePath, error: &dyn std::fmt::Display) {
        self.notes.push(Note { path, message: format!("not read: {error}") });
    }

    fn finish(mut self, wanted: &Wanted<'_>, limits: &ReadLimits) -> Result<FileTree> {
        let found = std::mem::take(&mut self.found);
        let limit = u32::MAX.into();
        let records = Records::of(found.values().map(|(header, _)| header))
            .ok_or(Error::Memory { what: "the names of a folder", limit })?;
        let mut marks = Vec::new();
        for (place, path) in (0..).zip(found.keys()) {
            marks.extend(self.marks.remove(path).map(|mark| (place, mark.into())));
        }
        let bodies = (0..).zip(found.into_values()).map(|(place, (_, body))| (place, body));
        let scan = Scan { records, bodies: bodies.collect(), marks, uncompressed_size: 0 };
        let mut tree = tree_of_scan(scan)?;
        self.notes.append(&mut tree.notes);
        self.follow_links(&mut tree, wanted, limits);
        self.notes.sort();
        self.notes.dedup();
        tree.notes = self.notes;
        Ok(tree)
    }

    // What wanted links lead to is wanted too.
    fn follow_links(&mut self, tree: &mut FileTree, wanted: &Wanted<'_>, limits: &ReadLimits) {
        let links: Vec<u32> =
            tree.nodes().filter(|node| tree.stock().symlink(*node).is_some()).collect();
        for link in links {
            let fact = tree.fact(link);
            if !wanted(&fact.path, &fact.meta()) {
                continue;
            }
            let Some(target) = tree.resolve_node(&fact.path) else { continue };
            let is_file = tree.stock().record(target).is_some_and(Record::is_file);
            if !is_file || tree.is_kept(target) {
                continue;
            }
            let fact = tree.fact(target);
            match self.body(&fact.path, fact.size, limits) {
                Body::Kept(bytes) => tree.keep_body(target, bytes),
                Body::OverLimit(message) => self.notes.push(Note { path: fact.path, message }),
                Body::None | Body::Extract(_) => {}
            }
        }
    }
}

fn kind(path: &Path, metadata: &Metadata) -> io::Result<Option<EntryKind>> {
    let kind = metadata.file_type();
    // The encoding of glibc's gnu_dev_major and gnu_dev_minor.
    let (high, low) = (metadata.rdev() >> 32, metadata.rdev() & 0xffff_ffff);
    let narrow = |number: u64| u32::try_from(number & 0xffff_ffff).unwrap_or(u32::MAX);
    let major = narrow((low >> 8) & 0xfff | high & 0xffff_f000);
    let minor = narrow(low & 0xff | (low >> 12) & 0xffff_ff00);
    Ok(Some(if kind.is_file() {
        EntryKind::File
    } else if kind.is_dir() {
        EntryKind::Directory
    } else if kind.is_symlink() {
        EntryKind::Symlink(fs::read_link(path)?.into_os_string().into_vec())
    } else if kind.is_char_device() {
        EntryKind::CharDevice { major, minor }
    } else if kind.is_block_device() {
        EntryKind::BlockDevice { major, minor }
    } else if kind.is_fifo() {
        EntryKind::Fifo
    } else {
        return Ok(None);
    }))
}

fn header(path: RelativePath, kind: EntryKind, metadata: &Metadata) -> Header {
    let is_file = kind == EntryKind::File;
    Header {
        mode: metadata.mode() & 0o7777,
        uid: u64::from(metadata.uid()),
        gid: u64::from(metadata.gid()),
        size: if is_file { metadata.len() } else { 0 },
        mtime: Mtime {
            secs: metadata.mtime(),
            nanos: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
        },
        ..Header::new(path, kind)
    }
}

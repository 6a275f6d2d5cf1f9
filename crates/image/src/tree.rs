//! The merged file tree of an image.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use sealift_archive::{Mtime, RelativePath};
use sealift_oci::Digest;

/// Linux gives up after as many links (path_resolution(7)).
pub(crate) const LINKS_MAX: usize = 40;

/// What a file is. Hard links are resolved: they are what they link to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link with its target verbatim.
    Symlink(Vec<u8>),
    /// A character device.
    CharDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
}

/// What is known of a file before its content is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMeta {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of content; 0 if it is not a regular file.
    pub size: u64,
    /// Time of modification.
    pub mtime: Mtime,
}

/// A file of the merged tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFact {
    /// Where it is.
    pub path: RelativePath,
    /// What it is.
    pub kind: FileKind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Bytes of content; 0 if it is not a regular file.
    pub size: u64,
    /// Time of modification.
    pub mtime: Mtime,
    /// Extended attributes, name with namespace to value.
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Place of the layer that brought this version, lowest is 0.
    pub layer: usize,
    /// The other name that a hard link was made from.
    pub hard_link: Option<RelativePath>,
    /// True for a directory that no layer has an entry for; its mode and owner are what runtimes give it.
    pub is_implied: bool,
}

impl FileFact {
    /// The part that is known before the content is read.
    pub fn meta(&self) -> FileMeta {
        FileMeta {
            kind: self.kind.clone(),
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            size: self.size,
            mtime: self.mtime,
        }
    }

    /// True for a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }

    /// True for a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == FileKind::Directory
    }
}

/// A file that a layer brought and a later one took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Where it was.
    pub path: RelativePath,
    /// Bytes that it takes in its layer; 0 for everything but regular files.
    pub size: u64,
    /// Place of the layer that brought it.
    pub layer: usize,
    /// Place of the layer that took it away.
    pub by: usize,
    /// How.
    pub how: RemovedHow,
}

/// How a file went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedHow {
    /// A whiteout deleted it.
    Deleted,
    /// Another file, or another version of it, took its place.
    Replaced,
}

/// One layer in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFact {
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the uncompressed bytes.
    pub diff_id: Digest,
    /// Bytes of the blob.
    pub size: u64,
    /// Bytes uncompressed.
    pub uncompressed_size: u64,
    /// Entries, whiteouts among them.
    pub entries: usize,
    /// Bytes of the content of its files.
    pub file_bytes: u64,
    /// Of these, bytes that later layers delete or replace: they are shipped and never seen.
    pub hidden_bytes: u64,
    /// Bytes of lower layers' files that its own replace.
    pub duplicated_bytes: u64,
}

/// Something about a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file.
    pub path: RelativePath,
    /// What and why.
    pub message: String,
}

/// The merged file tree: sorted by path, every path without links in it, parents always there.
#[derive(Clone, Debug, Default)]
pub struct FileTree {
    pub(crate) facts: Vec<FileFact>,
    pub(crate) bodies: HashMap<usize, Arc<[u8]>>,
    pub(crate) extracts: HashMap<usize, Arc<[u8]>>,
    pub(crate) notes: Vec<Note>,
    pub(crate) layers: Vec<LayerFact>,
    pub(crate) removed: Vec<Removed>,
}

impl FileTree {
    /// The file at exactly this path; links are not followed.
    pub fn get(&self, path: &RelativePath) -> Option<&FileFact> {
        Some(&self.facts[self.index(path)?])
    }

    /// The file that a path leads to, links followed beneath the root; `None` if it leads nowhere or in circles.
    pub fn resolve(&self, path: &RelativePath) -> Option<&FileFact> {
        Some(&self.facts[self.resolve_index(path)?])
    }

    /// The file that a path as programs write it leads to: absolute or not, it starts at the root, and `..` is allowed.
    pub fn resolve_text(&self, path: &[u8]) -> Option<&FileFact> {
        Some(&self.facts[self.walk(path)?])
    }

    /// The content of a wanted file, links followed. `None` if there is no such file, nobody wanted it or a note says
    /// why it could not be kept.
    pub fn read(&self, path: &RelativePath) -> Option<&[u8]> {
        self.bodies.get(&self.resolve_index(path)?).map(AsRef::as_ref)
    }

    /// All files but the root, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = &FileFact> {
        self.facts.iter().filter(|fact| !fact.path.is_root())
    }

    /// Everything below a directory, sorted by path; links in the path are not followed.
    pub fn below(&self, directory: &RelativePath) -> impl Iterator<Item = &FileFact> {
        let start = self.facts.partition_point(|fact| fact.path <= *directory);
        self.facts[start..].iter().take_while(move |fact| fact.path.starts_with(directory))
    }

    /// The files whose content was wanted and kept, sorted by path.
    pub fn bodies(&self) -> impl Iterator<Item = (&FileFact, &[u8])> {
        self.facts
            .iter()
            .enumerate()
            .filter_map(|(index, fact)| Some((fact, self.bodies.get(&index)?.as_ref())))
    }

    /// The files of which an inspection kept an extract, with it, sorted by path.
    pub fn extracts(&self) -> impl Iterator<Item = (&FileFact, &[u8])> {
        self.facts
            .iter()
            .enumerate()
            .filter_map(|(index, fact)| Some((fact, self.extracts.get(&index)?.as_ref())))
    }

    /// Number of files, without the root.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// True if there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// What could not be kept, sorted by path.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The layers in figures, lowest first; empty for a directory.
    pub fn layers(&self) -> &[LayerFact] {
        &self.layers
    }

    /// What layers brought and later ones took away, in the order in which it happened.
    pub fn removed(&self) -> &[Removed] {
        &self.removed
    }

    pub(crate) fn resolve_index(&self, path: &RelativePath) -> Option<usize> {
        // Stored paths have no links in them, so a direct hit that is no link is right.
        match self.index(path) {
            Some(index) if !matches!(self.facts[index].kind, FileKind::Symlink(_)) => Some(index),
            _ => self.walk(path.as_bytes()),
        }
    }

    fn index(&self, path: &RelativePath) -> Option<usize> {
        self.facts.binary_search_by(|fact| fact.path.cmp(path)).ok()
    }

    fn walk(&self, path: &[u8]) -> Option<usize> {
        let mut here = RelativePath::root();
        let mut index = self.index(&here)?;
        let mut links = 0;
        let mut parts: VecDeque<Vec<u8>> = parts(path).collect();
        while let Some(part) = parts.pop_front() {
            if self.facts[index].kind != FileKind::Directory {
                return None;
            }
            if part == b".." {
                here = here.parent().unwrap_or_default();
                index = self.index(&here)?;
                continue;
            }
            let next = here.join(&part).ok()?;
            let next_index = self.index(&next)?;
            if let FileKind::Symlink(target) = &self.facts[next_index].kind {
                links += 1;
                if links > LINKS_MAX {
                    return None;
                }
                if target.starts_with(b"/") {
                    here = RelativePath::root();
                    index = self.index(&here)?;
                }
                for part in self::parts(target).rev() {
                    parts.push_front(part);
                }
            } else {
                (here, index) = (next, next_index);
            }
        }
        Some(index)
    }
}

// The parts of a path as the kernel walks them; `..` is one of them.
pub(crate) fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).map(<[u8]>::to_vec)
}

//! The merged file tree of an image.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use sealift_archive::{Mtime, RelativePath};
use sealift_oci::Digest;

use crate::merge::{Merge, Node, ROOT, Stock};

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
    /// Place of the layer since which it has had these bytes, though later layers may have written them again. Known of
    /// files whose content was kept; for others the same as `layer`.
    pub since: usize,
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

/// A regular file, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number.
    pub number: u32,
    /// Its bytes.
    pub size: u64,
    /// Place of its layer.
    pub layer: usize,
}

/// Something about a file that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// The file.
    pub path: RelativePath,
    /// What and why.
    pub message: String,
}

/// A layer of which nothing is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadLayer {
    /// Its place, lowest is 0.
    pub index: usize,
    /// Why.
    pub reason: String,
}

/// What a watch found in a file of a layer, whether the merged tree has it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The path that the layer has.
    pub path: RelativePath,
    /// The layer.
    pub layer: usize,
    /// The later layer that deleted or replaced the file.
    pub hidden_by: Option<usize>,
    /// What was found.
    pub found: Arc<[u8]>,
}

/// The merged file tree: sorted by path, every path without links in it, parents always there.
#[derive(Clone, Debug)]
pub struct FileTree {
    stock: Stock,
    /// Each directory's content in the order of names, one directory after the other.
    children: Vec<u32>,
    removed: Vec<RemovedNode>,
    bodies: Contents,
    extracts: Contents,
    /// Layers older than the one that brought a file, by node; see [`FileFact::since`].
    pub(crate) since: HashMap<u32, u16>,
    pub(crate) notes: Vec<Note>,
    pub(crate) refused: Vec<Note>,
    pub(crate) layers: Vec<LayerFact>,
    pub(crate) unread: Vec<UnreadLayer>,
    watched: Vec<Watched>,
}

/// Something that was kept of some files, by node.
type Contents = HashMap<u32, Arc<[u8]>>;

/// A file that a layer brought and a later one took away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RemovedNode {
    pub(crate) node: u32,
    pub(crate) size: u64,
    pub(crate) layer: u16,
    pub(crate) by: u16,
    pub(crate) how: RemovedHow,
}

impl Default for FileTree {
    fn default() -> Self {
        Merge::new().finish()
    }
}

impl FileTree {
    pub(crate) fn new(stock: Stock, children: Vec<u32>, removed: Vec<RemovedNode>) -> Self {
        Self {
            stock,
            children,
            removed,
            bodies: Contents::new(),
            extracts: Contents::new(),
            since: HashMap::new(),
            notes: Vec::new(),
            refused: Vec::new(),
            layers: Vec::new(),
            unread: Vec::new(),
            watched: Vec::new(),
        }
    }

    /// The file at exactly this path; links are not followed.
    pub fn get(&self, path: &RelativePath) -> Option<FileFact> {
        Some(self.fact(self.find(path)?))
    }

    /// The file that a path leads to, links followed beneath the root; `None` if it leads nowhere or in circles.
    pub fn resolve(&self, path: &RelativePath) -> Option<FileFact> {
        Some(self.fact(self.resolve_node(path)?))
    }

    /// The file that a path as programs write it leads to: absolute or not, it starts at the root, and `..` is allowed.
    pub fn resolve_text(&self, path: &[u8]) -> Option<FileFact> {
        Some(self.fact(self.walk(path)?))
    }

    /// The layer of what a path as programs write it leads to, for those who want to know it of many.
    pub fn layer_of_text(&self, path: &[u8]) -> Option<usize> {
        Some(self.stock.nodes[self.walk(path)? as usize].layer.into())
    }

    /// The content of a wanted file, links followed. `None` if there is no such file, nobody wanted it or a note says
    /// why it could not be kept.
    pub fn read(&self, path: &RelativePath) -> Option<&[u8]> {
        self.bodies.get(&self.resolve_node(path)?).map(AsRef::as_ref)
    }

    /// All files but the root, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = FileFact> {
        self.below_node(ROOT).map(|node| self.fact(node))
    }

    /// Everything below a directory, sorted by path; links in the path are not followed.
    pub fn below(&self, directory: &RelativePath) -> impl Iterator<Item = FileFact> {
        let below = self.find(directory).map(|node| self.below_node(node));
        below.into_iter().flatten().map(|node| self.fact(node))
    }

    /// The files whose content was wanted and kept, sorted by path.
    pub fn bodies(&self) -> impl Iterator<Item = (FileFact, &[u8])> {
        self.kept(&self.bodies)
    }

    /// The files of which an inspection kept an extract, with it, sorted by path.
    pub fn extracts(&self) -> impl Iterator<Item = (FileFact, &[u8])> {
        self.kept(&self.extracts)
    }

    /// Number of files, without the root.
    pub fn len(&self) -> usize {
        self.children.len()
    }

    /// True if there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// What could not be kept, sorted by path.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The layers in figures, lowest first; empty for a directory.
    pub fn layers(&self) -> &[LayerFact] {
        &self.layers
    }

    /// Entries that no container runtime could unpack, which are left out.
    pub fn refused(&self) -> &[Note] {
        &self.refused
    }

    /// Layers that could not be read; what is in them is not in the tree, and what they hide is.
    pub fn unread_layers(&self) -> &[UnreadLayer] {
        &self.unread
    }

    /// How many numbers there are for files; see [`FileTree::numbered`].
    pub fn numbers(&self) -> usize {
        self.stock.nodes.len()
    }

    /// All regular files, each with a number below [`FileTree::numbers`], sorted by path.
    pub fn numbered(&self) -> impl Iterator<Item = Numbered> {
        self.nodes().filter_map(|number| {
            let record = self.stock.record(number).filter(|record| record.is_file())?;
            let layer = self.stock.nodes[number as usize].layer.into();
            Some(Numbered { number, size: record.size, layer })
        })
    }

    /// The number of the file at a path as programs write it: links above it are followed, the file itself is not.
    pub fn number_of(&self, path: &[u8]) -> Option<u32> {
        let end = path.len() - path.iter().rev().take_while(|byte| **byte == b'/').count();
        let (directory, name) = match memchr::memrchr(b'/', &path[..end]) {
            Some(slash) => (&path[..slash], &path[slash + 1..end]),
            None => (&path[..0], &path[..end]),
        };
        self.child(self.walk(directory)?, name)
    }

    /// Finds the numbers of many files, most of them beside the one before.
    pub fn finder(&self) -> Finder<'_> {
        Finder { tree: self, directory: Vec::new(), number: Some(ROOT) }
    }

    /// The numbers of everything below a file.
    pub fn numbers_below(&self, number: u32) -> impl Iterator<Item = u32> {
        self.below_node(number)
    }

    /// The path of the file with this number.
    pub fn path_of(&self, number: u32) -> RelativePath {
        self.stock.path(number)
    }

    /// What layers brought and later ones took away, in the order in which it happened.
    pub fn removed(&self) -> impl Iterator<Item = Removed> {
        self.removed.iter().map(|gone| Removed {
            path: self.stock.path(gone.node),
            size: gone.size,
            layer: gone.layer.into(),
            by: gone.by.into(),
            how: gone.how,
        })
    }

    /// What a watch found in all layers, by layer and the order of its archive.
    pub fn watched(&self) -> &[Watched] {
        &self.watched
    }

    pub(crate) fn keep_marks(&mut self, marks: Vec<(u16, u32, Arc<[u8]>)>) {
        if marks.is_empty() {
            return;
        }
        let hidden: HashMap<(RelativePath, usize), usize> =
            self.removed().map(|gone| ((gone.path, gone.layer), gone.by)).collect();
        let watched = marks.into_iter().map(|(layer, place, found)| {
            let path = self.stock.layers[usize::from(layer)].path(place);
            let layer = usize::from(layer);
            let hidden_by = hidden.get(&(path.clone(), layer)).copied();
            Watched { path, layer, hidden_by, found }
        });
        self.watched = watched.collect();
    }

    pub(crate) fn removed_nodes(&self) -> &[RemovedNode] {
        &self.removed
    }

    /// All nodes but the root, sorted by path.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = u32> {
        self.below_node(ROOT)
    }

    pub(crate) fn stock(&self) -> &Stock {
        &self.stock
    }

    pub(crate) fn keep_body(&mut self, node: u32, bytes: Arc<[u8]>) {
        self.bodies.insert(node, bytes);
    }

    pub(crate) fn keep_extract(&mut self, node: u32, bytes: Arc<[u8]>) {
        self.extracts.insert(node, bytes);
    }

    pub(crate) fn has_body(&self, node: u32) -> bool {
        self.bodies.contains_key(&node)
    }

    /// True if an inspection or somebody who wanted it kept something of a file.
    pub(crate) fn is_kept(&self, node: u32) -> bool {
        self.has_body(node) || self.extracts.contains_key(&node)
    }

    pub(crate) fn fact(&self, node: u32) -> FileFact {
        let of: Node = self.stock.nodes[node as usize];
        let Some((layer, place)) = self.stock.content(node) else {
            return FileFact {
                path: self.stock.path(node),
                kind: FileKind::Directory,
                mode: 0o755,
                uid: 0,
                gid: 0,
                size: 0,
                mtime: Mtime::default(),
                xattrs: BTreeMap::new(),
                layer: of.layer.into(),
                since: of.layer.into(),
                hard_link: None,
                is_implied: true,
            };
        };
        let records = &self.stock.layers[usize::from(layer)];
        let FileMeta { kind, mode, uid, gid, size, mtime } = records.meta(place);
        FileFact {
            path: self.stock.path(node),
            kind,
            mode,
            uid,
            gid,
            size,
            mtime,
            xattrs: records.xattrs(place),
            layer: of.layer.into(),
            since: self.since.get(&node).copied().unwrap_or(of.layer).into(),
            hard_link: self.stock.links.get(&node).map(|link| link.target.clone()),
            is_implied: false,
        }
    }

    pub(crate) fn resolve_node(&self, path: &RelativePath) -> Option<u32> {
        // Stored paths have no links in them, so a direct hit that is no link is right.
        match self.find(path) {
            Some(node) if self.stock.symlink(node).is_none() => Some(node),
            _ => self.walk(path.as_bytes()),
        }
    }

    fn kept<'a>(
        &'a self,
        contents: &'a Contents,
    ) -> impl Iterator<Item = (FileFact, &'a [u8])> + 'a {
        let mut facts: Vec<(RelativePath, u32)> =
            contents.keys().map(|node| (self.stock.path(*node), *node)).collect();
        facts.sort_unstable();
        facts.into_iter().map(|(_, node)| (self.fact(node), contents[&node].as_ref()))
    }

    fn range(&self, node: u32) -> Range<usize> {
        let Node { first, next, .. } = self.stock.nodes[node as usize];
        first as usize..(first + next) as usize
    }

    fn below_node(&self, top: u32) -> impl Iterator<Item = u32> {
        let mut pending = vec![self.range(top)];
        std::iter::from_fn(move || {
            loop {
                let Some(index) = pending.last_mut()?.next() else {
                    pending.pop();
                    continue;
                };
                let node = self.children[index];
                pending.push(self.range(node));
                return Some(node);
            }
        })
    }

    fn child(&self, parent: u32, name: &[u8]) -> Option<u32> {
        let children = &self.children[self.range(parent)];
        let index = children.binary_search_by(|child| self.stock.name(*child).cmp(name)).ok()?;
        Some(children[index])
    }

    fn find(&self, path: &RelativePath) -> Option<u32> {
        path.parts().try_fold(ROOT, |here, part| self.child(here, part))
    }

    fn walk(&self, path: &[u8]) -> Option<u32> {
        let mut here = ROOT;
        let mut links = 0;
        let mut pending: Vec<&[u8]> = vec![path];
        while let Some(rest) = pending.pop() {
            let (part, rest) = first_part(rest);
            if !rest.is_empty() {
                pending.push(rest);
            }
            match part {
                b"" | b"." => continue,
                _ if !self.stock.is_directory(here) => return None,
                b".." => {
                    here = self.stock.nodes[here as usize].parent;
                    continue;
                }
                _ => {}
            }
            let next = self.child(here, part)?;
            match self.stock.symlink(next) {
                Some(target) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return None;
                    }
                    if target.starts_with(b"/") {
                        here = ROOT;
                    }
                    pending.push(target);
                }
                None => here = next,
            }
        }
        Some(here)
    }
}

/// Finds the numbers of files, as [`FileTree::number_of`] does; the directory of the last one is remembered.
pub struct Finder<'a> {
    tree: &'a FileTree,
    directory: Vec<u8>,
    number: Option<u32>,
}

impl Finder<'_> {
    /// The number of the file at a path as programs write it: links above it are followed, the file itself is not.
    pub fn number_of(&mut self, path: &[u8]) -> Option<u32> {
        let slash = memchr::memrchr(b'/', path);
        let (directory, name) =
            slash.map_or((&path[..0], path), |it| (&path[..it], &path[it + 1..]));
        if name.is_empty() {
            return self.tree.number_of(path);
        }
        if self.directory != directory {
            self.directory.clear();
            self.directory.extend_from_slice(directory);
            self.number = self.tree.walk(directory);
        }
        self.tree.child(self.number?, name)
    }
}

fn first_part(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'/', path) {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (path, &[]),
    }
}

// The parts of a path as the kernel walks them; `..` is one of them.
pub(crate) fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")).map(<[u8]>::to_vec)
}

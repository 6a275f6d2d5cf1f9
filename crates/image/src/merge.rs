//! Layers laid upon each other (image-spec, layer.md; containerd's `archive.Apply` where that is silent).

use std::collections::{BTreeMap, HashSet, VecDeque};

use sealift_archive::{EntryKind, Header, Mtime, RelativePath, Whiteout, whiteout};

use crate::scan::{self, Body, ScannedEntry};
use crate::tree::{LINKS_MAX, parts};
use crate::{Error, FileFact, FileKind, Removed, RemovedHow, Result};

/// The tree while layers are laid upon it.
pub(crate) struct Merge {
    nodes: BTreeMap<RelativePath, Node>,
    removed: Vec<Removed>,
    /// The last directory that was looked up, as the archive has it and as it is.
    last: Option<(RelativePath, RelativePath)>,
}

/// A file of the tree with where its content is.
pub(crate) struct Node {
    /// Its `path` is filled in at the end; until then the map has it.
    pub(crate) fact: FileFact,
    pub(crate) body: Body,
    /// Layer and place of the entry that has the content.
    pub(crate) source: (usize, usize),
    /// Bytes that it takes in its layer.
    stored: u64,
}

impl Merge {
    pub(crate) fn new() -> Self {
        let root = RelativePath::root();
        let nodes = BTreeMap::from([(root, implied(0))]);
        Self { nodes, removed: Vec::new(), last: None }
    }

    /// Lays a layer upon the tree.
    pub(crate) fn apply(&mut self, layer: usize, entries: Vec<ScannedEntry>) -> Result<()> {
        self.last = None;
        for (place, entry) in entries.into_iter().enumerate() {
            match whiteout(&entry.header.path) {
                Some(mark) => self.apply_whiteout(layer, &entry.header, &mark)?,
                None => self.apply_entry(layer, place, entry)?,
            }
        }
        Ok(())
    }

    /// The files in order, each with its path, and what went away.
    pub(crate) fn finish(self) -> (Vec<Node>, Vec<Removed>) {
        let nodes = self.nodes.into_iter().map(|(path, mut node)| {
            node.fact.path = path;
            node
        });
        (nodes.collect(), self.removed)
    }

    fn apply_whiteout(&mut self, layer: usize, header: &Header, mark: &Whiteout) -> Result<()> {
        match mark {
            Whiteout::Entry(path) => {
                let path = self.place(path, None);
                self.delete_lower(layer, &path, Scope::Whole);
            }
            Whiteout::Opaque(directory) => {
                let directory = self.resolve(directory, None);
                self.delete_lower(layer, &directory, Scope::Content);
            }
            Whiteout::Metadata => {}
            Whiteout::Malformed => {
                let path = header.path.to_string();
                let reason = "is a whiteout that names no entry".to_owned();
                return Err(Error::Entry { layer, path, reason });
            }
        }
        Ok(())
    }

    fn apply_entry(&mut self, layer: usize, place: usize, entry: ScannedEntry) -> Result<()> {
        let ScannedEntry { header, body } = entry;
        let path = self.place(&header.path, Some(layer));
        let node = match scan::kind(&header) {
            Some(kind) => {
                let stored = header.size;
                Node { fact: fact(header, kind, layer), body, source: (layer, place), stored }
            }
            None => match self.link(layer, &header, &path)? {
                Some(node) => node,
                None => return Ok(()),
            },
        };
        let is_directory = node.fact.is_directory();
        match self.nodes.get(&path) {
            // Two directories become one; the upper one's owner and mode count.
            Some(old) if is_directory && old.fact.is_directory() => {}
            Some(_) => self.replace(layer, &path),
            None => {}
        }
        if !is_directory && !node.fact.is_file() {
            self.last = None;
        }
        self.nodes.insert(path, node);
        Ok(())
    }

    // A hard link is another name of what it links to, in this layer or a lower one.
    fn link(&mut self, layer: usize, header: &Header, path: &RelativePath) -> Result<Option<Node>> {
        let EntryKind::HardLink(target) = &header.kind else { return Ok(None) };
        let refuse = |reason: String| {
            let path = header.path.to_string();
            Err(Error::Entry { layer, path, reason })
        };
        let target = self.place(target, None);
        if target == *path {
            return Ok(None);
        }
        match self.nodes.get(&target) {
            None => refuse(format!("is a hard link to `{target}`, which is not there")),
            Some(node) if node.fact.is_directory() => {
                refuse(format!("is a hard link to the directory `{target}`"))
            }
            Some(node) => Ok(Some(Node {
                fact: FileFact { layer, hard_link: Some(target), ..node.fact.clone() },
                body: node.body.clone(),
                source: node.source,
                stored: 0,
            })),
        }
    }

    // Takes away a file with all below it, of whatever layer.
    fn replace(&mut self, layer: usize, path: &RelativePath) {
        self.last = None;
        for (gone, node) in self.subtree(path) {
            self.nodes.remove(&gone);
            if node.layer < layer {
                self.remember(gone, node, layer, RemovedHow::Replaced);
            }
        }
    }

    // A whiteout hides lower layers only: what its own layer brought stays, with the directories above it.
    fn delete_lower(&mut self, layer: usize, path: &RelativePath, scope: Scope) {
        self.last = None;
        let mut needed: HashSet<RelativePath> = HashSet::new();
        let mut gone = Vec::new();
        for (inner, node) in self.subtree(path).into_iter().rev() {
            if scope == Scope::Content && inner == *path || inner.is_root() {
                continue;
            }
            if node.layer >= layer {
                needed.extend(inner.parent());
            } else if needed.contains(&inner) {
                needed.extend(inner.parent());
                self.nodes.insert(inner.clone(), implied(layer));
            } else {
                self.nodes.remove(&inner);
                gone.push((inner, node));
            }
        }
        for (inner, node) in gone.into_iter().rev() {
            self.remember(inner, node, layer, RemovedHow::Deleted);
        }
    }

    fn subtree(&self, path: &RelativePath) -> Vec<(RelativePath, Gone)> {
        self.nodes
            .range(path..)
            .take_while(|(inner, _)| inner.starts_with(path))
            .map(|(inner, node)| {
                let is_implied = node.fact.is_implied;
                (inner.clone(), Gone { layer: node.fact.layer, stored: node.stored, is_implied })
            })
            .collect()
    }

    fn remember(&mut self, path: RelativePath, node: Gone, by: usize, how: RemovedHow) {
        if !node.is_implied {
            let Gone { layer, stored, .. } = node;
            self.removed.push(Removed { path, size: stored, layer, by, how });
        }
    }

    // Where an entry goes: links above it are followed, the entry itself is not.
    fn place(&mut self, path: &RelativePath, make_for: Option<usize>) -> RelativePath {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return RelativePath::root();
        };
        let parent = self.resolve(&parent, make_for);
        join(&parent, name)
    }

    // Where a directory is, links followed beneath the root. With `make_for`, missing parts become directories of that
    // layer, and so do parts that are no directories and links that go in circles, as they do under overlayfs.
    fn resolve(&mut self, path: &RelativePath, make_for: Option<usize>) -> RelativePath {
        if let Some((from, to)) = &self.last
            && from == path
        {
            return to.clone();
        }
        let mut here = RelativePath::root();
        let mut links = 0;
        let mut parts: VecDeque<Vec<u8>> = self::parts(path.as_bytes()).collect();
        while let Some(part) = parts.pop_front() {
            if part == b".." {
                here = here.parent().unwrap_or_default();
                continue;
            }
            let next = join(&here, &part);
            match self.nodes.get(&next).map(|node| &node.fact.kind) {
                Some(FileKind::Directory) => {}
                Some(FileKind::Symlink(target)) if links < LINKS_MAX => {
                    links += 1;
                    if target.starts_with(b"/") {
                        here = RelativePath::root();
                    }
                    for part in self::parts(target).rev() {
                        parts.push_front(part);
                    }
                    continue;
                }
                found => {
                    let is_there = found.is_some();
                    if let Some(layer) = make_for {
                        if is_there {
                            self.replace(layer, &next);
                        }
                        self.nodes.insert(next.clone(), implied(layer));
                    }
                }
            }
            here = next;
        }
        // A directory that was only looked for may be made later on, elsewhere.
        if make_for.is_some() {
            self.last = Some((path.clone(), here.clone()));
        }
        here
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Whole,
    Content,
}

struct Gone {
    layer: usize,
    stored: u64,
    is_implied: bool,
}

fn join(directory: &RelativePath, name: &[u8]) -> RelativePath {
    directory.join(name).unwrap_or_else(|_| directory.clone())
}

fn fact(header: Header, kind: FileKind, layer: usize) -> FileFact {
    FileFact {
        path: RelativePath::root(),
        kind,
        mode: header.mode,
        uid: header.uid,
        gid: header.gid,
        size: header.size,
        mtime: header.mtime,
        xattrs: header.xattrs,
        layer,
        hard_link: None,
        is_implied: false,
    }
}

fn implied(layer: usize) -> Node {
    let fact = FileFact {
        path: RelativePath::root(),
        kind: FileKind::Directory,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: Mtime::default(),
        xattrs: BTreeMap::new(),
        layer,
        hard_link: None,
        is_implied: true,
    };
    Node { fact, body: Body::None, source: (layer, 0), stored: 0 }
}

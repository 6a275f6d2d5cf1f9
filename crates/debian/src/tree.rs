//! The image's files while they are put together. Nothing is written to the host's file system: names, owners and
//! modes live here, contents in one temporary file without a name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sealift_archive::{FileSlice, RelativePath};

/// As many links as Linux follows.
const LINKS_MAX: usize = 40;

/// The files by path; a directory comes before what is in it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: BTreeMap<RelativePath, Node>,
}

/// A file, directory or link.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub mtime_secs: i64,
    pub xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Place of the package that brought it; absent for what we made.
    pub owner: Option<usize>,
}

/// What a node is. Files with the same body (the same pointer) are hard links of each other.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Directory,
    Symlink(Vec<u8>),
    File(Arc<Body>),
}

/// A file's content.
pub(crate) enum Body {
    Bytes(Vec<u8>),
    Spooled { slice: FileSlice, size: u64 },
}

/// Where the contents of unpacked files go.
pub(crate) struct Spool {
    file: Arc<File>,
    end: AtomicU64,
}

/// A path runs in circles or through something that is no directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    Circle,
    NotDirectory,
}

impl Blocked {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Circle => "symbolic links lead in a circle",
            Self::NotDirectory => "a part of the path is not a directory",
        }
    }
}

impl Tree {
    pub(crate) fn get(&self, path: &RelativePath) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// A node by a path written in the source code.
    pub(crate) fn at(&self, path: &str) -> Option<&Node> {
        self.nodes.get(&literal(path))
    }

    /// The bytes of a file by a path written in the source code; links are followed.
    pub(crate) fn read(&self, path: &str) -> Option<Vec<u8>> {
        let path = self.resolve(&literal(path)).ok()?;
        match &self.get(&path)?.kind {
            Kind::File(body) => body.read().ok(),
            _ => None,
        }
    }

    pub(crate) fn insert(&mut self, path: RelativePath, node: Node) {
        self.nodes.insert(path, node);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&RelativePath, &Node)> {
        self.nodes.iter()
    }

    pub(crate) fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.nodes.values_mut()
    }

    /// What lies right or deeper below a directory.
    pub(crate) fn below<'t>(
        &'t self,
        directory: &'t RelativePath,
    ) -> impl Iterator<Item = (&'t RelativePath, &'t Node)> {
        self.nodes
            .range(directory.clone()..)
            .skip_while(move |(path, _)| *path == directory)
            .take_while(move |(path, _)| path.starts_with(directory))
    }

    /// Keeps what the test says, and nothing below a directory that goes.
    pub(crate) fn retain(&mut self, mut keeps: impl FnMut(&RelativePath) -> bool) {
        let mut removed: Option<RelativePath> = None;
        self.nodes.retain(|path, _| {
            if removed.as_ref().is_some_and(|directory| path.starts_with(directory)) {
                return false;
            }
            let is_kept = keeps(path);
            if !is_kept {
                removed = Some(path.clone());
            }
            is_kept
        });
    }

    /// The path with all links in it followed, the last part too.
    pub(crate) fn resolve(&self, path: &RelativePath) -> Result<RelativePath, Blocked> {
        self.walk(path.parts().map(<[u8]>::to_vec).collect())
    }

    /// The path with all links in it followed except the last part.
    pub(crate) fn resolve_parent(&self, path: &RelativePath) -> Result<RelativePath, Blocked> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(RelativePath::root());
        };
        let parent = self.resolve(&parent)?;
        parent.join(name).map_err(|_| Blocked::NotDirectory)
    }

    // Inside the image `/..` is `/`, so no link leads out.
    fn walk(&self, mut rest: Vec<Vec<u8>>) -> Result<RelativePath, Blocked> {
        rest.reverse();
        let mut current = RelativePath::root();
        let mut n_links = 0;
        while let Some(part) = rest.pop() {
            match part.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    current = current.parent().unwrap_or_default();
                    continue;
                }
                _ => {}
            }
            let next = current.join(&part).map_err(|_| Blocked::NotDirectory)?;
            match self.nodes.get(&next).map(|node| &node.kind) {
                Some(Kind::Symlink(target)) => {
                    n_links += 1;
                    if n_links > LINKS_MAX {
                        return Err(Blocked::Circle);
                    }
                    if target.starts_with(b"/") {
                        current = RelativePath::root();
                    }
                    rest.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
                }
                Some(Kind::File(_)) if !rest.is_empty() => return Err(Blocked::NotDirectory),
                _ => current = next,
            }
        }
        Ok(current)
    }

    /// Makes the directories above a resolved path that are not there yet.
    pub(crate) fn make_parents(&mut self, path: &RelativePath) -> Result<(), Blocked> {
        let mut missing = Vec::new();
        let mut current = path.parent();
        while let Some(directory) = current.filter(|directory| !directory.is_root()) {
            match self.nodes.get(&directory).map(|node| &node.kind) {
                Some(Kind::Directory) => break,
                Some(_) => return Err(Blocked::NotDirectory),
                None => missing.push(directory.clone()),
            }
            current = directory.parent();
        }
        for directory in missing {
            self.insert(directory, Node::directory(0o755));
        }
        Ok(())
    }
}

impl Node {
    /// A directory of root's.
    pub(crate) fn directory(mode: u32) -> Self {
        Self::new(Kind::Directory, mode)
    }

    /// A link.
    pub(crate) fn symlink(target: &str) -> Self {
        Self::new(Kind::Symlink(target.as_bytes().to_vec()), 0o777)
    }

    /// A file of root's.
    pub(crate) fn file(bytes: impl Into<Vec<u8>>, mode: u32) -> Self {
        Self::new(Kind::File(Arc::new(Body::Bytes(bytes.into()))), mode)
    }

    fn new(kind: Kind, mode: u32) -> Self {
        Self { kind, mode, uid: 0, gid: 0, mtime_secs: 0, xattrs: BTreeMap::new(), owner: None }
    }

    /// The same with owner and group.
    pub(crate) fn owned_by(self, uid: u32, gid: u32) -> Self {
        Self { uid: uid.into(), gid: gid.into(), ..self }
    }
}

impl Body {
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Spooled { size, .. } => *size,
        }
    }

    pub(crate) fn reader(&self) -> Box<dyn Read + '_> {
        match self {
            Self::Bytes(bytes) => Box::new(bytes.as_slice()),
            Self::Spooled { slice, .. } => Box::new(slice.clone()),
        }
    }

    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} bytes", self.size())
    }
}

impl Spool {
    /// A temporary file in a folder.
    pub(crate) fn create(folder: &std::path::Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(folder)?;
        Ok(Self { file: Arc::new(file), end: AtomicU64::new(0) })
    }

    /// Takes in exactly `size` bytes. Several threads may do so at once.
    pub(crate) fn take(&self, reader: &mut dyn Read, size: u64) -> io::Result<Body> {
        let start = self.end.fetch_add(size, Ordering::Relaxed);
        let mut buffer = vec![0; 64 << 10];
        let mut done = 0;
        while done < size {
            let wanted = buffer.len().min(usize::try_from(size - done).unwrap_or(usize::MAX));
            match reader.read(&mut buffer[..wanted])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => {
                    self.file.write_all_at(&buffer[..count], start + done)?;
                    done += count as u64;
                }
            }
        }
        Ok(Body::Spooled { slice: FileSlice::new(self.file.clone(), start, size), size })
    }
}

/// A path written in the source code.
pub(crate) fn literal(path: &str) -> RelativePath {
    RelativePath::parse(path.as_bytes()).expect("paths in the source code are relative paths")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, Node)]) -> Tree {
        let mut tree = Tree::default();
        for (path, node) in entries {
            tree.insert(literal(path), node.clone());
        }
        tree
    }

    #[test]
    fn links_are_followed_inside_the_image() {
        let tree = tree(&[
            ("lib", Node::symlink("usr/lib")),
            ("usr/lib/up", Node::symlink("../../../../etc")),
            ("var/run", Node::symlink("/run")),
            ("loop", Node::symlink("loop2")),
            ("loop2", Node::symlink("/loop")),
            ("file", Node::file("x", 0o644)),
        ]);
        let resolve = |path: &str| tree.resolve(&literal(path)).map(|path| path.to_string());
        assert_eq!(resolve("lib/x").unwrap(), "usr/lib/x");
        assert_eq!(resolve("lib/up/passwd").unwrap(), "etc/passwd");
        assert_eq!(resolve("var/run/lock").unwrap(), "run/lock");
        assert_eq!(resolve("loop/x"), Err(Blocked::Circle));
        assert_eq!(resolve("file/x"), Err(Blocked::NotDirectory));
        assert_eq!(tree.resolve_parent(&literal("var/run")).unwrap().to_string(), "var/run");
    }

    #[test]
    fn retain_takes_what_is_below() {
        let mut tree = tree(&[
            ("a", Node::directory(0o755)),
            ("a/b", Node::file("x", 0o644)),
            ("ab", Node::file("x", 0o644)),
        ]);
        tree.retain(|path| path.as_bytes() != b"a");
        let left: Vec<String> = tree.iter().map(|(path, _)| path.to_string()).collect();
        assert_eq!(left, ["ab"]);
    }

    #[test]
    fn spooled_bodies_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::create(folder.path()).unwrap();
        let first = spool.take(&mut &b"first"[..], 5).unwrap();
        let second = spool.take(&mut &b"second"[..], 6).unwrap();
        assert_eq!(first.read().unwrap(), b"first");
        assert_eq!(second.read().unwrap(), b"second");
        assert!(spool.take(&mut &b"short"[..], 6).is_err());
    }
}

//! The build context: a folder, walked once, without what its ignore file excludes.
//!
//! Files are opened beneath the folder without following symbolic links (`openat2`), so that a folder swapped for a
//! link in the middle of a build cannot lead out. Everything belongs to root, as Docker has it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use sealift_archive::RelativePath;
use sealift_oci::Digest;

use crate::error::{Error, Result};
use crate::ignore::{Ignore, Inherited};
use crate::tree::{Node, Tree, digest_file, read_xattrs};

/// A walked context.
pub(crate) struct Context {
    root: PathBuf,
    root_fd: OwnedFd,
    nodes: HashMap<RelativePath, Node>,
    children: HashMap<RelativePath, Vec<Vec<u8>>>,
    excluded: HashSet<RelativePath>,
    digests: Mutex<HashMap<RelativePath, Digest>>,
}

struct Pending {
    directory: RelativePath,
    inherited: Inherited,
}

impl Context {
    /// Walks the folder.
    pub(crate) fn walk(root: &Path, ignore: &Ignore) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root_fd =
            rustix::fs::open(root, flags, Mode::empty()).map_err(Error::os("open", root))?;
        let mut context = Self {
            root: root.to_owned(),
            root_fd,
            nodes: HashMap::new(),
            children: HashMap::new(),
            excluded: HashSet::new(),
            digests: Mutex::default(),
        };
        let mut top = read_node(root)?;
        top.mode = 0o755;
        context.nodes.insert(RelativePath::root(), top);
        let mut pending =
            vec![Pending { directory: RelativePath::root(), inherited: Inherited::default() }];
        while let Some(next) = pending.pop() {
            context.walk_directory(&next, ignore, &mut pending)?;
        }
        for names in context.children.values_mut() {
            names.sort_unstable();
        }
        Ok(context)
    }

    fn walk_directory(
        &mut self,
        at: &Pending,
        ignore: &Ignore,
        pending: &mut Vec<Pending>,
    ) -> Result<()> {
        let real = self.root.join(at.directory.as_path());
        for entry in std::fs::read_dir(&real).map_err(Error::io("read", &real))? {
            let entry = entry.map_err(Error::io("read", &real))?;
            let name = entry.file_name();
            let path = at.directory.join(name.as_bytes()).map_err(|source| Error::Archive {
                path: entry.path().display().to_string(),
                source,
            })?;
            // A file that vanished while we were looking was not there.
            let Some(node) = Node::read(&entry.path())? else { continue };
            let text = path.to_string();
            let (is_excluded, inherited) = ignore.check(&text, &at.inherited);
            let is_directory = node.is_directory();
            if is_excluded {
                self.excluded.insert(path.clone());
                if is_directory && ignore.may_return_below(&text) {
                    self.nodes.insert(path.clone(), as_root(node));
                    pending.push(Pending { directory: path, inherited });
                }
                continue;
            }
            self.nodes.insert(path.clone(), as_root(node));
            self.include(&path);
            if is_directory {
                pending.push(Pending { directory: path, inherited });
            }
        }
        Ok(())
    }

    // Lists the path in its directory, and excluded directories above it in theirs.
    fn include(&mut self, path: &RelativePath) {
        let mut path = path.clone();
        while let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
            let names = self.children.entry(parent.clone()).or_default();
            if names.last().is_some_and(|last| last == name) || names.iter().any(|own| own == name)
            {
                break;
            }
            names.push(name.to_vec());
            if !self.excluded.remove(&parent) {
                break;
            }
            path = parent;
        }
    }

    /// True if the path is there, but the ignore file excludes it or a folder above it.
    pub(crate) fn is_excluded(&self, path: &RelativePath) -> bool {
        let mut at = Some(path.clone());
        while let Some(path) = at {
            if self.excluded.contains(&path) {
                return self.root.join(path.as_path()).symlink_metadata().is_ok();
            }
            at = path.parent();
        }
        false
    }
}

impl Tree for Context {
    fn node(&self, path: &RelativePath) -> Result<Option<Node>> {
        Ok(self.nodes.get(path).filter(|_| !self.excluded.contains(path)).cloned())
    }

    fn children(&self, path: &RelativePath) -> Result<Vec<Vec<u8>>> {
        Ok(self.children.get(path).cloned().unwrap_or_default())
    }

    fn open(&self, path: &RelativePath) -> Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        rustix::fs::openat2(&self.root_fd, path.as_path(), flags, Mode::empty(), resolve)
            .map(File::from)
            .map_err(Error::os("open", &self.root.join(path.as_path())))
    }

    fn xattrs(&self, path: &RelativePath) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
        read_xattrs(&self.root.join(path.as_path()))
    }

    fn digest(&self, path: &RelativePath) -> Result<Digest> {
        let known = self.digests.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(digest) = known {
            return Ok(digest);
        }
        let digest = digest_file(self.open(path)?, path)?;
        let mut digests = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        digests.insert(path.clone(), digest.clone());
        Ok(digest)
    }
}

fn read_node(path: &Path) -> Result<Node> {
    Node::read(path)?
        .map(as_root)
        .ok_or_else(|| Error::io("open", path)(std::io::ErrorKind::NotFound.into()))
}

fn as_root(node: Node) -> Node {
    Node { uid: 0, gid: 0, ..node }
}

//! The merged view of layer folders in overlayfs's upper form: whiteouts are character devices 0/0, a folder that
//! hides what lies below it has the attribute `…overlay.opaque`.
//!
//! Layer folders never change once they are in the cache, so what was looked up is remembered.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sealift_archive::RelativePath;

use crate::error::{Error, Result};
use crate::tree::{Kind, Node, Tree, is_missing, read_xattrs};

/// Attributes of overlayfs live in one of two namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// `trusted.overlay.*`: root of the machine.
    Trusted,
    /// `user.overlay.*`: root of a user namespace.
    User,
}

impl Flavor {
    /// The one that overlayfs uses for this process.
    pub(crate) fn detect() -> Self {
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let words: Vec<&str> = map.split_whitespace().collect();
        if words == ["0", "0", "4294967295"] { Self::Trusted } else { Self::User }
    }

    /// Name of the cache folder; snapshots of one flavor are of no use to the other.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trusted => "root",
            Self::User => "user",
        }
    }

    pub(crate) fn opaque(self) -> &'static str {
        match self {
            Self::Trusted => "trusted.overlay.opaque",
            Self::User => "user.overlay.opaque",
        }
    }
}

/// True if the folder hides what lies below it.
pub(crate) fn is_opaque(path: &Path, flavor: Flavor) -> Result<bool> {
    let mut value = [0; 8];
    match rustix::fs::lgetxattr(path, flavor.opaque(), &mut value) {
        Ok(size) => Ok(&value[..size] == b"y"),
        Err(rustix::io::Errno::NODATA | rustix::io::Errno::NOTSUP) => Ok(false),
        Err(error) => Err(Error::os("read the attributes of", path)(error)),
    }
}

type Stack = Option<Arc<[usize]>>;

/// The merged view.
pub(crate) struct View {
    layers: Vec<PathBuf>,
    flavor: Flavor,
    directories: Mutex<HashMap<RelativePath, Stack>>,
}

impl View {
    /// A view of these folders, lowest first.
    pub(crate) fn new(layers: Vec<PathBuf>, flavor: Flavor) -> Self {
        Self { layers, flavor, directories: Mutex::default() }
    }

    /// Where an entry really lies; `None` if there is none. No symbolic link is on the way.
    pub(crate) fn locate(&self, path: &RelativePath) -> Result<Option<(PathBuf, Node)>> {
        if path.is_root() {
            let Some(top) = self.layers.last() else { return Ok(None) };
            return Ok(Node::read(top)?.map(|node| (top.clone(), node)));
        }
        let parent = path.parent().unwrap_or_default();
        let Some(stack) = self.stack(&parent)? else { return Ok(None) };
        for index in stack.iter() {
            let real = self.layers[*index].join(path.as_path());
            match Node::read(&real)? {
                None => {}
                Some(node) if node.kind == Kind::Character(0, 0) => return Ok(None),
                Some(node) => return Ok(Some((real, node))),
            }
        }
        Ok(None)
    }

    // The layers that make up a directory, highest first; `None` if it is no directory.
    fn stack(&self, path: &RelativePath) -> Result<Stack> {
        if path.is_root() {
            return Ok(Some((0..self.layers.len()).rev().collect()));
        }
        let remembered = |view: &Self| {
            view.directories.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
        };
        if let Some(stack) = remembered(self) {
            return Ok(stack);
        }
        // Ancestors first, in a loop: paths can be deep.
        let mut missing = vec![path.clone()];
        while let Some(parent) = missing.last().and_then(RelativePath::parent) {
            let is_known = parent.is_root()
                || self
                    .directories
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .contains_key(&parent);
            if is_known {
                break;
            }
            missing.push(parent);
        }
        while let Some(directory) = missing.pop() {
            let stack = self.find_stack(&directory)?;
            self.directories
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(directory, stack);
        }
        Ok(remembered(self).flatten())
    }

    fn find_stack(&self, path: &RelativePath) -> Result<Stack> {
        let parent = path.parent().unwrap_or_default();
        let above: Stack = if parent.is_root() {
            Some((0..self.layers.len()).rev().collect())
        } else {
            let known = self.directories.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&parent).cloned().flatten()
        };
        let Some(above) = above else { return Ok(None) };
        let mut found = Vec::new();
        for index in above.iter() {
            let real = self.layers[*index].join(path.as_path());
            match Node::read(&real)? {
                None => continue,
                Some(node) if node.is_directory() => found.push(*index),
                Some(_) => break,
            }
            if is_opaque(&real, self.flavor)? {
                break;
            }
        }
        Ok(if found.is_empty() { None } else { Some(found.into()) })
    }
}

impl Tree for View {
    fn node(&self, path: &RelativePath) -> Result<Option<Node>> {
        if path.is_root() && self.layers.is_empty() {
            return Ok(Some(root_node()));
        }
        Ok(self.locate(path)?.map(|(_, node)| node))
    }

    fn children(&self, path: &RelativePath) -> Result<Vec<Vec<u8>>> {
        let mut names: BTreeMap<Vec<u8>, bool> = BTreeMap::new();
        let Some(stack) = self.stack(path)? else { return Ok(Vec::new()) };
        for index in stack.iter() {
            let real = self.layers[*index].join(path.as_path());
            for entry in std::fs::read_dir(&real).map_err(Error::io("read", &real))? {
                let entry = entry.map_err(Error::io("read", &real))?;
                let name = entry.file_name().as_bytes().to_vec();
                if names.contains_key(&name) {
                    continue;
                }
                let node = Node::read(&entry.path())?;
                let is_there = node.is_some_and(|node| node.kind != Kind::Character(0, 0));
                names.insert(name, is_there);
            }
        }
        Ok(names.into_iter().filter_map(|(name, is_there)| is_there.then_some(name)).collect())
    }

    fn open(&self, path: &RelativePath) -> Result<File> {
        match self.locate(path)? {
            Some((real, _)) => open_nofollow(&real),
            None => Err(Error::io("open", path.as_path())(std::io::ErrorKind::NotFound.into())),
        }
    }

    fn xattrs(&self, path: &RelativePath) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
        match self.locate(path)? {
            Some((real, _)) => read_xattrs(&real),
            None => Ok(BTreeMap::new()),
        }
    }
}

/// Opens a file that must not be a symbolic link.
pub(crate) fn open_nofollow(path: &Path) -> Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map(File::from).map_err(Error::os("open", path))
}

/// Removes a file or a folder with all in it; fine if it is not there.
pub(crate) fn remove_all(path: &Path) -> Result<()> {
    let result = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if !is_missing(&error) => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

fn root_node() -> Node {
    Node {
        kind: Kind::Directory,
        mode: 0o755,
        uid: 0,
        gid: 0,
        size: 0,
        mtime: sealift_archive::Mtime::default(),
        identity: None,
    }
}

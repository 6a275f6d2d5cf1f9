//! Writes one layer folder in overlayfs's upper form, on top of the layers below it.
//!
//! Nothing is mounted: the merged view is computed, and directories that are touched are made in the upper folder with
//! the mode, owner and time that they have below. Every part of a path is known to be a real directory before
//! something is written in it.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, Timespec, Timestamps, XattrFlags};
use sealift_archive::{Mtime, RelativePath};

use crate::error::{Error, Result};
use crate::tree::{Kind, Node, Tree, read_xattrs};
use crate::users::Owner;
use crate::view::{Flavor, View, remove_all};

const CHUNK_BYTES: usize = 1 << 20;

/// Everything about an entry but what it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meta {
    pub(crate) mode: u32,
    pub(crate) owner: Owner,
    /// Now, if there is none.
    pub(crate) mtime: Option<Mtime>,
    pub(crate) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Content of a regular file.
pub(crate) enum Content<'a> {
    None,
    File(File),
    Reader(&'a mut dyn Read),
}

/// What a layer is written on, and whether to go on.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) lower: &'a View,
    pub(crate) flavor: Flavor,
    pub(crate) cancel: &'a AtomicBool,
}

/// Writes one layer folder.
pub(crate) struct LayerWriter<'a> {
    ground: Ground<'a>,
    upper: PathBuf,
    /// Directories that are known to be in the upper folder.
    made: HashSet<RelativePath>,
    opaque: HashSet<RelativePath>,
    /// Set at the end, because writing in a directory changes its time.
    times: BTreeMap<RelativePath, Mtime>,
    warnings: Vec<String>,
}

impl<'a> LayerWriter<'a> {
    /// A writer into an existing empty folder.
    pub(crate) fn new(ground: Ground<'a>, upper: &Path) -> Result<Self> {
        let mut writer = Self {
            ground,
            upper: upper.to_owned(),
            made: HashSet::from([RelativePath::root()]),
            opaque: HashSet::new(),
            times: BTreeMap::new(),
            warnings: Vec::new(),
        };
        let root = RelativePath::root();
        if let Some(node) = ground.lower.node(&root)? {
            let xattrs = ground.lower.xattrs(&root)?;
            writer.set_meta(&root, &node.kind.clone(), &Meta { xattrs, ..Meta::of(&node) })?;
        }
        Ok(writer)
    }

    /// Sets the times of directories, and gives back what could not be done.
    pub(crate) fn finish(self) -> Result<Vec<String>> {
        for (path, mtime) in &self.times {
            set_time(&self.real(path), *mtime)?;
        }
        Ok(self.warnings)
    }

    /// The entry at exactly this path, in the merged view.
    pub(crate) fn node(&self, path: &RelativePath) -> Result<Option<Node>> {
        let mut at = RelativePath::root();
        let mut hides = false;
        let mut found = None;
        for part in path.parts() {
            if found.as_ref().is_some_and(|node: &Node| !node.is_directory()) {
                return Ok(None);
            }
            at = join(&at, part)?;
            match Node::read(&self.real(&at))? {
                None if hides => return Ok(None),
                None => return self.ground.lower.node(path),
                Some(node) if node.kind == Kind::Character(0, 0) => return Ok(None),
                Some(node) => found = Some(node),
            }
            hides |= self.opaque.contains(&at);
        }
        match found {
            Some(node) => Ok(Some(node)),
            None => Node::read(&self.upper),
        }
    }

    /// Makes a directory and those above it, as far as they are missing, like `mkdir -p`.
    pub(crate) fn make_directories(&mut self, path: &RelativePath, owner: Owner) -> Result<()> {
        let mut at = RelativePath::root();
        for part in path.parts() {
            at = join(&at, part)?;
            match self.node(&at)? {
                Some(node) if node.is_directory() => {}
                Some(_) => return Err(not_a_directory(&at)),
                None => {
                    let meta = Meta { mode: 0o755, owner, ..Meta::default() };
                    self.put(&at, &Kind::Directory, &meta, Content::None)?;
                }
            }
        }
        Ok(())
    }

    /// Writes an entry. A directory that is there already only gets the new attributes; anything else is replaced.
    pub(crate) fn put(
        &mut self,
        path: &RelativePath,
        kind: &Kind,
        meta: &Meta,
        content: Content<'_>,
    ) -> Result<()> {
        self.check_cancel()?;
        if matches!(kind, Kind::Socket | Kind::Character(0, 0)) {
            let what = if *kind == Kind::Socket { "a socket" } else { "a whiteout device" };
            self.warnings.push(format!("`/{path}` was left out: it is {what}"));
            return Ok(());
        }
        if path.is_root() {
            return if *kind == Kind::Directory {
                self.set_meta(path, kind, meta)
            } else {
                Err(not_a_directory(path))
            };
        }
        self.make_parent(path)?;
        let real = self.real(path);
        if *kind == Kind::Directory {
            self.make_directory(path)?;
        } else {
            self.remove_upper(path)?;
            if !self.create(&real, path, kind, content)? {
                return Ok(());
            }
        }
        self.set_meta(path, kind, meta)
    }

    /// Gives an existing file one more name.
    pub(crate) fn link(&mut self, path: &RelativePath, target: &RelativePath) -> Result<()> {
        self.check_cancel()?;
        match self.node(target)? {
            Some(node) if !node.is_directory() => {}
            Some(_) => {
                return Err(destination(
                    path,
                    format!("the hard link's target `{target}` is a directory"),
                ));
            }
            None => {
                return Err(destination(
                    path,
                    format!("the hard link's target `{target}` is missing"),
                ));
            }
        }
        if path == target {
            return Ok(());
        }
        self.make_parent(path)?;
        self.copy_up(target)?;
        self.remove_upper(path)?;
        let (from, to) = (self.real(target), self.real(path));
        rustix::fs::linkat(CWD, &from, CWD, &to, AtFlags::empty()).map_err(Error::os("write", &to))
    }

    /// Hides an entry of the lower layers. What this layer itself has there stays.
    pub(crate) fn whiteout(&mut self, path: &RelativePath) -> Result<()> {
        if path.is_root() || self.ground.lower.node(path)?.is_none() {
            return Ok(());
        }
        let real = self.real(path);
        match Node::read(&real)? {
            Some(node) if node.is_directory() => self.set_opaque(path),
            Some(_) => Ok(()),
            None => {
                self.make_parent(path)?;
                rustix::fs::mknodat(CWD, &real, FileType::CharacterDevice, Mode::empty(), 0)
                    .map_err(Error::os("write", &real))
            }
        }
    }

    /// Hides all that the lower layers have in a directory.
    pub(crate) fn hide_below(&mut self, path: &RelativePath) -> Result<()> {
        let is_directory = |node: Option<Node>| node.is_some_and(|node| node.is_directory());
        if !is_directory(self.ground.lower.node(path)?) {
            return Ok(());
        }
        match Node::read(&self.real(path))? {
            None => self.copy_up_directory(path)?,
            Some(node) if node.is_directory() => {}
            Some(_) => return Ok(()),
        }
        if path.is_root() {
            // overlayfs does not look for the attribute at the root.
            for name in self.ground.lower.children(path)? {
                self.whiteout(&join(path, &name)?)?;
            }
            return Ok(());
        }
        self.set_opaque(path)
    }

    fn create(
        &mut self,
        real: &Path,
        path: &RelativePath,
        kind: &Kind,
        content: Content<'_>,
    ) -> Result<bool> {
        let node =
            |file_type, device| rustix::fs::mknodat(CWD, real, file_type, Mode::empty(), device);
        let result = match kind {
            Kind::File => return self.write_file(real, content).map(|()| true),
            Kind::Symlink(target) => {
                use std::os::unix::ffi::OsStrExt;
                symlink(std::ffi::OsStr::from_bytes(target), real)
                    .map_err(Error::io("write", real))?;
                return Ok(true);
            }
            Kind::Fifo => node(FileType::Fifo, 0),
            Kind::Character(major, minor) => {
                node(FileType::CharacterDevice, rustix::fs::makedev(*major, *minor))
            }
            Kind::Block(major, minor) => {
                node(FileType::BlockDevice, rustix::fs::makedev(*major, *minor))
            }
            Kind::Directory | Kind::Socket => return Ok(false),
        };
        match result {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::PERM) => {
                let reason = "it is a device, which only root of the machine can make";
                self.warnings.push(format!("`/{path}` was left out: {reason}"));
                Ok(false)
            }
            Err(error) => Err(Error::os("write", real)(error)),
        }
    }

    fn write_file(&self, real: &Path, content: Content<'_>) -> Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(real)
            .map_err(Error::io("write", real))?;
        let mut source: Box<dyn Read + '_> = match content {
            Content::None => return Ok(()),
            Content::File(source) => Box::new(source),
            Content::Reader(reader) => Box::new(reader),
        };
        let mut chunk = vec![0; CHUNK_BYTES.min(256 << 10)];
        loop {
            self.check_cancel()?;
            let count = source.read(&mut chunk).map_err(|source| Error::Archive {
                path: real.display().to_string(),
                source: source.into(),
            })?;
            if count == 0 {
                return Ok(());
            }
            std::io::Write::write_all(&mut file, &chunk[..count])
                .map_err(Error::io("write", real))?;
        }
    }

    fn make_parent(&mut self, path: &RelativePath) -> Result<()> {
        let parent = path.parent().unwrap_or_default();
        if self.made.contains(&parent) {
            return Ok(());
        }
        let mut at = RelativePath::root();
        for part in parent.parts() {
            at = join(&at, part)?;
            if self.made.contains(&at) {
                continue;
            }
            match Node::read(&self.real(&at))? {
                Some(node) if node.is_directory() => {}
                Some(node) if node.kind != Kind::Character(0, 0) => {
                    return Err(not_a_directory(&at));
                }
                _ => match self.node(&at)? {
                    Some(node) if node.is_directory() => self.copy_up_directory(&at)?,
                    Some(_) => return Err(not_a_directory(&at)),
                    None => {
                        self.make_directory(&at)?;
                        let meta = Meta { mode: 0o755, ..Meta::default() };
                        self.set_meta(&at, &Kind::Directory, &meta)?;
                    }
                },
            }
            self.made.insert(at.clone());
        }
        Ok(())
    }

    // Its parent is there. A file or whiteout in its place goes, and with it what lies below in the lower layers.
    fn make_directory(&mut self, path: &RelativePath) -> Result<()> {
        let real = self.real(path);
        let before = Node::read(&real)?;
        if before.as_ref().is_some_and(Node::is_directory) {
            return Ok(());
        }
        let lower = self.ground.lower.node(path)?;
        let hides = before.is_some() && lower.is_some_and(|node| node.is_directory());
        self.remove_upper(path)?;
        fs::create_dir(&real).map_err(Error::io("write", &real))?;
        self.made.insert(path.clone());
        if hides { self.set_opaque(path) } else { Ok(()) }
    }

    fn copy_up_directory(&mut self, path: &RelativePath) -> Result<()> {
        let Some(node) = self.ground.lower.node(path)? else { return Ok(()) };
        self.make_parent(path)?;
        self.make_directory(path)?;
        let xattrs = self.ground.lower.xattrs(path)?;
        self.set_meta(path, &Kind::Directory, &Meta { xattrs, ..Meta::of(&node) })
    }

    fn copy_up(&mut self, path: &RelativePath) -> Result<()> {
        if Node::read(&self.real(path))?.is_some() {
            return Ok(());
        }
        let Some((real, node)) = self.ground.lower.locate(path)? else { return Ok(()) };
        let content = match node.kind {
            Kind::File => Content::File(crate::view::open_nofollow(&real)?),
            _ => Content::None,
        };
        let meta = Meta { xattrs: read_xattrs(&real)?, ..Meta::of(&node) };
        self.put(path, &node.kind, &meta, content)
    }

    fn set_opaque(&mut self, path: &RelativePath) -> Result<()> {
        let real = self.real(path);
        rustix::fs::lsetxattr(&real, self.ground.flavor.opaque(), b"y", XattrFlags::empty())
            .map_err(Error::os("set an attribute of", &real))?;
        self.opaque.insert(path.clone());
        Ok(())
    }

    fn remove_upper(&mut self, path: &RelativePath) -> Result<()> {
        let real = self.real(path);
        match Node::read(&real)? {
            None => return Ok(()),
            Some(node) if node.is_directory() => {
                self.made.retain(|known| !known.starts_with(path));
                self.opaque.retain(|known| !known.starts_with(path));
                self.times.retain(|known, _| !known.starts_with(path));
            }
            Some(_) => {}
        }
        remove_all(&real)
    }

    fn set_meta(&mut self, path: &RelativePath, kind: &Kind, meta: &Meta) -> Result<()> {
        let real = self.real(path);
        lchown(&real, Some(meta.owner.uid), Some(meta.owner.gid))
            .map_err(Error::io("set the owner of", &real))?;
        if !matches!(kind, Kind::Symlink(_)) {
            // After the owner: changing it clears setuid and file capabilities.
            fs::set_permissions(&real, fs::Permissions::from_mode(meta.mode & 0o7777))
                .map_err(Error::io("set the mode of", &real))?;
        }
        if matches!(kind, Kind::File | Kind::Directory) {
            for (name, value) in &meta.xattrs {
                match rustix::fs::lsetxattr(&real, name.as_slice(), value, XattrFlags::empty()) {
                    Ok(()) => {}
                    Err(rustix::io::Errno::NOTSUP) => self.warnings.push(format!(
                        "`/{path}` lost its attribute `{}`: the store's file system has none",
                        String::from_utf8_lossy(name)
                    )),
                    Err(error) => return Err(Error::os("set an attribute of", &real)(error)),
                }
            }
        }
        match (kind, meta.mtime) {
            (Kind::Directory, Some(mtime)) => {
                self.times.insert(path.clone(), mtime);
                Ok(())
            }
            (_, Some(mtime)) => set_time(&real, mtime),
            (_, None) => Ok(()),
        }
    }

    fn real(&self, path: &RelativePath) -> PathBuf {
        if path.is_root() { self.upper.clone() } else { self.upper.join(path.as_path()) }
    }

    fn check_cancel(&self) -> Result<()> {
        if self.ground.cancel.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }
}

impl Meta {
    /// What a node has, without its attributes.
    pub(crate) fn of(node: &Node) -> Self {
        Self {
            mode: node.mode,
            owner: Owner { uid: node.uid, gid: node.gid },
            mtime: Some(node.mtime),
            xattrs: BTreeMap::new(),
        }
    }
}

/// A path and one more part.
pub(crate) fn join(path: &RelativePath, part: &[u8]) -> Result<RelativePath> {
    path.join(part).map_err(|source| Error::Archive {
        path: format!("{path}/{}", String::from_utf8_lossy(part)),
        source,
    })
}

fn set_time(real: &Path, mtime: Mtime) -> Result<()> {
    let time = Timespec { tv_sec: mtime.secs, tv_nsec: i64::from(mtime.nanos) };
    let times = Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(CWD, real, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(Error::os("set the time of", real))
}

fn not_a_directory(path: &RelativePath) -> Error {
    destination(path, "it is not a directory".to_owned())
}

fn destination(path: &RelativePath, reason: String) -> Error {
    Error::Destination { path: format!("/{path}"), reason }
}

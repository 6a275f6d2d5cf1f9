//! From a layer folder in overlayfs's upper form to the entries of a layer (image-spec, layer.md).
//!
//! overlayfs marks every new directory as opaque and copies directories up on the way to what changed in them. The
//! layer says `.wh..wh..opq` only where a lower layer has the directory, and leaves out directories that are as they
//! were and have no change below.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sealift_archive::{EntryKind, Header, RelativePath, opaque_path, whiteout_path};

use crate::error::{Error, Result};
use crate::tree::{Kind, Node, Tree, read_xattrs};
use crate::view::{Flavor, View, is_opaque};
use crate::writer::join;

/// One entry of the layer.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) header: Header,
    /// Where a regular file's content lies.
    pub(crate) content: Option<PathBuf>,
}

/// The entries of a layer, parents first, in the order of their paths.
pub(crate) struct Changes {
    pub(crate) entries: Vec<Change>,
    /// What could not be put into the layer.
    pub(crate) warnings: Vec<String>,
}

/// Compares a layer folder with what lies below it.
pub(crate) fn changes(upper: &Path, lower: &View, flavor: Flavor) -> Result<Changes> {
    let mut differ = Differ {
        upper,
        lower,
        flavor,
        links: HashMap::new(),
        found: BTreeMap::new(),
        warnings: Vec::new(),
    };
    let mut pending = vec![RelativePath::root()];
    while let Some(directory) = pending.pop() {
        differ.directory(&directory, &mut pending)?;
    }
    Ok(Changes { entries: differ.sorted(), warnings: differ.warnings })
}

struct Found {
    change: Change,
    node: Node,
    /// A directory like the one below: it is there only because something in it changed, or was copied up.
    is_unchanged: bool,
    is_opaque: bool,
}

struct Differ<'a> {
    upper: &'a Path,
    lower: &'a View,
    flavor: Flavor,
    /// First path of a file with several names.
    links: HashMap<(u64, u64), RelativePath>,
    found: BTreeMap<RelativePath, Found>,
    warnings: Vec<String>,
}

impl Differ<'_> {
    fn directory(&mut self, at: &RelativePath, pending: &mut Vec<RelativePath>) -> Result<()> {
        let real = self.real(at);
        for entry in std::fs::read_dir(&real).map_err(Error::io("read", &real))? {
            let entry = entry.map_err(Error::io("read", &real))?;
            let path = join(at, entry.file_name().as_bytes())?;
            let real = entry.path();
            let Some(node) = Node::read(&real)? else { continue };
            if path.file_name().is_some_and(|name| name.starts_with(b".wh.")) {
                self.warnings
                    .push(format!("`/{path}` was left out: in a layer such a name deletes a file"));
                continue;
            }
            let below = self.lower.node(&path)?;
            let found = match &node.kind {
                Kind::Socket => {
                    self.warnings.push(format!("`/{path}` was left out: it is a socket"));
                    continue;
                }
                Kind::Character(0, 0) if below.is_none() => continue,
                Kind::Character(0, 0) => whiteout_of(&path, node),
                Kind::Directory => {
                    pending.push(path.clone());
                    self.changed_directory(&path, &real, node, below.as_ref())?
                }
                _ => self.changed_file(&path, &real, node)?,
            };
            self.found.insert(path, found);
        }
        Ok(())
    }

    fn changed_directory(
        &self,
        path: &RelativePath,
        real: &Path,
        node: Node,
        below: Option<&Node>,
    ) -> Result<Found> {
        refuse_redirect(real, self.flavor)?;
        let below = below.filter(|below| below.is_directory());
        let header = header_of(path, &node, EntryKind::Directory, real)?;
        let is_opaque = below.is_some() && is_opaque(real, self.flavor)?;
        let is_unchanged = match below {
            Some(below) => {
                let same = (below.mode, below.uid, below.gid) == (node.mode, node.uid, node.gid);
                same && !is_opaque && self.lower.xattrs(path)? == header.xattrs
            }
            None => false,
        };
        Ok(Found { change: Change { header, content: None }, node, is_unchanged, is_opaque })
    }

    fn changed_file(&self, path: &RelativePath, real: &Path, node: Node) -> Result<Found> {
        let kind = match &node.kind {
            Kind::Symlink(target) => EntryKind::Symlink(target.clone()),
            Kind::Character(major, minor) => EntryKind::CharDevice { major: *major, minor: *minor },
            Kind::Block(major, minor) => EntryKind::BlockDevice { major: *major, minor: *minor },
            Kind::Fifo => EntryKind::Fifo,
            _ => EntryKind::File,
        };
        let content = (kind == EntryKind::File).then(|| real.to_owned());
        if content.is_some() {
            refuse_redirect(real, self.flavor)?;
        }
        let header = header_of(path, &node, kind, real)?;
        Ok(Found {
            change: Change { header, content },
            node,
            is_unchanged: false,
            is_opaque: false,
        })
    }

    // Parents stand before what is in them, so a directory's fate is known after its content's.
    fn sorted(&mut self) -> Vec<Change> {
        let mut needed: Vec<RelativePath> = Vec::new();
        for (path, found) in self.found.iter().rev() {
            let has_change_below = needed.last().is_some_and(|below| below.starts_with(path));
            if !found.is_unchanged || has_change_below {
                needed.push(path.clone());
            }
        }
        let mut entries = Vec::with_capacity(needed.len());
        for path in needed.into_iter().rev() {
            let Some(found) = self.found.remove(&path) else { continue };
            let mut change = found.change;
            if let Some(identity) = found.node.identity.filter(|_| change.content.is_some()) {
                match self.links.get(&identity) {
                    Some(first) => {
                        change.header.kind = EntryKind::HardLink(first.clone());
                        change.header.size = 0;
                        change.header.xattrs.clear();
                        change.content = None;
                    }
                    None => {
                        self.links.insert(identity, path.clone());
                    }
                }
            }
            entries.push(change);
            if found.is_opaque {
                entries.push(marker(opaque_path(&path)));
            }
        }
        entries
    }

    fn real(&self, path: &RelativePath) -> PathBuf {
        if path.is_root() { self.upper.to_owned() } else { self.upper.join(path.as_path()) }
    }
}

fn header_of(path: &RelativePath, node: &Node, kind: EntryKind, real: &Path) -> Result<Header> {
    let keeps_xattrs = matches!(kind, EntryKind::File | EntryKind::Directory);
    Ok(Header {
        mode: node.mode,
        uid: u64::from(node.uid),
        gid: u64::from(node.gid),
        size: node.size,
        mtime: node.mtime,
        xattrs: if keeps_xattrs { read_xattrs(real)? } else { BTreeMap::new() },
        ..Header::new(path.clone(), kind)
    })
}

fn whiteout_of(path: &RelativePath, node: Node) -> Found {
    let path = whiteout_path(path).unwrap_or_default();
    Found { change: marker(path), node, is_unchanged: false, is_opaque: false }
}

// Empty, of root, at time 0: the same wherever it is made.
fn marker(path: RelativePath) -> Change {
    Change { header: Header { mode: 0, ..Header::new(path, EntryKind::File) }, content: None }
}

// The sandbox mounts without these features; with them, the folder is not the whole truth.
fn refuse_redirect(real: &Path, flavor: Flavor) -> Result<()> {
    let names: [&str; 2] = match flavor {
        Flavor::Trusted => ["trusted.overlay.redirect", "trusted.overlay.metacopy"],
        Flavor::User => ["user.overlay.redirect", "user.overlay.metacopy"],
    };
    for name in names {
        if rustix::fs::lgetxattr(real, name, &mut [0; 1][..0]).is_ok() {
            let error = std::io::Error::other(format!("it has the attribute `{name}`"));
            return Err(Error::io("read", real)(error));
        }
    }
    Ok(())
}

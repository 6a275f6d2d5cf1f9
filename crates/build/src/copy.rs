//! Executes `COPY` and `ADD`: where things go is exactly as in `BuildKit`.
//!
//! A directory's content is copied, not the directory. The destination is a directory if it ends in a slash or is one
//! already. What is made on the way has mode 0755 and the owner of `--chown`; a directory below the source takes its
//! attributes along, the source directory itself does not.

use std::collections::HashMap;
use std::io::Read;

use sealift_archive::{RelativePath, tar};

use crate::error::{Error, Result};
use crate::select::{Root, Selection};
use crate::tree::{Kind, Node, Tree, resolve};
use crate::unpack::{Options, unpack};
use crate::users::Owner;
use crate::writer::{Content, LayerWriter, Meta, join};

/// Where to, and with which attributes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Absolute path, `.` and `..` taken out.
    pub(crate) path: String,
    /// It was written with a slash at the end.
    pub(crate) is_directory: bool,
    pub(crate) owner: Option<Owner>,
    pub(crate) mode: Option<Mode>,
    /// `ADD`: archives are extracted.
    pub(crate) extracts: bool,
}

/// `--chmod`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mode(pub(crate) u32);

impl Mode {
    /// Reads an octal number up to 7777.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match u32::from_str_radix(text, 8) {
            Ok(mode) if mode <= 0o7777 => Ok(Self(mode)),
            _ => Err(Error::Value {
                what: "--chmod",
                value: text.to_owned(),
                reason: "it must be an octal number between 0 and 7777".to_owned(),
            }),
        }
    }
}

/// A file that stands in the Dockerfile itself.
#[derive(Clone, Debug)]
pub(crate) struct Inline {
    pub(crate) name: String,
    pub(crate) content: String,
}

/// Copies a selection.
pub(crate) fn copy(
    writer: &mut LayerWriter<'_>,
    tree: &dyn Tree,
    selection: &Selection,
    target: &Target,
) -> Result<()> {
    let mut copier = Copier { writer, tree, target, links: HashMap::new() };
    for root in &selection.roots {
        copier.root(root)?;
    }
    Ok(())
}

/// Writes a file that stands in the Dockerfile.
pub(crate) fn copy_inline(
    writer: &mut LayerWriter<'_>,
    file: &Inline,
    target: &Target,
) -> Result<()> {
    let path = destination(writer, target, file.name.as_bytes())?;
    let meta = Meta {
        mode: target.mode.as_ref().map_or(0o644, |mode| mode.0),
        owner: target.owner.unwrap_or_default(),
        ..Meta::default()
    };
    let content = Content::Reader(&mut file.content.as_bytes());
    writer.put(&path, &Kind::File, &meta, content)
}

struct Copier<'w, 'g, 'a> {
    writer: &'w mut LayerWriter<'g>,
    tree: &'a dyn Tree,
    target: &'a Target,
    /// Files with several names that were copied under one of them.
    links: HashMap<(u64, u64), RelativePath>,
}

impl Copier<'_, '_, '_> {
    fn root(&mut self, root: &Root) -> Result<()> {
        if let Some(kept) = &root.kept {
            return self.root_with_parents(root, kept);
        }
        if !root.node.is_directory() {
            if self.target.extracts && root.node.kind == Kind::File && self.extract(root)? {
                return Ok(());
            }
            let path = destination(self.writer, self.target, &root.name)?;
            return self.entry(&root.path, &root.node, &path);
        }
        let path = resolve_target(self.writer, &self.target.path)?;
        self.writer.make_directories(&path, self.target.owner.unwrap_or_default())?;
        self.below(root, &path)
    }

    // `--parents`: directories from the pivot on take their attributes along.
    fn root_with_parents(&mut self, root: &Root, kept: &RelativePath) -> Result<()> {
        let mut path = resolve_target(self.writer, &self.target.path)?;
        self.writer.make_directories(&path, self.target.owner.unwrap_or_default())?;
        let parts: Vec<&[u8]> = kept.parts().collect();
        let depth = root.path.parts().count().saturating_sub(parts.len());
        let mut source = RelativePath::root();
        for part in root.path.parts().take(depth) {
            source = join(&source, part)?;
        }
        for part in parts {
            source = join(&source, part)?;
            path = join(&path, part)?;
            if let Some(node) = self.tree.node(&source)? {
                self.entry(&source, &node, &path)?;
            }
        }
        self.below(root, &path)
    }

    fn below(&mut self, root: &Root, path: &RelativePath) -> Result<()> {
        for entry in &root.entries {
            let path = join(path, entry.below.as_bytes())?;
            self.entry(&entry.path, &entry.node, &path)?;
        }
        Ok(())
    }

    fn entry(&mut self, source: &RelativePath, node: &Node, path: &RelativePath) -> Result<()> {
        let existing = self.writer.node(path)?;
        match existing.map(|existing| existing.is_directory()) {
            Some(true) if !node.is_directory() => {
                return Err(refused(path, "a directory cannot be replaced by a file"));
            }
            Some(false) if node.is_directory() => {
                return Err(refused(path, "it is not a directory, but the source is"));
            }
            _ => {}
        }
        let linked = node.identity.and_then(|identity| self.links.get(&identity)).cloned();
        if let Some(first) = linked {
            return self.writer.link(path, &first);
        }
        let mut meta = Meta { xattrs: self.tree.xattrs(source)?, ..Meta::of(node) };
        meta.owner = self.target.owner.unwrap_or(meta.owner);
        if let Some(mode) = &self.target.mode {
            meta.mode = mode.0;
        }
        let content = match node.kind {
            Kind::File => Content::File(self.tree.open(source)?),
            _ => Content::None,
        };
        self.writer.put(path, &node.kind, &meta, content)?;
        if let Some(identity) = node.identity {
            self.links.insert(identity, path.clone());
        }
        Ok(())
    }

    fn extract(&mut self, root: &Root) -> Result<bool> {
        let name = root.path.to_string();
        let failed = |source| Error::Archive { path: name.clone(), source };
        if !is_archive(self.tree, &root.path)? {
            return Ok(false);
        }
        let path = resolve_target(self.writer, &self.target.path)?;
        self.writer.make_directories(&path, self.target.owner.unwrap_or_default())?;
        let options = Options {
            beneath: path,
            owner: self.target.owner,
            whiteouts: false,
            name: name.clone(),
        };
        let file = self.tree.open(&root.path)?;
        let mut input = sealift_archive::open(Box::new(file)).map_err(failed)?;
        unpack(self.writer, &mut input, &options)?;
        Ok(true)
    }
}

// It is an archive if its first entry can be read; anything else is copied as it is.
fn is_archive(tree: &dyn Tree, path: &RelativePath) -> Result<bool> {
    let mut start = [0; 512];
    let file = tree.open(path)?;
    let Ok(mut input) = sealift_archive::open(Box::new(file)) else { return Ok(false) };
    if input.read_exact(&mut start).is_err() {
        return Ok(false);
    }
    let file = tree.open(path)?;
    let Ok(input) = sealift_archive::open(Box::new(file)) else { return Ok(false) };
    let mut reader = tar::Reader::new(input, sealift_archive::Limits::default());
    Ok(matches!(reader.next_entry(), Ok(Some(_))))
}

// Where a single file goes.
fn destination(writer: &mut LayerWriter<'_>, target: &Target, name: &[u8]) -> Result<RelativePath> {
    let path = resolve_target(writer, &target.path)?;
    let owner = target.owner.unwrap_or_default();
    if target.is_directory {
        writer.make_directories(&path, owner)?;
    }
    if writer.node(&path)?.is_some_and(|node| node.is_directory()) {
        return join(&path, name);
    }
    writer.make_directories(&path.parent().unwrap_or_default(), owner)?;
    Ok(path)
}

fn resolve_target(writer: &LayerWriter<'_>, path: &str) -> Result<RelativePath> {
    resolve(&|path| writer.node(path), path.as_bytes(), true)
}

fn refused(path: &RelativePath, reason: &str) -> Error {
    Error::Destination { path: format!("/{path}"), reason: reason.to_owned() }
}

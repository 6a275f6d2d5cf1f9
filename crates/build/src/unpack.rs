//! Unpacks tar archives into a layer folder: layers of base images, and archives that `ADD` extracts.

use std::io::Read;

use sealift_archive::{EntryKind, Header, Limits, RelativePath, Whiteout, tar, whiteout};

use crate::error::{Error, Result};
use crate::tree::{Kind, resolve};
use crate::users::Owner;
use crate::writer::{Content, LayerWriter, Meta};

/// How to unpack.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where to.
    pub(crate) beneath: RelativePath,
    /// Owner of everything, instead of the archive's owners.
    pub(crate) owner: Option<Owner>,
    /// Whether `.wh.` entries delete.
    pub(crate) whiteouts: bool,
    /// Name of the archive in errors.
    pub(crate) name: String,
}

/// Unpacks an uncompressed archive.
pub(crate) fn unpack(
    writer: &mut LayerWriter<'_>,
    input: &mut dyn Read,
    options: &Options,
) -> Result<()> {
    let failed = |source| Error::Archive { path: options.name.clone(), source };
    let mut reader = tar::Reader::new(input, Limits::default());
    // Entries of one directory mostly follow each other.
    let mut last: Option<(RelativePath, RelativePath)> = None;
    while let Some(mut entry) = reader.next_entry().map_err(failed)? {
        let header = entry.header().clone();
        if let Some(whiteout) = whiteout(&header.path).filter(|_| options.whiteouts) {
            // It may take away a link that the remembered place went through.
            last = None;
            delete(writer, options, &header, &whiteout)?;
            continue;
        }
        let path = match (&last, header.path.parent(), header.path.file_name()) {
            (Some((parent, place)), Some(own), Some(name)) if *parent == own => {
                crate::writer::join(place, name)?
            }
            _ => {
                let path = place(writer, options, &header.path)?;
                last = header.path.parent().zip(path.parent());
                path
            }
        };
        write_entry(writer, options, &header, &path, &mut entry)?;
    }
    Ok(())
}

fn delete(
    writer: &mut LayerWriter<'_>,
    options: &Options,
    header: &Header,
    whiteout: &Whiteout,
) -> Result<()> {
    match whiteout {
        Whiteout::Entry(path) => writer.whiteout(&place(writer, options, path)?),
        Whiteout::Opaque(path) => writer.hide_below(&place(writer, options, path)?),
        Whiteout::Metadata => Ok(()),
        Whiteout::Malformed => Err(refused(options, header, "it is a whiteout of nothing")),
    }
}

fn write_entry(
    writer: &mut LayerWriter<'_>,
    options: &Options,
    header: &Header,
    path: &RelativePath,
    content: &mut dyn Read,
) -> Result<()> {
    let number = |number: u64| {
        u32::try_from(number).map_err(|_| refused(options, header, "its owner is above 4294967295"))
    };
    let owner = match options.owner {
        Some(owner) => owner,
        None => Owner { uid: number(header.uid)?, gid: number(header.gid)? },
    };
    let is_kept = |name: &[u8]| {
        name == b"security.capability"
            || (name.starts_with(b"user.") && !name.starts_with(b"user.overlay."))
    };
    let xattrs = header.xattrs.iter().filter(|(name, _)| is_kept(name));
    let meta = Meta {
        mode: header.mode,
        owner,
        mtime: Some(header.mtime),
        xattrs: xattrs.map(|(name, value)| (name.clone(), value.clone())).collect(),
    };
    let kind = match &header.kind {
        EntryKind::File => Kind::File,
        EntryKind::Directory => Kind::Directory,
        EntryKind::Symlink(target) => Kind::Symlink(target.clone()),
        EntryKind::HardLink(target) => {
            return writer.link(path, &place(writer, options, target)?);
        }
        EntryKind::CharDevice { major, minor } => Kind::Character(*major, *minor),
        EntryKind::BlockDevice { major, minor } => Kind::Block(*major, *minor),
        EntryKind::Fifo => Kind::Fifo,
    };
    let content = if kind == Kind::File { Content::Reader(content) } else { Content::None };
    writer.put(path, &kind, &meta, content)
}

// Where an entry goes: links on the way are followed beneath the image's root, the last part is not.
fn place(writer: &LayerWriter<'_>, options: &Options, path: &RelativePath) -> Result<RelativePath> {
    let whole = crate::writer::join(&options.beneath, path.as_bytes())?;
    resolve(&|path| writer.node(path), whole.as_bytes(), false)
}

fn refused(options: &Options, header: &Header, reason: &'static str) -> Error {
    Error::Entry { archive: options.name.clone(), path: header.path.to_string(), reason }
}

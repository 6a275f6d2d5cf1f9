//! One pass over one layer: facts of all entries, bodies of the wanted ones.

use std::io::Read;
use std::sync::Arc;

use sealift_archive::{EntryKind, Header, tar};

use crate::read::ReadLimits;
use crate::{Error, FileKind, FileMeta, Image, LayerReader, Result};

/// The entries of a layer in the order of the archive.
pub(crate) struct Scan {
    pub(crate) entries: Vec<ScannedEntry>,
    pub(crate) uncompressed_size: u64,
}

/// An entry of a layer.
pub(crate) struct ScannedEntry {
    pub(crate) header: Header,
    pub(crate) body: Body,
}

/// What was kept of an entry's content.
#[derive(Clone, Debug, Default)]
pub(crate) enum Body {
    /// Nobody wanted it.
    #[default]
    None,
    /// The content.
    Kept(Arc<[u8]>),
    /// It is wanted, but above a limit; the text says which.
    OverLimit(String),
}

/// Reads a layer once, to its end, and verifies it. `keep` says whose content is wanted, by the entry's place.
pub(crate) fn scan(
    image: &Image,
    layer: usize,
    limits: &ReadLimits,
    keep: &dyn Fn(usize, &Header) -> bool,
) -> Result<Scan> {
    let (descriptor, _) = image.layers().nth(layer).expect("the caller counts the layers");
    let reader = image.open_layer(layer)?;
    let mut archive = tar::Reader::new(reader, limits.archive.clone());
    let entries = entries(&mut archive, limits, keep);
    let mut reader: LayerReader = archive.into_inner().into_inner();
    let entries = entries
        .map_err(|error| reader.explain(Error::of_layer(layer, &descriptor.digest, error)))?;
    reader.finish_mut()?;
    Ok(Scan { entries, uncompressed_size: reader.count() })
}

fn entries(
    archive: &mut tar::Reader<LayerReader>,
    limits: &ReadLimits,
    keep: &dyn Fn(usize, &Header) -> bool,
) -> sealift_archive::Result<Vec<ScannedEntry>> {
    let mut entries = Vec::new();
    let mut kept_bytes = 0;
    while let Some(mut entry) = archive.next_entry()? {
        let header = entry.header();
        let size = header.size;
        let is_wanted = header.kind == EntryKind::File && keep(entries.len(), header);
        let body = if !is_wanted {
            Body::None
        } else if let Some(over) = over_limit(size, kept_bytes, limits) {
            over
        } else {
            kept_bytes += size;
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            Body::Kept(bytes.into())
        };
        entries.push(ScannedEntry { header: entry.into_header(), body });
    }
    Ok(entries)
}

/// Says so if a body may not be kept.
pub(crate) fn over_limit(size: u64, kept_bytes: u64, limits: &ReadLimits) -> Option<Body> {
    if size > limits.body_bytes_max {
        return Some(Body::OverLimit(format!(
            "not read: it has {size} bytes, more than the limit of {}",
            limits.body_bytes_max
        )));
    }
    if kept_bytes.saturating_add(size) > limits.layer_bodies_bytes_max {
        return Some(Body::OverLimit(format!(
            "not read: the wanted files of its layer have more than the limit of {} bytes",
            limits.layer_bodies_bytes_max
        )));
    }
    None
}

/// What an entry is once hard links are resolved; `None` for a hard link.
pub(crate) fn kind(header: &Header) -> Option<FileKind> {
    Some(match &header.kind {
        EntryKind::File => FileKind::File,
        EntryKind::Directory => FileKind::Directory,
        EntryKind::Symlink(target) => FileKind::Symlink(target.clone()),
        EntryKind::HardLink(_) => return None,
        EntryKind::CharDevice { major, minor } => {
            FileKind::CharDevice { major: *major, minor: *minor }
        }
        EntryKind::BlockDevice { major, minor } => {
            FileKind::BlockDevice { major: *major, minor: *minor }
        }
        EntryKind::Fifo => FileKind::Fifo,
    })
}

/// The part of a regular file's header that says whether it is wanted.
pub(crate) fn file_meta(header: &Header) -> FileMeta {
    FileMeta {
        kind: FileKind::File,
        mode: header.mode,
        uid: header.uid,
        gid: header.gid,
        size: header.size,
        mtime: header.mtime,
    }
}

//! The members of a tar archive that holds an image, found once and read in place.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use sealift_archive::{Bounded, Compression, EntryKind, FileSlice, Limits, RelativePath, tar};

use crate::{Error, Result};

const LINKS_MAX: usize = 8;

/// Where the members of an archive lie.
pub(crate) struct Members {
    path: PathBuf,
    file: FileSlice,
    places: BTreeMap<RelativePath, Member>,
}

enum Member {
    File {
        offset: u64,
        size: u64,
    },
    /// Old versions of `docker save` link layers that are the same.
    Link(RelativePath),
}

impl Members {
    /// Finds the members. A compressed archive is unpacked into a temporary file first.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let archive_error = |source| Error::Archive { path: path.to_owned(), source };
        let file = open_file(path)?;
        let mut start = [0; 6];
        let count = Read::read(&mut &file, &mut start).map_err(|error| Error::io(path, error))?;
        (&file).rewind().map_err(|error| Error::io(path, error))?;
        let compression = Compression::sniff(&start[..count]);
        let file = if compression == Compression::None {
            file
        } else {
            unpack(file, compression).map_err(archive_error)?
        };
        let file = FileSlice::whole(file).map_err(|error| Error::io(path, error))?;
        let places = find(file.clone()).map_err(archive_error)?;
        Ok(Self { path: path.to_owned(), file, places })
    }

    /// The archive.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A member and its size; links are followed.
    pub(crate) fn get(&self, name: &RelativePath) -> Option<(FileSlice, u64)> {
        let mut name = name;
        for _ in 0..LINKS_MAX {
            match self.places.get(name)? {
                Member::File { offset, size } => {
                    return Some((self.file.part(*offset, *size), *size));
                }
                Member::Link(target) => name = target,
            }
        }
        None
    }

    /// The content of a small member.
    pub(crate) fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let Ok(name) = name.parse() else { return Ok(None) };
        let Some((slice, _)) = self.get(&name) else { return Ok(None) };
        let bytes = sealift_archive::read_bounded(slice, limit)
            .map_err(|source| Error::Archive { path: self.path.clone(), source })?;
        Ok(Some(bytes))
    }
}

/// Opens a regular file; a pipe or a device would block or never end.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    let check = || {
        if !std::fs::metadata(path)?.is_file() {
            return Err(std::io::Error::other("it is not a regular file"));
        }
        File::open(path)
    };
    check().map_err(|error| Error::io(path, error))
}

fn unpack(file: File, compression: Compression) -> sealift_archive::Result<File> {
    let limit = Limits::default().entry_bytes_max;
    let decoder = sealift_archive::decoder(Box::new(file), compression)?;
    let mut bounded = Bounded::new(decoder, limit, "size of the uncompressed archive");
    let mut unpacked = tempfile::tempfile()?;
    std::io::copy(&mut bounded, &mut unpacked)?;
    Ok(unpacked)
}

fn find(file: FileSlice) -> sealift_archive::Result<BTreeMap<RelativePath, Member>> {
    let mut reader = tar::Reader::seekable(file, Limits::default());
    let mut members = BTreeMap::new();
    while let Some(entry) = reader.next_entry()? {
        let (offset, is_sparse) = (entry.offset(), entry.is_sparse());
        let header = entry.into_header();
        let refuse = |reason: &str| sealift_archive::Error::Header {
            offset,
            path: Some(header.path.to_string()),
            reason: reason.to_owned(),
        };
        let member = match &header.kind {
            EntryKind::File if is_sparse => {
                return Err(refuse("a sparse file in an image archive"));
            }
            EntryKind::File => Member::File { offset, size: header.size },
            EntryKind::HardLink(target) => Member::Link(target.clone()),
            EntryKind::Symlink(target) => {
                let parent = header.path.parent().unwrap_or_default();
                match beside(&parent, target) {
                    Some(target) => Member::Link(target),
                    None => continue,
                }
            }
            _ => continue,
        };
        if members.insert(header.path.clone(), member).is_some() {
            // Readers differ in which of the two they take.
            return Err(refuse("it is in the archive twice"));
        }
    }
    Ok(members)
}

// A link's target as a path in the archive; `None` if it leads out.
fn beside(directory: &RelativePath, target: &[u8]) -> Option<RelativePath> {
    let mut path = if target.starts_with(b"/") { return None } else { directory.clone() };
    for part in target.split(|byte| *byte == b'/') {
        path = match part {
            b".." => path.parent()?,
            part => path.join(part).ok()?,
        };
    }
    Some(path)
}

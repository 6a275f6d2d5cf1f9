//! The entries of one layer, packed: forty bytes each, names and directories in one buffer.
//!
//! Layers of millions of small files exist, and all of their facts are in memory at once. What few entries have (link
//! targets, devices, extended attributes) is kept apart.

use std::collections::{BTreeMap, HashMap};

use sealift_archive::{EntryKind, Header, Mtime, RelativePath};

use crate::{FileKind, FileMeta};

/// The entries of one layer in the order of its archive. An entry's place is its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Records {
    pub(crate) entries: Vec<Record>,
    /// The bytes of all names and directories.
    pub(crate) text: Vec<u8>,
    /// Directories that entries are in: start and length in `text`.
    pub(crate) directories: Vec<(u32, u32)>,
    /// By place, ascending.
    pub(crate) extras: Vec<(u32, Extra)>,
}

/// What every entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) size: u64,
    pub(crate) mtime_secs: i64,
    pub(crate) mtime_nanos: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) directory: u32,
    pub(crate) name_start: u32,
    pub(crate) name_len: u16,
    /// Twelve bits of mode, then the kind.
    pub(crate) mode_and_kind: u16,
}

/// What few entries have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    /// Of a symbolic link verbatim, of a hard link as a path.
    pub(crate) target: Vec<u8>,
    pub(crate) device: (u32, u32),
    /// Owner and group where one does not fit into 32 bits.
    pub(crate) owners: Option<(u64, u64)>,
    pub(crate) xattrs: BTreeMap<Vec<u8>, Vec<u8>>,
}

const MODE_BITS: u32 = 12;
const FILE: u16 = 0;
const DIRECTORY: u16 = 1;
const SYMLINK: u16 = 2;
const HARD_LINK: u16 = 3;
const CHAR_DEVICE: u16 = 4;
const BLOCK_DEVICE: u16 = 5;
const FIFO: u16 = 6;

/// Packs entries.
#[derive(Default)]
pub(crate) struct Packer {
    records: Records,
    known: HashMap<Box<[u8]>, u32>,
    last: u32,
    bytes: u64,
}

impl Packer {
    /// Adds an entry; `None` if the layer has more names than 32 bits can count.
    pub(crate) fn push(&mut self, header: &Header) -> Option<()> {
        let path = header.path.as_bytes();
        let (directory, name) = match memchr::memrchr(b'/', path) {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&path[..0], path),
        };
        let directory = self.directory(directory)?;
        let place = u32::try_from(self.records.entries.len()).ok()?;
        let (name_start, name_len) = self.add(name)?;
        let (kind, extra) = Extra::of(header);
        self.records.entries.push(Record {
            size: header.size,
            mtime_secs: header.mtime.secs,
            mtime_nanos: header.mtime.nanos,
            uid: u32::try_from(header.uid).unwrap_or(u32::MAX),
            gid: u32::try_from(header.gid).unwrap_or(u32::MAX),
            directory,
            name_start,
            name_len: u16::try_from(name_len).ok()?,
            mode_and_kind: (header.mode & 0o7777) as u16 | kind << MODE_BITS,
        });
        self.bytes += size_of::<Record>() as u64 + u64::from(name_len);
        if extra != Extra::default() {
            self.bytes += extra.bytes();
            self.records.extras.push((place, extra));
        }
        Some(())
    }

    /// Bytes of memory so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Entries so far.
    pub(crate) fn len(&self) -> usize {
        self.records.entries.len()
    }

    /// The entries.
    pub(crate) fn finish(self) -> Records {
        self.records
    }

    fn directory(&mut self, path: &[u8]) -> Option<u32> {
        // Archives list a directory's entries one after the other.
        if self.records.directories.get(self.last as usize).is_some()
            && self.records.directory(self.last) == path
        {
            return Some(self.last);
        }
        if let Some(known) = self.known.get(path) {
            self.last = *known;
            return Some(*known);
        }
        let place = u32::try_from(self.records.directories.len()).ok()?;
        let range = self.add(path)?;
        self.records.directories.push(range);
        self.known.insert(path.into(), place);
        self.bytes += 2 * path.len() as u64 + 48;
        self.last = place;
        Some(place)
    }

    fn add(&mut self, text: &[u8]) -> Option<(u32, u32)> {
        let start = u32::try_from(self.records.text.len()).ok()?;
        self.records.text.extend_from_slice(text);
        u32::try_from(self.records.text.len()).ok()?;
        Some((start, u32::try_from(text.len()).ok()?))
    }
}

impl Records {
    /// Packs entries that are in memory; `None` if there are too many.
    pub(crate) fn of<'a>(headers: impl Iterator<Item = &'a Header>) -> Option<Self> {
        let mut packer = Packer::default();
        for header in headers {
            packer.push(header)?;
        }
        Some(packer.finish())
    }

    /// How many entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The last part of an entry's path; empty for the root.
    pub(crate) fn name(&self, place: u32) -> &[u8] {
        let record = &self.entries[place as usize];
        let start = record.name_start as usize;
        &self.text[start..start + usize::from(record.name_len)]
    }

    /// Path of the directory with this number.
    pub(crate) fn directory(&self, number: u32) -> &[u8] {
        let (start, len) = self.directories[number as usize];
        &self.text[start as usize..start as usize + len as usize]
    }

    /// An entry's path as the archive has it.
    pub(crate) fn path(&self, place: u32) -> RelativePath {
        let directory = self.directory(self.entries[place as usize].directory);
        let bytes = [directory, b"/", self.name(place)].concat();
        RelativePath::parse(&bytes).unwrap_or_default()
    }

    /// What an entry is; `None` for a hard link.
    pub(crate) fn kind(&self, place: u32) -> Option<FileKind> {
        let extra = || self.extra(place).cloned().unwrap_or_default();
        Some(match self.entries[place as usize].kind() {
            FILE => FileKind::File,
            DIRECTORY => FileKind::Directory,
            SYMLINK => FileKind::Symlink(extra().target),
            HARD_LINK => return None,
            CHAR_DEVICE => {
                let (major, minor) = extra().device;
                FileKind::CharDevice { major, minor }
            }
            BLOCK_DEVICE => {
                let (major, minor) = extra().device;
                FileKind::BlockDevice { major, minor }
            }
            _ => FileKind::Fifo,
        })
    }

    /// Target of a symbolic or hard link.
    pub(crate) fn target(&self, place: u32) -> Option<&[u8]> {
        let is_link = matches!(self.entries[place as usize].kind(), SYMLINK | HARD_LINK);
        is_link.then(|| self.extra(place).map_or(&b""[..], |extra| &extra.target))
    }

    /// Everything of an entry but its name; a hard link counts as a file.
    pub(crate) fn meta(&self, place: u32) -> FileMeta {
        let record = &self.entries[place as usize];
        let owners = self.extra(place).and_then(|extra| extra.owners);
        let (uid, gid) = owners.unwrap_or((record.uid.into(), record.gid.into()));
        FileMeta {
            kind: self.kind(place).unwrap_or(FileKind::File),
            mode: u32::from(record.mode_and_kind) & 0o7777,
            uid,
            gid,
            size: record.size,
            mtime: Mtime { secs: record.mtime_secs, nanos: record.mtime_nanos },
        }
    }

    /// Extended attributes.
    pub(crate) fn xattrs(&self, place: u32) -> BTreeMap<Vec<u8>, Vec<u8>> {
        self.extra(place).map(|extra| extra.xattrs.clone()).unwrap_or_default()
    }

    fn extra(&self, place: u32) -> Option<&Extra> {
        let index = self.extras.binary_search_by_key(&place, |(place, _)| *place).ok()?;
        Some(&self.extras[index].1)
    }
}

impl Record {
    fn kind(self) -> u16 {
        self.mode_and_kind >> MODE_BITS
    }

    pub(crate) fn is_file(self) -> bool {
        self.kind() == FILE
    }

    pub(crate) fn is_directory(self) -> bool {
        self.kind() == DIRECTORY
    }

    pub(crate) fn is_symlink(self) -> bool {
        self.kind() == SYMLINK
    }

    pub(crate) fn is_hard_link(self) -> bool {
        self.kind() == HARD_LINK
    }

    /// True if it is one of the kinds there are.
    pub(crate) fn is_known(self) -> bool {
        self.kind() <= FIFO
    }
}

impl Extra {
    fn of(header: &Header) -> (u16, Self) {
        let mut extra = Self { xattrs: header.xattrs.clone(), ..Self::default() };
        if u32::try_from(header.uid).is_err() || u32::try_from(header.gid).is_err() {
            extra.owners = Some((header.uid, header.gid));
        }
        let kind = match &header.kind {
            EntryKind::File => FILE,
            EntryKind::Directory => DIRECTORY,
            EntryKind::Symlink(target) => {
                extra.target.clone_from(target);
                SYMLINK
            }
            EntryKind::HardLink(target) => {
                extra.target = target.as_bytes().to_vec();
                HARD_LINK
            }
            EntryKind::CharDevice { major, minor } => {
                extra.device = (*major, *minor);
                CHAR_DEVICE
            }
            EntryKind::BlockDevice { major, minor } => {
                extra.device = (*major, *minor);
                BLOCK_DEVICE
            }
            EntryKind::Fifo => FIFO,
        };
        (kind, extra)
    }

    fn bytes(&self) -> u64 {
        let xattrs = self.xattrs.iter().map(|(name, value)| name.len() + value.len() + 64);
        (size_of::<(u32, Self)>() + self.target.len() + xattrs.sum::<usize>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    #[test]
    fn entries_come_back() {
        let mut headers = vec![
            Header::new(RelativePath::root(), EntryKind::Directory),
            Header::new(path("a"), EntryKind::Directory),
            Header { size: 5, mode: 0o4755, ..Header::new(path("a/b"), EntryKind::File) },
            Header::new(path("x"), EntryKind::Symlink(b"../a".to_vec())),
            Header::new(path("a/c"), EntryKind::HardLink(path("a/b"))),
            Header::new(path("n"), EntryKind::CharDevice { major: 1, minor: 3 }),
            Header::new(path("a/p"), EntryKind::Fifo),
        ];
        headers[2].uid = 1 << 40;
        headers[2].mtime = Mtime { secs: -5, nanos: 7 };
        headers[2].xattrs.insert(b"user.a".to_vec(), b"b".to_vec());
        let records = Records::of(headers.iter()).unwrap();
        assert_eq!(records.len(), headers.len());
        for (place, header) in (0..).zip(&headers) {
            assert_eq!(records.path(place), header.path);
            let meta = records.meta(place);
            assert_eq!((meta.mode, meta.uid, meta.gid), (header.mode, header.uid, header.gid));
            assert_eq!((meta.size, meta.mtime), (header.size, header.mtime));
            assert_eq!(records.xattrs(place), header.xattrs);
        }
        assert_eq!(records.kind(3), Some(FileKind::Symlink(b"../a".to_vec())));
        assert_eq!(records.kind(4), None);
        assert_eq!(records.target(4), Some(&b"a/b"[..]));
        assert_eq!(records.kind(5), Some(FileKind::CharDevice { major: 1, minor: 3 }));
        assert_eq!(records.kind(6), Some(FileKind::Fifo));
        assert_eq!(records.directories.len(), 2);
    }

    #[test]
    fn an_entry_takes_forty_bytes() {
        assert_eq!(size_of::<Record>(), 40);
    }
}

//! A file of sections that is mapped into memory and read in place.
//!
//! Shape: magic (8 bytes), schema (4), sections (4), seconds since 1970 when it was made (8), length of the file (8),
//! bytes of a block (8), SHA-256 of everything before the data with zeros in this place (32); then for each section its
//! kind (8), offset (8) and length (8); then the CRC-32 of each block of the data (4); then the data. Numbers are
//! little-endian.
//!
//! Opening reads the part before the data only. A block of the data is held against its sum when it is read first, so
//! that damage is an error and never a wrong answer; nothing that is read is believed to be in its place.

use std::fs::File as Disk;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sealift_oci::Digest;

use crate::map::Bytes;

const HEADER_BYTES: usize = 72;
const DIGEST_AT: Range<usize> = 40..72;
const SECTION_BYTES: usize = 24;
const SECTIONS_MAX: usize = 64;
const BLOCK_BYTES: usize = 64 << 10;

/// Changes with the shape or the meaning of what is in a file.
pub(crate) const SCHEMA: u32 = 1;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    /// It is something else.
    #[error("it is no advisory database")]
    Foreign,
    /// Another version of the program made it.
    #[error("its schema is {found}, this program reads schema {expected}")]
    Schema {
        /// What it says.
        found: u32,
        /// What is read.
        expected: u32,
    },
    /// It was cut off, or something was appended.
    #[error("it has {found} bytes and should have {expected}")]
    Length {
        /// What it has.
        found: u64,
        /// What it says.
        expected: u64,
    },
    /// A part is not what was written.
    #[error("it was changed since it was made")]
    Changed,
    /// The bytes are as written, and make no sense.
    #[error("its content makes no sense")]
    Content,
    /// The texts belong to another database.
    #[error("its texts are those of another database")]
    OtherTexts,
}

/// A file's sections.
pub(crate) struct File {
    bytes: Bytes,
    header: Header,
    /// Blocks whose sum was right.
    checked: Box<[AtomicBool]>,
}

struct Header {
    made_secs: i64,
    digest: [u8; 32],
    sections: Vec<(u64, Range<usize>)>,
    /// Where the sums are, and the data.
    sums: usize,
    data: usize,
}

impl File {
    /// Maps a file.
    pub(crate) fn open(path: &Path, magic: [u8; 8]) -> std::io::Result<Result<Self, Damaged>> {
        Ok(Self::of(Bytes::map(&Disk::open(path)?)?, magic))
    }

    /// The same of bytes in memory.
    pub(crate) fn of(bytes: Bytes, magic: [u8; 8]) -> Result<Self, Damaged> {
        let header = header(&bytes, magic)?;
        let blocks = (bytes.len() - header.data).div_ceil(BLOCK_BYTES);
        let checked = (0..blocks).map(|_| AtomicBool::new(false)).collect();
        Ok(Self { bytes, header, checked })
    }

    /// When it was made.
    pub(crate) fn made_secs(&self) -> i64 {
        self.header.made_secs
    }

    /// The digest of its header, and so of all of it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.header.digest
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All of a section; empty if there is none of this kind.
    pub(crate) fn section(&self, kind: u64) -> Result<&[u8], Damaged> {
        self.part(kind, 0, self.section_len(kind))
    }

    pub(crate) fn section_len(&self, kind: u64) -> usize {
        self.range(kind).len()
    }

    fn range(&self, kind: u64) -> Range<usize> {
        let found = self.header.sections.iter().find(|(known, _)| *known == kind);
        found.map_or(0..0, |(_, range)| range.clone())
    }

    /// A part of a section.
    pub(crate) fn part(&self, kind: u64, start: usize, len: usize) -> Result<&[u8], Damaged> {
        let section = self.range(kind);
        let start = section.start.checked_add(start).ok_or(Damaged::Content)?;
        let end = start.checked_add(len).filter(|end| *end <= section.end);
        let end = end.ok_or(Damaged::Content)?;
        self.check(start..end)?;
        Ok(&self.bytes[start..end])
    }

    /// The number of four bytes at a place of a section that is a list of such.
    pub(crate) fn half(&self, kind: u64, place: usize) -> Result<usize, Damaged> {
        let at = place.checked_mul(4).ok_or(Damaged::Content)?;
        let bytes = self.part(kind, at, 4)?.try_into().map_err(|_| Damaged::Content)?;
        usize::try_from(u32::from_le_bytes(bytes)).map_err(|_| Damaged::Content)
    }

    /// An entry of a section that is a list of entries, whose ends another section has.
    pub(crate) fn entry(&self, ends: u64, kind: u64, place: usize) -> Result<&[u8], Damaged> {
        let start = if place == 0 { 0 } else { self.half(ends, place - 1)? };
        let len = self.half(ends, place)?.checked_sub(start).ok_or(Damaged::Content)?;
        self.part(kind, start, len)
    }

    /// Holds all blocks against their sums.
    pub(crate) fn check_all(&self) -> Result<(), Damaged> {
        self.check(self.header.data..self.bytes.len())
    }

    fn check(&self, range: Range<usize>) -> Result<(), Damaged> {
        if range.is_empty() {
            return Ok(());
        }
        let first = (range.start - self.header.data) / BLOCK_BYTES;
        let last = (range.end - 1 - self.header.data) / BLOCK_BYTES;
        for block in first..=last {
            if self.checked[block].load(Ordering::Relaxed) {
                continue;
            }
            let start = self.header.data + block * BLOCK_BYTES;
            let end = (start + BLOCK_BYTES).min(self.bytes.len());
            let at = self.header.sums + block * 4;
            if crc32fast::hash(&self.bytes[start..end]).to_le_bytes() != self.bytes[at..at + 4] {
                return Err(Damaged::Changed);
            }
            self.checked[block].store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

fn header(bytes: &[u8], magic: [u8; 8]) -> Result<Header, Damaged> {
    if bytes.len() < HEADER_BYTES || bytes[..8] != magic {
        return Err(Damaged::Foreign);
    }
    let word = |at: usize| -> u64 { bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes) };
    let half = |at: usize| -> u32 { bytes[at..at + 4].try_into().map_or(0, u32::from_le_bytes) };
    if half(8) != SCHEMA {
        return Err(Damaged::Schema { found: half(8), expected: SCHEMA });
    }
    if word(24) != bytes.len() as u64 {
        return Err(Damaged::Length { found: bytes.len() as u64, expected: word(24) });
    }
    let count = usize::try_from(half(12)).unwrap_or(usize::MAX);
    if count > SECTIONS_MAX || word(32) != BLOCK_BYTES as u64 {
        return Err(Damaged::Content);
    }
    let sums = HEADER_BYTES + count * SECTION_BYTES;
    let data = data_start(bytes.len(), sums).ok_or(Damaged::Content)?;
    let digest: [u8; 32] = bytes[DIGEST_AT].try_into().map_err(|_| Damaged::Content)?;
    if digest_of(&bytes[..data]) != digest {
        return Err(Damaged::Changed);
    }
    let place = |at: usize| usize::try_from(word(at)).map_err(|_| Damaged::Content);
    let section = |number: usize| {
        let at = HEADER_BYTES + number * SECTION_BYTES;
        let (start, len) = (place(at + 8)?, place(at + 16)?);
        let end = start.checked_add(len).filter(|end| *end <= bytes.len() && start >= data);
        Ok((word(at), start..end.ok_or(Damaged::Content)?))
    };
    let sections = (0..count).map(section).collect::<Result<_, Damaged>>()?;
    #[expect(clippy::cast_possible_wrap, reason = "it was written so")]
    let made_secs = word(16) as i64;
    Ok(Header { made_secs, digest, sections, sums, data })
}

// The sums end where the data begins: four bytes for each block of the rest.
fn data_start(file: usize, sums: usize) -> Option<usize> {
    let rest = file.checked_sub(sums)?;
    let blocks = rest.div_ceil(BLOCK_BYTES + 4);
    let data = sums + blocks * 4;
    (data <= file && (file - data).div_ceil(BLOCK_BYTES) == blocks).then_some(data)
}

/// The digest of a file that was assembled.
pub(crate) fn digest(file: &[u8]) -> [u8; 32] {
    file.get(DIGEST_AT).and_then(|digest| digest.try_into().ok()).unwrap_or_default()
}

fn digest_of(start: &[u8]) -> [u8; 32] {
    let mut start = start.to_vec();
    start[DIGEST_AT].fill(0);
    let mut digest = [0; 32];
    let hex = Digest::sha256(&start);
    for (byte, pair) in digest.iter_mut().zip(hex.hex().as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).unwrap_or("0");
        *byte = u8::from_str_radix(pair, 16).unwrap_or(0);
    }
    digest
}

/// Writes the sums that the bytes of a file should have.
pub(crate) fn seal(bytes: &mut [u8]) -> Option<()> {
    let count = bytes.get(12..16)?.try_into().ok().map(u32::from_le_bytes)?;
    let count = usize::try_from(count).ok().filter(|count| *count <= SECTIONS_MAX)?;
    let sums = HEADER_BYTES + count * SECTION_BYTES;
    let data = data_start(bytes.len(), sums)?;
    let (start, rest) = bytes.split_at_mut(data);
    let len = (start.len() + rest.len()) as u64;
    start[24..32].copy_from_slice(&len.to_le_bytes());
    for (sum, block) in start[sums..].chunks_exact_mut(4).zip(rest.chunks(BLOCK_BYTES)) {
        sum.copy_from_slice(&crc32fast::hash(block).to_le_bytes());
    }
    let digest = digest_of(start);
    start[DIGEST_AT].copy_from_slice(&digest);
    Some(())
}

/// The bytes of a file with these sections.
pub(crate) fn assemble(magic: [u8; 8], made_secs: i64, sections: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let lens: usize = sections.iter().map(|(_, bytes)| bytes.len()).sum();
    let sums = HEADER_BYTES + sections.len() * SECTION_BYTES;
    let data = sums + lens.div_ceil(BLOCK_BYTES) * 4;
    let mut out = Vec::with_capacity(data + lens);
    out.extend_from_slice(&magic);
    out.extend_from_slice(&SCHEMA.to_le_bytes());
    out.extend_from_slice(&u32::try_from(sections.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(&made_secs.to_le_bytes());
    out.extend_from_slice(&((data + lens) as u64).to_le_bytes());
    out.extend_from_slice(&(BLOCK_BYTES as u64).to_le_bytes());
    out.extend_from_slice(&[0; 32]);
    let mut start = data;
    for (kind, bytes) in sections {
        for number in [*kind, start as u64, bytes.len() as u64] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        start += bytes.len();
    }
    out.resize(data, 0);
    for (_, bytes) in sections {
        out.extend_from_slice(bytes);
    }
    // What was put together just now is of the right shape.
    let _ = seal(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAGIC: [u8; 8] = *b"TESTTEST";

    fn open(bytes: Vec<u8>) -> Result<File, Damaged> {
        File::of(Bytes::from(bytes), MAGIC)
    }

    fn read_all(file: &File) -> Result<(), Damaged> {
        for kind in 0..4 {
            file.section(kind)?;
        }
        Ok(())
    }

    #[test]
    fn sections_come_back() {
        for len in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES] {
            let sections = [(1, vec![7; len]), (2, Vec::new()), (3, b"abc".to_vec())];
            let file = open(assemble(MAGIC, -5, &sections)).unwrap();
            assert_eq!(file.made_secs(), -5);
            for (kind, bytes) in &sections {
                assert_eq!(file.section(*kind).unwrap(), bytes);
            }
            assert_eq!(file.section(9).unwrap(), b"");
            assert_eq!(file.part(3, 1, 2).unwrap(), b"bc");
            assert_eq!(file.part(3, 1, 3), Err(Damaged::Content));
            assert_eq!(file.part(3, usize::MAX, 3), Err(Damaged::Content));
        }
    }

    #[test]
    fn every_altered_byte_is_seen() {
        let bytes = assemble(MAGIC, 1, &[(1, vec![7; 300]), (2, b"abc".to_vec())]);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            assert!(open(changed).and_then(|file| read_all(&file)).is_err(), "byte {at}");
        }
        for end in 0..bytes.len() {
            assert!(open(bytes[..end].to_vec()).is_err(), "cut at {end}");
        }
        let longer = [&bytes[..], b"x"].concat();
        assert_eq!(
            open(longer).err(),
            Some(Damaged::Length { found: bytes.len() as u64 + 1, expected: bytes.len() as u64 })
        );
    }

    #[test]
    fn what_is_something_else() {
        assert_eq!(open(Vec::new()).err(), Some(Damaged::Foreign));
        assert_eq!(open(vec![0; 4096]).err(), Some(Damaged::Foreign));
        let mut newer = assemble(MAGIC, 1, &[]);
        newer[8] = 9;
        assert_eq!(open(newer).err(), Some(Damaged::Schema { found: 9, expected: SCHEMA }));
    }
}

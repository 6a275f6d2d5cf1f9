//! Zip archives in memory (APPNOTE.TXT 4.3): their directory, and single entries. What contradicts itself is left out.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: usize = 65_535;
const CENTRAL: &[u8] = b"PK\x01\x02";
const CENTRAL_BYTES: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;
// The end record and its locator of archives with more than 65535 entries.
const END_64_BYTES: usize = 56 + 20;

/// An archive by its directory.
#[derive(Clone, Copy)]
pub(crate) struct ZipView<'a> {
    /// The archive; a program may be in front of it.
    content: &'a [u8],
    directory: &'a [u8],
    /// Where offsets count from.
    base: usize,
}

/// An entry of the directory.
#[derive(Clone, Copy)]
pub(crate) struct ZipEntry<'a> {
    pub(crate) name: &'a [u8],
    method: u16,
    stored_bytes: usize,
    offset: usize,
}

impl<'a> ZipView<'a> {
    /// Finds the directory.
    pub(crate) fn new(content: &'a [u8]) -> Option<Self> {
        let earliest = content.len().saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
        let end = earliest + memchr::memmem::rfind(&content[earliest..], END)?;
        let directory_bytes = number(content, end + 12, 4)?;
        let offset = number(content, end + 16, 4)?;
        [0, END_64_BYTES].into_iter().find_map(|gap| {
            let start = end.checked_sub(gap)?.checked_sub(directory_bytes)?;
            let directory = content.get(start..start + directory_bytes)?;
            let base = start.checked_sub(offset)?;
            let is_directory = directory.is_empty() || directory.starts_with(CENTRAL);
            is_directory.then_some(Self { content, directory, base })
        })
    }

    /// The entries in the order of the directory.
    pub(crate) fn entries(self) -> impl Iterator<Item = ZipEntry<'a>> {
        let mut rest = self.directory;
        std::iter::from_fn(move || {
            if !rest.starts_with(CENTRAL) {
                return None;
            }
            let name_bytes = number(rest, 28, 2)?;
            let other_bytes = number(rest, 30, 2)? + number(rest, 32, 2)?;
            let entry = ZipEntry {
                name: rest.get(CENTRAL_BYTES..CENTRAL_BYTES + name_bytes)?,
                method: u16::try_from(number(rest, 10, 2)?).ok()?,
                stored_bytes: number(rest, 20, 4)?,
                offset: number(rest, 42, 4)?,
            };
            rest = rest.get(CENTRAL_BYTES + name_bytes + other_bytes..)?;
            Some(entry)
        })
    }

    /// The content of an entry; `None` if it is damaged, larger than so many bytes or stored in a foreign way.
    pub(crate) fn read(self, entry: ZipEntry<'a>, bytes_max: usize) -> Option<Cow<'a, [u8]>> {
        let header = self.content.get(self.base.checked_add(entry.offset)?..)?;
        if !header.starts_with(LOCAL) {
            return None;
        }
        let start = LOCAL_BYTES + number(header, 26, 2)? + number(header, 28, 2)?;
        let stored = header.get(start..start.checked_add(entry.stored_bytes)?)?;
        match entry.method {
            0 => (stored.len() <= bytes_max).then_some(Cow::Borrowed(stored)),
            8 => {
                let mut bytes = Vec::new();
                let limit = bytes_max as u64 + 1;
                DeflateDecoder::new(stored).take(limit).read_to_end(&mut bytes).ok()?;
                (bytes.len() <= bytes_max).then_some(Cow::Owned(bytes))
            }
            _ => None,
        }
    }
}

// A little-endian number.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + size)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

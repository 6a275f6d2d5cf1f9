//! A header of rpm as its databases hold it: two numbers, an index of tags, and the data that the index points into.

use crate::bytes::{Endian, size_at, slice, u16_at, u32_at};

pub(super) const HEADER_SHA1: u32 = 269;
pub(super) const HEADER_SHA256: u32 = 273;
pub(super) const NAME: u32 = 1000;
pub(super) const VERSION: u32 = 1001;
pub(super) const RELEASE: u32 = 1002;
pub(super) const EPOCH: u32 = 1003;
pub(super) const SUMMARY: u32 = 1004;
pub(super) const VENDOR: u32 = 1011;
pub(super) const LICENSE: u32 = 1014;
pub(super) const PACKAGER: u32 = 1015;
pub(super) const URL: u32 = 1020;
pub(super) const ARCHITECTURE: u32 = 1022;
pub(super) const OLD_FILE_NAMES: u32 = 1027;
pub(super) const FILE_MODES: u32 = 1030;
pub(super) const SOURCE_RPM: u32 = 1044;
pub(super) const PROVIDE_NAMES: u32 = 1047;
pub(super) const REQUIRE_FLAGS: u32 = 1048;
pub(super) const REQUIRE_NAMES: u32 = 1049;
pub(super) const DIRECTORY_INDICES: u32 = 1116;
pub(super) const BASE_NAMES: u32 = 1117;
pub(super) const DIRECTORY_NAMES: u32 = 1118;
pub(super) const MODULARITY_LABEL: u32 = 5096;

const INT16: u32 = 3;
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;
const ENTRY_BYTES: usize = 16;
// rpm's own limit is 0xffff tags and 256 MiB (`hdrchkTags`, `hdrchkData`).
const TAGS_MAX: usize = 0xffff;

/// A header whose index lies within its bytes. Entries are checked when they are asked for.
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Takes a header apart.
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, &'static str> {
        let sizes = (size_at(blob, 0, Endian::Big), size_at(blob, 4, Endian::Big));
        let (Some(n_tags), Some(data_bytes)) = sizes else {
            return Err("is too short for a header");
        };
        if n_tags == 0 || n_tags > TAGS_MAX {
            return Err("has a header with an impossible number of tags");
        }
        let index_bytes = n_tags * ENTRY_BYTES;
        let index = slice(blob, 8, index_bytes);
        let data = slice(blob, 8 + index_bytes, data_bytes);
        match (index, data) {
            (Some(index), Some(data)) => Ok(Self { index, data }),
            _ => Err("has a header that is cut off"),
        }
    }

    // Type, the data from its beginning, and how many.
    fn entry(&self, tag: u32) -> Option<(u32, &'a [u8], usize)> {
        let is_it = |entry: &&[u8]| u32_at(entry, 0, Endian::Big) == Some(tag);
        let entry = self.index.chunks_exact(ENTRY_BYTES).find(is_it)?;
        let kind = u32_at(entry, 4, Endian::Big)?;
        let from = size_at(entry, 8, Endian::Big)?;
        let count = size_at(entry, 12, Endian::Big)?;
        Some((kind, self.data.get(from..)?, count))
    }

    /// A text that is not empty; the first where there are several, which is the one in no language.
    pub(super) fn text(&self, tag: u32) -> Option<String> {
        let text = self.texts(tag).next()?;
        let text = String::from_utf8_lossy(text).trim().to_owned();
        // rpm's own word for nothing, in headers that were made from a query.
        (!text.is_empty() && text != "(none)").then_some(text)
    }

    /// Texts, as far as the data goes.
    pub(super) fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (data, count) = match self.entry(tag) {
            Some((STRING, data, _)) => (data, 1),
            Some((STRING_ARRAY | I18N_STRING, data, count)) => (data, count),
            _ => (&[][..], 0),
        };
        let mut rest = data;
        let mut left = count;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let end = rest.iter().position(|byte| *byte == 0)?;
            let text = &rest[..end];
            rest = &rest[end + 1..];
            Some(text)
        })
    }

    /// Numbers of two or four bytes, as far as the data goes.
    pub(super) fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> + use<'a> {
        let (kind, data, count) = self.entry(tag).unwrap_or((INT32, &[], 0));
        let bytes = match kind {
            INT16 => 2,
            INT32 => 4,
            _ => data.len().max(1) + 1,
        };
        data.chunks_exact(bytes).take(count).filter_map(move |chunk| match kind {
            INT16 => u16_at(chunk, 0, Endian::Big).map(u32::from),
            _ => u32_at(chunk, 0, Endian::Big),
        })
    }

    /// How many the index says there are.
    pub(super) fn count(&self, tag: u32) -> usize {
        self.entry(tag).map_or(0, |(_, _, count)| count)
    }
}

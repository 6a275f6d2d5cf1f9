//! ELF files (System V ABI, chapters 4 and 5), of 32 and 64 bits, in both byte orders.

use std::ops::Range;

use super::{Format, NAME_BYTES_MAX, Program, Section, Segment, SymbolLayout, SymbolTable, word};
use crate::bytes::{Endian, available, text, u16_at, u32_at};

const SECTIONS_MAX: usize = 100_000;
const SEGMENTS_MAX: usize = 1000;
const TABLES_MAX: usize = 4;

// Types of sections, and of segments.
const SYMBOLS: u32 = 2;
const ZEROS: u32 = 8;
const DYNAMIC_SYMBOLS: u32 = 11;
const LOADED: u32 = 1;
const EXECUTABLE: u32 = 1;
const WRITABLE: u32 = 2;
const READABLE: u32 = 4;

pub(super) fn parse(bytes: &[u8]) -> Option<Program<'_>> {
    let file = File::of(bytes)?;
    let sections = file.sections()?;
    Some(Program {
        format: Format::Elf,
        bytes,
        endian: file.endian,
        is_wide: file.is_wide,
        segments: file.segments(sections.first())?,
        symbols: file.symbols(&sections),
        sections: file.named(&sections),
        directories: Vec::new(),
        base: 0,
    })
}

// Linkers that put constants beside the instructions make no segment that is only read.
pub(super) fn instructions(start: &[u8]) -> Option<Vec<Range<u64>>> {
    let file = File::of(start).filter(|_| start.starts_with(b"\x7fELF"))?;
    let mut found = Vec::new();
    let mut has_constants = false;
    for segment in file.loaded(None)? {
        let (flags, offset, size) = (segment.flags, segment.offset, segment.size);
        has_constants |= flags == READABLE && size > 0;
        if flags == READABLE | EXECUTABLE {
            found.push(offset..offset.checked_add(size)?);
        }
    }
    found.sort_by_key(|range| range.start);
    has_constants.then_some(found)
}

#[derive(Clone, Copy)]
struct Loaded {
    flags: u32,
    offset: u64,
    address: u64,
    size: u64,
}

struct File<'a> {
    bytes: &'a [u8],
    is_wide: bool,
    endian: Endian,
}

struct Header {
    name: u32,
    kind: u32,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
    info: u32,
}

impl<'a> File<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let is_wide = match bytes.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let endian = match bytes.get(5)? {
            1 => Endian::Little,
            2 => Endian::Big,
            _ => return None,
        };
        Some(Self { bytes, is_wide, endian })
    }
    // The place of a field in the file of 64 bits and of 32 bits.
    fn at(&self, wide: usize, narrow: usize) -> usize {
        if self.is_wide { wide } else { narrow }
    }

    fn half(&self, wide: usize, narrow: usize) -> Option<usize> {
        u16_at(self.bytes, self.at(wide, narrow), self.endian).map(usize::from)
    }

    fn table(
        &self,
        offset: u64,
        entry: usize,
        count: usize,
    ) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let size = (entry as u64).saturating_mul(count as u64);
        // An entry of no bytes would be there without end.
        available(self.bytes, offset, size).chunks_exact(entry.max(1))
    }

    fn header(&self, entry: &[u8]) -> Option<Header> {
        let wide = |wide, narrow| word(entry, self.at(wide, narrow), self.is_wide, self.endian);
        let narrow = |wide, narrow| u32_at(entry, self.at(wide, narrow), self.endian);
        Some(Header {
            name: narrow(0, 0)?,
            kind: narrow(4, 4)?,
            address: wide(16, 12)?,
            offset: wide(24, 16)?,
            size: wide(32, 20)?,
            link: narrow(40, 24)?,
            info: narrow(44, 28)?,
        })
    }

    fn sections(&self) -> Option<Vec<Header>> {
        let offset = word(self.bytes, self.at(40, 32), self.is_wide, self.endian)?;
        let (entry, count) = (self.half(58, 46)?, self.half(60, 48)?);
        if offset == 0 || entry < self.at(64, 40) {
            return Some(Vec::new());
        }
        // A count that does not fit is in the first header.
        let first = self.table(offset, entry, 1).next().and_then(|entry| self.header(entry));
        let count = match first {
            Some(first) if count == 0 => usize::try_from(first.size).unwrap_or(usize::MAX),
            _ => count,
        };
        let headers = self.table(offset, entry, count.min(SECTIONS_MAX));
        Some(headers.filter_map(|entry| self.header(entry)).collect())
    }

    fn data(&self, header: &Header) -> &'a [u8] {
        match header.kind {
            ZEROS => &[],
            _ => available(self.bytes, header.offset, header.size),
        }
    }

    fn named(&self, headers: &[Header]) -> Vec<Section<'a>> {
        let names = self.half(62, 50).map(|number| match headers.first() {
            Some(first) if number == 0xffff => first.link as usize,
            _ => number,
        });
        let names = names.and_then(|it| headers.get(it)).map_or(&[][..], |it| self.data(it));
        let section = |header: &Header| Section {
            name: text(available(names, u64::from(header.name), u64::MAX), NAME_BYTES_MAX),
            address: header.address,
            data: self.data(header),
        };
        headers.iter().map(section).collect()
    }

    fn symbols(&self, headers: &[Header]) -> Vec<SymbolTable<'a>> {
        let layout = SymbolLayout {
            entry: self.at(24, 16),
            value: self.at(8, 4),
            size: Some(self.at(16, 8)),
            is_wide: self.is_wide,
        };
        let is_table = |header: &&Header| matches!(header.kind, SYMBOLS | DYNAMIC_SYMBOLS);
        let table = |header: &Header| SymbolTable {
            entries: self.data(header),
            names: headers.get(header.link as usize).map_or(&[][..], |names| self.data(names)),
            layout,
        };
        headers.iter().filter(is_table).take(TABLES_MAX).map(table).collect()
    }

    fn segments(&self, first: Option<&Header>) -> Option<Vec<Segment<'a>>> {
        let segment = |loaded: Loaded| Segment {
            address: loaded.address,
            data: available(self.bytes, loaded.offset, loaded.size),
            is_writable: loaded.flags & WRITABLE != 0,
        };
        Some(self.loaded(first)?.into_iter().map(segment).collect())
    }

    fn loaded(&self, first: Option<&Header>) -> Option<Vec<Loaded>> {
        let offset = word(self.bytes, self.at(32, 28), self.is_wide, self.endian)?;
        let (entry, count) = (self.half(54, 42)?, self.half(56, 44)?);
        if offset == 0 || entry < self.at(56, 32) {
            return Some(Vec::new());
        }
        let count = match first {
            Some(first) if count == 0xffff => first.info as usize,
            _ => count,
        };
        let loaded = |entry: &[u8]| -> Option<Loaded> {
            let wide = |wide, narrow| word(entry, self.at(wide, narrow), self.is_wide, self.endian);
            (u32_at(entry, 0, self.endian)? == LOADED).then_some(())?;
            Some(Loaded {
                flags: u32_at(entry, self.at(4, 24), self.endian)?,
                offset: wide(8, 4)?,
                address: wide(16, 8)?,
                size: wide(32, 16)?,
            })
        };
        Some(self.table(offset, entry, count.min(SEGMENTS_MAX)).filter_map(loaded).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // This test's own program.
    #[test]
    fn instructions_tell_nothing() {
        let place = |at: u64| usize::try_from(at).unwrap();
        let mut bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let found = instructions(&bytes[..4096]).unwrap();
        let size: u64 = found.iter().map(|range| range.end - range.start).sum();
        let known = |bytes: &[u8]| {
            let program = parse(bytes).unwrap();
            let text = program.section(".text").unwrap();
            let texts = crate::rust::crates_in_texts(&program);
            (text.iter().all(|byte| *byte == 0), crate::rust::compiler(&program), texts)
        };
        let (is_cleared, compiler, texts) = known(&bytes);
        assert!(!is_cleared && size > 100_000);
        for range in found {
            bytes[place(range.start)..place(range.end)].fill(0);
        }
        assert_eq!(known(&bytes), (true, compiler, texts));
    }

    #[test]
    fn hostile() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for end in 0..600 {
            instructions(&bytes[..end]);
        }
        let mut start = bytes[..600].to_vec();
        for at in 0..start.len() {
            let old = std::mem::replace(&mut start[at], 0xff);
            instructions(&start);
            start[at] = old;
        }
        assert_eq!(instructions(b"MZ"), None);
    }
}

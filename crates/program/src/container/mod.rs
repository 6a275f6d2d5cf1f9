//! The files that programs are in: their sections, segments and symbols, whatever the format.

mod elf;
mod mach_o;
mod pe;

use std::ops::Range;

use crate::bytes::{Endian, available, slice, u32_at, u64_at};

/// Longest name of a section that is looked at.
const NAME_BYTES_MAX: usize = 64;

/// The format of a program's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Linux and the BSDs (System V ABI, chapter 4).
    Elf,
    /// Windows and .NET (PE format, Microsoft Learn).
    Pe,
    /// macOS (`mach-o/loader.h`).
    MachO,
}

/// A program's file in its parts. Of a fat Mach-O file this is the first architecture.
#[derive(Debug)]
pub struct Program<'a> {
    /// Its format.
    pub format: Format,
    /// All bytes, of one architecture.
    pub bytes: &'a [u8],
    /// Which byte of a number comes first.
    pub endian: Endian,
    /// True if addresses have eight bytes.
    pub is_wide: bool,
    /// Its sections, as far as the file has them.
    pub sections: Vec<Section<'a>>,
    /// What the system loads into memory.
    pub segments: Vec<Segment<'a>>,
    symbols: Vec<SymbolTable<'a>>,
    // Of PE: address and size of what the header points to.
    directories: Vec<(u32, u32)>,
    // Of PE: what addresses in the header are relative to.
    base: u64,
}

/// A named part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// Its name, at most 64 bytes of it.
    pub name: &'a [u8],
    /// Where it is in memory.
    pub address: u64,
    /// Its content; none for one that is all zeros.
    pub data: &'a [u8],
}

/// A part of the file that the system loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Where it is in memory.
    pub address: u64,
    /// Its content.
    pub data: &'a [u8],
    /// True if the program may write there.
    pub is_writable: bool,
}

#[derive(Clone, Copy, Debug)]
struct SymbolTable<'a> {
    entries: &'a [u8],
    names: &'a [u8],
    layout: SymbolLayout,
}

#[derive(Clone, Copy, Debug)]
struct SymbolLayout {
    entry: usize,
    value: usize,
    // Mach-O does not say how large a symbol is.
    size: Option<usize>,
    is_wide: bool,
}

impl<'a> Program<'a> {
    /// Finds the parts of a program; `None` if these bytes are none.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        match bytes.first_chunk()? {
            b"\x7fELF" => elf::parse(bytes),
            [b'M', b'Z', ..] => pe::parse(bytes),
            _ => mach_o::parse(bytes),
        }
    }

    /// True if a file that begins so may be a program.
    pub fn starts(start: &[u8]) -> bool {
        start.starts_with(b"\x7fELF") || start.starts_with(b"MZ") || mach_o::starts(start)
    }

    /// Where the file has instructions and nothing else, by its beginning: texts, records and data are elsewhere. Nothing
    /// if that is not sure.
    pub fn instructions(start: &[u8]) -> Vec<Range<u64>> {
        elf::instructions(start).unwrap_or_default()
    }

    /// The content of the first section of this name.
    pub fn section(&self, name: &str) -> Option<&'a [u8]> {
        self.sections.iter().find(|section| section.name == name.as_bytes()).map(|it| it.data)
    }

    /// The bytes that the program has in memory at an address.
    pub fn memory(&self, address: u64, size: u64) -> Option<&'a [u8]> {
        self.segments
            .iter()
            .find_map(|segment| slice(segment.data, address.checked_sub(segment.address)?, size))
    }

    /// An address in the program's memory, by the address of a place that has it.
    pub fn pointer(&self, address: u64) -> Option<u64> {
        word(self.memory(address, if self.is_wide { 8 } else { 4 })?, 0, self.is_wide, self.endian)
    }

    /// Address of a symbol and, where the format has it, size.
    pub fn symbol(&self, name: &str) -> Option<(u64, Option<u64>)> {
        self.symbols.iter().find_map(|table| table.find(name.as_bytes(), self.endian))
    }

    /// What the header of a PE file points to: the directory of this number.
    pub fn directory(&self, number: usize) -> Option<&'a [u8]> {
        let (address, size) = *self.directories.get(number)?;
        if size == 0 {
            return None;
        }
        self.relative(address, u64::from(size))
    }

    /// The bytes at an address that counts from where the program is loaded.
    pub fn relative(&self, address: u32, size: u64) -> Option<&'a [u8]> {
        slice(self.from_relative(address)?, 0, size)
    }

    /// All bytes from such an address on, as far as they are loaded together.
    pub fn from_relative(&self, address: u32) -> Option<&'a [u8]> {
        let address = self.base.checked_add(u64::from(address))?;
        self.segments.iter().find_map(|segment| {
            let at = usize::try_from(address.checked_sub(segment.address)?).ok()?;
            segment.data.get(at..).filter(|rest| !rest.is_empty())
        })
    }
}

impl SymbolTable<'_> {
    fn find(&self, name: &[u8], endian: Endian) -> Option<(u64, Option<u64>)> {
        let layout = self.layout;
        let is_it = |entry: &&[u8]| {
            let found = u32_at(entry, 0, endian)
                .map_or(&[][..], |at| available(self.names, u64::from(at), name.len() as u64 + 1));
            found.strip_prefix(name) == Some(b"\0")
        };
        let entry = self.entries.chunks_exact(layout.entry).find(is_it)?;
        let value = word(entry, layout.value, layout.is_wide, endian)?;
        Some((value, layout.size.and_then(|at| word(entry, at, layout.is_wide, endian))))
    }
}

// A number of four or eight bytes.
fn word(bytes: &[u8], at: usize, is_wide: bool, endian: Endian) -> Option<u64> {
    if is_wide { u64_at(bytes, at, endian) } else { u32_at(bytes, at, endian).map(u64::from) }
}

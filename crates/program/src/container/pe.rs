//! PE files (PE format, Microsoft Learn).

use super::{Format, Program, Section, Segment};
use crate::bytes::{Endian, available, size_at, slice, text, u16_at, u32_at, u64_at};

const SECTIONS_MAX: usize = 96 * 16;
const DIRECTORIES_MAX: usize = 16;
const WRITABLE: u32 = 0x8000_0000;
const LITTLE: Endian = Endian::Little;

pub(super) fn parse(bytes: &[u8]) -> Option<Program<'_>> {
    let start = size_at(bytes, 0x3c, LITTLE)?;
    let file = bytes.get(start..)?.strip_prefix(b"PE\0\0")?;
    let section_count = usize::from(u16_at(file, 2, LITTLE)?).min(SECTIONS_MAX);
    let optional_size = u64::from(u16_at(file, 16, LITTLE)?);
    let optional = slice(file, 20, optional_size)?;
    let is_wide = match u16_at(optional, 0, LITTLE)? {
        0x10b => false,
        0x20b => true,
        _ => return None,
    };
    let base = if is_wide {
        u64_at(optional, 24, LITTLE)?
    } else {
        u64::from(u32_at(optional, 28, LITTLE)?)
    };
    let count_at = if is_wide { 108 } else { 92 };
    let count = size_at(optional, count_at, LITTLE)?.min(DIRECTORIES_MAX);
    let directory = |number: usize| {
        let at = count_at + 4 + 8 * number;
        Some((u32_at(optional, at, LITTLE)?, u32_at(optional, at + 4, LITTLE)?))
    };
    let directories = (0..count).map_while(directory).collect();
    let headers = available(file, 20 + optional_size, section_count as u64 * 40);
    let (mut sections, mut segments) = (Vec::new(), Vec::new());
    for header in headers.chunks_exact(40) {
        let address = base.wrapping_add(u64::from(u32_at(header, 12, LITTLE)?));
        let (size, offset) = (u32_at(header, 16, LITTLE)?, u32_at(header, 20, LITTLE)?);
        let data = available(bytes, u64::from(offset), u64::from(size));
        sections.push(Section { name: text(header, 8), address, data });
        let is_writable = u32_at(header, 36, LITTLE)? & WRITABLE != 0;
        segments.push(Segment { address, data, is_writable });
    }
    Some(Program {
        format: Format::Pe,
        bytes,
        endian: LITTLE,
        is_wide,
        sections,
        segments,
        symbols: Vec::new(),
        directories,
        base,
    })
}

//! Mach-O files (`mach-o/loader.h`, `mach-o/fat.h`), of 32 and 64 bits, in both byte orders, and fat ones.

use super::{Format, Program, Section, Segment, SymbolLayout, SymbolTable, word};
use crate::bytes::{Endian, available, slice, text, u32_at, u64_at};

// Java's class files have the same magic as fat ones, and a version where these have the count: 45 at least.
const ARCHITECTURES_MAX: u32 = 30;
const COMMANDS_MAX: u32 = 10_000;
const SECTIONS_MAX: u32 = 10_000;

// Load commands, and what they say.
const SEGMENT: u32 = 1;
const SYMBOLS: u32 = 2;
const SEGMENT_WIDE: u32 = 0x19;
const WRITABLE: u32 = 2;
const ZEROS: u32 = 1;

pub(super) fn starts(start: &[u8]) -> bool {
    let is_fat = || {
        let magic = u32_at(start, 0, Endian::Big);
        let count = u32_at(start, 4, Endian::Big);
        matches!(magic, Some(0xcafe_babe | 0xcafe_babf))
            && count.is_some_and(|count| (1..=ARCHITECTURES_MAX).contains(&count))
    };
    order(start).is_some() || is_fat()
}

// Byte order, and whether addresses are wide.
fn order(bytes: &[u8]) -> Option<(Endian, bool)> {
    match u32_at(bytes, 0, Endian::Big)? {
        0xfeed_face => Some((Endian::Big, false)),
        0xfeed_facf => Some((Endian::Big, true)),
        0xcefa_edfe => Some((Endian::Little, false)),
        0xcffa_edfe => Some((Endian::Little, true)),
        _ => None,
    }
}

pub(super) fn parse(bytes: &[u8]) -> Option<Program<'_>> {
    if !starts(bytes) {
        return None;
    }
    let is_fat_wide = match u32_at(bytes, 0, Endian::Big)? {
        0xcafe_babe => false,
        0xcafe_babf => true,
        _ => return thin(bytes),
    };
    let (offset, size) = if is_fat_wide {
        (u64_at(bytes, 16, Endian::Big)?, u64_at(bytes, 24, Endian::Big)?)
    } else {
        let number = |at| u32_at(bytes, at, Endian::Big).map(u64::from);
        (number(16)?, number(20)?)
    };
    thin(slice(bytes, offset, size)?)
}

fn thin(bytes: &[u8]) -> Option<Program<'_>> {
    let (endian, is_wide) = order(bytes)?;
    let mut program = Program {
        format: Format::MachO,
        bytes,
        endian,
        is_wide,
        sections: Vec::new(),
        segments: Vec::new(),
        symbols: Vec::new(),
        directories: Vec::new(),
        base: 0,
    };
    let count = u32_at(bytes, 16, endian)?.min(COMMANDS_MAX);
    let mut rest = bytes.get(if is_wide { 32 } else { 28 }..)?;
    for _ in 0..count {
        let (Some(kind), Some(size)) = (u32_at(rest, 0, endian), u32_at(rest, 4, endian)) else {
            break;
        };
        let Some((command, after)) = rest.split_at_checked(size as usize) else { break };
        if size < 8 {
            break;
        }
        // A command that is cut short says nothing.
        let _ = match kind {
            SEGMENT => segment(&mut program, command, false),
            SEGMENT_WIDE => segment(&mut program, command, true),
            SYMBOLS => symbols(&mut program, command),
            _ => None,
        };
        rest = after;
    }
    Some(program)
}

fn segment<'a>(program: &mut Program<'a>, command: &'a [u8], is_wide: bool) -> Option<()> {
    let endian = program.endian;
    let at = |wide, narrow| if is_wide { wide } else { narrow };
    let (offset, size) =
        (word(command, at(40, 32), is_wide, endian)?, word(command, at(48, 36), is_wide, endian)?);
    program.segments.push(Segment {
        address: word(command, 24, is_wide, endian)?,
        data: available(program.bytes, offset, size),
        is_writable: u32_at(command, at(60, 44), endian)? & WRITABLE != 0,
    });
    let count = u32_at(command, at(64, 48), endian)?.min(SECTIONS_MAX) as usize;
    let headers = command.get(at(72, 56)..)?.chunks_exact(at(80, 68));
    for header in headers.take(count) {
        let flags = u32_at(header, at(64, 56), endian)?;
        let offset = u64::from(u32_at(header, at(48, 40), endian)?);
        let size = word(header, at(40, 36), is_wide, endian)?;
        program.sections.push(Section {
            name: text(header, 16),
            address: word(header, 32, is_wide, endian)?,
            data: if flags & 0xff == ZEROS { &[] } else { available(program.bytes, offset, size) },
        });
    }
    Some(())
}

fn symbols(program: &mut Program<'_>, command: &[u8]) -> Option<()> {
    let number = |at| u32_at(command, at, program.endian).map(u64::from);
    let entry = if program.is_wide { 16 } else { 12 };
    let table = SymbolTable {
        entries: available(program.bytes, number(8)?, number(12)? * entry),
        names: available(program.bytes, number(16)?, number(20)?),
        layout: SymbolLayout {
            entry: if program.is_wide { 16 } else { 12 },
            value: 8,
            size: None,
            is_wide: program.is_wide,
        },
    };
    if program.symbols.is_empty() {
        program.symbols.push(table);
    }
    Some(())
}

//! The identity of a .NET assembly (ECMA-335, partition II, sections 22, 24 and 25).

use crate::bytes::{Endian, size_at, slice, text, u16_at, u32_at, u64_at};
use crate::container::Program;

const CLI_HEADER: usize = 14;
const ASSEMBLY: usize = 0x20;
const STREAMS_MAX: usize = 16;
const NAME_BYTES_MAX: usize = 500;
const LITTLE: Endian = Endian::Little;

/// What an assembly calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembly {
    /// Its name.
    pub name: String,
    /// Its version: of the programming interface, and often not that of the package.
    pub version: [u16; 4],
    /// Its language, if it has but texts in one.
    pub culture: Option<String>,
}

/// Reads the identity of the assembly that a PE file is.
pub fn assembly(program: &Program<'_>) -> Option<Assembly> {
    let header = program.directory(CLI_HEADER)?;
    let (address, size) = (u32_at(header, 8, LITTLE)?, u32_at(header, 12, LITTLE)?);
    let metadata = program.relative(address, u64::from(size))?;
    let tables = stream(metadata, b"#~").or_else(|| stream(metadata, b"#-"))?;
    let strings = stream(metadata, b"#Strings")?;
    let string = |at: u32| {
        let bytes = text(strings.get(at as usize..)?, NAME_BYTES_MAX);
        std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let tables = Tables::parse(tables)?;
    let row = tables.row(ASSEMBLY)?;
    let version = [4, 6, 8, 10].map(|at| u16_at(row, at, LITTLE).unwrap_or_default());
    let name_at = 16 + tables.size(Column::Blob);
    let culture_at = name_at + tables.size(Column::String);
    Some(Assembly {
        name: string(tables.index(row, name_at)?)?,
        version,
        culture: string(tables.index(row, culture_at)?),
    })
}

fn stream<'a>(metadata: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = metadata.strip_prefix(b"BSJB")?;
    let version_length = size_at(rest, 8, LITTLE)?;
    let mut at = 16_usize.checked_add(version_length)?;
    let count = usize::from(u16_at(metadata, at.checked_add(2)?, LITTLE)?);
    at += 4;
    for _ in 0..count.min(STREAMS_MAX) {
        let (offset, size) = (u32_at(metadata, at, LITTLE)?, u32_at(metadata, at + 4, LITTLE)?);
        let found = text(metadata.get(at + 8..)?, 32);
        if found == name {
            return slice(metadata, u64::from(offset), u64::from(size));
        }
        at += 8 + (found.len() + 1).next_multiple_of(4);
    }
    None
}

struct Tables<'a> {
    counts: [u32; 64],
    heap_sizes: u8,
    rows: &'a [u8],
}

#[derive(Clone, Copy)]
enum Column {
    Bytes(usize),
    String,
    Guid,
    Blob,
    // A row of this table.
    Row(usize),
    // A row of one of these tables, which so many bits tell.
    Coded(u32, &'static [usize]),
}

use Column::{Blob, Bytes, Coded, Guid, Row};

const TYPE: Column = Coded(2, &[0x02, 0x01, 0x1b]);
const METHOD: Column = Coded(1, &[0x06, 0x0a]);
const ATTRIBUTED: &[usize] = &[
    0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b, 0x20, 0x23,
    0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b,
];

// The columns of the tables before that of assemblies, in order (ECMA-335, II.22).
const COLUMNS: [&[Column]; 32] = [
    &[Bytes(2), Column::String, Guid, Guid, Guid],
    &[Coded(2, &[0x00, 0x1a, 0x23, 0x01]), Column::String, Column::String],
    &[Bytes(4), Column::String, Column::String, TYPE, Row(0x04), Row(0x06)],
    &[Row(0x04)],
    &[Bytes(2), Column::String, Blob],
    &[Row(0x06)],
    &[Bytes(8), Column::String, Blob, Row(0x08)],
    &[Row(0x08)],
    &[Bytes(4), Column::String],
    &[Row(0x02), TYPE],
    &[Coded(3, &[0x02, 0x01, 0x1a, 0x06, 0x1b]), Column::String, Blob],
    &[Bytes(2), Coded(2, &[0x04, 0x08, 0x17]), Blob],
    &[Coded(5, ATTRIBUTED), Coded(3, &[0x06, 0x0a]), Blob],
    &[Coded(1, &[0x04, 0x08]), Blob],
    &[Bytes(2), Coded(2, &[0x02, 0x06, 0x20]), Blob],
    &[Bytes(6), Row(0x02)],
    &[Bytes(4), Row(0x04)],
    &[Blob],
    &[Row(0x02), Row(0x14)],
    &[Row(0x14)],
    &[Bytes(2), Column::String, TYPE],
    &[Row(0x02), Row(0x17)],
    &[Row(0x17)],
    &[Bytes(2), Column::String, Blob],
    &[Bytes(2), Row(0x06), Coded(1, &[0x14, 0x17])],
    &[Row(0x02), METHOD, METHOD],
    &[Column::String],
    &[Blob],
    &[Bytes(2), Coded(1, &[0x04, 0x06]), Column::String, Row(0x1a)],
    &[Bytes(4), Row(0x04)],
    &[Bytes(8)],
    &[Bytes(4)],
];

impl<'a> Tables<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let heap_sizes = *bytes.get(6)?;
        let there = u64_at(bytes, 8, LITTLE)?;
        let mut counts = [0; 64];
        let mut at = 24;
        for (number, count) in counts.iter_mut().enumerate() {
            if there >> number & 1 != 0 {
                *count = u32_at(bytes, at, LITTLE)?;
                at += 4;
            }
        }
        Some(Self { counts, heap_sizes, rows: bytes.get(at..)? })
    }

    fn size(&self, column: Column) -> usize {
        let of_heap = |bit: u8| if self.heap_sizes & bit != 0 { 4 } else { 2 };
        let of_rows = |count: u32, bits: u32| if count < 1 << (16 - bits) { 2 } else { 4 };
        match column {
            Bytes(bytes) => bytes,
            Column::String => of_heap(1),
            Guid => of_heap(2),
            Blob => of_heap(4),
            Row(table) => of_rows(self.counts[table], 0),
            Coded(bits, tables) => {
                of_rows(tables.iter().map(|table| self.counts[*table]).max().unwrap_or(0), bits)
            }
        }
    }

    // The first row of the table of assemblies, which is behind all others of lower numbers.
    fn row(&self, table: usize) -> Option<&'a [u8]> {
        if self.counts[table] == 0 {
            return None;
        }
        let mut at = 0_u64;
        for (columns, count) in COLUMNS.iter().zip(self.counts).take(table) {
            let size: usize = columns.iter().map(|column| self.size(*column)).sum();
            at = at.checked_add((size as u64).checked_mul(u64::from(count))?)?;
        }
        let size = 16 + self.size(Blob) + 2 * self.size(Column::String);
        slice(self.rows, at, size as u64)
    }

    fn index(&self, row: &[u8], at: usize) -> Option<u32> {
        match self.size(Column::String) {
            2 => u16_at(row, at, LITTLE).map(u32::from),
            _ => u32_at(row, at, LITTLE),
        }
    }
}

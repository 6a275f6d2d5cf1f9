//! SQLite's file format, read only (sqlite.org/fileformat2.html), as far as package managers use it: the rows of tables,
//! in order. Pages that a write-ahead log has anew are read from there.

use std::collections::{HashMap, HashSet};

use crate::bytes::{Endian::Big, Endian::Little, size_at, slice, u16_at, u32_at};
use crate::complaints::Complaints;

pub(crate) const MAGIC: &[u8] = b"SQLite format 3\0";

const FILE_HEADER_BYTES: usize = 100;
const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;
const LOG_HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const LOG_MAGIC: u32 = 0x377f_0682;

struct Database<'a> {
    bytes: &'a [u8],
    page_bytes: usize,
    usable_bytes: usize,
    newer: HashMap<usize, &'a [u8]>,
    // A page has one place in one tree or chain, so that no file can be read for ever.
    visited: HashSet<usize>,
    // No byte belongs to two rows: more than the files have means that some overlap.
    left_bytes: usize,
    complaints: Complaints,
}

/// Gets the rows of a table, one by one.
type Each<'a> = dyn FnMut(&Row<'_>) + 'a;

/// A row: its number, and the columns as far as it goes.
pub(crate) struct Row<'a> {
    pub(crate) id: i64,
    columns: Vec<Column<'a>>,
}

/// A value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column<'a> {
    /// Nothing; also what stands for the row's number in a column that is its name.
    Null,
    Integer(i64),
    /// Nobody here asks for one.
    Float,
    Bytes(&'a [u8]),
}

impl Row<'_> {
    /// The bytes of a column, if it is a text or a blob.
    pub(crate) fn bytes(&self, place: usize) -> Option<&[u8]> {
        match self.columns.get(place)? {
            Column::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A text that is not empty; what is not UTF-8 is replaced.
    pub(crate) fn text(&self, place: usize) -> Option<String> {
        let text = String::from_utf8_lossy(self.bytes(place)?).into_owned();
        Some(text).filter(|text| !text.is_empty())
    }

    /// The number in a column.
    pub(crate) fn integer(&self, place: usize) -> Option<i64> {
        match self.columns.get(place)? {
            Column::Integer(value) => Some(*value),
            _ => None,
        }
    }
}

/// Gives every row of some tables, table by table, and says what could not be read.
pub(crate) fn rows(bytes: &[u8], log: &[u8], tables: &mut [(&str, &mut Each<'_>)]) -> Complaints {
    let Some(mut database) = open(bytes, log) else {
        return Complaints::one("it has a header that cannot be");
    };
    let mut roots: Vec<Option<usize>> = vec![None; tables.len()];
    database.rows(1, &mut |row| {
        let name = row.bytes(1).unwrap_or_default();
        let is_it = |table: &str| name.eq_ignore_ascii_case(table.as_bytes());
        if row.bytes(0) != Some(b"table") {
            return;
        }
        for ((table, _), root) in tables.iter().zip(&mut roots) {
            if is_it(table) {
                *root = row.integer(3).and_then(|number| usize::try_from(number).ok());
            }
        }
    });
    for ((table, each), root) in tables.iter_mut().zip(roots) {
        match root {
            Some(root) => database.rows(root, each),
            None => database.complaints.add(|| format!("it has no table `{table}`")),
        }
    }
    database.complaints
}

fn open<'a>(bytes: &'a [u8], log: &'a [u8]) -> Option<Database<'a>> {
    let page_bytes = match usize::from(u16_at(bytes, 16, Big)?) {
        1 => 65536,
        size if size.is_power_of_two() && size >= 512 => size,
        _ => return None,
    };
    let usable_bytes = page_bytes - usize::from(*bytes.get(20)?);
    // The format's least.
    if usable_bytes < 480 {
        return None;
    }
    let mut complaints = Complaints::default();
    let newer = pages_of_log(log, page_bytes, &mut complaints);
    let promised = size_at(bytes, 28, Big)?;
    if newer.is_empty() && promised > bytes.len() / page_bytes {
        complaints.add(|| "it is cut off".to_owned());
    }
    let visited = HashSet::new();
    let left_bytes = bytes.len() + log.len();
    Some(Database { bytes, page_bytes, usable_bytes, newer, visited, left_bytes, complaints })
}

// The last version of each page up to the last commit. A frame counts if the sums that run over all frames are right.
fn pages_of_log<'a>(
    log: &'a [u8],
    page_bytes: usize,
    complaints: &mut Complaints,
) -> HashMap<usize, &'a [u8]> {
    let mut pages = HashMap::new();
    if log.is_empty() {
        return pages;
    }
    let magic = u32_at(log, 0, Big);
    let header = log.get(..LOG_HEADER_BYTES).filter(|header| {
        magic.is_some_and(|magic| magic & !1 == LOG_MAGIC)
            && size_at(header, 8, Big) == Some(page_bytes)
    });
    let Some(header) = header else {
        complaints.add(|| "its write-ahead log cannot be read".to_owned());
        return pages;
    };
    let endian = if magic == Some(LOG_MAGIC) { Little } else { Big };
    let mut sums = (0, 0);
    let mut add = |bytes: &[u8]| {
        for pair in bytes.chunks_exact(8) {
            let word = |at| u32_at(pair, at, endian).unwrap_or_default();
            sums.0 = u32::wrapping_add(sums.0, word(0).wrapping_add(sums.1));
            sums.1 = u32::wrapping_add(sums.1, word(4).wrapping_add(sums.0));
        }
        sums
    };
    if Some(add(&header[..24])) != u32_at(header, 24, Big).zip(u32_at(header, 28, Big)) {
        complaints.add(|| "its write-ahead log is damaged".to_owned());
        return pages;
    }
    let mut open = HashMap::new();
    for frame in log[LOG_HEADER_BYTES..].chunks_exact(FRAME_HEADER_BYTES + page_bytes) {
        let (head, page) = frame.split_at(FRAME_HEADER_BYTES);
        // Frames of an older log may lie behind the newer ones: they end what counts, and nothing is lost.
        if head[8..16] != header[16..24] {
            break;
        }
        add(&head[..8]);
        if Some(add(page)) != u32_at(head, 16, Big).zip(u32_at(head, 20, Big)) {
            break;
        }
        open.insert(size_at(head, 0, Big).unwrap_or_default(), page);
        if size_at(head, 4, Big) != Some(0) {
            pages.extend(open.drain());
        }
    }
    pages
}

impl<'a> Database<'a> {
    fn page(&self, number: usize) -> Option<&'a [u8]> {
        if let Some(page) = self.newer.get(&number) {
            return Some(page);
        }
        let at = number.checked_sub(1)?.checked_mul(self.page_bytes)?;
        slice(self.bytes, at, self.page_bytes)
    }

    fn complain(&mut self, number: usize, what: &str) {
        self.complaints.add(|| format!("page {number} {what}"));
    }

    // The rows of the table with this root, in order.
    fn rows(&mut self, root: usize, each: &mut Each<'_>) {
        let mut open = vec![root];
        while let Some(number) = open.pop() {
            let Some(page) = self.page(number) else {
                self.complain(number, "is beyond the end");
                continue;
            };
            if !self.visited.insert(number) {
                self.complain(number, "is in two places");
                continue;
            }
            let header = if number == 1 { &page[FILE_HEADER_BYTES..] } else { page };
            let (kind, size) = match header[0] {
                LEAF => (LEAF, 8),
                INTERIOR => (INTERIOR, 12),
                _ => {
                    self.complain(number, "is no page of a table");
                    continue;
                }
            };
            let count = usize::from(u16_at(header, 3, Big).unwrap_or_default());
            let cells = header[size..].chunks_exact(2).take(count);
            let cells = cells.filter_map(|place| u16_at(place, 0, Big)).map(usize::from);
            if kind == LEAF {
                for cell in cells {
                    match self.row(page, cell) {
                        Some((id, row)) => each(&Row { id, columns: columns(&row) }),
                        None => self.complain(number, "has a row that is damaged or cut off"),
                    }
                }
                continue;
            }
            let children: Vec<Option<usize>> = cells.map(|cell| size_at(page, cell, Big)).collect();
            let last = size_at(header, 8, Big);
            open.extend(last);
            open.extend(children.iter().rev().flatten());
            if children.contains(&None) {
                self.complain(number, "has a child that is damaged");
            }
        }
    }

    // A row, whole ("B-tree Cell Format", "Cell Payload Overflow Pages").
    fn row(&mut self, page: &[u8], cell: usize) -> Option<(i64, Vec<u8>)> {
        let mut rest = page.get(cell..self.usable_bytes)?;
        let total = usize::try_from(varint(&mut rest)?).ok()?;
        let id = varint(&mut rest)?.cast_signed();
        let usable = self.usable_bytes;
        let all_max = usable - 35;
        let least = (usable - 12) * 32 / 255 - 23;
        let local = if total <= all_max {
            total
        } else {
            let fitting = least + (total - least) % (usable - 4);
            if fitting <= all_max { fitting } else { least }
        };
        let local_row = rest.get(..local)?;
        self.left_bytes = self.left_bytes.checked_sub(total)?;
        let mut row = local_row.to_vec();
        if local == total {
            return Some((id, row));
        }
        let mut next = size_at(rest, local, Big)?;
        while row.len() < total {
            let page = self.page(next)?;
            if !self.visited.insert(next) {
                return None;
            }
            let size = (total - row.len()).min(usable - 4);
            row.extend_from_slice(slice(page, 4, size)?);
            next = size_at(page, 0, Big)?;
        }
        Some((id, row))
    }
}

// Big-endian, seven bits a byte, all eight of the ninth.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if place == 8 {
            return Some(value << 8 | u64::from(*byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

// The columns ("Record Format"), as far as the row goes. The tables that are read have few.
fn columns(row: &[u8]) -> Vec<Column<'_>> {
    const COLUMNS_MAX: usize = 16;
    let mut head = row;
    let head_bytes = varint(&mut head).and_then(|size| usize::try_from(size).ok());
    let Some(head_bytes) = head_bytes.filter(|size| *size <= row.len()) else { return Vec::new() };
    let varint_bytes = row.len() - head.len();
    let mut head = row.get(varint_bytes..head_bytes).unwrap_or_default();
    let mut body = &row[head_bytes..];
    let mut columns = Vec::new();
    while columns.len() < COLUMNS_MAX {
        let Some(kind) = varint(&mut head) else { break };
        let size = match kind {
            0 | 8..=11 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            _ => (kind - 12) / 2,
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= body.len());
        let Some(size) = size else { break };
        let (column, rest) = body.split_at(size);
        body = rest;
        columns.push(match kind {
            0 | 10 | 11 => Column::Null,
            8 => Column::Integer(0),
            9 => Column::Integer(1),
            1..=6 => Column::Integer(integer(column)),
            7 => Column::Float,
            _ => Column::Bytes(column),
        });
    }
    columns
}

// Big-endian, in two's complement, of one to eight bytes.
fn integer(column: &[u8]) -> i64 {
    let is_negative = column.first().is_some_and(|first| first & 0x80 != 0);
    let start = if is_negative { -1 } else { 0 };
    column.iter().fold(start, |value, byte| value << 8 | i64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        assert_eq!(integer(&[0x7f]), 127);
        assert_eq!(integer(&[0xff]), -1);
        assert_eq!(integer(&[0xff, 0x7f]), -129);
        assert_eq!(integer(&[0x80, 0, 0, 0, 0, 0, 0, 0]), i64::MIN);
    }

    #[test]
    fn columns_of_a_row() {
        // Header of 7 bytes: NULL, 0, 1, a byte, a text of two bytes, an empty blob.
        let row = [7, 0, 8, 9, 1, 17, 12, 0xfe, b'a', b'b'];
        assert_eq!(
            columns(&row),
            [
                Column::Null,
                Column::Integer(0),
                Column::Integer(1),
                Column::Integer(-2),
                Column::Bytes(b"ab"),
                Column::Bytes(b""),
            ]
        );
        for end in 0..row.len() {
            assert!(columns(&row[..end]).len() <= 6);
        }
        assert!(columns(&[0xff; 9]).is_empty());
    }
}

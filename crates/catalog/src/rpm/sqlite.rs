//! SQLite's file format, read only (sqlite.org/fileformat2.html), as far as rpm uses it: table `Packages`, a number and
//! a blob. Pages that a write-ahead log has anew are read from there.

use std::collections::{HashMap, HashSet};

use super::bytes::{Endian::Big, Endian::Little, size_at, slice, u16_at, u32_at};
use super::{Complaints, Each};

pub(super) const MAGIC: &[u8] = b"SQLite format 3\0";

const FILE_HEADER_BYTES: usize = 100;
const TABLE: &[u8] = b"Packages";
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

/// Gives every header, and says what could not be read.
pub(super) fn headers(bytes: &[u8], log: &[u8], each: &mut Each<'_>) -> Complaints {
    let Some(mut database) = open(bytes, log) else {
        return Complaints::one("it has a header that cannot be");
    };
    let mut root = None;
    database.rows(1, &mut |row| {
        let columns = columns(row);
        let is_it = columns.first().is_some_and(|kind| *kind == b"table")
            && columns.get(1).is_some_and(|name| name.eq_ignore_ascii_case(TABLE));
        if is_it {
            root = columns.get(3).and_then(|number| integer(number));
        }
    });
    match root {
        Some(root) => database.rows(root, &mut |row| {
            if let Some(blob) = columns(row).get(1) {
                each(blob);
            }
        }),
        None => database.complaints.add(|| "it has no table `Packages`".to_owned()),
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
                        Some(row) => each(&row),
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
    fn row(&mut self, page: &[u8], cell: usize) -> Option<Vec<u8>> {
        let mut rest = page.get(cell..self.usable_bytes)?;
        let total = usize::try_from(varint(&mut rest)?).ok()?;
        varint(&mut rest)?;
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
            return Some(row);
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
        Some(row)
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

// The bytes of each column ("Record Format"), as far as the row goes. rpm's tables have five columns at most.
fn columns(row: &[u8]) -> Vec<&[u8]> {
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
        columns.push(column);
        body = rest;
    }
    columns
}

fn integer(column: &[u8]) -> Option<usize> {
    if column.len() > 8 {
        return None;
    }
    let value = column.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    usize::try_from(value).ok()
}

//! Berkeley DB's hash format (libdb, `src/dbinc/db_page.h`), as far as rpm's `Packages` uses it: small keys, and values on
//! chains of overflow pages. All hash pages are read one after the other; the buckets do not matter.

use std::collections::HashSet;

use super::Each;
use crate::bytes::{Endian, size_at, slice, u16_at, u32_at};
use crate::complaints::Complaints;

const HASH_MAGIC: u32 = 0x0006_1561;
const PAGE_HEADER_BYTES: usize = 26;
const META_PAGE_BYTES: usize = 72;
const META_TYPE_HASH: u8 = 8;
const META_FLAG_CHECKSUM: u8 = 1;
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH: u8 = 13;
const ITEM_INLINE: u8 = 1;
const ITEM_OFF_PAGE: u8 = 3;
// The record of key 0 holds the highest number of a package, in four bytes.
const NUMBER_BYTES: usize = 4;

/// True if it is such a database, of either byte order.
pub(super) fn is_hash(bytes: &[u8]) -> bool {
    endian(bytes).is_some()
}

fn endian(bytes: &[u8]) -> Option<Endian> {
    [Endian::Little, Endian::Big]
        .into_iter()
        .find(|endian| u32_at(bytes, 12, *endian) == Some(HASH_MAGIC))
}

struct Database<'a> {
    bytes: &'a [u8],
    endian: Endian,
    page_bytes: usize,
}

/// Gives every header, and says what could not be read.
pub(super) fn headers(bytes: &[u8], each: &mut Each<'_>) -> Complaints {
    let database = match open(bytes) {
        Ok(database) => database,
        Err(reason) => return Complaints::one(reason),
    };
    let mut complaints = Complaints::default();
    let promised = size_at(bytes, 32, database.endian).unwrap_or_default().saturating_add(1);
    let n_pages = bytes.len() / database.page_bytes;
    if promised > n_pages {
        complaints.add(|| "it is cut off".to_owned());
    }
    let mut visited = HashSet::new();
    // No byte belongs to two values: more than the file has means that some overlap.
    let mut left = bytes.len();
    for number in 1..n_pages {
        let Some(page) = database.page(number) else { break };
        if !matches!(page[25], PAGE_HASH | PAGE_HASH_UNSORTED) {
            continue;
        }
        for item in database.values(page) {
            let whole = item.and_then(|item| database.value(item, &mut visited));
            let size = whole.as_ref().map_or(0, Vec::len);
            let Some(rest) = left.checked_sub(size) else {
                complaints.add(|| "its packages overlap, the rest is not read".to_owned());
                return complaints;
            };
            left = rest;
            match whole {
                Some(value) if value.len() > NUMBER_BYTES => each(&value),
                Some(_) => {}
                None => {
                    complaints.add(|| format!("a package on page {number} is damaged or cut off"));
                }
            }
        }
    }
    complaints
}

fn open(bytes: &[u8]) -> Result<Database<'_>, &'static str> {
    let endian = endian(bytes).ok_or("it is no hash database")?;
    let page_bytes = size_at(bytes, 20, endian).unwrap_or_default();
    if !page_bytes.is_power_of_two() || !(512..=65536).contains(&page_bytes) {
        return Err("it has an impossible size of pages");
    }
    let meta = bytes.get(..META_PAGE_BYTES).ok_or("it is cut off")?;
    if meta[25] != META_TYPE_HASH {
        return Err("it is no hash database");
    }
    if meta[24] != 0 {
        return Err("it is encrypted");
    }
    if meta[26] & META_FLAG_CHECKSUM != 0 {
        return Err("it has checksums on its pages, which cannot be read");
    }
    Ok(Database { bytes, endian, page_bytes })
}

impl<'a> Database<'a> {
    fn page(&self, number: usize) -> Option<&'a [u8]> {
        slice(self.bytes, number.checked_mul(self.page_bytes)?, self.page_bytes)
    }

    // Items come in pairs, the key and the value; they grow down from the end of the page. `None` is a damaged one.
    fn values(&self, page: &'a [u8]) -> Vec<Option<&'a [u8]>> {
        let count = usize::from(u16_at(page, 20, self.endian).unwrap_or_default());
        let fitting = (page.len() - PAGE_HEADER_BYTES) / 2;
        let place =
            |item: usize| u16_at(page, PAGE_HEADER_BYTES + 2 * item, self.endian).map(usize::from);
        (0..count.min(fitting))
            .skip(1)
            .step_by(2)
            .map(|item| page.get(place(item)?..place(item - 1)?))
            .collect()
    }

    // A value, whole. A page of a chain belongs to one value only, so that no file can be read for ever.
    fn value(&self, item: &[u8], visited: &mut HashSet<usize>) -> Option<Vec<u8>> {
        match *item.first()? {
            ITEM_INLINE => Some(item[1..].to_vec()),
            ITEM_OFF_PAGE => {
                let mut number = size_at(item, 4, self.endian)?;
                let total = size_at(item, 8, self.endian)?;
                let mut value = Vec::new();
                while number != 0 {
                    let page = self.page(number).filter(|page| page[25] == PAGE_OVERFLOW)?;
                    if !visited.insert(number) || value.len() > total {
                        return None;
                    }
                    let size = usize::from(u16_at(page, 22, self.endian)?);
                    value.extend_from_slice(slice(page, PAGE_HEADER_BYTES, size)?);
                    number = size_at(page, 16, self.endian)?;
                }
                (value.len() == total).then_some(value)
            }
            _ => None,
        }
    }
}

//! rpm's own database (`lib/backend/ndb/rpmpkg.c`): pages of slots, then the blobs that they point to.

use super::Each;
use crate::bytes::{Endian::Little, size_at, slice};
use crate::complaints::Complaints;

pub(super) const MAGIC: &[u8] = b"RpmP";

const PAGE_BYTES: usize = 4096;
const SLOT_BYTES: usize = 16;
// The file's header takes the place of two slots.
const HEADER_BYTES: usize = 32;
const BLOCK_BYTES: usize = 16;
const BLOB_HEAD_BYTES: usize = 16;
const BLOB_TAIL_BYTES: usize = 12;

/// Gives every header, and says what could not be read.
pub(super) fn headers(bytes: &[u8], each: &mut Each<'_>) -> Complaints {
    let mut complaints = Complaints::default();
    let Some((0, n_pages)) = size_at(bytes, 4, Little).zip(size_at(bytes, 12, Little)) else {
        return Complaints::one("it is a database of a version that is not known");
    };
    let slots_bytes = n_pages.saturating_mul(PAGE_BYTES);
    if slots_bytes > bytes.len() {
        complaints.add(|| "it is cut off".to_owned());
    }
    let slots = bytes.get(HEADER_BYTES..slots_bytes.min(bytes.len())).unwrap_or_default();
    // No byte belongs to two blobs: more than the file has means that some overlap.
    let mut left = bytes.len();
    for (place, slot) in slots.chunks_exact(SLOT_BYTES).enumerate() {
        if !slot.starts_with(b"Slot") {
            complaints.add(|| format!("slot {place} is damaged"));
            continue;
        }
        let package = size_at(slot, 4, Little).unwrap_or_default();
        if package == 0 {
            continue;
        }
        let Some(blob) = blob(bytes, slot) else {
            complaints.add(|| format!("package number {package} is damaged or cut off"));
            continue;
        };
        let Some(rest) = left.checked_sub(blob.len()) else {
            complaints.add(|| "its packages overlap, the rest is not read".to_owned());
            break;
        };
        left = rest;
        each(blob);
    }
    complaints
}

fn blob<'a>(bytes: &'a [u8], slot: &[u8]) -> Option<&'a [u8]> {
    let at = size_at(slot, 8, Little)?.checked_mul(BLOCK_BYTES)?;
    let size = size_at(slot, 12, Little)?.checked_mul(BLOCK_BYTES)?;
    let whole = slice(bytes, at, size)?;
    let is_this = whole.starts_with(b"BlbS") && slice(whole, 4, 4) == slice(slot, 4, 4);
    let blob_bytes = size_at(whole, 12, Little)?;
    let blob = slice(whole, BLOB_HEAD_BYTES, blob_bytes)?;
    let tail = whole.len().checked_sub(BLOB_TAIL_BYTES)?;
    let is_whole = tail >= BLOB_HEAD_BYTES + blob_bytes
        && size_at(whole, tail + 4, Little) == Some(blob_bytes)
        && whole.ends_with(b"BlbE");
    (is_this && is_whole).then_some(blob)
}

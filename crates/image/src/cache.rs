//! What a pass over a layer found, as bytes, so that the layer need not be read again.
//!
//! The bytes come from this machine's own cache. They are checked all the same: a file that was cut off or changed is as
//! if there were none.

use std::collections::BTreeMap;

use sealift_oci::Digest;

use crate::records::{Extra, Record, Records};
use crate::scan::{Body, Marks, Scan};

const MAGIC: &[u8; 8] = b"sealift1";
const RECORD_BYTES: usize = 40;
const KEPT: u8 = 0;
const EXTRACT: u8 = 1;
const OVER_LIMIT: u8 = 2;

/// A layer for a cache: the blob that a manifest names, and the content that a config says the blob has. Only both tell
/// what was read and verified: an image may name a known content beside a blob that holds another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LayerKey<'a> {
    /// Of the blob, as it is stored.
    pub digest: &'a Digest,
    /// Of the content, uncompressed.
    pub diff_id: &'a Digest,
}

/// Keeps what was found in layers. What cannot be kept or found again is no error: the layer is read.
pub trait LayerCache: Sync {
    /// What [`LayerCache::save`] was given for the layer and the key.
    fn load(&self, layer: LayerKey<'_>, key: &str) -> Option<Vec<u8>>;
    /// Keeps it.
    fn save(&self, layer: LayerKey<'_>, key: &str, bytes: &[u8]);
}

/// A scan as bytes.
pub(crate) fn encode(scan: &Scan) -> Vec<u8> {
    let Records { entries, text, directories, extras } = &scan.records;
    let mut out = Output(Vec::with_capacity(entries.len() * RECORD_BYTES + text.len() + 64));
    out.0.extend_from_slice(MAGIC);
    out.number(0);
    out.number(scan.uncompressed_size);
    out.number(entries.len() as u64);
    for record in entries {
        out.record(*record);
    }
    out.bytes(text);
    out.number(directories.len() as u64);
    for (start, len) in directories {
        out.half(*start);
        out.half(*len);
    }
    out.number(extras.len() as u64);
    for (place, extra) in extras {
        out.half(*place);
        out.extra(extra);
    }
    out.number(scan.bodies.iter().filter(|(_, body)| *body != Body::None).count() as u64);
    for (place, body) in &scan.bodies {
        let (kind, bytes): (u8, &[u8]) = match body {
            Body::None => continue,
            Body::Kept(bytes) => (KEPT, bytes),
            Body::Extract(bytes) => (EXTRACT, bytes),
            Body::OverLimit(message) => (OVER_LIMIT, message.as_bytes()),
        };
        out.half(*place);
        out.0.push(kind);
        out.bytes(bytes);
    }
    let sum = checksum(&out.0[16..]);
    out.0[8..16].copy_from_slice(&sum.to_le_bytes());
    out.0
}

/// The scan of these bytes; `None` if they are anything else.
pub(crate) fn decode(bytes: &[u8]) -> Option<Scan> {
    let mut input = Input(bytes.strip_prefix(MAGIC)?);
    if input.number()? != checksum(input.0) {
        return None;
    }
    let uncompressed_size = input.number()?;
    let count = input.count(RECORD_BYTES)?;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(input.record()?);
    }
    let text = input.bytes()?.to_vec();
    let count = input.count(8)?;
    let directories: Option<Vec<(u32, u32)>> =
        (0..count).map(|_| Some((input.half()?, input.half()?))).collect();
    let count = input.count(4)?;
    let extras: Option<Vec<(u32, Extra)>> =
        (0..count).map(|_| Some((input.half()?, input.extra()?))).collect();
    let count = input.count(5)?;
    let bodies: Option<Vec<(u32, Body)>> =
        (0..count).map(|_| Some((input.half()?, input.body()?))).collect();
    let records = Records { entries, text, directories: directories?, extras: extras? };
    let bodies = bodies?;
    let is_sound = is_sound(&records)
        && is_ascending(records.extras.iter().map(|(place, _)| *place), records.len())
        && is_ascending(bodies.iter().map(|(place, _)| *place), records.len());
    (is_sound && input.0.is_empty()).then_some(Scan {
        records,
        bodies,
        uncompressed_size,
        ..Scan::default()
    })
}

/// What a watch found, as bytes.
pub(crate) fn encode_marks(marks: &Marks) -> Vec<u8> {
    let mut out = Output(MAGIC.to_vec());
    out.number(0);
    out.number(marks.len() as u64);
    for (place, mark) in marks {
        out.half(*place);
        out.bytes(mark);
    }
    let sum = checksum(&out.0[16..]);
    out.0[8..16].copy_from_slice(&sum.to_le_bytes());
    out.0
}

/// What a watch found in a layer with so many entries; `None` if the bytes are anything else.
pub(crate) fn decode_marks(bytes: &[u8], entries: usize) -> Option<Marks> {
    let mut input = Input(bytes.strip_prefix(MAGIC)?);
    if input.number()? != checksum(input.0) {
        return None;
    }
    let count = input.count(12)?;
    let marks: Option<Marks> =
        (0..count).map(|_| Some((input.half()?, input.bytes()?.into()))).collect();
    let marks = marks?;
    let is_sound = is_ascending(marks.iter().map(|(place, _)| *place), entries);
    (is_sound && input.0.is_empty()).then_some(marks)
}

fn is_sound(records: &Records) -> bool {
    let fits = |start: u32, len: u64| u64::from(start) + len <= records.text.len() as u64;
    records.directories.iter().all(|(start, len)| fits(*start, u64::from(*len)))
        && records.entries.iter().all(|record| {
            record.is_known()
                && fits(record.name_start, record.name_len.into())
                && (record.directory as usize) < records.directories.len()
        })
}

fn is_ascending(places: impl Iterator<Item = u32>, count: usize) -> bool {
    let mut least = 0;
    for place in places {
        if u64::from(place) < least || place as usize >= count {
            return false;
        }
        least = u64::from(place) + 1;
    }
    true
}

// Against accidents, not against intent: whoever can write here can do as they like.
fn checksum(bytes: &[u8]) -> u64 {
    let sum = flate2::Crc::new();
    let mut sum = sum;
    sum.update(bytes);
    u64::from(sum.sum()) | (bytes.len() as u64) << 32
}

struct Output(Vec<u8>);

impl Output {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn half(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn record(&mut self, record: Record) {
        self.number(record.size);
        self.0.extend_from_slice(&record.mtime_secs.to_le_bytes());
        for half in [
            record.mtime_nanos,
            record.uid,
            record.gid,
            record.directory,
            record.name_start,
            u32::from(record.name_len) | u32::from(record.mode_and_kind) << 16,
        ] {
            self.half(half);
        }
    }

    fn extra(&mut self, extra: &Extra) {
        self.bytes(&extra.target);
        self.half(extra.device.0);
        self.half(extra.device.1);
        self.0.push(extra.owners.is_some().into());
        if let Some((uid, gid)) = extra.owners {
            self.number(uid);
            self.number(gid);
        }
        self.number(extra.xattrs.len() as u64);
        for (name, value) in &extra.xattrs {
            self.bytes(name);
            self.bytes(value);
        }
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn half(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    // Of things that take at least so many bytes each.
    fn count(&mut self, least: usize) -> Option<usize> {
        let count = usize::try_from(self.number()?).ok()?;
        (count <= self.0.len() / least).then_some(count)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn record(&mut self) -> Option<Record> {
        let size = self.number()?;
        let mtime_secs = self.take().map(i64::from_le_bytes)?;
        let [mtime_nanos, uid, gid, directory, name_start, last] =
            [self.half()?, self.half()?, self.half()?, self.half()?, self.half()?, self.half()?];
        let [a, b, c, d] = last.to_le_bytes();
        let (name_len, mode_and_kind) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
        Some(Record {
            size,
            mtime_secs,
            mtime_nanos,
            uid,
            gid,
            directory,
            name_start,
            name_len,
            mode_and_kind,
        })
    }

    fn extra(&mut self) -> Option<Extra> {
        let target = self.bytes()?.to_vec();
        let device = (self.half()?, self.half()?);
        let owners = match self.take::<1>()? {
            [0] => None,
            _ => Some((self.number()?, self.number()?)),
        };
        let mut xattrs = BTreeMap::new();
        for _ in 0..self.count(16)? {
            xattrs.insert(self.bytes()?.to_vec(), self.bytes()?.to_vec());
        }
        Some(Extra { target, device, owners, xattrs })
    }

    fn body(&mut self) -> Option<Body> {
        let [kind] = self.take::<1>()?;
        let bytes = self.bytes()?;
        Some(match kind {
            KEPT => Body::Kept(bytes.into()),
            EXTRACT => Body::Extract(bytes.into()),
            OVER_LIMIT => Body::OverLimit(String::from_utf8_lossy(bytes).into_owned()),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use sealift_archive::{EntryKind, Header};

    use super::*;

    fn scan() -> Scan {
        let path = |text: &str| text.parse().unwrap();
        let mut device = Header::new(path("d/n"), EntryKind::CharDevice { major: 1, minor: 3 });
        device.uid = 1 << 40;
        device.xattrs.insert(b"user.a".to_vec(), b"b".to_vec());
        let headers = [
            Header::new(path("d"), EntryKind::Directory),
            Header { size: 3, ..Header::new(path("d/f"), EntryKind::File) },
            Header::new(path("l"), EntryKind::Symlink(b"d/f".to_vec())),
            device,
        ];
        let bodies = vec![
            (1, Body::Kept(b"abc"[..].into())),
            (2, Body::Extract(b""[..].into())),
            (3, Body::OverLimit("too large".to_owned())),
        ];
        let records = Records::of(headers.iter()).unwrap();
        Scan { records, bodies, uncompressed_size: 77, ..Scan::default() }
    }

    #[test]
    fn scans_come_back() {
        let scan = scan();
        let back = decode(&encode(&scan)).unwrap();
        assert_eq!(back.records, scan.records);
        assert_eq!(back.bodies, scan.bodies);
        assert_eq!(back.uncompressed_size, 77);
    }

    #[test]
    fn marks_come_back() {
        let marks: Marks = vec![(0, b"a"[..].into()), (3, b""[..].into())];
        let bytes = encode_marks(&marks);
        assert_eq!(decode_marks(&bytes, 4), Some(marks));
        assert_eq!(decode_marks(&bytes, 3), None);
        for end in 0..bytes.len() {
            assert_eq!(decode_marks(&bytes[..end], 4), None);
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            assert_eq!(decode_marks(&changed, 4), None, "byte {at}");
        }
    }

    #[test]
    fn damage_is_seen() {
        let bytes = encode(&scan());
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_none());
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x41;
            assert!(decode(&changed).is_none(), "byte {at}");
            // Even if somebody took care of the sum.
            let sum = checksum(&changed[16..]);
            changed[8..16].copy_from_slice(&sum.to_le_bytes());
            if let Some(scan) = decode(&changed) {
                crate::read::tree_of_scan(scan).ok();
            }
        }
    }
}

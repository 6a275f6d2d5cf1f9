//! The index of a pack: ids in order, and where each object begins.

use crate::{Error, Id};

const MAGIC: [u8; 4] = [0xff, b't', b'O', b'c'];
const FANOUT: usize = 256 * 4;
const ODD: Error = Error::Damaged("the index of a pack is damaged");

/// An index, kept as it was read.
#[derive(Debug)]
pub(crate) struct Index {
    bytes: Vec<u8>,
    count: usize,
    id_length: usize,
    /// The first version has an offset before each id, the second one a table of them.
    is_first: bool,
}

impl Index {
    pub(crate) fn read(bytes: Vec<u8>, id_length: usize) -> Result<Self, Error> {
        let is_first = !bytes.starts_with(&MAGIC);
        let head = if is_first { 0 } else { 8 };
        if !is_first && bytes.get(4..8) != Some(&[0, 0, 0, 2][..]) {
            return Err(Error::Damaged("the index of a pack has an unknown version"));
        }
        let mut before = 0;
        for slot in 0..256 {
            let sum = be_u32(&bytes, head + slot * 4).ok_or(ODD)?;
            if sum < before {
                return Err(ODD);
            }
            before = sum;
        }
        let count = before as usize;
        let entry = if is_first { 4 + id_length } else { id_length + 8 };
        let least = count.checked_mul(entry).and_then(|it| it.checked_add(head + FANOUT));
        let least = least.and_then(|it| it.checked_add(2 * id_length)).ok_or(ODD)?;
        if bytes.len() < least {
            return Err(ODD);
        }
        Ok(Self { bytes, count, id_length, is_first })
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    fn head(&self) -> usize {
        if self.is_first { FANOUT } else { 8 + FANOUT }
    }

    pub(crate) fn id(&self, place: usize) -> Option<Id> {
        let start = if self.is_first {
            self.head() + place * (4 + self.id_length) + 4
        } else {
            self.head() + place * self.id_length
        };
        Id::from_bytes(self.bytes.get(start..start + self.id_length)?)
    }

    pub(crate) fn offset(&self, place: usize) -> Option<u64> {
        if self.is_first {
            let at = self.head() + place * (4 + self.id_length);
            return be_u32(&self.bytes, at).map(u64::from);
        }
        let table = self.head() + self.count * (self.id_length + 4);
        let offset = be_u32(&self.bytes, table + place * 4)?;
        if offset & 0x8000_0000 == 0 {
            return Some(u64::from(offset));
        }
        // Packs of more than two gigabytes have a second table.
        let at = table + self.count * 4 + (offset & 0x7fff_ffff) as usize * 8;
        if at + 8 + 2 * self.id_length > self.bytes.len() {
            return None;
        }
        Some(u64::from(be_u32(&self.bytes, at)?) << 32 | u64::from(be_u32(&self.bytes, at + 4)?))
    }

    /// Where an object begins.
    pub(crate) fn find(&self, id: &Id) -> Option<u64> {
        let first = usize::from(*id.as_bytes().first()?);
        let head = self.head() - FANOUT;
        let low = match first {
            0 => 0,
            first => be_u32(&self.bytes, head + (first - 1) * 4)? as usize,
        };
        let high = be_u32(&self.bytes, head + first * 4)? as usize;
        let (mut low, mut high) = (low, high);
        while low < high {
            let middle = low.midpoint(high);
            match self.id(middle)?.cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return self.offset(middle),
            }
        }
        None
    }
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_ones() {
        for bytes in [vec![], vec![0; 1024], MAGIC.to_vec(), [&MAGIC[..], &[0, 0, 0, 3]].concat()] {
            assert!(Index::read(bytes, 20).is_err());
        }
        // No object at all is an index.
        assert_eq!(Index::read(vec![0; 1024 + 40], 20).unwrap().len(), 0);
        // More objects than it has bytes.
        let mut many = vec![0xff; 1024 + 400];
        many[0] = 0;
        assert!(Index::read(many, 20).is_err());
    }
}

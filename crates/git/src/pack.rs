//! Packs: many objects in one file, most of them as deltas upon others.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::rc::Rc;

use crate::index::Index;
use crate::object::inflate;
use crate::{Error, Id, Kind, Limits, Object, delta};

/// Git itself makes no longer chains of deltas.
const CHAIN_MAX: usize = 4096;
/// Bytes of unpacked objects that are kept, since others are deltas upon them.
const CACHE_BYTES_MAX: usize = 64 << 20;
const CACHED_OBJECT_BYTES_MAX: usize = 4 << 20;
/// What an entry counts at least, however little it unpacks to.
const ENTRY_COST: u64 = 512;
/// Bytes of an entry before its content: a size, and an offset or an id.
const HEAD_BYTES_MAX: usize = 64;

/// Where a pack's bytes are.
#[derive(Debug)]
pub(crate) enum Data {
    File(File),
    Bytes(Vec<u8>),
}

/// A pack with its index.
#[derive(Debug)]
pub(crate) struct Pack {
    pub(crate) index: Index,
    data: Data,
    length: u64,
    /// Where objects begin, in order: each ends where the next one begins.
    starts: Vec<u64>,
    cache: RefCell<Cache>,
    kinds: RefCell<HashMap<u64, Kind>>,
}

#[derive(Debug, Default)]
struct Cache {
    objects: HashMap<u64, (Kind, Rc<Vec<u8>>)>,
    bytes: usize,
}

/// An entry before it is unpacked.
struct Entry {
    form: Form,
    size: usize,
    /// Where its packed content begins.
    content: u64,
    end: u64,
}

#[derive(Clone, Copy)]
enum Form {
    Whole(Kind),
    Upon(u64),
}

impl Pack {
    pub(crate) fn new(index: Index, data: Data) -> Result<Self, Error> {
        let length = match &data {
            Data::Bytes(bytes) => bytes.len() as u64,
            Data::File(file) => file.metadata().map_or(0, |it| it.len()),
        };
        let mut starts: Vec<u64> =
            (0..index.len()).filter_map(|place| index.offset(place)).collect();
        starts.sort_unstable();
        starts.dedup();
        let pack = Self {
            index,
            data,
            length,
            starts,
            cache: RefCell::default(),
            kinds: RefCell::default(),
        };
        if pack.read(0, 4)? == b"PACK" {
            Ok(pack)
        } else {
            Err(Error::Damaged("a pack is damaged"))
        }
    }

    fn read(&self, start: u64, length: usize) -> Result<Vec<u8>, Error> {
        const CUT: Error = Error::Damaged("a pack is cut off");
        let end = start.checked_add(length as u64).filter(|end| *end <= self.length).ok_or(CUT)?;
        match &self.data {
            Data::Bytes(bytes) => {
                let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
                range.and_then(|(start, end)| bytes.get(start..end)).map(<[u8]>::to_vec).ok_or(CUT)
            }
            Data::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, start).map_err(|_| CUT)?;
                Ok(bytes)
            }
        }
    }

    fn entry(&self, start: u64) -> Result<Entry, Error> {
        const ODD: Error = Error::Damaged("an entry of a pack is damaged");
        let next = self.starts.partition_point(|it| *it <= start);
        let end = self.starts.get(next).copied().unwrap_or(self.length).min(self.length);
        let available = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        let bytes = self.read(start, available.min(HEAD_BYTES_MAX))?;
        let first = *bytes.first().ok_or(ODD)?;
        let (mut size, mut shift, mut at) = (u64::from(first & 15), 4, 1);
        let mut byte = first;
        while byte & 0x80 != 0 {
            byte = *bytes.get(at).ok_or(ODD)?;
            if shift > 56 {
                return Err(ODD);
            }
            size |= u64::from(byte & 0x7f) << shift;
            (at, shift) = (at + 1, shift + 7);
        }
        let form = match first >> 4 & 7 {
            1 => Form::Whole(Kind::Commit),
            2 => Form::Whole(Kind::Tree),
            3 => Form::Whole(Kind::Blob),
            4 => Form::Whole(Kind::Tag),
            6 => {
                let mut byte = *bytes.get(at).ok_or(ODD)?;
                let mut back = u64::from(byte & 0x7f);
                at += 1;
                while byte & 0x80 != 0 {
                    byte = *bytes.get(at).ok_or(ODD)?;
                    back = back.checked_add(1).filter(|it| *it < 1 << 56).ok_or(ODD)? << 7
                        | u64::from(byte & 0x7f);
                    at += 1;
                }
                Form::Upon(start.checked_sub(back).filter(|it| *it < start).ok_or(ODD)?)
            }
            7 => {
                let length = self.index.id(0).map_or(20, |id| id.as_bytes().len());
                let id = bytes.get(at..at + length).and_then(Id::from_bytes).ok_or(ODD)?;
                at += length;
                Form::Upon(self.index.find(&id).ok_or(Error::Missing(id))?)
            }
            _ => return Err(ODD),
        };
        let size = usize::try_from(size).map_err(|_| Error::TooLarge("an object"))?;
        Ok(Entry { form, size, content: start + at as u64, end })
    }

    fn unpack(&self, entry: &Entry, limits: &Limits, left: &mut u64) -> Result<Vec<u8>, Error> {
        if entry.size > limits.object_bytes {
            return Err(Error::TooLarge("an object"));
        }
        let cost = (entry.size as u64).saturating_add(ENTRY_COST);
        *left = left.checked_sub(cost).ok_or(Error::TooLarge("the history"))?;
        // What cannot be packed grows by a few bytes for each block.
        let most = entry.size.saturating_add(entry.size / 512).saturating_add(1024);
        let packed = usize::try_from(entry.end.saturating_sub(entry.content)).unwrap_or(usize::MAX);
        inflate(&self.read(entry.content, packed.min(most))?, Some(entry.size), limits.object_bytes)
    }

    /// The object that begins at a place. `left` is what may still be unpacked.
    pub(crate) fn object(
        &self,
        start: u64,
        limits: &Limits,
        left: &mut u64,
    ) -> Result<Object, Error> {
        let mut deltas: Vec<(u64, Vec<u8>)> = Vec::new();
        let (mut at, mut held) = (start, 0_usize);
        let (kind, mut bytes) = loop {
            if let Some((kind, bytes)) = self.cache.borrow().objects.get(&at) {
                break (*kind, Rc::clone(bytes));
            }
            let entry = self.entry(at)?;
            let content = self.unpack(&entry, limits, left)?;
            match entry.form {
                Form::Whole(kind) => {
                    let bytes = Rc::new(content);
                    self.keep(at, kind, &bytes);
                    break (kind, bytes);
                }
                Form::Upon(base) => {
                    held += content.len();
                    if deltas.len() >= CHAIN_MAX || held > 2 * limits.object_bytes {
                        return Err(Error::TooLarge("a chain of deltas"));
                    }
                    deltas.push((at, content));
                    at = base;
                }
            }
        };
        for (place, delta) in deltas.iter().rev() {
            *left = left.checked_sub(bytes.len() as u64).ok_or(Error::TooLarge("the history"))?;
            bytes = Rc::new(delta::apply(&bytes, delta, limits.object_bytes)?);
            self.keep(*place, kind, &bytes);
        }
        Ok(Object { kind, bytes: Rc::unwrap_or_clone(bytes) })
    }

    fn keep(&self, place: u64, kind: Kind, bytes: &Rc<Vec<u8>>) {
        if bytes.len() > CACHED_OBJECT_BYTES_MAX {
            return;
        }
        let mut cache = self.cache.borrow_mut();
        if cache.bytes + bytes.len() > CACHE_BYTES_MAX {
            *cache = Cache::default();
        }
        cache.bytes += bytes.len() + 64;
        cache.objects.insert(place, (kind, Rc::clone(bytes)));
    }

    /// What the object at a place is, without unpacking it. `left` is what may still be unpacked.
    pub(crate) fn kind(&self, start: u64, left: &mut u64) -> Result<Kind, Error> {
        let mut passed = Vec::new();
        let mut at = start;
        let kind = loop {
            if let Some(kind) = self.kinds.borrow().get(&at) {
                break *kind;
            }
            *left = left.checked_sub(ENTRY_COST).ok_or(Error::TooLarge("the history"))?;
            passed.push(at);
            match self.entry(at)?.form {
                Form::Whole(kind) => break kind,
                Form::Upon(base) if passed.len() <= CHAIN_MAX => at = base,
                Form::Upon(_) => return Err(Error::TooLarge("a chain of deltas")),
            }
        };
        self.kinds.borrow_mut().extend(passed.into_iter().map(|place| (place, kind)));
        Ok(kind)
    }
}

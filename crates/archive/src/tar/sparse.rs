//! Sparse files: GNU's old format and its PAX formats 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files").

use super::block::{Block, natural};
use super::pax::{Pax, parse_decimal};
use super::{BLOCK_BYTES, Fault};

const PAIR_BYTES: usize = 24;

/// How a sparse file's map is stored.
pub(super) enum Sparse {
    /// The file is not sparse.
    No,
    /// The map is known.
    Known(Map),
    /// Old GNU: more blocks with the map follow the header; this is its start.
    MoreBlocks(Vec<(u64, u64)>, u64),
    /// PAX 1.0: the map is the start of the data.
    InData(u64),
}

impl Sparse {
    pub(super) fn real_size(&self) -> Option<u64> {
        match self {
            Self::No => None,
            Self::Known(map) => Some(map.real_size),
            Self::MoreBlocks(_, size) | Self::InData(size) => Some(*size),
        }
    }
}

/// Where a sparse file has data: offset and length, ascending, apart.
pub(super) struct Map {
    pub(super) chunks: Vec<(u64, u64)>,
    pub(super) real_size: u64,
}

impl Map {
    pub(super) fn new(
        chunks: Vec<(u64, u64)>,
        real_size: u64,
        data_bytes: u64,
    ) -> Result<Self, Fault> {
        let mut end = 0;
        let mut stored = 0_u64;
        for (offset, len) in &chunks {
            if *offset < end {
                return Err("the sparse map is not ascending".into());
            }
            end = offset.checked_add(*len).ok_or("the sparse map is out of range")?;
            stored = stored.checked_add(*len).ok_or("the sparse map is out of range")?;
        }
        if end > real_size {
            return Err("the sparse map ends behind the file".into());
        }
        if stored != data_bytes {
            return Err("the sparse map does not fit the data".into());
        }
        Ok(Self { chunks, real_size })
    }

    /// How many bytes from `position` on are of one sort, and whether they are data.
    pub(super) fn run(&self, position: u64) -> (u64, bool) {
        // The first chunk that ends behind the position.
        let index = self.chunks.partition_point(|(offset, len)| offset + len <= position);
        match self.chunks.get(index) {
            Some((offset, len)) if *offset <= position => (offset + len - position, true),
            Some((offset, _)) => (offset - position, false),
            None => (self.real_size - position, false),
        }
    }
}

/// Which kind of sparse file an entry is.
pub(super) fn of(block: &Block, pax: &Pax, data_bytes: u64) -> Result<Sparse, Fault> {
    let form = &pax.sparse;
    let is_old = block.type_flag() == b'S';
    let is_pax = form.major.is_some() || form.has_map || form.real_size.is_some();
    match (is_old, is_pax) {
        // Go's reader takes the name of a sparse file for sparse files only, GNU's always.
        (false, false) if form.name.is_some() => Err("a sparse file's name without a map".into()),
        (false, false) => Ok(Sparse::No),
        (true, true) => Err("two kinds of sparse map for one file".into()),
        (true, false) => {
            let (pairs, more, size) = block.sparse()?;
            let mut chunks = Vec::new();
            let ended = push_pairs(&mut chunks, pairs)?;
            match (more, ended) {
                (true, true) => Err("the sparse map goes on behind its end".into()),
                (true, false) => Ok(Sparse::MoreBlocks(chunks, size)),
                (false, _) => Ok(Sparse::Known(Map::new(chunks, size, data_bytes)?)),
            }
        }
        (false, true) if !matches!(block.type_flag(), 0 | b'0' | b'7') => {
            Err("a sparse map for something that is no file".into())
        }
        (false, true) => {
            let size = form.real_size.ok_or("a sparse file without its real size")?;
            match (form.major, form.minor) {
                (Some(1), Some(0)) if !form.has_map => Ok(Sparse::InData(size)),
                (None, None) | (Some(0), Some(0 | 1)) if form.has_map => {
                    let mut pairs = form.map.chunks_exact(2);
                    let chunks: Vec<_> = pairs.by_ref().map(|pair| (pair[0], pair[1])).collect();
                    let count = chunks.len() as u64;
                    if !pairs.remainder().is_empty() || form.chunks.is_some_and(|n| n != count) {
                        return Err("the sparse map has a wrong number of entries".into());
                    }
                    Ok(Sparse::Known(Map::new(chunks, size, data_bytes)?))
                }
                _ => Err("an unknown format of sparse map".into()),
            }
        }
    }
}

/// Adds the pairs of an old GNU map; true at its end.
pub(super) fn push_pairs(chunks: &mut Vec<(u64, u64)>, bytes: &[u8]) -> Result<bool, Fault> {
    for pair in bytes.chunks_exact(PAIR_BYTES) {
        if pair[0] == 0 || pair[12] == 0 {
            return Ok(true);
        }
        chunks.push((natural(&pair[..12])?, natural(&pair[12..])?));
    }
    Ok(false)
}

/// Reads the map of PAX 1.0 from the blocks that `next_block` gives.
pub(super) fn read_in_data<E: From<Fault>>(
    bytes_max: usize,
    mut next_block: impl FnMut() -> Result<[u8; BLOCK_BYTES], E>,
) -> Result<Vec<(u64, u64)>, E> {
    let mut numbers = Vec::new();
    let mut line = Vec::new();
    let mut wanted = 1;
    let mut read = 0;
    while numbers.len() < wanted {
        read += BLOCK_BYTES;
        if read > bytes_max {
            return Err(Fault::from("the sparse map is above the limit of an extension").into());
        }
        for byte in next_block()? {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            let number = parse_decimal(&line)
                .filter(|number| i64::try_from(*number).is_ok())
                .ok_or(Fault::from("the sparse map has a line that is no number"))?;
            line.clear();
            numbers.push(number);
            if numbers.len() == 1 {
                wanted = usize::try_from(number)
                    .ok()
                    .and_then(|pairs| pairs.checked_mul(2)?.checked_add(1))
                    .ok_or(Fault::from("the sparse map is out of range"))?;
            }
            // The rest of the block is padding.
            if numbers.len() == wanted {
                break;
            }
        }
    }
    Ok(numbers[1..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

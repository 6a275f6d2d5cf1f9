//! The reader: from a stream to entries.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::entry::{self, Extension, Parsed};
use super::pax::Pax;
use super::sparse::{self, Map, Sparse};
use super::{BLOCK_BYTES, Fault, block::Block};
use crate::{Error, Header, Limits, Result, ar};

const BUFFER_BYTES: usize = 64 << 10;

/// Reads a tar archive from front to back.
pub struct Reader<R: Read> {
    input: BufReader<R>,
    skip: Skip<R>,
    limits: Limits,
    /// Bytes of the archive before the next one.
    position: u64,
    /// Of the current entry, not yet read.
    data_left: u64,
    padding: u64,
    entries: u64,
    total_bytes: u64,
    state: State,
}

type Skip<R> = fn(&mut BufReader<R>, u64) -> io::Result<u64>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Refused,
}

/// An entry. Reading gives its content, with the holes of a sparse file as zeros.
pub struct Entry<'a, R: Read> {
    reader: &'a mut Reader<R>,
    header: Header,
    offset: u64,
    map: Option<Map>,
    position: u64,
}

impl<R: Read> Reader<R> {
    /// A reader of an uncompressed archive.
    pub fn new(input: R, limits: Limits) -> Self {
        Self::with_skip(input, limits, skip_by_reading)
    }

    /// A reader that jumps over content that nobody reads.
    pub fn seekable(input: R, limits: Limits) -> Self
    where
        R: Seek,
    {
        Self::with_skip(input, limits, skip_by_seeking)
    }

    fn with_skip(input: R, limits: Limits, skip: Skip<R>) -> Self {
        Self {
            input: BufReader::with_capacity(BUFFER_BYTES, input),
            skip,
            limits,
            position: 0,
            data_left: 0,
            padding: 0,
            entries: 0,
            total_bytes: 0,
            state: State::Open,
        }
    }

    /// The next entry; what was left of the one before is skipped. After an error there are no more.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_, R>>> {
        match self.state {
            State::Open => {}
            State::Ended => return Ok(None),
            State::Refused => {
                let reason = "an earlier entry was refused".to_owned();
                return Err(Error::Header { offset: self.position, path: None, reason });
            }
        }
        self.state = State::Refused;
        let next = self.advance()?;
        self.state = if next.is_some() { State::Open } else { State::Ended };
        Ok(next.map(|(header, map)| {
            let offset = self.position;
            Entry { reader: self, header, offset, map, position: 0 }
        }))
    }

    /// The stream behind what was read so far. After the last entry it gives what follows the end of the archive.
    pub fn into_inner(self) -> BufReader<R> {
        self.input
    }

    fn advance(&mut self) -> Result<Option<(Header, Option<Map>)>> {
        self.skip_rest()?;
        let mut extension = Extension::default();
        loop {
            let start = self.position;
            let Some(block) = self.next_block()? else {
                if extension.is_empty() {
                    return Ok(None);
                }
                return Err(refuse(start, None, "an extension without an entry".into()));
            };
            let at = |fault| refuse(start, None, fault);
            match block.type_flag() {
                b'g' => {
                    self.count_entry(&block, &extension)?;
                    let bytes = self.extension_bytes(&block, start)?;
                    Pax::check_global(&bytes).map_err(at)?;
                }
                b'x' | b'X' if extension.pax.is_none() => {
                    let bytes = self.extension_bytes(&block, start)?;
                    extension.pax = Some(Pax::parse(&bytes).map_err(at)?);
                }
                b'L' if extension.long_name.is_none() => {
                    extension.long_name = Some(self.long_name(&block, start)?);
                }
                b'K' if extension.long_link.is_none() => {
                    extension.long_link = Some(self.long_name(&block, start)?);
                }
                b'x' | b'X' | b'L' | b'K' => {
                    return Err(at("two extensions of one kind for one entry".into()));
                }
                _ => return self.entry(&block, &extension, start).map(Some),
            }
        }
    }

    fn entry(
        &mut self,
        block: &Block,
        extension: &Extension,
        start: u64,
    ) -> Result<(Header, Option<Map>)> {
        let path = || path(block, extension);
        self.count_entry(block, extension)?;
        let parsed = entry::parse(block, extension, &self.limits)
            .map_err(|fault| refuse(start, path(), fault))?;
        let Parsed { header, data_bytes, sparse } = parsed;
        let limit = |what, limit| Error::Limit { what, limit, path: path() };
        // Holes cost no bytes in the archive, but whoever reads the file pays for them.
        let size = header.size.max(data_bytes);
        if size > self.limits.entry_bytes_max {
            return Err(limit("size of a tar entry", self.limits.entry_bytes_max));
        }
        self.total_bytes = self.total_bytes.saturating_add(size);
        if self.total_bytes > self.limits.total_bytes_max {
            return Err(limit("size of all tar entries", self.limits.total_bytes_max));
        }
        self.data_left = data_bytes;
        self.padding = padding(data_bytes);
        let map = self.map(sparse).map_err(|error| match error {
            SparseError::Fault(fault) => refuse(start, path(), fault),
            SparseError::Other(error) => error,
        })?;
        Ok((header, map))
    }

    fn map(&mut self, sparse: Sparse) -> Result<Option<Map>, SparseError> {
        let bytes_max = self.limits.extension_bytes_max;
        let map = match sparse {
            Sparse::No => return Ok(None),
            Sparse::Known(map) => map,
            Sparse::MoreBlocks(mut chunks, real_size) => {
                loop {
                    if chunks.len() * BLOCK_BYTES / 21 > bytes_max {
                        let fault = "the sparse map is above the limit of an extension";
                        return Err(Fault::from(fault).into());
                    }
                    let mut block = [0; BLOCK_BYTES];
                    self.fill_exactly(&mut block)?;
                    let ended = sparse::push_pairs(&mut chunks, &block[..504])?;
                    let more = block[504] != 0;
                    if more && ended {
                        return Err(Fault::from("the sparse map goes on behind its end").into());
                    }
                    if !more {
                        break;
                    }
                }
                Map::new(chunks, real_size, self.data_left)?
            }
            Sparse::InData(real_size) => {
                let chunks = sparse::read_in_data(bytes_max, || {
                    let mut block = [0; BLOCK_BYTES];
                    self.data_left = self
                        .data_left
                        .checked_sub(BLOCK_BYTES as u64)
                        .ok_or(Fault::from("the sparse map is cut"))?;
                    self.fill_exactly(&mut block)?;
                    Ok::<_, SparseError>(block)
                })?;
                Map::new(chunks, real_size, self.data_left)?
            }
        };
        Ok(Some(map))
    }

    fn count_entry(&mut self, block: &Block, extension: &Extension) -> Result<()> {
        self.entries += 1;
        if self.entries > self.limits.entries_max {
            let (what, limit) = ("number of tar entries", self.limits.entries_max);
            return Err(Error::Limit { what, limit, path: path(block, extension) });
        }
        Ok(())
    }

    fn long_name(&mut self, block: &Block, start: u64) -> Result<Vec<u8>> {
        let mut bytes = self.extension_bytes(block, start)?;
        // GNU ends the name with a NUL and counts it.
        if let Some(nul) = memchr::memchr(0, &bytes) {
            bytes.truncate(nul);
        }
        Ok(bytes)
    }

    // An extension's size is its own: a PAX `size` is about the entry (the reader of CVE-2025-62518 mixed them up).
    fn extension_bytes(&mut self, block: &Block, start: u64) -> Result<Vec<u8>> {
        let size = block.size().map_err(|fault| refuse(start, None, fault))?;
        let limit = self.limits.extension_bytes_max;
        let Some(len) = usize::try_from(size).ok().filter(|len| *len <= limit) else {
            let what = "size of a tar extension";
            return Err(Error::Limit { what, limit: limit as u64, path: None });
        };
        let mut bytes = vec![0; len];
        self.fill_exactly(&mut bytes)?;
        self.padding = padding(size);
        self.skip_padding()?;
        Ok(bytes)
    }

    // `None` at the end: two zero blocks, or simply no more bytes, as GNU tar and Go take it.
    fn next_block(&mut self) -> Result<Option<Block>> {
        let start = self.position;
        let Some(bytes) = self.block()? else { return Ok(None) };
        if bytes.iter().all(|byte| *byte == 0) {
            return match self.block()? {
                Some(second) if second.iter().any(|byte| *byte != 0) => {
                    // GNU tar stops here and Go's reader fails; `tar --ignore-zeros` goes on.
                    Err(refuse(start, None, "a lone zero block in front of more entries".into()))
                }
                _ => Ok(None),
            };
        }
        Block::parse(&bytes).map(Some).map_err(|fault| refuse(start, None, fault))
    }

    fn block(&mut self) -> Result<Option<[u8; BLOCK_BYTES]>> {
        let mut bytes = [0; BLOCK_BYTES];
        let count = ar::fill(&mut self.input, &mut bytes)?;
        self.position += count as u64;
        match count {
            0 => Ok(None),
            BLOCK_BYTES => Ok(Some(bytes)),
            _ => Err(self.truncated(None)),
        }
    }

    fn skip_rest(&mut self) -> Result<()> {
        if self.data_left > 0 {
            let skipped = (self.skip)(&mut self.input, self.data_left)?;
            self.position = self.position.saturating_add(skipped);
            if skipped < self.data_left {
                return Err(self.truncated(None));
            }
            self.data_left = 0;
        }
        self.skip_padding()
    }

    // The padding of the very last entry may be missing: nothing is lost with it.
    fn skip_padding(&mut self) -> Result<()> {
        let mut bytes = [0; BLOCK_BYTES];
        let len = usize::try_from(self.padding).expect("padding is below 512");
        self.padding = 0;
        self.position += ar::fill(&mut self.input, &mut bytes[..len])? as u64;
        Ok(())
    }

    fn fill_exactly(&mut self, bytes: &mut [u8]) -> Result<()> {
        let count = ar::fill(&mut self.input, bytes)?;
        self.position += count as u64;
        if count < bytes.len() { Err(self.truncated(None)) } else { Ok(()) }
    }

    fn truncated(&self, path: Option<String>) -> Error {
        Error::Truncated { format: "tar", offset: self.position, path }
    }
}

impl<R: Read> Entry<'_, R> {
    /// What the archive says about it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Byte of the uncompressed archive at which the content starts; for a sparse file, its first data.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// True if the content does not lie in the archive as it is, because it has holes.
    pub fn is_sparse(&self) -> bool {
        self.map.is_some()
    }

    /// The header alone; the content is skipped.
    pub fn into_header(self) -> Header {
        self.header
    }

    fn read_data(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.reader.data_left).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let count = self.reader.input.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(self.reader.truncated(Some(self.header.path.to_string())).into());
        }
        self.reader.data_left -= count as u64;
        self.reader.position += count as u64;
        Ok(count)
    }
}

impl<R: Read> Read for Entry<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(map) = &self.map else { return self.read_data(buffer) };
        if self.position >= map.real_size {
            return Ok(0);
        }
        let (run, is_data) = map.run(self.position);
        let len = buffer.len().min(usize::try_from(run).unwrap_or(usize::MAX));
        let count = if is_data {
            self.read_data(&mut buffer[..len])?
        } else {
            buffer[..len].fill(0);
            len
        };
        self.position += count as u64;
        Ok(count)
    }
}

enum SparseError {
    Fault(Fault),
    Other(Error),
}

impl From<Fault> for SparseError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Error> for SparseError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

fn refuse(offset: u64, path: Option<String>, fault: Fault) -> Error {
    Error::Header { offset, path, reason: fault.into_owned() }
}

fn path(block: &Block, extension: &Extension) -> Option<String> {
    let name = entry::name(block, extension).ok()?;
    let shown = &name[..name.len().min(300)];
    Some(String::from_utf8_lossy(shown).into_owned())
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK_BYTES as u64
}

fn skip_by_reading<R: Read>(input: &mut BufReader<R>, bytes: u64) -> io::Result<u64> {
    io::copy(&mut input.by_ref().take(bytes), &mut io::sink())
}

fn skip_by_seeking<R: Read + Seek>(input: &mut BufReader<R>, bytes: u64) -> io::Result<u64> {
    if bytes <= input.buffer().len() as u64 {
        return skip_by_reading(input, bytes);
    }
    let buffered = input.buffer().len() as u64;
    let here = input.get_mut().stream_position()?.saturating_sub(buffered);
    let end = input.get_mut().seek(SeekFrom::End(0))?;
    let target = here.saturating_add(bytes).min(end.max(here));
    input.seek(SeekFrom::Start(target))?;
    Ok(target - here)
}

//! A part of a file, as a stream that shares the open file with others.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

const BUFFER_BYTES: usize = 16 << 10;

/// A part of a file. Clones read independently of each other, from any thread.
pub struct FileSlice {
    file: Arc<File>,
    start: u64,
    len: u64,
    position: u64,
    buffer: Vec<u8>,
    buffer_start: u64,
}

impl FileSlice {
    /// `len` bytes from `start`.
    pub fn new(file: Arc<File>, start: u64, len: u64) -> Self {
        Self { file, start, len, position: 0, buffer: Vec::new(), buffer_start: 0 }
    }

    /// The whole file.
    pub fn whole(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self::new(Arc::new(file), 0, len))
    }

    /// Another part of the same file.
    #[must_use]
    pub fn part(&self, start: u64, len: u64) -> Self {
        Self::new(self.file.clone(), self.start.saturating_add(start), len)
    }

    fn buffered(&self) -> &[u8] {
        let Some(offset) = self.position.checked_sub(self.buffer_start) else { return &[] };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        self.buffer.get(offset..).unwrap_or(&[])
    }

    fn read_at(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(self.position);
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let offset = self.start.checked_add(self.position).ok_or(io::ErrorKind::InvalidInput)?;
        self.file.read_at(&mut buffer[..wanted], offset)
    }
}

impl Clone for FileSlice {
    fn clone(&self) -> Self {
        Self { position: self.position, ..self.part(0, self.len) }
    }
}

impl Read for FileSlice {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.buffered().is_empty() {
            if buffer.len() >= BUFFER_BYTES {
                let count = self.read_at(buffer)?;
                self.position += count as u64;
                return Ok(count);
            }
            let mut fresh = std::mem::take(&mut self.buffer);
            fresh.resize(BUFFER_BYTES, 0);
            let count = self.read_at(&mut fresh)?;
            fresh.truncate(count);
            self.buffer = fresh;
            self.buffer_start = self.position;
        }
        let ready = self.buffered();
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for FileSlice {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(delta) => self.len.checked_add_signed(delta),
            SeekFrom::Current(delta) => self.position.checked_add_signed(delta),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn parts_are_independent_and_end_where_they_should() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"0123456789").unwrap();
        let whole = FileSlice::whole(file).unwrap();
        let mut part = whole.part(2, 5);
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        assert_eq!(text, "23456");
        part.seek(SeekFrom::End(-2)).unwrap();
        let mut other = part.clone();
        for slice in [&mut part, &mut other] {
            text.clear();
            slice.read_to_string(&mut text).unwrap();
            assert_eq!(text, "56");
        }
        assert!(part.seek(SeekFrom::Current(-100)).is_err());
        part.seek(SeekFrom::Start(1 << 40)).unwrap();
        assert_eq!(part.read(&mut [0; 4]).unwrap(), 0);
        // A part that claims more than the file has ends with the file.
        text.clear();
        whole.part(8, u64::MAX).read_to_string(&mut text).unwrap();
        assert_eq!(text, "89");
    }
}

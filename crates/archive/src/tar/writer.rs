//! The writer: ustar where it is enough, PAX records where it is not, the same bytes for the same headers.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use super::BLOCK_BYTES;
use crate::{EntryKind, Error, Header, Result, ar};

const NAME_BYTES: usize = 100;
const PREFIX_BYTES: usize = 155;
const OCTAL_7_MAX: u64 = 0o7_777_777;
const OCTAL_11_MAX: u64 = 0o77_777_777_777;

/// Writes a tar archive. Nothing but headers and content goes into the bytes: no clock, no process, no order of its own.
pub struct Writer<W: Write> {
    output: W,
}

impl<W: Write> Writer<W> {
    /// A writer of an uncompressed archive.
    pub fn new(output: W) -> Self {
        Self { output }
    }

    /// Adds an entry. For a regular file exactly `header.size` bytes are read from `content`.
    pub fn append(&mut self, header: &Header, content: &mut dyn Read) -> Result<()> {
        let error = |reason: String| Error::Write { path: header.path.to_string(), reason };
        let mut block = Block::new();
        let mut records = Records::default();
        fill(&mut block, &mut records, header).map_err(|reason| error(reason.to_owned()))?;
        if !records.0.is_empty() {
            self.extension(header, &records)?;
        }
        self.output.write_all(&block.finish())?;
        if header.kind != EntryKind::File {
            return Ok(());
        }
        let mut buffer = vec![0; 64 << 10];
        let mut left = header.size;
        while left > 0 {
            let len = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let count = ar::fill(&mut &mut *content, &mut buffer[..len])?;
            if count < len {
                return Err(error(format!(
                    "the content ends {} bytes before the size of {}",
                    left - count as u64,
                    header.size
                )));
            }
            self.output.write_all(&buffer[..count])?;
            left -= count as u64;
        }
        if content.read(&mut [0])? != 0 {
            return Err(error(format!("the content goes on after the size of {}", header.size)));
        }
        self.pad(header.size)
    }

    /// Ends the archive and gives the output back.
    pub fn finish(mut self) -> Result<W> {
        self.output.write_all(&[0; 2 * BLOCK_BYTES])?;
        Ok(self.output)
    }

    fn extension(&mut self, header: &Header, records: &Records) -> Result<()> {
        let bytes = records.encode();
        let mut block = Block::new();
        // Only readers without PAX ever show this name.
        let name = header.path.file_name().unwrap_or(b"root");
        let name: Vec<u8> = name.iter().copied().filter(u8::is_ascii_graphic).take(80).collect();
        block.put(0, NAME_BYTES, &[b"PaxHeaders.0/", name.as_slice()].concat());
        block.octal(100, 8, 0o644);
        block.octal(124, 12, bytes.len() as u64);
        block.octal(136, 12, u64::try_from(header.mtime.secs).unwrap_or(0).min(OCTAL_11_MAX));
        block.put(156, 1, b"x");
        self.output.write_all(&block.finish())?;
        self.output.write_all(&bytes)?;
        self.pad(bytes.len() as u64)
    }

    fn pad(&mut self, size: u64) -> Result<()> {
        let padding = usize::try_from(size.wrapping_neg() % BLOCK_BYTES as u64).unwrap_or(0);
        Ok(self.output.write_all(&[0; BLOCK_BYTES][..padding])?)
    }
}

fn fill(block: &mut Block, records: &mut Records, header: &Header) -> Result<(), &'static str> {
    let mut name = header.path.as_bytes().to_vec();
    if header.path.is_root() {
        name.extend_from_slice(b".");
    }
    if header.kind == EntryKind::Directory {
        name.push(b'/');
    }
    block.path(records, &name);
    block.octal(100, 8, u64::from(header.mode & 0o7777));
    block.id(records, 108, "uid", header.uid);
    block.id(records, 116, "gid", header.gid);
    let size = if header.kind == EntryKind::File { header.size } else { 0 };
    if size > OCTAL_11_MAX {
        records.add(b"size", size.to_string().as_bytes());
    }
    block.octal(124, 12, if size > OCTAL_11_MAX { 0 } else { size });
    block.mtime(records, header)?;
    block.owner(records, 265, "uname", &header.user_name)?;
    block.owner(records, 297, "gname", &header.group_name)?;
    let type_flag = match &header.kind {
        EntryKind::File => b'0',
        EntryKind::HardLink(target) if target.is_root() => return Err("a hard link to the root"),
        EntryKind::HardLink(target) => {
            block.link(records, target.as_bytes())?;
            b'1'
        }
        EntryKind::Symlink(target) => {
            block.link(records, target)?;
            b'2'
        }
        EntryKind::CharDevice { major, minor } => block.device(b'3', *major, *minor)?,
        EntryKind::BlockDevice { major, minor } => block.device(b'4', *major, *minor)?,
        EntryKind::Directory => b'5',
        EntryKind::Fifo => b'6',
    };
    if header.path.is_root() && header.kind != EntryKind::Directory {
        return Err("the root is not a directory");
    }
    block.put(156, 1, &[type_flag]);
    for (name, value) in &header.xattrs {
        if name.is_empty() || name.iter().any(|byte| matches!(byte, 0 | b'=' | b'\n')) {
            return Err("an extended attribute's name is empty or has `=`, a newline or a NUL");
        }
        records.add(&[b"SCHILY.xattr.", name.as_slice()].concat(), value);
    }
    Ok(())
}

struct Block([u8; BLOCK_BYTES]);

impl Block {
    fn new() -> Self {
        let mut block = Self([0; BLOCK_BYTES]);
        block.put(257, 8, b"ustar\x0000");
        for (start, len) in [(108, 8), (116, 8), (329, 8), (337, 8)] {
            block.octal(start, len, 0);
        }
        block
    }

    fn put(&mut self, start: usize, len: usize, bytes: &[u8]) {
        debug_assert!(bytes.len() <= len);
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
    }

    // Digits to the field's width less one, and a NUL.
    fn octal(&mut self, start: usize, len: usize, value: u64) {
        let digits = format!("{value:0width$o}", width = len - 1);
        self.put(start, len, digits.as_bytes());
    }

    fn path(&mut self, records: &mut Records, name: &[u8]) {
        // PAX text is UTF-8, ustar's is ASCII; a name that is neither is kept as bytes if it fits.
        let is_portable = name.is_ascii() || std::str::from_utf8(name).is_err();
        if let Some((prefix, rest)) = split(name).filter(|_| is_portable) {
            self.put(0, NAME_BYTES, rest);
            self.put(345, PREFIX_BYTES, prefix);
        } else {
            records.add(b"path", name);
            let short: Vec<u8> =
                name.iter().copied().filter(u8::is_ascii_graphic).take(NAME_BYTES).collect();
            self.put(0, NAME_BYTES, &short);
        }
    }

    fn link(&mut self, records: &mut Records, target: &[u8]) -> Result<(), &'static str> {
        if target.is_empty() || target.contains(&0) {
            return Err("the link's target is empty or has a NUL");
        }
        let is_portable = target.is_ascii() || std::str::from_utf8(target).is_err();
        if is_portable && target.len() <= NAME_BYTES {
            self.put(157, NAME_BYTES, target);
        } else {
            records.add(b"linkpath", target);
        }
        Ok(())
    }

    fn id(&mut self, records: &mut Records, start: usize, key: &str, value: u64) {
        if value > OCTAL_7_MAX {
            records.add(key.as_bytes(), value.to_string().as_bytes());
            return;
        }
        self.octal(start, 8, value);
    }

    fn mtime(&mut self, records: &mut Records, header: &Header) -> Result<(), &'static str> {
        let (secs, nanos) = (header.mtime.secs, header.mtime.nanos);
        if nanos >= 1_000_000_000 {
            return Err("the time has more than 10⁹ nanoseconds");
        }
        let short = u64::try_from(secs).ok().filter(|secs| *secs <= OCTAL_11_MAX);
        self.octal(136, 12, short.unwrap_or(0));
        if nanos == 0 && short.is_some() {
            return Ok(());
        }
        // Nanoseconds count forwards, a decimal counts away from zero.
        let (sign, whole, fraction) = match (secs < 0, nanos) {
            (true, 0) => ("-", secs.unsigned_abs(), 0),
            (true, _) => ("-", (secs + 1).unsigned_abs(), 1_000_000_000 - nanos),
            (false, _) => ("", secs.unsigned_abs(), nanos),
        };
        let text = format!("{sign}{whole}.{fraction:09}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        records.add(b"mtime", text.as_bytes());
        Ok(())
    }

    fn owner(
        &mut self,
        records: &mut Records,
        start: usize,
        key: &str,
        name: &[u8],
    ) -> Result<(), &'static str> {
        if name.contains(&0) {
            return Err("a user's or group's name has a NUL");
        }
        // The field must end with a NUL.
        if name.is_ascii() && name.len() < 32 {
            self.put(start, 32, name);
        } else {
            records.add(key.as_bytes(), name);
        }
        Ok(())
    }

    fn device(&mut self, type_flag: u8, major: u32, minor: u32) -> Result<u8, &'static str> {
        if u64::from(major.max(minor)) > OCTAL_7_MAX {
            return Err("a device number is too large for tar");
        }
        self.octal(329, 8, u64::from(major));
        self.octal(337, 8, u64::from(minor));
        Ok(type_flag)
    }

    fn finish(mut self) -> [u8; BLOCK_BYTES] {
        self.put(148, 8, b"        ");
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        let text = format!("{sum:06o}\0 ");
        self.put(148, 8, text.as_bytes());
        self.0
    }
}

// The last slash that makes both halves fit, as every writer of ustar splits.
fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME_BYTES {
        return Some((b"", name));
    }
    let last = name.len().min(PREFIX_BYTES + 1);
    // A directory's own slash at the end stays with the name.
    let slash = memchr::memrchr(b'/', &name[..last.min(name.len() - 1)])?;
    let (prefix, rest) = (&name[..slash], &name[slash + 1..]);
    (!prefix.is_empty() && !rest.is_empty() && rest.len() <= NAME_BYTES).then_some((prefix, rest))
}

// Sorted by key, so that the order of calls does not show.
#[derive(Default)]
struct Records(BTreeMap<Vec<u8>, Vec<u8>>);

impl Records {
    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.0.insert(key.to_vec(), value.to_vec());
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (key, value) in &self.0 {
            let rest = key.len() + value.len() + 3;
            let mut len = rest;
            while len != rest + len.to_string().len() {
                len = rest + len.to_string().len();
            }
            bytes.extend_from_slice(len.to_string().as_bytes());
            bytes.push(b' ');
            bytes.extend_from_slice(key);
            bytes.push(b'=');
            bytes.extend_from_slice(value);
            bytes.push(b'\n');
        }
        bytes
    }
}

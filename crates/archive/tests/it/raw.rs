//! Archives built byte by byte, so that they can be wrong, and what the reader makes of them.

use std::io::Read;

use sealift_archive::{EntryKind, Error, Limits, tar};

/// One header block, with a checksum that is right unless it is spoilt later.
#[derive(Clone)]
pub(crate) struct Block(pub(crate) [u8; 512]);

impl Block {
    pub(crate) fn new(type_flag: u8, name: &[u8], size: u64) -> Self {
        let mut block = Self([0; 512]);
        block.put(0, name);
        block.put(100, b"0000644\0");
        block.put(108, b"0000000\0");
        block.put(116, b"0000000\0");
        block.put(124, format!("{size:011o}\0").as_bytes());
        block.put(136, b"00000000000\0");
        block.put(156, &[type_flag]);
        block.put(257, b"ustar\x0000");
        block.put(329, b"0000000\0");
        block.put(337, b"0000000\0");
        block
    }

    pub(crate) fn gnu(mut self) -> Self {
        self.put(257, b"ustar  \0");
        self
    }

    pub(crate) fn with(mut self, start: usize, bytes: &[u8]) -> Self {
        self.put(start, bytes);
        self
    }

    fn put(&mut self, start: usize, bytes: &[u8]) {
        self.0[start..start + bytes.len()].copy_from_slice(bytes);
        self.0[148..156].fill(b' ');
        let sum: u32 = self.0.iter().map(|byte| u32::from(*byte)).sum();
        self.0[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// A header with its data, padded.
pub(crate) fn member(block: Block, data: &[u8]) -> Vec<u8> {
    let mut bytes = block.0.to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn file(name: &str, data: &[u8]) -> Vec<u8> {
    member(Block::new(b'0', name.as_bytes(), data.len() as u64), data)
}

/// An extended header of one entry.
pub(crate) fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    extension(b'x', &encode(records))
}

pub(crate) fn extension(type_flag: u8, data: &[u8]) -> Vec<u8> {
    member(Block::new(type_flag, b"extension", data.len() as u64), data)
}

pub(crate) fn encode(records: &[(&str, &str)]) -> Vec<u8> {
    let mut data = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let mut len = rest.len() + 1;
        while len != rest.len() + len.to_string().len() {
            len += 1;
        }
        data.push_str(&len.to_string());
        data.push_str(&rest);
    }
    data.into_bytes()
}

/// The members with the end of an archive.
pub(crate) fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = members.concat();
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

/// What the reader finds: a line an entry.
pub(crate) fn list(bytes: &[u8], limits: Limits) -> Result<Vec<String>, Error> {
    let mut reader = tar::Reader::new(bytes, limits);
    let mut lines = Vec::new();
    while let Some(mut entry) = reader.next_entry()? {
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        let header = entry.header();
        assert_eq!(content.len() as u64, header.size, "{header:?}");
        let shown = if content.len() <= 32 {
            String::from_utf8_lossy(&content).into_owned()
        } else {
            format!("{} bytes", content.len())
        };
        let kind = match &header.kind {
            EntryKind::File => "file".to_owned(),
            EntryKind::Directory => "directory".to_owned(),
            EntryKind::Symlink(target) => format!("symlink {}", String::from_utf8_lossy(target)),
            EntryKind::HardLink(target) => format!("link {target}"),
            EntryKind::CharDevice { major, minor } => format!("char {major}:{minor}"),
            EntryKind::BlockDevice { major, minor } => format!("block {major}:{minor}"),
            EntryKind::Fifo => "fifo".to_owned(),
        };
        lines.push(format!("{} {kind} {shown}", header.path).trim().to_owned());
    }
    Ok(lines)
}

/// The same as text, an error as its message.
pub(crate) fn show(members: &[Vec<u8>]) -> String {
    match list(&archive(members), Limits::default()) {
        Ok(lines) => lines.join("\n"),
        Err(error) => format!("error: {error}"),
    }
}

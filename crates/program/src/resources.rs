//! Version resources of PE files (`VS_VERSIONINFO`, Microsoft Learn): what Windows shows as a file's details.

use std::collections::BTreeMap;

use crate::bytes::{Endian, available, size_at, slice, u16_at, u32_at};
use crate::container::Program;

const RESOURCES: usize = 2;
const VERSION_TYPE: u32 = 16;
const ENTRIES_MAX: usize = 4096;
const STRINGS_MAX: usize = 200;
const TEXT_CHARS_MAX: usize = 500;
const INFORMATION_BYTES_MAX: usize = 1 << 20;
const LITTLE: Endian = Endian::Little;

/// What a version resource says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionInformation {
    /// The four numbers of the file's version.
    pub file_version: Option<[u16; 4]>,
    /// The four numbers of the product's version.
    pub product_version: Option<[u16; 4]>,
    /// Texts by name: `ProductName`, `ProductVersion`, `FileVersion`, `CompanyName`, …; of the first language.
    pub texts: BTreeMap<String, String>,
}

/// Reads the first version resource of a PE file.
pub fn version_information(program: &Program<'_>) -> Option<VersionInformation> {
    let tree = program.directory(RESOURCES)?;
    let name = entry(tree, 0, Some(VERSION_TYPE))?;
    let language = entry(tree, subdirectory(name)?, None)?;
    let leaf = match subdirectory(language) {
        Some(at) => entry(tree, at, None)?,
        None => language,
    };
    let leaf = usize::try_from(leaf).ok().filter(|_| leaf < 1 << 31)?;
    let (address, size) = (u32_at(tree, leaf, LITTLE)?, u32_at(tree, leaf + 4, LITTLE)?);
    // What is cut short is read as far as it goes.
    let content = available(program.from_relative(address)?, 0, u64::from(size));
    let content = &content[..content.len().min(INFORMATION_BYTES_MAX)];
    information(content)
}

// The offset that an entry of a directory of resources has: the one of this number, or the first.
fn entry(tree: &[u8], at: usize, number: Option<u32>) -> Option<u32> {
    let named = usize::from(u16_at(tree, at.checked_add(12)?, LITTLE)?);
    let numbered = usize::from(u16_at(tree, at + 14, LITTLE)?);
    let entries = tree.get(at + 16..)?.chunks_exact(8).take((named + numbered).min(ENTRIES_MAX));
    let mut entries =
        entries.filter_map(|it| Some((u32_at(it, 0, LITTLE)?, u32_at(it, 4, LITTLE)?)));
    let found = entries.find(|(found, _)| number.is_none_or(|number| number == *found))?;
    Some(found.1)
}

fn subdirectory(offset: u32) -> Option<usize> {
    (offset & 1 << 31 != 0).then_some((offset & !(1 << 31)) as usize)
}

// A block: its length, the length of its value, a key, the value, and then blocks within it.
struct Block<'a> {
    key: String,
    value: &'a [u8],
    children: &'a [u8],
}

impl<'a> Block<'a> {
    // The first block of these bytes, and what follows it.
    fn first(bytes: &'a [u8], is_text: bool) -> Option<(Self, &'a [u8])> {
        let length = usize::from(u16_at(bytes, 0, LITTLE)?);
        let value_length = usize::from(u16_at(bytes, 2, LITTLE)?);
        let block = bytes.get(..length.min(bytes.len())).filter(|it| it.len() >= 8)?;
        let key_end = block[6..].chunks_exact(2).position(|pair| pair == [0, 0])? * 2 + 6;
        let key = utf16(&block[6..key_end]);
        let start = (key_end + 2).next_multiple_of(4).min(block.len());
        // The length of a text is in characters, that of others in bytes.
        let value_length = if is_text { value_length * 2 } else { value_length };
        let value = available(block, start as u64, value_length as u64);
        let end = (start + value.len()).next_multiple_of(4).min(block.len());
        let next = length.next_multiple_of(4).min(bytes.len());
        Some((Self { key, value, children: &block[end..] }, &bytes[next..]))
    }
}

fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let units = units.take_while(|unit| *unit != 0).take(TEXT_CHARS_MAX);
    char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn information(content: &[u8]) -> Option<VersionInformation> {
    let (root, _) = Block::first(content, false)?;
    if root.key != "VS_VERSION_INFO" {
        return None;
    }
    let mut found = VersionInformation::default();
    if size_at(root.value, 0, LITTLE) == Some(0xfeef_04bd) {
        let version = |at: u64| {
            let bytes = slice(root.value, at, 8)?;
            let number = |at| u16_at(bytes, at, LITTLE);
            // Two words each, the higher one first.
            Some([number(2)?, number(0)?, number(6)?, number(4)?])
        };
        found.file_version = version(8);
        found.product_version = version(16);
    }
    let mut rest = root.children;
    while let Some((child, after)) = Block::first(rest, false) {
        rest = after;
        if child.key != "StringFileInfo" {
            continue;
        }
        let Some((table, _)) = Block::first(child.children, false) else { break };
        let mut strings = table.children;
        for _ in 0..STRINGS_MAX {
            let Some((string, after)) = Block::first(strings, true) else { break };
            strings = after;
            found.texts.entry(string.key).or_insert_with(|| utf16(string.value).trim().to_owned());
        }
        break;
    }
    Some(found)
}

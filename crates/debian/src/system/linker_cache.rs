//! `/etc/ld.so.cache` without `ldconfig` (glibc, `sysdeps/generic/dl-cache.h`, format `glibc-ld.so.cache1.1`).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use object::elf;
use object::read::elf::{Dyn, ElfFile, FileHeader};
use sealift_archive::RelativePath;

use crate::tree::{Kind, Node, Tree, literal};

const MAGIC: &[u8; 20] = b"glibc-ld.so.cache1.1";
const HEADER_BYTES: usize = 48;
const ENTRY_BYTES: usize = 24;
const FLAG_LITTLE_ENDIAN: u8 = 2;
const FLAG_ELF_LIBC6: u32 = 3;
const LIBRARY_BYTES_MAX: u64 = 1 << 30;
const CONFIGURATIONS_MAX: usize = 1000;

/// What a Debian port's loader looks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abi {
    pub machine: elf::Machine,
    pub is_64: bool,
    /// The bits that glibc adds to the entry's flags (`sysdeps/generic/ldconfig.h`).
    pub flag: u32,
}

/// Writes the cache, if there is a loader to use it.
pub(crate) fn add_linker_cache(tree: &mut Tree, abi: Abi, multiarch: &str) {
    if tree.at("etc").is_none() {
        return;
    }
    let libraries = libraries(tree, abi, multiarch);
    if !libraries.is_empty() {
        let bytes = encode(&libraries, abi.flag | FLAG_ELF_LIBC6);
        tree.insert(literal("etc/ld.so.cache"), Node::file(bytes, 0o644));
    }
}

// From soname to path.
fn libraries(tree: &Tree, abi: Abi, multiarch: &str) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for directory in directories(tree, multiarch) {
        let Ok(path) = RelativePath::parse(directory.as_bytes()) else { continue };
        let Ok(real) = tree.resolve(&path) else { continue };
        // `/lib` and `/usr/lib` are one; the name that comes first counts.
        if !seen.insert(real.clone()) {
            continue;
        }
        let mut here: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for (path, _) in tree.below(&real).filter(|(path, _)| path.parent().as_ref() == Some(&real))
        {
            let Some(name) = path.file_name().filter(|name| is_library_name(name)) else {
                continue;
            };
            let Some(soname) = soname_at(tree, path, name, abi) else { continue };
            // The entry points to the soname's own link if there is one.
            let link = real.join(&soname).ok().filter(|link| tree.get(link).is_some());
            let file = if link.is_some() { soname.as_slice() } else { name };
            let value = [directory.trim_end_matches('/').as_bytes(), b"/", file].concat();
            here.entry(soname).or_insert(value);
        }
        for (soname, value) in here {
            found.entry(soname).or_insert(value);
        }
    }
    found
}

// The configured directories, then those that are built into the loader.
fn directories(tree: &Tree, multiarch: &str) -> Vec<String> {
    let mut directories = Vec::new();
    let mut pending = vec![literal("etc/ld.so.conf")];
    let mut n_read = 0;
    while let Some(path) = pending.pop() {
        n_read += 1;
        let text = path.as_str().and_then(|path| tree.read(path));
        let Some(text) = text.filter(|_| n_read <= CONFIGURATIONS_MAX) else { continue };
        let mut included = Vec::new();
        for line in String::from_utf8_lossy(&text).lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            match line.strip_prefix("include") {
                Some(pattern) if pattern.starts_with([' ', '\t']) => {
                    included.extend(matching(tree, pattern.trim()));
                }
                _ if line.starts_with('/') => directories.push(line.to_owned()),
                _ => {}
            }
        }
        pending.extend(included.into_iter().rev());
    }
    directories.extend(
        [format!("/lib/{multiarch}"), format!("/usr/lib/{multiarch}")]
            .into_iter()
            .chain(["/lib", "/usr/lib", "/lib64", "/usr/lib64"].map(str::to_owned)),
    );
    directories
}

fn matching(tree: &Tree, pattern: &str) -> Vec<RelativePath> {
    let pattern = pattern.trim_start_matches('/');
    tree.iter()
        .map(|(path, _)| path)
        .filter(|path| crate::glob::matches(pattern.as_bytes(), path.as_bytes()))
        .cloned()
        .collect()
}

fn is_library_name(name: &[u8]) -> bool {
    (name.starts_with(b"lib") || name.starts_with(b"ld-"))
        && name.windows(3).any(|window| window == b".so")
}

// A file counts under the soname it carries. So does a link, except one that is there for compiling, `libx.so`.
fn soname_at(tree: &Tree, path: &RelativePath, name: &[u8], abi: Abi) -> Option<Vec<u8>> {
    let target = tree.resolve(path).ok()?;
    let Some(Node { kind: Kind::File(body), .. }) = tree.get(&target) else { return None };
    if body.size() > LIBRARY_BYTES_MAX {
        return None;
    }
    let soname = soname(&body.read().ok()?, abi)?;
    let is_link = target != *path;
    match soname {
        Some(soname) if !(is_link && name.ends_with(b".so")) => Some(soname),
        _ => Some(name.to_owned()),
    }
}

// `None`: not a library for this machine. `Some(None)`: one without a soname.
#[expect(clippy::option_option, reason = "the two kinds of nothing differ")]
fn soname(bytes: &[u8], abi: Abi) -> Option<Option<Vec<u8>>> {
    if abi.is_64 {
        soname_of::<elf::FileHeader64<object::Endianness>>(bytes, abi)
    } else {
        soname_of::<elf::FileHeader32<object::Endianness>>(bytes, abi)
    }
}

#[expect(clippy::option_option, reason = "the two kinds of nothing differ")]
fn soname_of<Elf: FileHeader<Endian = object::Endianness>>(
    bytes: &[u8],
    abi: Abi,
) -> Option<Option<Vec<u8>>> {
    let file = ElfFile::<Elf>::parse(bytes).ok()?;
    let endian = file.endian();
    let header = file.elf_header();
    if header.e_machine(endian) != abi.machine || header.e_type(endian) != elf::ET_DYN {
        return None;
    }
    let segments = header.program_headers(endian, bytes).ok()?;
    let dynamic = segments.iter().find_map(|segment| {
        object::read::elf::ProgramHeader::dynamic(segment, endian, bytes).ok()?
    })?;
    let value = |tag: elf::DynamicTag| -> Option<u64> {
        dynamic
            .iter()
            .find(|entry| entry.tag(endian) == tag)
            .map(|entry| entry.d_val(endian).into())
    };
    let Some(offset) = value(elf::DT_SONAME) else { return Some(None) };
    // Addresses are virtual; the segment that holds the string table says where it lies in the file.
    let address = value(elf::DT_STRTAB)?.checked_add(offset)?;
    let text = segments.iter().find_map(|segment| {
        let limit = 256.min(segment_rest::<Elf>(segment, endian, address)?);
        object::read::elf::ProgramHeader::data_range(segment, endian, bytes, address, limit).ok()?
    })?;
    let end = text.iter().position(|byte| *byte == 0)?;
    let name = &text[..end];
    (!name.is_empty() && !name.contains(&b'/')).then(|| Some(name.to_vec()))
}

fn segment_rest<Elf: FileHeader>(
    segment: &Elf::ProgramHeader,
    endian: Elf::Endian,
    address: u64,
) -> Option<u64> {
    use object::read::elf::ProgramHeader;
    let start: u64 = segment.p_vaddr(endian).into();
    let size: u64 = segment.p_filesz(endian).into();
    start.checked_add(size)?.checked_sub(address).filter(|_| address >= start)
}

fn encode(libraries: &BTreeMap<Vec<u8>, Vec<u8>>, flags: u32) -> Vec<u8> {
    // The loader searches by halves in descending order.
    let mut sorted: Vec<(&Vec<u8>, &Vec<u8>)> = libraries.iter().collect();
    sorted.sort_by(|left, right| compare(right.0, left.0).then_with(|| left.0.cmp(right.0)));
    let strings_start = HEADER_BYTES + ENTRY_BYTES * sorted.len();
    let mut strings = Vec::new();
    let mut entries = Vec::new();
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    for (soname, path) in &sorted {
        // The name is the end of the path when the entry points to a link of that name.
        let path_start = strings_start + strings.len();
        strings.extend_from_slice(path);
        strings.push(0);
        let name_start = if path.ends_with(&[b"/", soname.as_slice()].concat()) {
            path_start + path.len() - soname.len()
        } else {
            let start = strings_start + strings.len();
            strings.extend_from_slice(soname);
            strings.push(0);
            start
        };
        entries.extend_from_slice(&flags.to_le_bytes());
        entries.extend_from_slice(&number(name_start));
        entries.extend_from_slice(&number(path_start));
        // osversion, which glibc 2.36 does not read any more, and hwcap.
        entries.extend_from_slice(&[0; 12]);
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&number(sorted.len()));
    bytes.extend_from_slice(&number(strings.len()));
    bytes.extend_from_slice(&[FLAG_LITTLE_ENDIAN, 0, 0, 0]);
    // No extension, three unused words.
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend_from_slice(&entries);
    bytes.extend_from_slice(&strings);
    bytes
}

/// glibc's `_dl_cache_libcmp`: runs of digits are compared as numbers.
fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (left, right);
    while let (Some(first), Some(second)) = (left.first(), right.first()) {
        match (first.is_ascii_digit(), second.is_ascii_digit()) {
            (true, true) => {
                let (number, rest) = split_number(left);
                let (other, other_rest) = split_number(right);
                match number.len().cmp(&other.len()).then_with(|| number.cmp(other)) {
                    Ordering::Equal => (left, right) = (rest, other_rest),
                    order => return order,
                }
            }
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) if first != second => return first.cmp(second),
            (false, false) => (left, right) = (&left[1..], &right[1..]),
        }
    }
    left.len().cmp(&right.len())
}

// A number without its leading zeros, and what follows.
fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = number.iter().take_while(|digit| **digit == b'0').count();
    (&number[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_glibc() {
        assert_eq!(compare(b"libc.so.6", b"libc.so.10"), Ordering::Less);
        assert_eq!(compare(b"libz.so.1", b"liba.so.1"), Ordering::Greater);
        assert_eq!(compare(b"lib9.so", b"liba.so"), Ordering::Greater);
        assert_eq!(compare(b"libz.so", b"libz.so.1"), Ordering::Less);
        assert_eq!(compare(b"libz.so.01", b"libz.so.1"), Ordering::Equal);
    }

    #[test]
    fn garbage_is_no_library() {
        let abi = Abi { machine: elf::EM_X86_64, is_64: true, flag: 0x300 };
        for bytes in [&b""[..], b"\x7fELF", b"\x7fELF\x02\x01\x01", &[0xff; 4096]] {
            assert!(soname(bytes, abi).is_none());
        }
    }

    #[test]
    fn layout() {
        let libraries = BTreeMap::from([
            (b"liba.so.1".to_vec(), b"/lib/liba.so.1".to_vec()),
            (b"libb.so.2".to_vec(), b"/lib/libb.so.2.0".to_vec()),
        ]);
        let bytes = encode(&libraries, 0x303);
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let text = |at: usize| {
            let end = at + bytes[at..].iter().position(|byte| *byte == 0).unwrap();
            String::from_utf8(bytes[at..end].to_vec()).unwrap()
        };
        assert_eq!(&bytes[..20], MAGIC);
        assert_eq!(word(20), 2);
        assert_eq!(48 + 2 * 24 + word(24), bytes.len());
        assert_eq!(
            (word(48), text(word(52)), text(word(56))),
            (0x303, "libb.so.2".into(), "/lib/libb.so.2.0".into())
        );
        assert_eq!((text(word(76)), text(word(80))), ("liba.so.1".into(), "/lib/liba.so.1".into()));
    }
}

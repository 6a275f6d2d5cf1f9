//! Go's build information in programs (Go's debug/buildinfo): the toolchain's version and the modules.

use object::read::elf::{ElfFile, ElfFile32, ElfFile64, FileHeader};
use object::{Endianness, Object, ObjectSection, ObjectSegment, SegmentFlags};
use sealift_model::{Method, PackageKind, Scope};

use crate::cataloger::{Context, Draft, Found};
use crate::component::{NAME_BYTES_MAX, component};
use crate::inspection::Extract;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER_BYTES: usize = 32;
const VERSION_BYTES_MAX: usize = 1000;
const MODULES_BYTES_MAX: usize = 8 << 20;
const MODULES_MAX: usize = 50_000;

/// The parts `version` and `modules` of a program that Go built.
pub(crate) fn extract(content: &[u8]) -> Option<Extract> {
    // Nearly all programs end here: Go aligns the mark, and nothing else has it.
    memchr::memmem::find(content, MAGIC)?;
    if let Ok(file) = ElfFile64::<Endianness>::parse(content) {
        return of_elf(&file);
    }
    of_elf(&ElfFile32::<Endianness>::parse(content).ok()?)
}

fn of_elf<H: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, H>) -> Option<Extract> {
    let (data, at) = information(file)?;
    let header = data.get(at..at + HEADER_BYTES)?;
    let (version, modules) = if header[15] & 2 != 0 {
        // Since Go 1.18 the texts follow.
        let mut rest = &data[at + HEADER_BYTES..];
        let version = inline(&mut rest, VERSION_BYTES_MAX)?;
        (version, inline(&mut rest, MODULES_BYTES_MAX).unwrap_or_default())
    } else {
        let pointers = Pointers { size: usize::from(header[14]), is_big: header[15] & 1 != 0 };
        let text = |at: usize, max: usize| {
            let address = pointers.read(header.get(at..)?)?;
            let string = memory(file, address, 2 * pointers.size as u64)?;
            let len = pointers.read(&string[pointers.size..])?;
            (len <= max as u64).then(|| memory(file, pointers.read(string)?, len)).flatten()
        };
        let version = text(16, VERSION_BYTES_MAX)?;
        (version, text(16 + pointers.size, MODULES_BYTES_MAX).unwrap_or_default())
    };
    if !version.starts_with(b"go") && !version.starts_with(b"devel") {
        return None;
    }
    let modules = unmarked(modules);
    Some(Extract {
        parts: vec![
            ("version".to_owned(), version.to_vec()),
            ("modules".to_owned(), modules.to_vec()),
        ],
        complaints: Vec::new(),
    })
}

// The data that has the header, and where: a section of its own, or the first writable segment.
fn information<'a, H: FileHeader<Endian = Endianness>>(
    file: &ElfFile<'a, H>,
) -> Option<(&'a [u8], usize)> {
    let aligned = |data: &'a [u8]| {
        let place = memchr::memmem::find_iter(data, MAGIC).find(|place| place % 16 == 0)?;
        Some((data, place))
    };
    let section = file.section_by_name_bytes(b".go.buildinfo").and_then(|it| it.data().ok());
    if let Some(found) = section.and_then(aligned) {
        return Some(found);
    }
    let mut segments = file.segments();
    let is_writable = |flags: SegmentFlags| match flags {
        SegmentFlags::Elf { p_flags, .. } => p_flags.0 & object::elf::PF_W.0 != 0,
        _ => false,
    };
    let segment = segments.find(|segment| is_writable(segment.flags()))?;
    aligned(segment.data().ok()?)
}

struct Pointers {
    size: usize,
    is_big: bool,
}

impl Pointers {
    fn read(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(..self.size)?;
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.size {
            4 | 8 if self.is_big => Some(bytes.iter().fold(0, add)),
            4 | 8 => Some(bytes.iter().rev().fold(0, add)),
            _ => None,
        }
    }
}

fn memory<'a, H: FileHeader<Endian = Endianness>>(
    file: &ElfFile<'a, H>,
    address: u64,
    len: u64,
) -> Option<&'a [u8]> {
    file.segments().find_map(|segment| segment.data_range(address, len).ok().flatten())
}

// A length in groups of seven bits, then so many bytes.
fn inline<'a>(bytes: &mut &'a [u8], max: usize) -> Option<&'a [u8]> {
    let mut len = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        len |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let len = usize::try_from(len).ok().filter(|len| *len <= max)?;
            let (text, rest) = bytes.split_at_checked(len)?;
            *bytes = rest;
            return Some(text);
        }
    }
    None
}

// The text is between two marks of 16 bytes, by which the linker finds it.
fn unmarked(modules: &[u8]) -> &[u8] {
    match modules.len().checked_sub(17) {
        Some(end) if modules.len() >= 33 && modules[end] == b'\n' => &modules[16..=end],
        _ => b"",
    }
}

/// The modules: the main one, those that it was built from, and the standard library.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let text = |name| String::from_utf8_lossy(extract.part(name).unwrap_or_default());
    let (toolchain, modules) = (text("version"), text("modules"));
    let mut builder = Builder { context, drafts: Vec::new() };
    // `go1.21.3 X:boringcrypto`, `devel go1.22-abc date`.
    let version = toolchain.split(' ').find_map(|word| word.strip_prefix("go"));
    builder.add("stdlib", version, Scope::Embedded);
    let mut main = None;
    let mut replaceable = false;
    for line in modules.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [keyword, path, rest @ ..] = &columns[..] else { continue };
        let version = rest.first().copied();
        match *keyword {
            "mod" if main.is_none() => main = builder.add(path, version, Scope::Installed),
            "dep" if builder.drafts.len() < MODULES_MAX => {
                replaceable = builder.add(path, version, Scope::Embedded).is_some();
                continue;
            }
            // What was built in place of the one before. A path of the file system is the same module, changed.
            "=>" if replaceable => {
                if let Some(replaced) = builder.drafts.pop() {
                    let name = if is_local(path) { &replaced.package.name } else { *path };
                    builder.add(name, version, Scope::Embedded);
                }
            }
            _ => {}
        }
        replaceable = false;
    }
    if let Some(main) = main {
        let needs = builder.drafts.iter().enumerate().filter(|(place, _)| *place != main);
        let needs = needs.map(|(_, draft)| draft.provides.clone()).collect();
        builder.drafts[main].requires = needs;
    }
    found.drafts = builder.drafts;
    found
}

struct Builder<'a> {
    context: &'a Context<'a>,
    drafts: Vec<Draft>,
}

impl Builder<'_> {
    fn add(&mut self, path: &str, version: Option<&str>, scope: Scope) -> Option<usize> {
        if path.is_empty() || path.len() > NAME_BYTES_MAX {
            return None;
        }
        let version = version.filter(|text| *text != "(devel)" && text.len() <= NAME_BYTES_MAX);
        let mut draft = module(path, version, self.context);
        draft.package.scope = scope;
        draft.provides = vec![format!("{}#{path}", self.context.path())];
        self.drafts.push(draft);
        Some(self.drafts.len() - 1)
    }
}

fn is_local(path: &str) -> bool {
    path.starts_with(['.', '/'])
}

/// A module; its purl is in lower case, whatever its path is (purl types, `golang`).
pub(crate) fn module(path: &str, version: Option<&str>, context: &Context<'_>) -> Draft {
    let evidence = context.evidence(Method::Manifest);
    let mut draft = component(PackageKind::Go, path, version, evidence, context);
    let purl = &mut draft.package.purl;
    purl.name.make_ascii_lowercase();
    if let Some(namespace) = &mut purl.namespace {
        namespace.make_ascii_lowercase();
    }
    draft
}

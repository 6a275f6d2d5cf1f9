//! Catalogers of programs and archives, which are too large to keep: they look at the content when a layer's stream has
//! it, and only what they find there is kept, as an extract.

use sealift_archive::RelativePath;
use sealift_image::{FileMeta, Inspection};

use crate::cataloger::{Context, Found};
use crate::{go_binary, java, rust_binary};

/// A reader of what is in programs or archives.
pub struct Inspector {
    /// Its name.
    pub name: &'static str,
    /// Which files.
    wanted: fn(&RelativePath, &FileMeta) -> bool,
    /// How they begin.
    starts: &'static [&'static [u8]],
    /// What it finds in a content; `None` if that is nothing of its.
    extract: fn(&[u8]) -> Option<Extract>,
    /// The packages of what it found.
    read: fn(&Extract, &Context<'_>) -> Found,
}

/// All of them. The order is part of the extracts, which do not outlive a run.
pub const INSPECTORS: &[Inspector] = &[
    Inspector {
        name: "go-binary",
        wanted: is_program,
        starts: ELF,
        extract: go_binary::extract,
        read: go_binary::read,
    },
    Inspector {
        name: "rust-binary",
        wanted: is_program,
        starts: ELF,
        extract: rust_binary::extract,
        read: rust_binary::read,
    },
    Inspector {
        name: "java-archive",
        wanted: |path, _| java::is_archive(path.as_bytes()),
        // A script may be in front of an archive that starts itself.
        starts: &[b"PK", b"#!"],
        extract: java::extract,
        read: java::read,
    },
];

const ELF: &[&[u8]] = &[b"\x7fELF"];

/// For reading an image: what to look at while its layers are read.
pub const INSPECTION: Inspection<'static> =
    Inspection { wanted: &wanted, starts: &[b"\x7fELF", b"PK", b"#!"], extract: &extract };

/// True for files that an inspector looks at.
pub(crate) fn wanted(path: &RelativePath, meta: &FileMeta) -> bool {
    INSPECTORS.iter().any(|inspector| (inspector.wanted)(path, meta))
}

// The kernel starts what may be executed; shared objects need no such mode.
fn is_program(path: &RelativePath, meta: &FileMeta) -> bool {
    let name = path.file_name().unwrap_or_default();
    let is_object = name.ends_with(b".so") || name.windows(4).any(|part| part == b".so.");
    (meta.mode & 0o111 != 0 || is_object) && meta.size > 64
}

fn extract(path: &RelativePath, content: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (number, inspector) in (0_u8..).zip(INSPECTORS) {
        let is_elf = inspector.starts == ELF;
        let is_its = inspector.starts.iter().any(|start| content.starts_with(start));
        if !is_its || !is_elf && !java::is_archive(path.as_bytes()) {
            continue;
        }
        if let Some(extract) = (inspector.extract)(content) {
            bytes.push(number);
            extract.encode(&mut bytes);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// Reads a file as a whole.
pub(crate) fn inspect(meta: &FileMeta, content: &[u8], context: &Context<'_>) -> Found {
    let path = RelativePath::parse(context.path_bytes()).unwrap_or_default();
    if !wanted(&path, meta) {
        return Found::default();
    }
    extract(&path, content).map_or_else(Found::default, |bytes| read(&bytes, context))
}

/// Reads an extract.
pub(crate) fn read(mut bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    while let Some((number, rest)) = bytes.split_first() {
        let Some((extract, rest)) = Extract::decode(rest) else { break };
        bytes = rest;
        if let Some(inspector) = INSPECTORS.get(usize::from(*number)) {
            let more = (inspector.read)(&extract, context);
            found.drafts.extend(more.drafts);
            found.notes.extend(more.notes);
        }
    }
    found
}

/// What was found in a file: parts with a name, and complaints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extract {
    pub(crate) parts: Vec<(String, Vec<u8>)>,
    pub(crate) complaints: Vec<String>,
}

impl Extract {
    /// The first part of this name.
    pub(crate) fn part(&self, name: &str) -> Option<&[u8]> {
        self.parts.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice())
    }

    // Counts and lengths, each before what it counts.
    fn encode(&self, out: &mut Vec<u8>) {
        let number = |out: &mut Vec<u8>, count: usize| {
            out.extend_from_slice(&(count as u64).to_le_bytes());
        };
        number(out, self.parts.len());
        for (name, bytes) in &self.parts {
            for text in [name.as_bytes(), bytes] {
                number(out, text.len());
                out.extend_from_slice(text);
            }
        }
        number(out, self.complaints.len());
        for complaint in &self.complaints {
            number(out, complaint.len());
            out.extend_from_slice(complaint.as_bytes());
        }
    }

    fn decode(mut bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut extract = Self::default();
        for _ in 0..number(&mut bytes)? {
            let name = String::from_utf8_lossy(text(&mut bytes)?).into_owned();
            extract.parts.push((name, text(&mut bytes)?.to_vec()));
        }
        for _ in 0..number(&mut bytes)? {
            extract.complaints.push(String::from_utf8_lossy(text(&mut bytes)?).into_owned());
        }
        Some((extract, bytes))
    }
}

fn number(bytes: &mut &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    usize::try_from(u64::from_le_bytes(*first)).ok()
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = number(bytes)?;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extracts_come_back() {
        let extract = Extract {
            parts: vec![("a".to_owned(), vec![1, 2]), (String::new(), Vec::new())],
            complaints: vec!["b".to_owned()],
        };
        let mut bytes = Vec::new();
        extract.encode(&mut bytes);
        for end in 0..bytes.len() {
            assert_eq!(Extract::decode(&bytes[..end]), None);
        }
        bytes.push(7);
        assert_eq!(Extract::decode(&bytes), Some((extract, &[7][..])));
    }
}

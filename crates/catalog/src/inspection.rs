//! Catalogers of programs and archives, which are too large to keep: they look at the content when a layer's stream has
//! it, and only what they find there is kept, as an extract.

use sealift_archive::RelativePath;
use sealift_image::{FileMeta, Inspection, Look, START_BYTES};
use sealift_program::Program;

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Found};
use crate::models::{gguf, safetensors};
use crate::node::yarn_cache;
use crate::{dotnet, go_binary, java, kernel, known_program, rust_binary};

type IsWanted = fn(&RelativePath, &FileMeta) -> bool;
type HowMuch = fn(&RelativePath, &[u8]) -> Look;
type Extractor = fn(&RelativePath, &[u8]) -> Option<Extract>;
type Reader = fn(&Extract, &Context<'_>) -> Found;

/// A reader of what is in programs or archives.
pub struct Inspector {
    /// Its name.
    pub name: &'static str,
    /// What it finds, in a few words; the table of catalogers in the documentation has it.
    pub what: &'static str,
    /// Which files.
    wanted: IsWanted,
    /// How much of one it needs, by its path and first bytes.
    look: HowMuch,
    /// What it finds in a content, given with its path; `None` if that is nothing of its.
    extract: Extractor,
    /// The packages of what it found.
    read: Reader,
}

impl Inspector {
    /// What it finds in a content that is there as a whole; `None` if that is nothing of its. Whether it wants a file of
    /// such a name and mode is not asked.
    pub fn find(&self, content: &[u8], context: &Context<'_>) -> Option<Found> {
        let path = RelativePath::parse(context.path_bytes()).ok()?;
        let start = &content[..content.len().min(START_BYTES)];
        if (self.look)(&path, start) == Look::Pass {
            return None;
        }
        Some((self.read)(&(self.extract)(&path, content)?, context))
    }
}

/// All of them. The order is part of the extracts, which do not outlive a run.
pub const INSPECTORS: &[Inspector] = &[
    Inspector {
        name: "go-binary",
        what: "Go modules that are linked into a program, from the linker's own record",
        wanted: is_program,
        look: look_at_program,
        extract: go_binary::extract,
        read: go_binary::read,
    },
    Inspector {
        name: "rust-binary",
        what: "Rust crates that are linked into a program, from cargo-auditable's record or from the places of panics",
        wanted: is_program,
        look: look_at_program,
        extract: rust_binary::extract,
        read: rust_binary::read,
    },
    Inspector {
        name: "java-archive",
        what: "Java libraries: jars, wars and ears, and those within them",
        wanted: |path, _| java::is_archive(path.as_bytes()),
        look: java::look,
        extract: |_, content| java::extract(content),
        read: java::read,
    },
    Inspector {
        name: "model-gguf",
        what: "Models of machine learning in GGUF (llama.cpp, Ollama)",
        wanted: |path, _| gguf::is_candidate(path),
        look: gguf::look,
        extract: |_, content| gguf::extract(content),
        read: gguf::read,
    },
    Inspector {
        name: "model-safetensors",
        what: "Models of machine learning in safetensors (Hugging Face)",
        wanted: |path, _| safetensors::is_candidate(path),
        look: safetensors::look,
        extract: safetensors::extract,
        read: safetensors::read,
    },
    Inspector {
        name: "dotnet-assembly",
        what: "NuGet packages by the assemblies that no list of packages has",
        wanted: |path, _| dotnet::assembly::is_candidate(path),
        look: dotnet::assembly::look,
        extract: dotnet::assembly::extract,
        read: dotnet::assembly::read,
    },
    Inspector {
        name: "graalvm-native-image",
        what: "Java packages in GraalVM's native images, from the list that is built into them",
        wanted: is_program,
        look: look_at_program,
        extract: |_, content| java::native_image::extract(content),
        read: java::native_image::read,
    },
    Inspector {
        name: "yarn-cache",
        what: "Node packages in Yarn's archives, from which programs run with Plug'n'Play",
        wanted: |path, _| yarn_cache::is_cached(path),
        look: yarn_cache::look,
        extract: yarn_cache::extract,
        read: yarn_cache::read,
    },
    Inspector {
        name: "program-signature",
        what: "Programs and libraries that were built by hand, by bytes that only they have (python, nginx, openssl, …)",
        wanted: known_program::has_signature,
        look: look_at_program,
        extract: known_program::identify,
        read: known_program::read,
    },
    Inspector {
        name: "elf-package-note",
        what: "Packages that programs say they belong to, in the section `.note.package`",
        wanted: is_program,
        look: look_at_program,
        extract: known_program::package_note,
        read: known_program::read_note,
    },
    Inspector {
        name: "pe-version",
        what: "Products, by the version resources of Windows programs that are not .NET's",
        wanted: is_program,
        look: |_, start| if start.starts_with(b"MZ") { Look::Whole } else { Look::Pass },
        extract: known_program::details,
        read: known_program::read_details,
    },
    Inspector {
        name: "linux-kernel",
        what: "Linux kernels and their modules",
        wanted: kernel::is_candidate,
        look: kernel::look,
        extract: kernel::extract,
        read: kernel::read,
    },
];

/// For reading an image: what to look at while its layers are read.
pub const INSPECTION: Inspection<'static> = Inspection {
    wanted: &wanted,
    look: &look,
    useless: &Program::instructions,
    extract: &extract,
    watch: None,
};

/// True for files that an inspector looks at.
pub(crate) fn wanted(path: &RelativePath, meta: &FileMeta) -> bool {
    INSPECTORS.iter().any(|inspector| (inspector.wanted)(path, meta))
}

// As much as the most curious of them needs.
fn look(path: &RelativePath, start: &[u8]) -> Look {
    INSPECTORS.iter().map(|inspector| (inspector.look)(path, start)).max().unwrap_or(Look::Pass)
}

fn look_at_program(_: &RelativePath, start: &[u8]) -> Look {
    if Program::starts(start) { Look::Whole } else { Look::Pass }
}

// The kernel starts what may be executed; shared objects, and what other systems start, need no such mode.
fn is_program(path: &RelativePath, meta: &FileMeta) -> bool {
    const ENDINGS: [&[u8]; 6] = [b".so", b".dll", b".exe", b".dylib", b".node", b".bundle"];
    let name = path.file_name().unwrap_or_default();
    let is_object = || {
        ENDINGS.iter().any(|ending| name.ends_with(ending))
            || name.windows(4).any(|part| part == b".so.")
    };
    meta.size > 64 && (meta.mode & 0o111 != 0 || is_object())
}

fn extract(path: &RelativePath, content: &[u8]) -> Option<Vec<u8>> {
    let start = &content[..content.len().min(START_BYTES)];
    let mut bytes = Vec::new();
    for (number, inspector) in (0_u8..).zip(INSPECTORS) {
        if (inspector.look)(path, start) == Look::Pass {
            continue;
        }
        if let Some(extract) = (inspector.extract)(path, content) {
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

//! What the bytes of programs tell.

use sealift_program::{
    Program, assembly, go, go_functions, kernel, native_image, note, resources, rust, signature,
};

// Names that many signatures look at.
const NAMES: [&str; 8] = [
    "python3.11",
    "redis-server",
    "nginx",
    "mysqld",
    "libxml2.so.2.9.14",
    "gcc",
    "libc.so",
    "libssl.so.3",
];

/// A byte that says which reader, and what it is to read.
pub fn program(bytes: &[u8]) {
    let Some((selector, bytes)) = bytes.split_first() else { return };
    match selector % 6 {
        0 => records(bytes),
        1 => {
            kernel::image(bytes);
            kernel::module(bytes);
        }
        2 => {
            let name = NAMES[usize::from(selector / 6) % NAMES.len()];
            for found in signature::identify(name.as_bytes(), bytes) {
                assert!(!found.version.is_empty(), "{name} has an empty version");
            }
        }
        3 => {
            let text = String::from_utf8_lossy(bytes);
            let build = go::build("go1.21", &text);
            build.version();
            build.version_variables();
        }
        4 => {
            let _ = note::package(bytes);
        }
        _ => {
            if let Some(program) = Program::parse(bytes) {
                resources::version_information(&program);
                assembly::assembly(&program);
            }
        }
    }
}

fn records(bytes: &[u8]) {
    let Some(program) = Program::parse(bytes) else { return };
    let within = |part: &[u8]| {
        let (all, part) = (bytes.as_ptr_range(), part.as_ptr_range());
        assert!(part.start == part.end || (all.start <= part.start && part.end <= all.end));
    };
    program.sections.iter().for_each(|section| within(section.data));
    program.segments.iter().for_each(|segment| within(segment.data));
    if let Some(record) = go::record(&program) {
        let text = String::from_utf8_lossy(record.modules);
        let build = go::build(&String::from_utf8_lossy(record.toolchain), &text);
        go::variable_version(&program, &build);
    }
    for (path, functions) in go_functions::functions(&program).unwrap_or_default() {
        assert!(!path.is_empty() && !functions.is_empty(), "a package without path or functions");
    }
    let _ = rust::auditable(&program);
    for (name, version) in rust::crates_in_texts(&program) {
        assert!(!name.is_empty() && !version.is_empty(), "a crate without name or version");
    }
    rust::compiler(&program);
    let _ = note::json(&program).map(note::package);
    let _ = native_image::document(&program);
}

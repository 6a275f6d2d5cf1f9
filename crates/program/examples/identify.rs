//! Says what programs are by their bytes: `cargo run -p sealift-program --example identify FILE…`.
#![allow(clippy::print_stdout, reason = "a tool for the table of signatures")]

use std::path::Path;

use sealift_program::{Program, go, rust, signature};

fn main() {
    let names: Vec<&str> = signature::all().map(|it| it.name).collect();
    for file in std::env::args().skip(1) {
        let Ok(bytes) = std::fs::read(&file) else { continue };
        if !Program::starts(&bytes) {
            continue;
        }
        let name = Path::new(&file).file_name().unwrap_or_default().as_encoded_bytes();
        for found in signature::identify(name, &bytes) {
            println!("{file}\t{}\t{}", names[found.signature], found.version);
        }
        let Some(program) = Program::parse(&bytes) else { continue };
        if let Some(record) = go::record(&program) {
            let text = |bytes| String::from_utf8_lossy(bytes);
            let build = go::build(&text(record.toolchain), &text(record.modules));
            let variable = go::variable_version(&program, &build);
            let (path, version) = (build.path.clone(), build.version());
            println!("{file}\tgo-main\t{path:?} {version:?} {variable:?}");
        }
        let crates = rust::crates_in_texts(&program);
        if !crates.is_empty() {
            println!("{file}\tcrates\t{} {:?}", crates.len(), rust::compiler(&program));
        }
    }
}

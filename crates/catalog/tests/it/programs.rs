//! Programs that say what they were built from.
#![allow(clippy::cast_possible_truncation, reason = "small fixtures")]

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Command;

use expect_test::expect;
use flate2::{Compression, write::ZlibEncoder};
use sealift_model::{PackageKind, Scope};

use crate::{inventory, show};

const BASE: u64 = 0x40_0000;

/// A program of one writable segment, which is the whole file, and these sections.
pub(crate) fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = vec![0; 64 + 56];
    let mut names = vec![0];
    let mut headers = vec![[0_u64; 10]];
    for (name, content) in sections {
        file.resize(file.len().next_multiple_of(16), 0);
        let offset = file.len() as u64;
        headers.push([
            names.len() as u64,
            1,
            0,
            BASE + offset,
            offset,
            content.len() as u64,
            0,
            0,
            1,
            0,
        ]);
        names.extend(name.bytes().chain([0]));
        file.extend_from_slice(content);
    }
    headers.push([names.len() as u64, 3, 0, 0, file.len() as u64, 0, 0, 0, 1, 0]);
    names.extend(b".shstrtab\0");
    headers.last_mut().unwrap()[5] = names.len() as u64;
    file.extend_from_slice(&names);
    file.resize(file.len().next_multiple_of(8), 0);
    let table = file.len() as u64;
    for [name, kind, flags, address, offset, size, link, info, align, entry] in &headers {
        file.extend_from_slice(&(*name as u32).to_le_bytes());
        file.extend_from_slice(&(*kind as u32).to_le_bytes());
        for value in [flags, address, offset, size] {
            file.extend_from_slice(&value.to_le_bytes());
        }
        file.extend_from_slice(&(*link as u32).to_le_bytes());
        file.extend_from_slice(&(*info as u32).to_le_bytes());
        for value in [align, entry] {
            file.extend_from_slice(&value.to_le_bytes());
        }
    }
    let size = file.len() as u64;
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(16, 0);
    header.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    for value in [BASE, 64, table] {
        header.extend(value.to_le_bytes());
    }
    header.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0]);
    header.extend((headers.len() as u16).to_le_bytes());
    header.extend((headers.len() as u16 - 1).to_le_bytes());
    header.extend([1, 0, 0, 0, 6, 0, 0, 0]);
    for value in [0, BASE, BASE, size, size, 4096] {
        header.extend(value.to_le_bytes());
    }
    file[..header.len()].copy_from_slice(&header);
    file
}

const MODULES: &str = "path\texample.org/App/cmd\nmod\texample.org/App\t(devel)\t\ndep\tgithub.com/a/b\tv1.2.3\th1:x=\ndep\tgithub.com/c/d\tv0.1.0\n=>\tgithub.com/e/d\tv0.2.0\th1:y=\ndep\tgithub.com/f/g/v2\tv2.0.0\n=>\t./g\t(devel)\t\nbuild\t-compiler=gc\n";

fn modules() -> Vec<u8> {
    [&[1; 16][..], MODULES.as_bytes(), &[2; 16]].concat()
}

fn inline() -> Vec<u8> {
    let modules = modules();
    let mut content = b"\xff Go buildinf:\x08\x02".to_vec();
    content.resize(32, 0);
    content.push(8);
    content.extend(b"go1.21.3");
    content.push((modules.len() & 0x7f) as u8 | 0x80);
    content.push((modules.len() >> 7) as u8);
    content.extend(modules);
    content
}

fn by_pointers() -> Vec<u8> {
    // The first section is at the first place behind the headers.
    let start = BASE + 128;
    let modules = modules();
    let mut content = b"\xff Go buildinf:\x08\x00".to_vec();
    let at = [start + 32, start + 48];
    let strings = [(start + 64, 6), (start + 70, modules.len() as u64)];
    for value in at.into_iter().chain(strings.iter().flat_map(|(at, len)| [*at, *len])) {
        content.extend(value.to_le_bytes());
    }
    content.extend(b"go1.17");
    content.extend(modules);
    content
}

#[test]
fn go() {
    let found = inventory(&[&[("usr/bin/app", &elf(&[(".go.buildinfo", &inline())]))]]);
    expect![[r#"
        pkg:golang/example.org/app
          nobody; licences []; layer Some(0); Installed
          BuildRecord /usr/bin/app Some(0)
        pkg:golang/github.com/a/b@v1.2.3
          nobody; licences []; layer Some(0); Embedded
          BuildRecord /usr/bin/app Some(0)
        pkg:golang/github.com/e/d@v0.2.0
          nobody; licences []; layer Some(0); Embedded
          BuildRecord /usr/bin/app Some(0)
        pkg:golang/github.com/f/g/v2
          nobody; licences []; layer Some(0); Embedded
          BuildRecord /usr/bin/app Some(0)
        pkg:golang/stdlib@1.21.3
          nobody; licences []; layer Some(0); Embedded
          BuildRecord /usr/bin/app Some(0)
        example.org/App needs github.com/a/b
        example.org/App needs github.com/e/d
        example.org/App needs github.com/f/g/v2
        example.org/App needs stdlib
    "#]]
    .assert_eq(&show(&found));
    for (name, content) in
        [(".go.buildinfo", by_pointers()), (".data", by_pointers()), (".data", inline())]
    {
        let found = inventory(&[&[("usr/bin/app", &elf(&[(name, &content)]))]]);
        assert_eq!(found.packages.len(), 5, "{name} {}", show(&found));
    }
    // Neither may be executed nor is a shared object.
    let found = inventory(&[&[("usr/share/app", &elf(&[(".go.buildinfo", &inline())]))]]);
    assert!(found.packages.is_empty());
}

#[test]
fn owned_by_the_package_that_brought_it() {
    let status = b"Package: app\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n";
    let found = inventory(&[&[
        ("usr/bin/app", &elf(&[(".go.buildinfo", &inline())])),
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/info/app.list", b"/usr/bin/app\n"),
    ]]);
    let is_owned = |it: &sealift_model::Package| it.owner.is_some() == (it.kind == PackageKind::Go);
    assert!(found.packages.len() == 6 && found.packages.iter().all(is_owned), "{}", show(&found));
}

#[test]
fn go_mod() {
    let text = b"module example.org/app\n\ngo 1.21\n\nrequire example.org/One v1.0.0\n\nrequire (\n\tgithub.com/a/b v1.2.3 // indirect\n\t\"github.com/c/d\" v0.1.0\n)\n\nreplace github.com/a/b => ../b\n";
    let found = inventory(&[&[("src/go.mod", text), ("src/testdata/go.mod", text)]]);
    let of = |scope| found.packages.iter().filter(move |it| it.scope == scope);
    let names: Vec<String> = of(Scope::Declared).map(|it| it.purl.to_string()).collect();
    let expected = [
        "pkg:golang/example.org/one@v1.0.0",
        "pkg:golang/github.com/a/b@v1.2.3",
        "pkg:golang/github.com/c/d@v0.1.0",
    ];
    assert_eq!(names, expected);
    assert_eq!(of(Scope::TestData).count(), 3);
}

// `go version -m` says what is in Go's own programs.
#[test]
fn as_go_lists() {
    let program = "/usr/local/go/bin/go";
    let output = Command::new(program).args(["version", "-m", program]).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        writeln!(std::io::stderr(), "SKIPPED: go is not there").unwrap();
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let mut expected = BTreeSet::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["dep" | "mod", path, version, ..] => {
                expected
                    .insert((path.to_owned(), (version != "(devel)").then(|| version.to_owned())));
            }
            [_, version] if version.starts_with("go1") => {
                expected.insert(("stdlib".to_owned(), Some(version[2..].to_owned())));
            }
            ["mod", path] => {
                expected.insert((path.to_owned(), None));
            }
            _ => {}
        }
    }
    let content = std::fs::read(program).unwrap();
    let found = inventory(&[&[("usr/local/go/bin/go", &content)]]);
    let standard = found.packages.iter().find(|it| it.name == "stdlib").unwrap();
    let functions = standard.functions.as_ref().unwrap();
    assert!(functions.has("net/url.Parse") && functions.has("net/http.Client.Do"));
    assert!(!functions.has("encoding/asn1.MarshalWithParams.x") && !functions.has("net/rpc"));
    let found: BTreeSet<(String, Option<String>)> = found
        .packages
        .into_iter()
        .filter(|it| it.kind == PackageKind::Go)
        .map(|it| (it.name, it.version))
        .collect();
    assert_eq!(found, expected);
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

const CRATES: &[u8] = br#"{"packages":[{"name":"app","version":"0.1.0","source":"local","root":true,"dependencies":[1,2,9]},
{"name":"serde","version":"1.0.1","source":"crates.io"},{"name":"cc","version":"1.0.0","source":"crates.io","kind":"build"}]}"#;

#[test]
fn rust() {
    let found = inventory(&[&[("bin/app", &elf(&[(".dep-v0", &zlib(CRATES))]))]]);
    expect![[r#"
        pkg:cargo/app@0.1.0
          nobody; licences []; layer Some(0); Installed
          BuildRecord /bin/app Some(0)
        pkg:cargo/cc@1.0.0
          nobody; licences []; layer Some(0); BuiltFrom
          BuildRecord /bin/app Some(0)
        pkg:cargo/serde@1.0.1
          nobody; licences []; layer Some(0); Embedded
          BuildRecord /bin/app Some(0)
        app needs cc
        app needs serde
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn cargo_lock() {
    let lock = b"version = 3\n\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\n \"b 2.0.0\",\n \"c\",\n]\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n\n[[package]]\nname = \"c\"\nversion = \"1.0.0\"\nsource = \"registry+https://x\"\n";
    let found = inventory(&[&[("src/Cargo.lock", lock), ("bad/Cargo.lock", b"[[package")]]);
    assert_eq!((found.packages.len(), found.notes.len()), (4, 1));
    let needs: Vec<String> =
        found.relations.iter().map(|it| found.packages[it.to.0].purl.to_string()).collect();
    assert_eq!(needs, ["pkg:cargo/b@2.0.0", "pkg:cargo/c@1.0.0"]);
    assert!(found.packages.iter().all(|it| it.scope == Scope::Declared));
}

#[test]
fn hostile() {
    let bomb = zlib(&vec![b' '; 64 << 20]);
    let deep = zlib("[".repeat(10_000).as_bytes());
    for content in [&bomb, &deep, &b"junk".to_vec(), &zlib(b"{}"), &zlib(b"{\"packages\":[1,{}]}")]
    {
        let found = inventory(&[&[("bin/app", &elf(&[(".dep-v0", content)]))]]);
        assert!(found.packages.is_empty());
    }
    let program = elf(&[(".go.buildinfo", &inline()), (".dep-v0", &zlib(CRATES))]);
    let cut: Vec<(String, &[u8])> =
        (0..program.len()).map(|end| (format!("bin/{end}"), &program[..end])).collect();
    let files: Vec<(&str, &[u8])> = cut.iter().map(|(path, it)| (path.as_str(), *it)).collect();
    inventory(&[&files]);
    let broken: Vec<(String, Vec<u8>)> = (0..program.len())
        .flat_map(|at| [0, 0x7f, 0xff].map(|byte| (at, byte)))
        .map(|(at, byte)| {
            let mut program = program.clone();
            program[at] = byte;
            (format!("bin/{at}-{byte}"), program)
        })
        .collect();
    let files: Vec<(&str, &[u8])> =
        broken.iter().map(|(path, it)| (path.as_str(), it.as_slice())).collect();
    inventory(&[&files]);
}

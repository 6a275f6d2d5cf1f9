//! Every rule on images finds the image of its bad example, and says nothing on that of its good one.
//!
//! The examples are Dockerfiles. What they need of a build is done here in memory, an instruction a layer; an instruction
//! that is not understood fails the test.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use sealift_archive::{EntryKind, Header, tar};
use sealift_audit::{audit_image, rules_of_images, wanted};
use sealift_dockerfile::{Instruction, InstructionKind, Limits, Source, parse};
use sealift_image::{BlobSource, Error, FileTree, Image, ReadLimits, image_from_manifest, read};
use sealift_lint::Config;
use sealift_oci::{Descriptor, Digest, ImageConfig, Manifest, Raw, media_type};

type Entries = Vec<(Header, Vec<u8>)>;

/// The folder of the examples; big enough for what counts bytes.
const CONTEXT: [(&str, usize); 6] = [
    ("tool", 10),
    ("main.py", 10),
    ("Dockerfile", 10),
    ("id_ed25519", 10),
    ("settings.json", 10),
    ("big.tar", 2 << 20),
];

fn file(path: &str, content: &[u8], mode: u32) -> (Header, Vec<u8>) {
    let mut header = Header::new(path.trim_start_matches('/').parse().unwrap(), EntryKind::File);
    header.size = content.len() as u64;
    header.mode = mode;
    (header, content.to_vec())
}

/// What an instruction adds to the files below it.
fn layer(instruction: &Instruction, below: &[Entries]) -> Entries {
    match &instruction.kind {
        InstructionKind::From(from) if &*from.image == "scratch" => Vec::new(),
        InstructionKind::From(_) => {
            vec![file("bin/sh", b"sh", 0o755), file("sbin/apk", b"apk", 0o755)]
        }
        InstructionKind::Copy(copy) => {
            let mode = instruction.flag("chmod").and_then(|flag| flag.value.as_deref().map(octal));
            let target = &*copy.destination;
            let mut entries = Vec::new();
            for source in &copy.sources {
                match source {
                    Source::Heredoc(index) => {
                        let body = instruction.heredocs[*index].body.as_bytes();
                        entries.push(file(target, body, mode.unwrap_or(0o644)));
                    }
                    Source::Path(path) => {
                        let found =
                            CONTEXT.iter().filter(|(name, _)| &**path == "." || &**path == *name);
                        for (name, size) in found {
                            let whole = if target.ends_with('/') {
                                format!("{target}{name}")
                            } else {
                                target.to_owned()
                            };
                            entries.push(file(&whole, &vec![b'x'; *size], mode.unwrap_or(0o644)));
                        }
                    }
                }
            }
            assert!(!entries.is_empty(), "nothing is copied");
            entries
        }
        InstructionKind::Run(run) => ran(&run.command.arguments(&[])[0], below),
        InstructionKind::Cmd(_) => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn octal(text: &str) -> u32 {
    u32::from_str_radix(text, 8).unwrap()
}

fn ran(script: &str, below: &[Entries]) -> Entries {
    let words: Vec<&str> = script.split(' ').collect();
    let old = |path: &str| {
        let same = |it: &&(Header, Vec<u8>)| it.0.path.to_string() == path.trim_start_matches('/');
        below.iter().rev().flatten().find(same).unwrap().clone()
    };
    match words.as_slice() {
        ["rm", path] => {
            let (folder, name) = path.rsplit_once('/').unwrap();
            vec![file(&format!("{folder}/.wh.{name}"), b"", 0o644)]
        }
        ["chmod", mode, path] => {
            let (mut header, content) = old(path);
            header.mode = octal(mode);
            vec![(header, content)]
        }
        ["setcap", _, path] => {
            let (mut header, content) = old(path);
            header.xattrs.insert(b"security.capability".to_vec(), vec![1, 0, 0, 2]);
            vec![(header, content)]
        }
        ["ssh-keygen", "-A"] => vec![file("etc/ssh/ssh_host_ed25519_key", b"key", 0o600)],
        ["git", "clone", ..] => vec![file("app/main.py", b"x", 0o644)],
        ["tar", "-xf", ..] => vec![file("opt/data", b"x", 0o644)],
        _ => panic!("`{script}` is not understood"),
    }
}

struct Blobs(BTreeMap<Digest, Vec<u8>>);

impl Blobs {
    fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Descriptor {
        let digest = Digest::sha256(&bytes);
        let descriptor = Descriptor::new(media_type, digest.clone(), bytes.len() as u64);
        self.0.insert(digest, bytes);
        descriptor
    }
}

impl BlobSource for Blobs {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        Ok(Box::new(Cursor::new(self.0[&descriptor.digest].clone())))
    }
}

fn built(text: &str) -> (Image, FileTree) {
    let parsed = parse(text, &Limits::default());
    assert!(parsed.problems.is_empty(), "{:?}\n{text}", parsed.problems);
    let mut layers: Vec<Entries> = Vec::new();
    for instruction in &parsed.file.instructions {
        let entries = layer(instruction, &layers);
        layers.push(entries);
    }
    let mut blobs = Blobs(BTreeMap::new());
    let mut config = ImageConfig::default();
    let mut descriptors = Vec::new();
    for entries in layers {
        let mut writer = tar::Writer::new(Vec::new());
        for (header, content) in &entries {
            writer.append(header, &mut &content[..]).unwrap();
        }
        let bytes = writer.finish().unwrap();
        config.rootfs.diff_ids.push(Digest::sha256(&bytes));
        descriptors.push(blobs.add(media_type::LAYER, bytes));
    }
    let config = blobs.add(media_type::CONFIG, Raw::encode(config).bytes().to_vec());
    let manifest = Raw::encode(Manifest::new(config, descriptors)).bytes().to_vec();
    let image = image_from_manifest(manifest, Arc::new(blobs)).unwrap();
    let tree = read(&image, &wanted, &ReadLimits::default()).unwrap();
    (image, tree)
}

fn finds(id: &str, text: &str) -> bool {
    let (image, tree) = built(text);
    let found = audit_image(&image, None, &tree, &Config::default());
    found.iter().any(|it| it.diagnostic.rule.as_deref() == Some(id))
}

#[test]
fn examples_show_their_rules() {
    for rule in rules_of_images() {
        assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{} has no example", rule.id);
        assert!(finds(rule.id, rule.bad), "{} does not find its bad example", rule.id);
        assert!(!finds(rule.id, rule.good), "{} finds its good example", rule.id);
    }
}

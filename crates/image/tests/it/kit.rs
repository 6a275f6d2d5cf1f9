//! Images built in memory.

use std::collections::HashMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use sealift_archive::{EntryKind, GzipWriter, Header, tar};
use sealift_image::{BlobSource, Error, FileKind, FileTree, Image, image_from_manifest};
use sealift_oci::{
    Descriptor, Digest, ImageConfig, Index, Manifest, Platform, Raw, RootFs, media_type,
};

pub(crate) type Entries = Vec<(Header, Vec<u8>)>;

/// A layer in short: `a/` directory, `a=text` file, `a->t` symbolic link, `a=>t` hard link, `a` empty file.
pub(crate) fn layer(lines: &[&str]) -> Entries {
    lines.iter().map(|line| entry(line)).collect()
}

fn entry(line: &str) -> (Header, Vec<u8>) {
    let (path, kind, content) = if let Some((path, target)) = line.split_once("->") {
        (path, EntryKind::Symlink(target.as_bytes().to_vec()), "")
    } else if let Some((path, target)) = line.split_once("=>") {
        (path, EntryKind::HardLink(target.parse().unwrap()), "")
    } else if let Some(path) = line.strip_suffix('/') {
        (path, EntryKind::Directory, "")
    } else {
        let (path, content) = line.split_once('=').unwrap_or((line, ""));
        (path, EntryKind::File, content)
    };
    let mut header = Header::new(path.parse().unwrap(), kind);
    header.size = content.len() as u64;
    (header, content.as_bytes().to_vec())
}

pub(crate) fn archive(entries: &Entries) -> Vec<u8> {
    let mut writer = tar::Writer::new(Vec::new());
    for (header, content) in entries {
        writer.append(header, &mut &content[..]).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzipWriter::new(Vec::new(), 6);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Blobs in memory; a test may replace one to damage it.
#[derive(Clone, Default)]
pub(crate) struct Blobs(pub(crate) HashMap<Digest, Vec<u8>>);

impl Blobs {
    pub(crate) fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Descriptor {
        let digest = Digest::sha256(&bytes);
        let descriptor = Descriptor::new(media_type, digest.clone(), bytes.len() as u64);
        self.0.insert(digest, bytes);
        descriptor
    }

    /// Writes an OCI layout whose index has these manifests.
    pub(crate) fn write_layout(&self, folder: &Path, manifests: Vec<Descriptor>) {
        let blobs = folder.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        for (digest, bytes) in &self.0 {
            std::fs::write(blobs.join(digest.hex()), bytes).unwrap();
        }
        let marker = br#"{"imageLayoutVersion":"1.0.0"}"#;
        std::fs::write(folder.join("oci-layout"), marker).unwrap();
        let index = Raw::encode(Index::new(manifests));
        std::fs::write(folder.join("index.json"), index.bytes()).unwrap();
    }
}

impl BlobSource for Blobs {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        let missing =
            || Error::blob(&descriptor.digest, "memory", std::io::ErrorKind::NotFound.into());
        Ok(Box::new(Cursor::new(self.0.get(&descriptor.digest).ok_or_else(missing)?.clone())))
    }
}

/// An image in memory: its blobs and the descriptor of its manifest.
pub(crate) fn build(layers: &[Entries]) -> (Blobs, Descriptor) {
    let tars: Vec<Vec<u8>> = layers.iter().map(archive).collect();
    build_of(&tars, &Platform::host())
}

pub(crate) fn build_of(tars: &[Vec<u8>], platform: &Platform) -> (Blobs, Descriptor) {
    let mut blobs = Blobs::default();
    let mut config = ImageConfig {
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        rootfs: RootFs::default(),
        ..ImageConfig::default()
    };
    let mut layers = Vec::new();
    for (index, bytes) in tars.iter().enumerate() {
        config.rootfs.diff_ids.push(Digest::sha256(bytes));
        // Every other layer is compressed.
        layers.push(if index % 2 == 0 {
            blobs.add(media_type::LAYER_GZIP, gzip(bytes))
        } else {
            blobs.add(media_type::LAYER, bytes.clone())
        });
    }
    let config = blobs.add(media_type::CONFIG, Raw::encode(config).bytes().to_vec());
    let manifest = Raw::encode(Manifest::new(config, layers));
    let mut descriptor = blobs.add(media_type::MANIFEST, manifest.bytes().to_vec());
    descriptor.platform = Some(platform.clone());
    (blobs, descriptor)
}

pub(crate) fn image(layers: &[Entries]) -> Image {
    let (blobs, descriptor) = build(layers);
    let manifest = blobs.0[&descriptor.digest].clone();
    image_from_manifest(manifest, Arc::new(blobs)).unwrap()
}

/// A tree as text: path, what, content if kept, layer.
pub(crate) fn show(tree: &FileTree) -> String {
    let lines = tree.iter().map(|fact| {
        let kind = match &fact.kind {
            FileKind::File => match tree.bodies().find(|(found, _)| found.path == fact.path) {
                Some((_, body)) => format!("={}", String::from_utf8_lossy(body)),
                None => " file".to_owned(),
            },
            FileKind::Directory => "/".to_owned(),
            FileKind::Symlink(target) => format!("->{}", String::from_utf8_lossy(target)),
            other => format!(" {other:?}"),
        };
        let implied = if fact.is_implied { " implied" } else { "" };
        let link = fact.hard_link.as_ref().map(|link| format!(" linked to {link}"));
        format!("{}{kind} @{}{implied}{}\n", fact.path, fact.layer, link.unwrap_or_default())
    });
    lines.collect()
}

/// A program's output; `None` if it is not there.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let output = match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: `{program}` cannot be run: {error}");
            return None;
        }
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

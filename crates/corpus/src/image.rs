//! Names, OCI documents, layers, image archives.

use std::io::{Cursor, Read};
use std::sync::Arc;

use sealift_archive::{Limits, read_bounded};
use sealift_image::{
    BlobSource, Error, FileKind, FileTree, Inspection, Look, ReadLimits, Target, detect,
    image_from_manifest, open_docker_archive, open_oci_archive, open_rootfs, read, select_platform,
};
use sealift_oci::{
    Descriptor, Digest, ImageConfig, Index, Manifest, Platform, Raw, Reference, media_type,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::archive::with_checksums;
use crate::memory::MemoryFile;
use crate::{parts, text};

const LAYER_BYTES_MAX: u64 = 4 << 20;

fn limits() -> ReadLimits {
    ReadLimits {
        archive: Limits {
            entries_max: 1000,
            entry_bytes_max: 1 << 20,
            total_bytes_max: LAYER_BYTES_MAX,
            extension_bytes_max: 64 << 10,
            ..Limits::default()
        },
        body_bytes_max: 64 << 10,
        layer_bodies_bytes_max: 1 << 20,
        bodies_bytes_max: 2 << 20,
        facts_bytes_max: 16 << 20,
    }
}

/// References, digests and targets: what is shown is read as the same.
pub fn reference(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Ok(reference) = Reference::parse(text) {
        let shown = reference.to_string();
        assert_eq!(Reference::parse(&shown).as_ref(), Ok(&reference), "{text:?} is {shown:?}");
        let familiar = reference.familiar();
        assert_eq!(Reference::parse(&familiar).as_ref(), Ok(&reference), "{text:?}: {familiar:?}");
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text, "a digest has one form");
    }
    if let Ok(target) = Target::parse(text) {
        let shown = target.to_string();
        match Target::parse(&shown) {
            Ok(again) => assert_eq!(again, target, "{text:?} is {shown:?}"),
            Err(error) => panic!("{text:?} is shown as {shown:?}, which is not read: {error}"),
        }
    }
}

/// Manifests, indexes, configs: the bytes are kept, and what is written is read as the same.
pub fn documents(bytes: &[u8]) {
    let parts = parts(bytes);
    check_document::<Manifest>(parts[0]);
    check_document::<ImageConfig>(parts[0]);
    if let Some(index) = check_document::<Index>(parts[0]) {
        // An error is as good as a choice.
        let _ = select_platform(&index.manifests, &Platform::host());
    }
    let blob = parts.get(1).unwrap_or(&&b"{}"[..]).to_vec();
    let _ = image_from_manifest(parts[0].to_vec(), Arc::new(Blobs(vec![blob])));
}

fn check_document<T>(bytes: &[u8]) -> Option<T>
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + std::fmt::Debug,
{
    let raw: Raw<T> = Raw::parse(bytes.to_vec(), "document").ok()?;
    assert_eq!(raw.bytes(), bytes);
    let written = Raw::encode(raw.value().clone());
    let again: Raw<T> = Raw::parse(written.bytes().to_vec(), "document").unwrap();
    assert_eq!(again.value(), raw.value(), "a document changes when it is written");
    Some(raw.value().clone())
}

/// Layers, compressed or not, lowest first: they are made an image and read.
pub fn layers(bytes: &[u8]) {
    check_layers(bytes);
    check_layers(&with_checksums(bytes));
}

fn check_layers(bytes: &[u8]) {
    let mut blobs = Vec::new();
    let mut descriptors = Vec::new();
    let mut diff_ids = Vec::new();
    for layer in parts(bytes) {
        let Some(plain) = decompress(layer) else { return };
        diff_ids.push(Digest::sha256(&plain).to_string());
        descriptors.push(describe(media_type::LAYER_GZIP, layer));
        blobs.push(layer.to_vec());
    }
    let config = serde_json::json!({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
    });
    let config = config.to_string().into_bytes();
    let manifest = Raw::encode(Manifest::new(describe(media_type::CONFIG, &config), descriptors));
    blobs.push(config);
    let image = image_from_manifest(manifest.bytes().to_vec(), Arc::new(Blobs(blobs)))
        .expect("the image was made right");
    if let Ok(tree) = read(&image, &|_, _| true, &limits()) {
        check_tree(&tree);
    }
}

// `None`: a bomb, which a real reader would work on until its far larger limits.
fn decompress(layer: &[u8]) -> Option<Vec<u8>> {
    let reader = sealift_archive::open(Box::new(Cursor::new(layer.to_vec()))).ok()?;
    match read_bounded(reader, LAYER_BYTES_MAX) {
        Ok(plain) => Some(plain),
        Err(sealift_archive::Error::Limit { .. }) => None,
        Err(_) => Some(Vec::new()),
    }
}

fn describe(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, Digest::sha256(bytes), bytes.len() as u64)
}

fn check_tree(tree: &FileTree) {
    let mut before = None;
    for fact in tree.iter() {
        assert!(before.as_ref() < Some(&fact.path), "the tree is not sorted at `{}`", fact.path);
        before = Some(fact.path.clone());
        let parent = fact.path.parent().expect("only the root has no parent");
        let is_directory = tree.get(&parent).is_some_and(|fact| fact.is_directory());
        assert!(is_directory || parent.is_root(), "`{}` is in no directory", fact.path);
        if let Some(target) = tree.resolve(&fact.path) {
            let is_link = matches!(target.kind, FileKind::Symlink(_));
            assert!(!is_link, "`{}` leads to the link `{}`", fact.path, target.path);
        }
        if let Some(body) = tree.read(&fact.path).filter(|_| fact.is_file()) {
            assert_eq!(body.len() as u64, fact.size, "`{}` is not as long as it says", fact.path);
        }
        tree.resolve_text(fact.path.as_bytes());
    }
}

/// Archives of images: of an OCI layout, and of `docker save`; the same as a root file system.
pub fn image_archive(bytes: &[u8]) {
    // A bomb would fill the disk up to the limit that real archives need.
    if decompress(bytes).is_none() {
        return;
    }
    let file = MemoryFile::new(bytes);
    let path = file.path();
    let opened = [
        open_oci_archive(&path, None, &Platform::host()),
        open_docker_archive(&path, None),
        open_docker_archive(&path, Some("app:1")),
    ];
    // What it is taken for may be wrong; that it is taken for something must end.
    let _ = detect(&path, None);
    let nothing = Inspection {
        wanted: &|_, _| false,
        look: &|_, _| Look::Pass,
        useless: &|_| Vec::new(),
        extract: &|_, _| None,
        watch: None,
    };
    if let Ok(tree) = open_rootfs(&path, &|_, _| true, &nothing, &limits()) {
        check_tree(&tree);
    }
    for image in opened.into_iter().flatten() {
        if let Ok(tree) = read(&image, &|_, _| true, &limits()) {
            check_tree(&tree);
        }
    }
}

struct Blobs(Vec<Vec<u8>>);

impl BlobSource for Blobs {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        let is_it = |blob: &&Vec<u8>| descriptor.digest.matches(blob);
        let blob = self.0.iter().find(is_it).or(self.0.first()).cloned().unwrap_or_default();
        Ok(Box::new(Cursor::new(blob)))
    }
}

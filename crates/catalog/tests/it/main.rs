//! Whole images, built in memory layer by layer.
#![allow(clippy::unwrap_used, clippy::needless_raw_string_hashes, reason = "tests")]

mod apk;
mod arch_and_gentoo;
mod bad_input;
mod debian;
mod documents;
mod hostile;
mod installed;
mod java;
mod java_truth;
mod known_programs;
mod layers;
mod locks;
mod models;
mod nix;
mod node;
mod node_locks;
mod opkg;
mod programs;
mod python;
mod python_locks;
mod rpm;
mod ruby_and_php;
mod settings;
mod truth;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::{Cursor, Read};
use std::sync::Arc;

use sealift_archive::{EntryKind, Header, RelativePath, tar};
use sealift_catalog::{INSPECTION, catalog, wanted};
use sealift_image::{BlobSource, Error, ReadLimits, image_from_manifest, read_inspected};
use sealift_model::{Inventory, RelationKind, Supplier};
use sealift_oci::{Descriptor, Digest, ImageConfig, Manifest, Raw, RootFs, media_type};

struct Blobs(BTreeMap<Digest, Vec<u8>>);

impl BlobSource for Blobs {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        Ok(Box::new(Cursor::new(self.0[&descriptor.digest].clone())))
    }
}

/// A file of a layer; a content that begins with `-> ` is a link.
pub(crate) type File<'a> = (&'a str, &'a [u8]);

/// The inventory of an image of these layers.
pub(crate) fn inventory(layers: &[&[File<'_>]]) -> Inventory {
    let mut blobs = BTreeMap::new();
    let mut put = |bytes: Vec<u8>, media_type: &str| {
        let descriptor = Descriptor::new(media_type, Digest::sha256(&bytes), bytes.len() as u64);
        blobs.insert(descriptor.digest.clone(), bytes);
        descriptor
    };
    let layers: Vec<Descriptor> =
        layers.iter().map(|files| put(layer(files), media_type::LAYER)).collect();
    let diff_ids = layers.iter().map(|layer| layer.digest.clone()).collect();
    let config = ImageConfig {
        os: "linux".to_owned(),
        architecture: "amd64".to_owned(),
        rootfs: RootFs { diff_ids, ..RootFs::default() },
        ..ImageConfig::default()
    };
    let config = put(Raw::encode(config).bytes().to_vec(), media_type::CONFIG);
    let manifest = Raw::encode(Manifest::new(config, layers)).bytes().to_vec();
    let image = image_from_manifest(manifest, Arc::new(Blobs(blobs))).unwrap();
    let tree =
        read_inspected(&image, &|path, _| wanted(path), &INSPECTION, &ReadLimits::default(), None)
            .unwrap();
    catalog(&tree)
}

fn layer(files: &[File<'_>]) -> Vec<u8> {
    let mut writer = tar::Writer::new(Vec::new());
    for (path, content) in files {
        let path = RelativePath::parse(path.as_bytes()).unwrap();
        let (kind, content) = match content.strip_prefix(b"-> ") {
            Some(target) => (EntryKind::Symlink(target.to_vec()), &b""[..]),
            None => (EntryKind::File, *content),
        };
        let mut header = Header::new(path, kind);
        header.size = content.len() as u64;
        header.mode = if path_of(&header).contains("bin/") { 0o755 } else { 0o644 };
        writer.append(&header, &mut &content[..]).unwrap();
    }
    writer.finish().unwrap()
}

fn path_of(header: &Header) -> String {
    header.path.to_string()
}

/// A line for each package, relation and note.
pub(crate) fn show(inventory: &Inventory) -> String {
    let mut text = String::new();
    if let Some(distro) = &inventory.distro {
        writeln!(text, "distro {} {:?}", distro.id, distro.version_id).unwrap();
    }
    for package in &inventory.packages {
        let layer = package.introduced_by.as_ref().map(|layer| layer.index);
        let licenses: Vec<String> = package
            .licenses
            .iter()
            .map(|license| license.spdx.clone().unwrap_or(format!("?{}", license.declared)))
            .collect();
        let supplier = match &package.supplier {
            Some(Supplier::Person(name)) => format!("person {name}"),
            Some(Supplier::Organization(name)) => format!("organization {name}"),
            None => "nobody".to_owned(),
        };
        writeln!(text, "{}", package.purl).unwrap();
        if let Some(source) = &package.source {
            writeln!(text, "  source {} {}", source.name, source.version).unwrap();
        }
        writeln!(text, "  {supplier}; licences {licenses:?}; layer {layer:?}; {:?}", package.scope)
            .unwrap();
        for evidence in &package.evidence {
            let layer = evidence.layer.as_ref().map(|layer| layer.index);
            writeln!(text, "  {:?} {} {layer:?}", evidence.method, evidence.path).unwrap();
        }
        if !package.files.is_empty() {
            writeln!(text, "  files {}", package.files.join(" ")).unwrap();
        }
    }
    for relation in &inventory.relations {
        let name = |id| &inventory.package(id).unwrap().name;
        let kind = match relation.kind {
            RelationKind::DependsOn => "needs",
            RelationKind::OwnedBy => "is owned by",
            RelationKind::BuiltFrom => "is built from",
        };
        writeln!(text, "{} {kind} {}", name(relation.from), name(relation.to)).unwrap();
    }
    for note in &inventory.notes {
        writeln!(text, "note {}: {}", note.subject, note.message).unwrap();
    }
    text
}

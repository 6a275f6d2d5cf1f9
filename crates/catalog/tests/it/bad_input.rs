//! Images that lie, break off or are bombs: what is wrong is reported, the rest is catalogued, and memory has a bound.
//!
//! Each image has a good layer beside the bad one. Bounds are those of the limits that a test sets: what is kept of the
//! bad layer is counted, not timed.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write as _};
use std::sync::Arc;

use sealift_archive::{EntryKind, GzipWriter, Header, RelativePath, tar};
use sealift_catalog::{INSPECTION, catalog, wanted};
use sealift_image::{BlobSource, Error, FileTree, ReadLimits, image_from_manifest, read_inspected};
use sealift_model::Inventory;
use sealift_oci::{Descriptor, Digest, ImageConfig, Manifest, Raw, RootFs, media_type};

use crate::java::jar;

/// What may be kept of a bad layer.
const KEPT_BYTES_MAX: usize = 1 << 20;

#[derive(Default)]
struct Blobs(BTreeMap<Digest, Vec<u8>>);

impl BlobSource for Blobs {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        let missing =
            || Error::blob(&descriptor.digest, "memory", std::io::ErrorKind::NotFound.into());
        let blob = self.0.get(&descriptor.digest).ok_or_else(missing)?;
        Ok(Box::new(Cursor::new(blob.clone())))
    }
}

/// A layer as an image describes it, which need not be true.
struct Layer {
    media_type: &'static str,
    /// `None` if it is not there.
    blob: Option<Vec<u8>>,
    digest: Digest,
    size: usize,
    diff_id: Digest,
}

impl Layer {
    fn new(archive: &[u8]) -> Self {
        let digest = Digest::sha256(archive);
        Self {
            media_type: media_type::LAYER,
            blob: Some(archive.to_vec()),
            digest: digest.clone(),
            size: archive.len(),
            diff_id: digest,
        }
    }
}

fn tree(layers: Vec<Layer>, limits: &ReadLimits) -> FileTree {
    let mut blobs = Blobs::default();
    let mut descriptors = Vec::new();
    let mut diff_ids = Vec::new();
    for layer in layers {
        descriptors.push(Descriptor::new(
            layer.media_type,
            layer.digest.clone(),
            layer.size as u64,
        ));
        diff_ids.push(layer.diff_id);
        if let Some(blob) = layer.blob {
            blobs.0.insert(layer.digest, blob);
        }
    }
    let rootfs = RootFs { diff_ids, ..RootFs::default() };
    let config = Raw::encode(ImageConfig { rootfs, ..ImageConfig::default() }).bytes().to_vec();
    let digest = Digest::sha256(&config);
    let describe = Descriptor::new(media_type::CONFIG, digest.clone(), config.len() as u64);
    blobs.0.insert(digest, config);
    let manifest = Raw::encode(Manifest::new(describe, descriptors)).bytes().to_vec();
    let image = image_from_manifest(manifest, Arc::new(blobs)).unwrap();
    read_inspected(&image, &|path, _| wanted(path), &INSPECTION, limits, None).unwrap()
}

type Entry = (Vec<u8>, EntryKind, Vec<u8>);

fn file(path: &str, content: impl AsRef<[u8]>) -> Entry {
    (path.as_bytes().to_vec(), EntryKind::File, content.as_ref().to_vec())
}

fn link(path: &str, target: &str) -> Entry {
    (path.as_bytes().to_vec(), EntryKind::Symlink(target.as_bytes().to_vec()), Vec::new())
}

fn package(folder: &str, version: &str) -> Entry {
    let name = folder.rsplit('/').next().unwrap();
    let content = format!(r#"{{"name":"{name}","version":"{version}"}}"#);
    file(&format!("{folder}/package.json"), content)
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let mut writer = tar::Writer::new(Vec::new());
    for (path, kind, content) in entries {
        let mut header = Header::new(RelativePath::parse(path).unwrap(), kind.clone());
        header.size = content.len() as u64;
        writer.append(&header, &mut &content[..]).unwrap();
    }
    writer.finish().unwrap()
}

fn good() -> Layer {
    let status = "Package: good\nStatus: install ok installed\nVersion: 1\n\n";
    Layer::new(&archive(&[
        file("var/lib/dpkg/status", status),
        package("srv/node_modules/fine", "1"),
    ]))
}

/// Packages but the good ones, and notes.
fn others(inventory: &Inventory) -> (Vec<String>, Vec<String>) {
    let mut purls: Vec<String> =
        inventory.packages.iter().map(|package| package.purl.to_string()).collect();
    for good in ["pkg:deb/debian/good@1", "pkg:npm/fine@1"] {
        let place = purls.iter().position(|purl| purl == good);
        purls.remove(place.unwrap_or_else(|| panic!("`{good}` is lost")));
    }
    let notes = inventory.notes.iter().map(|note| format!("{}: {}", note.subject, note.message));
    (purls, notes.collect())
}

/// The image of the good layer and a bad one upon it: which other packages are in it, and of what the notes speak.
#[track_caller]
fn check(bad: Layer, limits: &ReadLimits, packages: &[&str], notes: &[&str]) {
    let tree = tree(vec![good(), bad], limits);
    let kept: usize = tree.bodies().chain(tree.extracts()).map(|(_, bytes)| bytes.len()).sum();
    assert!(kept <= KEPT_BYTES_MAX, "{kept} bytes are kept");
    let (found, said) = others(&catalog(&tree));
    assert_eq!(found, packages, "{said:?}");
    assert_eq!(said.len(), notes.len(), "{said:?}");
    for (note, part) in said.iter().zip(notes) {
        assert!(note.contains(part), "`{note}` has no `{part}`");
    }
}

fn check_files(bad: &[Entry], packages: &[&str], notes: &[&str]) {
    check(Layer::new(&archive(bad)), &ReadLimits::default(), packages, notes);
}

#[test]
fn layers_that_lie() {
    let bad = || Layer::new(&archive(&[package("srv/node_modules/lost", "1")]));
    let none: &[&str] = &[];
    let unknown = "layer 1: what is in it is not known";
    let check = |bad: Layer| check(bad, &ReadLimits::default(), none, &[unknown]);
    let other = Digest::sha256(b"other");
    check(Layer { digest: other.clone(), ..bad() });
    check(Layer { diff_id: other, ..bad() });
    check(Layer { size: 7, ..bad() });
    check(Layer { blob: bad().blob.map(|blob| blob[..600].to_vec()), ..bad() });
    check(Layer::new(b"no archive at all, but long enough to be taken for the start of one"));
    check(Layer { media_type: "application/vnd.oci.image.layer.v1.tar+encrypted", ..bad() });
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    check(Layer { media_type: foreign, blob: None, ..bad() });
}

#[test]
fn a_layer_that_is_a_bomb() {
    let plain = archive(&[file("zeros", vec![0; 8 << 20]), package("srv/node_modules/lost", "1")]);
    let mut writer = GzipWriter::new(Vec::new(), 9);
    writer.write_all(&plain).unwrap();
    let packed = writer.finish().unwrap();
    assert!(packed.len() < 64 << 10, "it is no bomb");
    let bomb = Layer { diff_id: Digest::sha256(&plain), ..Layer::new(&packed) };
    let mut limits = ReadLimits::default();
    limits.archive.total_bytes_max = 1 << 20;
    check(bomb, &limits, &[], &["layer 1: what is in it is not known"]);
}

// GNU's sparse format: two bytes, and then a hole up to 4 GiB.
fn sparse(path: &str) -> Vec<u8> {
    let mut block = [0; 512];
    let mut put =
        |at: usize, text: &str| block[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, path);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, "00000000002");
    put(136, "00000000000");
    put(148, "        ");
    put(156, "S");
    put(257, "ustar  ");
    put(386, "00000000000");
    put(398, "00000000002");
    put(410, "40000000000");
    put(422, "00000000000");
    put(483, "40000000000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut bytes = block.to_vec();
    bytes.extend(b"{}");
    bytes.resize(1024, 0);
    bytes
}

#[test]
fn a_file_of_four_gigabytes() {
    let rest = archive(&[package("srv/node_modules/near", "2")]);
    let bad = [sparse("srv/node_modules/huge/package.json"), rest].concat();
    let note = "/srv/node_modules/huge/package.json: not read: it has 4294967296 bytes";
    check(Layer::new(&bad), &ReadLimits::default(), &["pkg:npm/near@2"], &[note]);
}

#[test]
fn nesting_ten_thousand_deep() {
    let brackets = "[".repeat(10_000);
    let objects = format!("{}{}", r#"{"a":"#.repeat(10_000), "1");
    let entries = [
        file("a/node_modules/deep/package.json", &brackets),
        file("b/package-lock.json", &objects),
        file("c/pnpm-lock.yaml", "- ".repeat(10_000)),
        file("d/poetry.lock", format!("a = {brackets}")),
        file("e/pom.xml", "<project>".repeat(10_000)),
        file("f/deep.cdx.json", format!(r#"{{"bomFormat":"CycloneDX","components":{brackets}"#)),
        file("g/mix.lock", &brackets),
        file("h/composer.lock", &objects),
        file("i/Cargo.lock", format!("a = {brackets}")),
        file("j/packages.lock.json", &objects),
        package("k/node_modules/near", "2"),
    ];
    let notes = [
        "/a/node_modules/deep/package.json: it is no manifest",
        "/a/node_modules/deep/package.json: package `deep` has no version",
        "/b/package-lock.json: ",
        "/c/pnpm-lock.yaml: ",
        "/d/poetry.lock: ",
        "/e/pom.xml: ",
        "/f/deep.cdx.json: ",
        "/g/mix.lock: ",
        "/h/composer.lock: ",
        "/i/Cargo.lock: ",
        "/j/packages.lock.json: ",
    ];
    // Its folder says that there is such a package, and not which version.
    check_files(&entries, &["pkg:npm/deep", "pkg:npm/near@2"], &notes);
}

#[test]
fn archives_in_archives_and_bombs() {
    let mut nested = jar(&[]);
    for _ in 0..40 {
        nested = jar(&[("inner.jar", &nested)]);
    }
    let bomb = jar(&[("META-INF/MANIFEST.MF", &vec![0; 20 << 20])]);
    assert!(bomb.len() < 64 << 10, "it is no bomb");
    let pom = "groupId=g\nartifactId=near\nversion=2\n";
    let fine = jar(&[("META-INF/maven/g/near/pom.properties", pom.as_bytes())]);
    let bad = [file("a/bomb.jar", bomb), file("a/nested.jar", nested), file("a/near.jar", fine)];
    let tree = tree(vec![good(), Layer::new(&archive(&bad))], &ReadLimits::default());
    let kept: usize = tree.extracts().map(|(_, bytes)| bytes.len()).sum();
    assert!(kept <= KEPT_BYTES_MAX, "{kept} bytes are kept");
    let (found, notes) = others(&catalog(&tree));
    assert!(found.contains(&"pkg:maven/g/near@2".to_owned()), "{found:?}");
    for path in ["/a/bomb.jar", "/a/nested.jar"] {
        assert!(notes.iter().any(|note| note.starts_with(path)), "{path}: {notes:?}");
    }
}

#[test]
fn links_in_circles() {
    let bad = [
        link("etc/os-release", "../usr/lib/os-release"),
        link("usr/lib/os-release", "../../etc/os-release"),
        // A folder that is in itself shows what is in it once.
        link("opt/self", "."),
        package("opt/node_modules/near", "2"),
        link("opt/node_modules/near/node_modules", ".."),
        link("opt/a", "b"),
        link("opt/b", "a"),
    ];
    check_files(&bad, &["pkg:npm/near@2"], &[]);
}

#[test]
fn marks_that_cannot_be() {
    let bad = [
        file("srv/.wh...", ""),
        file("srv/node_modules/.wh..", ""),
        file("srv/node_modules/.wh.", ""),
        package("opt/node_modules/near", "2"),
    ];
    let notes = [
        "/srv/.wh...: left out",
        "/srv/node_modules/.wh.: left out",
        "/srv/node_modules/.wh..: left out",
    ];
    check_files(&bad, &["pkg:npm/near@2"], &notes);
}

#[test]
fn opaque_folders() {
    let below = archive(&[package("opt/node_modules/gone", "1")]);
    let above = archive(&[
        file("opt/node_modules/.wh..wh..opq", ""),
        package("opt/node_modules/near", "2"),
    ]);
    let tree = tree(vec![good(), Layer::new(&below), Layer::new(&above)], &ReadLimits::default());
    assert_eq!(others(&catalog(&tree)), (vec!["pkg:npm/near@2".to_owned()], Vec::new()));
}

#[test]
fn hard_links_across_layers() {
    let hard = EntryKind::HardLink("srv/node_modules/fine/package.json".parse().unwrap());
    let nowhere = EntryKind::HardLink("nowhere".parse().unwrap());
    let bad = [
        (b"opt/node_modules/fine/package.json".to_vec(), hard, Vec::new()),
        (b"opt/node_modules/x/package.json".to_vec(), nowhere, Vec::new()),
    ];
    let note = "/opt/node_modules/x/package.json: left out, as layer 1 has it: it is a hard link to `nowhere`";
    // The other name is another place of the package, and no layer is read for it a second time without need.
    check_files(&bad, &["pkg:npm/fine@1"], &[note]);
}

#[test]
fn two_entries_of_one_name() {
    let bad = [
        package("opt/node_modules/near", "1"),
        package("opt/node_modules/near", "2"),
        file("opt/node_modules/shape", "a file"),
        package("opt/node_modules/shape", "3"),
    ];
    check_files(&bad, &["pkg:npm/near@2", "pkg:npm/shape@3"], &[]);
}

#[test]
fn names_that_are_no_text() {
    let content = br#"{"name":"near","version":"2"}"#.to_vec();
    let bad = [
        (b"opt/\xff\xfe/node_modules/near/package.json".to_vec(), EntryKind::File, content),
        (b"opt/\xc3\x28.jar".to_vec(), EntryKind::File, b"PK\x03\x04 cut".to_vec()),
    ];
    check_files(&bad, &["pkg:npm/near@2"], &["/opt/\u{fffd}(.jar: "]);
}

#[test]
fn databases_that_break_off_or_lie() {
    let apk = "P:near\nV:2\nF:usr\nR:x\n\nP:cut\nV:1";
    let bad = [
        file("lib/apk/db/installed", apk),
        file("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0 and no more"),
        file("var/lib/rpm/Packages.db", b"RpmP\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
        file("var/lib/pacman/local/x-1/desc", "%NAME%\n"),
        file("usr/lib/python3/dist-packages/x.dist-info/METADATA", b"\0\xff"),
    ];
    let tree = tree(vec![good(), Layer::new(&archive(&bad))], &ReadLimits::default());
    let (found, notes) = others(&catalog(&tree));
    assert!(found.iter().any(|purl| purl.contains("/near@2")), "{found:?}");
    for (path, _, _) in &bad {
        let path = format!("/{}: ", String::from_utf8_lossy(path));
        assert!(notes.iter().any(|note| note.starts_with(&path)), "{path} {notes:?}");
    }
}

//! Which content is kept, and how layers are counted.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use expect_test::{Expect, expect};
use sealift_image::{BlobSource, Error, Image, ReadLimits, image_from_manifest, read};
use sealift_oci::{Descriptor, media_type};

use crate::kit::{Blobs, Entries, build, image, layer, show};

fn check(layers: &[Entries], wanted: &[&str], expected: Expect) {
    let image = image(layers);
    let want = |path: &sealift_archive::RelativePath, _: &sealift_image::FileMeta| {
        wanted.contains(&path.to_string().as_str())
    };
    let tree = read(&image, &want, &ReadLimits::default()).unwrap();
    expected.assert_eq(&show(&tree));
}

#[test]
fn only_wanted_content_is_kept() {
    check(
        &[layer(&["a=1", "b=2"]), layer(&["a=3", "c=4"])],
        &["a", "b"],
        expect![[r"
            a=3 @1
            b=2 @0
            c file @1
        "]],
    );
}

#[test]
fn content_behind_links_is_found() {
    check(
        &[
            layer(&[
                "usr/lib/os-release=debian",
                "etc/os-release->../usr/lib/os-release",
                "x=hard",
                "lib->usr/lib",
            ]),
            layer(&["wanted=>x", "lib/through=dir"]),
        ],
        &["etc/os-release", "wanted", "usr/lib/through"],
        expect![[r"
            etc/ @0 implied
            etc/os-release->../usr/lib/os-release @0
            lib->usr/lib @0
            usr/ @0 implied
            usr/lib/ @0 implied
            usr/lib/os-release=debian @0
            usr/lib/through=dir @1
            wanted=hard @1 linked to x
            x=hard @0
        "]],
    );
}

struct Counting(Blobs, AtomicUsize);

impl BlobSource for Counting {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        if descriptor.media_type.starts_with(media_type::LAYER) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
        self.0.open(descriptor)
    }
}

#[test]
fn layers_are_read_once_unless_links_need_more() {
    let count = |layers: &[Entries]| {
        let (blobs, descriptor) = build(layers);
        let manifest = blobs.0[&descriptor.digest].clone();
        let source = Arc::new(Counting(blobs, AtomicUsize::new(0)));
        let image: Image = image_from_manifest(manifest, source.clone()).unwrap();
        let want = |path: &sealift_archive::RelativePath, _: &sealift_image::FileMeta| {
            path.to_string() == "a"
        };
        read(&image, &want, &ReadLimits::default()).unwrap();
        source.1.load(Ordering::Relaxed)
    };
    assert_eq!(count(&[layer(&["a=1"]), layer(&["b=2"]), layer(&["c=3"])]), 3);
    assert_eq!(count(&[layer(&["b=1"]), layer(&["a->b"]), layer(&["c=3"])]), 4);
}

#[test]
fn content_above_the_limits_gets_a_note() {
    let image = image(&[
        layer(&["big=123456", "one=123", "two=123", "three=123"]),
        layer(&["big=x"]),
        layer(&["huge=1234567"]),
    ]);
    let limits =
        ReadLimits { body_bytes_max: 5, layer_bodies_bytes_max: 6, ..ReadLimits::default() };
    let tree = read(&image, &|_, _| true, &limits).unwrap();
    let notes: Vec<String> =
        tree.notes().iter().map(|note| format!("{}: {}", note.path, note.message)).collect();
    // The first `big` is gone and not worth a note.
    assert_eq!(
        notes,
        [
            "huge: not read: it has 7 bytes, more than the limit of 5",
            "three: not read: the wanted files of its layer have more than the limit of 6 bytes",
        ]
    );
    assert_eq!(tree.read(&"two".parse().unwrap()), Some(&b"123"[..]));
    assert_eq!(tree.read(&"huge".parse().unwrap()), None);
}

#[test]
fn limits_of_archives_name_the_layer() {
    let image = image(&[layer(&["a=1"]), layer(&["big=123456"])]);
    let mut limits = ReadLimits::default();
    limits.archive.entry_bytes_max = 5;
    let error = read(&image, &|_, _| true, &limits).unwrap_err();
    assert!(error.to_string().starts_with("layer 1 (`sha256:"), "{error}");
    assert!(
        error.to_string().ends_with("size of a tar entry above the limit of 5 in `big`"),
        "{error}"
    );
}

#[test]
fn layers_in_figures() {
    let image =
        image(&[layer(&["a=12345", "b=1", "c=>a"]), layer(&["a=123", ".wh.b"]), layer(&[".wh.a"])]);
    let tree = read(&image, &|_, _| false, &ReadLimits::default()).unwrap();
    let figures: Vec<[u64; 4]> = tree
        .layers()
        .iter()
        .map(|layer| {
            let entries = layer.entries as u64;
            [entries, layer.file_bytes, layer.hidden_bytes, layer.duplicated_bytes]
        })
        .collect();
    assert_eq!(figures, [[3, 6, 6, 0], [2, 3, 3, 5], [1, 0, 0, 0]]);
    for (fact, (descriptor, diff_id)) in tree.layers().iter().zip(image.layers()) {
        assert_eq!(
            (&fact.digest, &fact.diff_id, fact.size),
            (&descriptor.digest, diff_id, descriptor.size)
        );
        assert_eq!(fact.uncompressed_size % 512, 0);
    }
}

#[test]
fn all_layers_together_have_a_limit() {
    let image = image(&[layer(&["a=123"]), layer(&["b=123"])]);
    let check = |limits: &ReadLimits, expected: &str| {
        let error = read(&image, &|_, _| true, limits).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        &ReadLimits { bodies_bytes_max: 5, ..ReadLimits::default() },
        "the wanted files of all layers together have more than the limit of 5 bytes",
    );
    check(
        &ReadLimits { facts_bytes_max: 100, ..ReadLimits::default() },
        "the entries of all layers together have more than the limit of 100 bytes",
    );
}

struct Failing(Blobs);

struct Cut(Box<dyn Read + Send>, usize);

impl Read for Cut {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(self.1);
        if len == 0 {
            return Err(std::io::Error::other("the line is down"));
        }
        let count = self.0.read(&mut buffer[..len])?;
        self.1 -= count;
        Ok(count)
    }
}

impl BlobSource for Failing {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, Error> {
        let reader = self.0.open(descriptor)?;
        let is_layer = descriptor.media_type.starts_with(media_type::LAYER);
        Ok(if is_layer { Box::new(Cut(reader, 50)) } else { reader })
    }
}

#[test]
fn a_source_that_fails_is_not_taken_for_damage() {
    for n_layers in [1, 2] {
        let layers = vec![layer(&["a=1"]); n_layers];
        let (blobs, descriptor) = build(&layers);
        let manifest = blobs.0[&descriptor.digest].clone();
        let image = image_from_manifest(manifest, Arc::new(Failing(blobs))).unwrap();
        let error = read(&image, &|_, _| true, &ReadLimits::default()).unwrap_err();
        assert!(error.to_string().ends_with("the line is down"), "{error}");
    }
}

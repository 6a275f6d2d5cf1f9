//! Content that is not what its digest says, and documents that lie.

use std::io::Read;
use std::sync::Arc;

use sealift_image::{
    Error, ReadLimits, image_from_descriptor, image_from_manifest, read, read_blob_verified,
};
use sealift_oci::{
    Descriptor, Digest, ImageConfig, Index, Manifest, Platform, Raw, RootFs, media_type,
};

use crate::kit::{Blobs, archive, build, build_of, gzip, layer};

fn open_and_read(blobs: &Blobs, descriptor: &Descriptor) -> Result<(), Error> {
    let image = image_from_descriptor(Arc::new(blobs.clone()), descriptor)?;
    read(&image, &|_, _| true, &ReadLimits::default()).map(|_| ())
}

#[test]
fn one_bit_anywhere_is_noticed_and_named() {
    let (blobs, descriptor) = build(&[layer(&["a=hello", "b/"]), layer(&["c=world"])]);
    open_and_read(&blobs, &descriptor).unwrap();
    for (digest, bytes) in &blobs.0 {
        for at in 0..bytes.len() {
            let mut damaged = blobs.clone();
            damaged.0.get_mut(digest).unwrap()[at] ^= 1;
            match open_and_read(&damaged, &descriptor) {
                Err(Error::Digest { expected, .. }) => assert_eq!(expected, *digest, "byte {at}"),
                other => panic!("byte {at} of {digest}: {other:?}"),
            }
        }
    }
}

#[test]
fn cut_or_longer_content_is_noticed() {
    let (blobs, descriptor) = build(&[layer(&["a=hello", "b/"]), layer(&["c=world"])]);
    for digest in blobs.0.keys() {
        for change in [-1_isize, -20, 1, 5000] {
            let mut damaged = blobs.clone();
            let bytes = damaged.0.get_mut(digest).unwrap();
            let len = bytes.len().saturating_add_signed(change);
            bytes.resize(len, 0);
            match open_and_read(&damaged, &descriptor) {
                Err(Error::Size { digest: named, .. }) => assert_eq!(named, *digest, "{change}"),
                other => panic!("{change} of {digest}: {other:?}"),
            }
        }
    }
}

#[test]
fn missing_blobs_are_named() {
    let (blobs, descriptor) = build(&[layer(&["a=hello"])]);
    for digest in blobs.0.keys() {
        let mut damaged = blobs.clone();
        damaged.0.remove(digest);
        match open_and_read(&damaged, &descriptor) {
            Err(Error::Blob { digest: named, .. }) => assert_eq!(named, *digest),
            other => panic!("{digest}: {other:?}"),
        }
    }
}

// An image whose config names another `diff_id` than its layer has.
fn with_diff_id(blob: Vec<u8>, diff_id: Digest) -> (Blobs, Descriptor) {
    let mut blobs = Blobs::default();
    let layer = blobs.add(media_type::LAYER_GZIP, blob);
    let rootfs = RootFs { diff_ids: vec![diff_id], ..RootFs::default() };
    let config = ImageConfig { rootfs, ..ImageConfig::default() };
    let config = blobs.add(media_type::CONFIG, Raw::encode(config).bytes().to_vec());
    let manifest = Raw::encode(Manifest::new(config, vec![layer]));
    let descriptor = blobs.add(media_type::MANIFEST, manifest.bytes().to_vec());
    (blobs, descriptor)
}

#[test]
fn the_diff_id_is_verified() {
    let tar = archive(&layer(&["a=hello"]));
    for blob in [tar.clone(), gzip(&tar)] {
        let (blobs, descriptor) = with_diff_id(blob.clone(), Digest::sha256(&tar));
        open_and_read(&blobs, &descriptor).unwrap();
        let (blobs, descriptor) = with_diff_id(blob, Digest::sha256(b"other"));
        let error = open_and_read(&blobs, &descriptor).unwrap_err();
        assert!(error.to_string().starts_with("layer 0 uncompressed has the digest"), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn what_follows_the_end_of_the_archive_counts() {
    let tar = archive(&layer(&["a=hello"]));
    let longer = [tar.clone(), vec![0; 100_000], b"more".to_vec()].concat();
    let (blobs, descriptor) = with_diff_id(gzip(&longer), Digest::sha256(&longer));
    open_and_read(&blobs, &descriptor).unwrap();
    let (blobs, descriptor) = with_diff_id(gzip(&longer), Digest::sha256(&tar));
    assert!(matches!(open_and_read(&blobs, &descriptor), Err(Error::Digest { .. })));
    // A second gzip member is part of the layer.
    let two = [gzip(&tar), gzip(b"more")].concat();
    let (blobs, descriptor) = with_diff_id(two, Digest::sha256(&[&tar[..], b"more"].concat()));
    open_and_read(&blobs, &descriptor).unwrap();
}

#[test]
fn a_layer_can_be_read_as_a_stream() {
    let (blobs, descriptor) = build(&[layer(&["a=hello"])]);
    let image = image_from_descriptor(Arc::new(blobs), &descriptor).unwrap();
    let mut bytes = Vec::new();
    image.open_layer(0).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, archive(&layer(&["a=hello"])));
    assert_eq!(image.open_layer(0).unwrap().finish().unwrap(), bytes.len() as u64);
}

#[test]
fn a_layer_that_is_no_archive_is_named() {
    let junk = vec![b'x'; 2000];
    let (blobs, descriptor) = with_diff_id(gzip(&junk), Digest::sha256(&junk));
    let error = open_and_read(&blobs, &descriptor).unwrap_err();
    assert!(matches!(error, Error::Layer { layer: 0, .. }), "{error}");
}

#[test]
fn documents_that_are_no_images() {
    let blobs = Blobs::default();
    let check = |manifest: &str, expected: &str| {
        let error =
            image_from_manifest(manifest.as_bytes().to_vec(), Arc::new(blobs.clone())).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    let digest = Digest::sha256(b"x");
    check("", "not a valid image manifest");
    check("[]", "not a valid image manifest");
    check(r#"{"schemaVersion":1}"#, "not a valid image manifest");
    let with = |version: u32, media: &str, config: &str| {
        format!(
            r#"{{"schemaVersion":{version},"mediaType":"{media}","config":{{"mediaType":"{config}","digest":"{digest}","size":1}},"layers":[]}}"#
        )
    };
    check(&with(2, media_type::INDEX, media_type::CONFIG), "its media type is");
    check(&with(1, media_type::MANIFEST, media_type::CONFIG), "its schema version is 1");
    check(&with(2, media_type::MANIFEST, media_type::EMPTY), "it is an artifact");
    check(&with(2, media_type::MANIFEST, media_type::CONFIG), "cannot read blob");
}

#[test]
fn layers_and_digests_must_be_as_many() {
    let mut blobs = Blobs::default();
    let config =
        blobs.add(media_type::CONFIG, Raw::encode(ImageConfig::default()).bytes().to_vec());
    let layer = blobs.add(media_type::LAYER, archive(&layer(&["a"])));
    let manifest = Raw::encode(Manifest::new(config, vec![layer]));
    let error = image_from_manifest(manifest.bytes().to_vec(), Arc::new(blobs)).unwrap_err();
    assert!(
        error.to_string().ends_with("it has 1 layers, but its config has 0 layer digests"),
        "{error}"
    );
}

#[test]
fn indexes_are_followed_but_not_for_ever() {
    let (mut blobs, image) = build_of(&[archive(&layer(&["a"]))], &Platform::host());
    let mut descriptor = image;
    for depth in 0..6 {
        let mut index = Index::new(vec![descriptor.clone()]);
        // A first entry for another platform must not be taken.
        let mut other = Descriptor::new(media_type::MANIFEST, Digest::sha256(b"?"), 1);
        other.platform = Some(Platform { architecture: "other".into(), ..Platform::host() });
        index.manifests.insert(0, other);
        descriptor = blobs.add(media_type::INDEX, Raw::encode(index).bytes().to_vec());
        descriptor.platform = Some(Platform::host());
        let result = open_and_read(&blobs, &descriptor);
        assert_eq!(result.is_ok(), depth < 3, "{depth}: {result:?}");
    }
}

#[test]
fn blobs_have_a_limit() {
    let mut blobs = Blobs::default();
    let descriptor = blobs.add("x", vec![1; 100]);
    assert_eq!(read_blob_verified(&blobs, &descriptor, 100).unwrap().len(), 100);
    assert!(matches!(read_blob_verified(&blobs, &descriptor, 99), Err(Error::TooLarge { .. })));
    // A descriptor that claims less than there is makes nobody read it all.
    let mut small = descriptor.clone();
    small.size = 10;
    assert!(
        matches!(read_blob_verified(&blobs, &small, 99), Err(Error::Size { actual, .. }) if actual > 10)
    );
}

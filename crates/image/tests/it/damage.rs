//! Content that is not what its digest says, and documents that lie.

use std::io::Read;
use std::sync::Arc;

use sealift_image::{
    Error, Inspection, Look, ReadLimits, image_from_descriptor, image_from_manifest, read,
    read_blob_verified, read_inspected,
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

// What is in an image of which one layer is not as it should be: paths, layers that are not read, entries left out.
fn rest(blobs: &Blobs, descriptor: &Descriptor) -> (Vec<String>, Vec<String>, Vec<String>) {
    let image = image_from_descriptor(Arc::new(blobs.clone()), descriptor).unwrap();
    let inspection = Inspection {
        wanted: &|_, _| false,
        look: &|_, _| Look::Pass,
        useless: &|_| Vec::new(),
        extract: &|_, _| None,
        watch: None,
    };
    let limits = ReadLimits::default();
    let tree = read_inspected(&image, &|_, _| true, &inspection, &limits, None).unwrap();
    let unread = tree.unread_layers().iter().map(|it| format!("{}: {}", it.index, it.reason));
    let refused = tree.refused().iter().map(|it| format!("{}: {}", it.path, it.message));
    (tree.iter().map(|fact| fact.path.to_string()).collect(), unread.collect(), refused.collect())
}

#[test]
fn a_damaged_layer_hides_nothing_of_the_others() {
    let tars = [layer(&["a=hello"]), layer(&["b=world"]), layer(&["c=!"])].map(|it| archive(&it));
    let (blobs, descriptor) = build_of(&tars, &Platform::host());
    let second = Digest::sha256(&tars[1]);
    let mut changed = blobs.clone();
    changed.0.get_mut(&second).unwrap()[0] ^= 1;
    let mut cut = blobs.clone();
    cut.0.get_mut(&second).unwrap().truncate(100);
    for (blobs, reason) in [(changed, "has the digest"), (cut, "has 100 bytes")] {
        let (paths, unread, _) = rest(&blobs, &descriptor);
        assert_eq!(paths, ["a", "c"]);
        assert!(unread.len() == 1 && unread[0].starts_with("1: layer"), "{unread:?}");
        assert!(unread[0].contains(reason), "{unread:?}");
    }
    let mut gone = blobs.clone();
    gone.0.remove(&second);
    let image = image_from_descriptor(Arc::new(gone), &descriptor).unwrap();
    let error = read(&image, &|_, _| true, &ReadLimits::default()).unwrap_err();
    assert!(
        matches!(error, Error::Blob { .. }),
        "a layer that should be there is missing: {error}"
    );
}

// An image of two layers, the second one with this media type and, if it is there, this content.
fn with_second(media_type: &str, content: Option<&[u8]>) -> (Blobs, Descriptor) {
    let tar = archive(&layer(&["a=hello"]));
    let other = content.unwrap_or(b"elsewhere");
    let mut blobs = Blobs::default();
    let first = blobs.add(media_type::LAYER, tar.clone());
    let second = blobs.add(media_type, other.to_vec());
    if content.is_none() {
        blobs.0.remove(&second.digest);
    }
    let diff_ids = vec![Digest::sha256(&tar), Digest::sha256(other)];
    let rootfs = RootFs { diff_ids, ..RootFs::default() };
    let config = ImageConfig { rootfs, ..ImageConfig::default() };
    let config = blobs.add(media_type::CONFIG, Raw::encode(config).bytes().to_vec());
    let manifest = Raw::encode(Manifest::new(config, vec![first, second]));
    let descriptor = blobs.add(media_type::MANIFEST, manifest.bytes().to_vec());
    (blobs, descriptor)
}

#[test]
fn foreign_and_encrypted_layers() {
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    let (blobs, descriptor) = with_second(foreign, None);
    let (paths, unread, _) = rest(&blobs, &descriptor);
    assert_eq!(paths, ["a"]);
    assert!(unread[0].starts_with("1: cannot read blob"), "{unread:?}");
    let encrypted = format!("{}+encrypted", media_type::LAYER_GZIP);
    let (blobs, descriptor) = with_second(&encrypted, Some(b"secret"));
    let (paths, unread, _) = rest(&blobs, &descriptor);
    assert_eq!(paths, ["a"]);
    assert!(unread[0].ends_with("is encrypted"), "{unread:?}");
    // A foreign layer that is there is a layer like any other.
    let tar = archive(&layer(&["b=world"]));
    let (blobs, descriptor) = with_second(foreign, Some(&tar));
    assert_eq!(rest(&blobs, &descriptor).0, ["a", "b"]);
}

#[test]
fn entries_that_cannot_be_are_left_out() {
    let tars = [layer(&["a=hello", "h=>nowhere", "b=world"]), layer(&[".wh..", "c=!"])];
    let (blobs, descriptor) = build(&tars);
    assert!(matches!(open_and_read(&blobs, &descriptor), Err(Error::Entry { .. })));
    let (paths, unread, refused) = rest(&blobs, &descriptor);
    assert_eq!(paths, ["a", "b", "c"]);
    assert!(unread.is_empty(), "{unread:?}");
    let expected = [
        "h: left out, as layer 0 has it: it is a hard link to `nowhere`, which is not there",
        ".wh..: left out, as layer 1 has it: it is a whiteout that names no entry",
    ];
    assert_eq!(refused, expected);
}

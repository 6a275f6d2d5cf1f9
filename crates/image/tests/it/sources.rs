//! Layouts and archives on disk.

use std::fs;
use std::path::Path;

use sealift_image::{
    Error, Image, ReadLimits, open_docker_archive, open_oci_archive, open_oci_dir, read,
};
use sealift_oci::{ANNOTATION_REF_NAME, Descriptor, Digest, ImageConfig, Platform, Raw, RootFs};

use crate::kit::{Blobs, Entries, archive, build, build_of, gzip, layer, show};

fn content(image: &Image) -> String {
    show(&read(image, &|_, _| true, &ReadLimits::default()).unwrap())
}

fn named(mut descriptor: Descriptor, name: &str) -> Descriptor {
    descriptor.annotations.insert(ANNOTATION_REF_NAME.to_owned(), name.to_owned());
    descriptor
}

// Two images in one layout, and a signature beside them.
fn layout(folder: &Path) {
    let (mut blobs, one) = build(&[layer(&["a=one"])]);
    let (more, two) = build(&[layer(&["a=two"])]);
    blobs.0.extend(more.0);
    let attached = named(one.clone(), &format!("sha256-{}.sig", one.digest.hex()));
    blobs.write_layout(folder, vec![named(one, "app:1"), named(two, "app:2"), attached]);
}

#[test]
fn images_of_a_layout_are_chosen_by_name() {
    let folder = tempfile::tempdir().unwrap();
    layout(folder.path());
    let open = |name| open_oci_dir(folder.path(), name, &Platform::host());
    let image = open(Some("app:2")).unwrap();
    assert_eq!(image.name.as_deref(), Some("app:2"));
    assert_eq!(content(&image), "a=two @0\n");
    let digest = image.descriptor.digest.to_string();
    assert_eq!(content(&open(Some(&digest)).unwrap()), "a=two @0\n");
    let error = open(None).unwrap_err();
    assert!(error.to_string().ends_with("has several images: `app:1`, `app:2`"), "{error}");
    let error = open(Some("app:3")).unwrap_err();
    assert!(
        error.to_string().ends_with("has no image named `app:3`; it has `app:1`, `app:2`"),
        "{error}"
    );
}

#[test]
fn a_layout_with_one_image_per_platform() {
    let folder = tempfile::tempdir().unwrap();
    let other = Platform { architecture: "s390x".into(), ..Platform::host() };
    let (mut blobs, one) = build_of(&[archive(&layer(&["a=host"]))], &Platform::host());
    let (more, two) = build_of(&[archive(&layer(&["a=other"]))], &other);
    blobs.0.extend(more.0);
    blobs.write_layout(folder.path(), vec![two, one]);
    let open = |platform: &Platform| open_oci_dir(folder.path(), None, platform);
    assert_eq!(content(&open(&Platform::host()).unwrap()), "a=host @0\n");
    assert_eq!(content(&open(&other).unwrap()), "a=other @0\n");
    let none = Platform { os: "plan9".into(), ..other };
    assert!(matches!(open(&none), Err(Error::Platform { .. })));
}

// Packs a folder with our writer, so that these tests need no other program.
fn pack(folder: &Path) -> Vec<u8> {
    let mut entries: Entries = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(inner).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            entries.push(file(&name, fs::read(&path).unwrap()));
        }
    }
    archive(&entries)
}

fn file(name: &str, content: Vec<u8>) -> (sealift_archive::Header, Vec<u8>) {
    let kind = sealift_archive::EntryKind::File;
    let mut header = sealift_archive::Header::new(name.parse().unwrap(), kind);
    header.size = content.len() as u64;
    (header, content)
}

#[test]
fn a_layout_in_an_archive_compressed_or_not() {
    let folder = tempfile::tempdir().unwrap();
    layout(&folder.path().join("layout"));
    let bytes = pack(&folder.path().join("layout"));
    for bytes in [bytes.clone(), gzip(&bytes)] {
        let path = folder.path().join("a.tar");
        fs::write(&path, bytes).unwrap();
        let image = open_oci_archive(&path, Some("app:1"), &Platform::host()).unwrap();
        assert_eq!(content(&image), "a=one @0\n");
    }
}

#[test]
fn what_is_no_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let check = |expected: &str| {
        let error = open_oci_dir(path, None, &Platform::host()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check("there is no `oci-layout`");
    fs::write(path.join("oci-layout"), "{}").unwrap();
    check("its `oci-layout` cannot be read");
    fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    check("its version is `2.0.0`");
    fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    check("there is no `index.json`");
    fs::write(path.join("index.json"), "[").unwrap();
    check("not a valid layout index");
    fs::write(path.join("index.json"), r#"{"schemaVersion":2,"manifests":[]}"#).unwrap();
    check("its `index.json` has no image");
    let archive = path.join("a.tar");
    fs::write(&archive, "no tar at all").unwrap();
    assert!(open_oci_archive(&archive, None, &Platform::host()).is_err());
    assert!(open_oci_archive(path, None, &Platform::host()).is_err());
    assert!(open_oci_archive(&path.join("missing"), None, &Platform::host()).is_err());
}

#[test]
fn a_member_that_is_there_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let marker = || file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec());
    let path = folder.path().join("a.tar");
    fs::write(&path, archive(&vec![marker(), marker()])).unwrap();
    let error = open_oci_archive(&path, None, &Platform::host()).unwrap_err();
    assert!(error.to_string().ends_with("in `oci-layout`: it is in the archive twice"), "{error}");
}

// What `docker save` wrote before version 25; the second layer is a link to the first.
fn saved(layers: &[Vec<u8>], tags: &str) -> Entries {
    let diff_ids = layers.iter().map(|bytes| Digest::sha256(bytes)).collect();
    let rootfs = RootFs { diff_ids, ..RootFs::default() };
    let host = Platform::host();
    let config = ImageConfig {
        rootfs,
        os: host.os,
        architecture: host.architecture,
        ..ImageConfig::default()
    };
    let config = Raw::encode(config);
    let mut entries = Vec::new();
    let mut names = Vec::new();
    for (index, bytes) in layers.iter().enumerate() {
        let name = format!("layer{index}/layer.tar");
        if index > 0 && *bytes == layers[0] {
            let target = b"../layer0/layer.tar".to_vec();
            let kind = sealift_archive::EntryKind::Symlink(target);
            entries.push((sealift_archive::Header::new(name.parse().unwrap(), kind), Vec::new()));
        } else {
            entries.push(file(&name, bytes.clone()));
        }
        names.push(format!("\"{name}\""));
    }
    let config_name = format!("{}.json", config.digest().hex());
    let list = format!(
        r#"[{{"Config":"{config_name}","RepoTags":{tags},"Layers":[{}]}}]"#,
        names.join(",")
    );
    entries.push(file(&config_name, config.bytes().to_vec()));
    entries.push(file("manifest.json", list.into_bytes()));
    entries
}

#[test]
fn what_docker_saves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let same = archive(&layer(&["a=1"]));
    let entries = saved(&[same.clone(), archive(&layer(&["b=2"])), same], r#"["app:latest"]"#);
    let bytes = archive(&entries);
    for bytes in [bytes.clone(), gzip(&bytes)] {
        fs::write(&path, bytes).unwrap();
        let image = open_docker_archive(&path, None).unwrap();
        assert_eq!(image.name.as_deref(), Some("app:latest"));
        assert_eq!(content(&image), "a=1 @2\nb=2 @1\n");
        for name in ["app", "app:latest", "docker.io/library/app"] {
            open_docker_archive(&path, Some(name)).unwrap();
        }
        assert!(matches!(open_docker_archive(&path, Some("app:2")), Err(Error::Name { .. })));
    }
}

#[test]
fn a_saved_layer_that_was_changed_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let mut entries = saved(&[archive(&layer(&["a=1"]))], "null");
    entries[0].1[512] ^= 1;
    fs::write(&path, archive(&entries)).unwrap();
    let image = open_docker_archive(&path, None).unwrap();
    let error = read(&image, &|_, _| true, &ReadLimits::default()).unwrap_err();
    assert!(matches!(error, Error::Digest { .. }), "{error}");
    // The config is named after its digest.
    let mut entries = saved(&[archive(&layer(&["a=1"]))], "null");
    entries[1].1.push(b' ');
    entries[1].0.size += 1;
    fs::write(&path, archive(&entries)).unwrap();
    let error = open_docker_archive(&path, None).unwrap_err();
    assert!(error.to_string().contains("its config `"), "{error}");
}

#[test]
fn compressed_layers_of_a_saved_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    let mut entries = saved(&[archive(&layer(&["a=1"]))], "null");
    let packed = gzip(&entries[0].1);
    entries[0] = file("layer0/layer.tar", packed);
    fs::write(&path, archive(&entries)).unwrap();
    assert_eq!(content(&open_docker_archive(&path, None).unwrap()), "a=1 @0\n");
}

#[test]
fn links_of_an_archive_lead_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    for target in ["../../../etc/passwd", "/etc/passwd", "layer.tar", "missing"] {
        let mut entries = saved(&[archive(&layer(&["a=1"]))], "null");
        let kind = sealift_archive::EntryKind::Symlink(target.as_bytes().to_vec());
        entries[0] =
            (sealift_archive::Header::new("layer0/layer.tar".parse().unwrap(), kind), Vec::new());
        fs::write(&path, archive(&entries)).unwrap();
        let error = open_docker_archive(&path, None).unwrap_err();
        assert!(error.to_string().ends_with("its layer `layer0/layer.tar` is missing"), "{error}");
    }
}

#[test]
fn blobs_are_regular_files() {
    let folder = tempfile::tempdir().unwrap();
    let (blobs, descriptor): (Blobs, Descriptor) = build(&[layer(&["a=1"])]);
    let place = folder.path().join("blobs/sha256").join(descriptor.digest.hex());
    blobs.write_layout(folder.path(), vec![descriptor]);
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    let error = open_oci_dir(folder.path(), None, &Platform::host()).unwrap_err();
    assert!(error.to_string().ends_with("it is not a regular file"), "{error}");
}

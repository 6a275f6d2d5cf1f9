//! Tars of a root file system, and what a path leads to.

use std::fs;
use std::path::Path;

use sealift_image::{Error, FileTree, Inspection, Look, ReadLimits, Target, detect, open_rootfs};
use sealift_oci::Digest;

use crate::kit::{archive, build, gzip, layer, run, show};

const NOTHING: Inspection<'_> = Inspection {
    wanted: &|_, _| false,
    look: &|_, _| Look::Pass,
    useless: &|_| Vec::new(),
    extract: &|_, _| None,
    watch: None,
};

fn open(path: &Path) -> Result<FileTree, Error> {
    let wanted = |path: &sealift_archive::RelativePath, _: &sealift_image::FileMeta| {
        ["etc/a", "link", "hard"].contains(&path.to_string().as_str())
    };
    open_rootfs(path, &wanted, &NOTHING, &ReadLimits::default())
}

fn sample() -> Vec<u8> {
    archive(&layer(&[
        "etc/",
        "etc/a=one",
        "etc/b=two",
        "etc/c=three",
        "link->etc/b",
        "hard=>etc/c",
    ]))
}

#[test]
fn a_tar_is_one_layer_whatever_its_compression() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.tar");
    for bytes in [sample(), gzip(&sample())] {
        fs::write(&path, &bytes).unwrap();
        let tree = open(&path).unwrap();
        assert_eq!(
            show(&tree),
            "etc/ @0\netc/a=one @0\netc/b=two @0\netc/c=three @0\nhard=three @0 linked to etc/c\nlink->etc/b @0\n"
        );
        let [fact] = tree.layers() else { panic!("one layer") };
        assert_eq!(fact.digest, Digest::sha256(&bytes));
        assert_eq!(fact.diff_id, Digest::sha256(&sample()));
        assert_eq!(fact.size, bytes.len() as u64);
        assert_eq!(fact.uncompressed_size, sample().len() as u64);
        assert_eq!((fact.entries, fact.file_bytes), (6, 11));
        assert_eq!(detect(&path, None).unwrap(), Target::Rootfs(path.clone()));
    }
}

#[test]
fn a_damaged_tar_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.tar");
    for whole in [sample(), gzip(&sample())] {
        for length in 0..whole.len().min(1200) {
            fs::write(&path, &whole[..length]).unwrap();
            match open(&path) {
                // After a whole entry it is a tar that lacks its end, which other readers take too.
                Ok(_) => assert!(length > 0 && (length % 512 == 0 || length >= 1027), "{length}"),
                Err(error) => assert!(error.to_string().contains("root.tar"), "{error}"),
            }
        }
    }
    assert!(open(folder.path()).unwrap_err().to_string().contains("not a regular file"));
    fs::write(&path, sample()).unwrap();
    let limits = ReadLimits {
        archive: sealift_archive::Limits { total_bytes_max: 600, ..Default::default() },
        ..ReadLimits::default()
    };
    let error = open_rootfs(&path, &|_, _| true, &NOTHING, &limits).unwrap_err();
    assert!(error.to_string().contains("600"), "{error}");
}

#[test]
fn what_tar_itself_writes() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("root/etc")).unwrap();
    fs::write(folder.path().join("root/etc/a"), "one").unwrap();
    for (format, ending) in [("v7", "tar"), ("ustar", "tar.gz"), ("pax", "tar.xz"), ("gnu", "tar")]
    {
        let name = format!("{format}.{ending}");
        let format = format!("--format={format}");
        let written = run("tar", &["-caf", &name, &format, "-C", "root", "."], folder.path());
        if written.is_none() {
            return;
        }
        let path = folder.path().join(&name);
        assert_eq!(detect(&path, None).unwrap(), Target::Rootfs(path.clone()), "{name}");
        assert_eq!(show(&open(&path).unwrap()), "etc/ @0\netc/a=one @0\n", "{name}");
    }
}

#[test]
fn what_a_path_leads_to() {
    let folder = tempfile::tempdir().unwrap();
    let here = |name: &str| folder.path().join(name);
    let check = |name: &str, expected: &str| {
        let found = match detect(&here(name), Some("app:1")) {
            Ok(target) => target.to_string(),
            Err(error) => error.to_string(),
        };
        let inside = format!("{}/", folder.path().display());
        assert_eq!(found.replace(&inside, ""), expected);
    };
    let (blobs, image) = build(&[layer(&["a=one"])]);
    blobs.write_layout(&here("layout"), vec![image]);
    fs::create_dir(here("folder")).unwrap();
    check("layout", "oci-dir:layout:app:1");
    check("folder", "dir:folder");
    let digest = "a".repeat(64);
    let files = |names: &[&str]| archive(&layer(names));
    for (name, bytes, expected) in [
        ("oci.tar", files(&["blobs/", "blobs/x=1", "oci-layout=1"]), "oci-archive:oci.tar:app:1"),
        (
            "old.tar",
            files(&[&format!("{digest}/layer.tar=1"), "manifest.json=1"]),
            "docker-archive:old.tar:app:1",
        ),
        (
            "jib.tar.gz",
            gzip(&files(&[&format!("{digest}.tar.gz=1"), "manifest.json=1"])),
            "docker-archive:jib.tar.gz:app:1",
        ),
        ("root.tar", files(&["manifest.d=1", "manifest.json=1"]), "rootfs:root.tar"),
        ("none.tar", files(&[]), "rootfs:none.tar"),
        ("a.json", b"\xef\xbb\xbf {}".to_vec(), "sbom:a.json"),
        ("a.xml", b"<?xml?>".to_vec(), "sbom:a.xml"),
        ("a.spdx", b"# c\nSPDXVersion: SPDX-2.3\n".to_vec(), "sbom:a.spdx"),
        (
            "a.txt",
            vec![b'x'; 2000],
            "`a.txt` is not an image, a tar or an SBOM: its first bytes are those of none of them",
        ),
        (
            "empty",
            Vec::new(),
            "`empty` is not an image, a tar or an SBOM: its first bytes are those of none of them",
        ),
    ] {
        fs::write(here(name), bytes).unwrap();
        check(name, expected);
    }
    assert!(detect(&here("missing"), None).unwrap_err().to_string().contains("missing"));
}

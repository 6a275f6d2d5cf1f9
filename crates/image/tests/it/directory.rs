//! Folders as trees.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use sealift_image::{FileKind, ReadLimits, open_directory};

use crate::kit::show;

#[test]
fn a_folder_as_it_lies_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("etc")).unwrap();
    fs::write(path.join("etc/passwd"), "root").unwrap();
    fs::write(path.join("etc/big"), "123456789").unwrap();
    fs::write(path.join("other"), "x").unwrap();
    fs::set_permissions(path.join("other"), fs::Permissions::from_mode(0o4750)).unwrap();
    symlink("etc/passwd", path.join("link")).unwrap();
    symlink("/etc", path.join("absolute")).unwrap();
    symlink("..", path.join("up")).unwrap();
    let wanted = |path: &sealift_archive::RelativePath, _: &sealift_image::FileMeta| {
        ["link", "etc/big"].contains(&path.to_string().as_str())
    };
    let limits = ReadLimits { body_bytes_max: 8, ..ReadLimits::default() };
    let tree = open_directory(path, &wanted, &limits).unwrap();
    assert_eq!(
        show(&tree),
        "absolute->/etc @0\netc/ @0\netc/big file @0\netc/passwd=root @0\nlink->etc/passwd @0\nother file @0\nup->.. @0\n"
    );
    assert_eq!(tree.get(&"other".parse().unwrap()).unwrap().mode, 0o4750);
    assert_eq!(tree.read(&"up/absolute/passwd".parse().unwrap()), Some(&b"root"[..]));
    assert_eq!(tree.notes().len(), 1);
    assert!(tree.layers().is_empty());
    assert!(open_directory(&path.join("other"), &wanted, &limits).is_err());
    assert!(open_directory(&path.join("missing"), &wanted, &limits).is_err());
}

#[test]
fn devices_have_their_numbers() {
    let tree = open_directory("/dev".as_ref(), &|_, _| false, &ReadLimits::default()).unwrap();
    let null = tree.get(&"null".parse().unwrap()).unwrap();
    assert_eq!(null.kind, FileKind::CharDevice { major: 1, minor: 3 });
}

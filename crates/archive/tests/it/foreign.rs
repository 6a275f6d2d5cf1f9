//! GNU tar and Python's `tarfile` as judges: what they write we read, what we write they read.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use sealift_archive::{EntryKind, Header, Limits, Mtime, RelativePath, tar};

use crate::raw::list;
use crate::round_trip::{read, write};

// A program's output, or nothing if the program is not there.
fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let output = match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) => {
            eprintln!("SKIPPED: `{program}` cannot be run: {error}");
            return None;
        }
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    assert_eq!(errors, "", "{program} {arguments:?}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn files(folder: &Path) {
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    fs::create_dir_all(folder.join("d".repeat(120))).unwrap();
    fs::write(folder.join(&long), "long").unwrap();
    fs::write(folder.join("plain"), "plain").unwrap();
    fs::write(folder.join("ümläut"), "utf-8").unwrap();
    fs::hard_link(folder.join("plain"), folder.join("plain2")).unwrap();
    symlink("t".repeat(150), folder.join("symlink")).unwrap();
    fs::create_dir(folder.join("sub")).unwrap();
    fs::set_permissions(folder.join("sub"), fs::Permissions::from_mode(0o1777)).unwrap();
    let sparse = fs::File::create(folder.join("sparse")).unwrap();
    // More chunks than a header and its first extension hold.
    for chunk in 0..40 {
        sparse.write_at(b"data", chunk * 65536 + 100).unwrap();
    }
    sparse.set_len(50 * 65536).unwrap();
}

#[test]
fn we_read_what_gnu_tar_writes() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    files(&source);
    for format in [
        &["--format=gnu", "--sparse"][..],
        &["--format=pax", "--sparse", "--sparse-version=0.0"],
        &["--format=pax", "--sparse", "--sparse-version=0.1"],
        &["--format=pax", "--sparse", "--sparse-version=1.0"],
        &["--format=pax"],
        &["--format=gnu"],
    ] {
        let arguments = [&["-cf", "../a.tar", "--sort=name"], format, &["."]].concat();
        if run("tar", &arguments, &source).is_none() {
            return;
        }
        let bytes = fs::read(folder.path().join("a.tar")).unwrap();
        let entries = read(&bytes);
        assert_eq!(entries.len(), 9, "{format:?}");
        for (header, content) in entries {
            let path = source.join(header.path.as_path());
            let metadata = fs::symlink_metadata(&path).unwrap();
            match header.kind {
                EntryKind::File => {
                    assert!(fs::read(&path).unwrap() == content, "{format:?} {path:?}");
                }
                EntryKind::Directory => assert!(metadata.is_dir()),
                EntryKind::Symlink(target) => {
                    assert_eq!(
                        target,
                        fs::read_link(&path).unwrap().as_os_str().as_encoded_bytes()
                    );
                }
                EntryKind::HardLink(target) => assert_eq!(target.to_string(), "plain"),
                _ => panic!("{header:?}"),
            }
            assert_eq!(header.mode, metadata.permissions().mode() & 0o7777, "{path:?}");
        }
    }
}

#[test]
fn old_formats_without_long_names() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "x").unwrap();
    fs::create_dir(folder.path().join("b")).unwrap();
    for format in ["v7", "oldgnu", "ustar"] {
        let format = format!("--format={format}");
        if run("tar", &["-cf", "t.tar", &format, "a", "b"], folder.path()).is_none() {
            return;
        }
        let bytes = fs::read(folder.path().join("t.tar")).unwrap();
        assert_eq!(
            list(&bytes, Limits::default()).unwrap(),
            ["a file x", "b directory"],
            "{format}"
        );
    }
}

fn entries() -> Vec<(Header, Vec<u8>)> {
    let path = |text: &str| text.parse::<RelativePath>().unwrap();
    let mut entries = Vec::new();
    let mut add = |name: &str, kind: EntryKind, content: &[u8]| {
        let mut header = Header::new(path(name), kind);
        header.size = content.len() as u64;
        header.mtime = Mtime { secs: 1_600_000_000, nanos: 0 };
        entries.push((header, content.to_vec()));
    };
    let long = format!("{}/{}", "d".repeat(99), "f".repeat(99));
    add("", EntryKind::Directory, b"");
    add(&"d".repeat(99), EntryKind::Directory, b"");
    add(&long, EntryKind::File, b"split between prefix and name");
    add(&format!("{long}{}", "g".repeat(100)), EntryKind::File, b"too long for ustar");
    add("ünï", EntryKind::File, b"not ASCII");
    add("empty", EntryKind::File, b"");
    add("hard", EntryKind::HardLink(path(&long)), b"");
    add("soft", EntryKind::Symlink("ü".repeat(80).into_bytes()), b"");
    add("fifo", EntryKind::Fifo, b"");
    let (header, _) = &mut entries[4];
    (header.mode, header.uid) = (0o4755, 3_000_000);
    header.mtime = Mtime { secs: 1_500_000_000, nanos: 500_000_000 };
    entries
}

#[test]
fn gnu_tar_reads_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let entries = entries();
    fs::write(folder.path().join("a.tar"), write(&entries)).unwrap();
    let arguments =
        ["-tvf", "a.tar", "--numeric-owner", "--utc", "--full-time", "--quoting-style=literal"];
    let Some(listed) = run("tar", &arguments, folder.path()) else { return };
    assert_eq!(listed.lines().count(), entries.len());
    assert!(listed.contains("-rwsr-xr-x 3000000/0"), "{listed}");
    assert!(listed.contains("2017-07-14 02:40:00.5"), "{listed}");
    assert!(listed.contains(" link to dddd"), "{listed}");
    fs::create_dir(folder.path().join("out")).unwrap();
    run("tar", &["-xf", "../a.tar", "--no-same-owner"], &folder.path().join("out"));
    for (header, content) in &entries {
        let path = folder.path().join("out").join(header.path.as_path());
        match &header.kind {
            EntryKind::File => assert!(fs::read(&path).unwrap() == *content, "{path:?}"),
            EntryKind::Symlink(target) => {
                assert_eq!(fs::read_link(&path).unwrap().as_os_str().as_encoded_bytes(), target);
            }
            _ => assert!(fs::symlink_metadata(&path).is_ok()),
        }
    }
    // What GNU tar packs again is the same tree.
    run("tar", &["-cf", "../b.tar", "--format=pax", "."], &folder.path().join("out"));
    assert_eq!(read(&fs::read(folder.path().join("b.tar")).unwrap()).len(), entries.len());
}

#[test]
fn python_reads_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let entries = entries();
    fs::write(folder.path().join("a.tar"), write(&entries)).unwrap();
    let script = "import tarfile\nfor m in tarfile.open('a.tar', errorlevel=2): print(m.name, m.size, m.mode, m.uid, m.mtime)";
    let Some(listed) = run("python3", &["-c", script], folder.path()) else { return };
    assert_eq!(listed.lines().count(), entries.len());
    assert!(listed.contains("ünï 9 2541 3000000 1500000000.5"), "{listed}");
}

#[test]
fn devices_survive_gnu_tar_listing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = tar::Writer::new(Vec::new());
    for (name, kind) in [
        ("null", EntryKind::CharDevice { major: 1, minor: 3 }),
        ("disk", EntryKind::BlockDevice { major: 8, minor: 70_000 }),
    ] {
        writer.append(&Header::new(name.parse().unwrap(), kind), &mut std::io::empty()).unwrap();
    }
    fs::write(folder.path().join("a.tar"), writer.finish().unwrap()).unwrap();
    let Some(listed) = run("tar", &["-tvf", "a.tar"], folder.path()) else { return };
    assert!(listed.contains(" 1,3 ") && listed.contains(" 8,70000 "), "{listed}");
}

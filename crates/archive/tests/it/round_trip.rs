//! What the writer writes, the reader reads.

use std::io::Read;

use proptest::prelude::*;
use sealift_archive::{EntryKind, Header, Limits, Mtime, RelativePath, tar};

pub(crate) fn write(entries: &[(Header, Vec<u8>)]) -> Vec<u8> {
    let mut writer = tar::Writer::new(Vec::new());
    for (header, content) in entries {
        writer.append(header, &mut &content[..]).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn read(bytes: &[u8]) -> Vec<(Header, Vec<u8>)> {
    let mut reader = tar::Reader::new(bytes, Limits::default());
    let mut entries = Vec::new();
    while let Some(mut entry) = reader.next_entry().unwrap() {
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        entries.push((entry.into_header(), content));
    }
    entries
}

fn path() -> impl Strategy<Value = RelativePath> {
    let part =
        prop_oneof!["[a-zA-Z0-9._-]{1,20}", "\\PC{1,10}", "[a-z]{90,110}", Just("x".repeat(255)),];
    let bytes = prop_oneof![
        proptest::collection::vec(part, 1..5).prop_map(|parts| parts.join("/").into_bytes()),
        proptest::collection::vec(proptest::num::u8::ANY, 1..60),
    ];
    bytes.prop_filter_map("is a path beneath the root", |bytes| {
        RelativePath::parse(&bytes).ok().filter(|path| !path.is_root())
    })
}

fn kind() -> impl Strategy<Value = EntryKind> {
    prop_oneof![
        Just(EntryKind::File),
        Just(EntryKind::File),
        Just(EntryKind::Directory),
        "\\PC{1,120}".prop_map(|target| EntryKind::Symlink(target.into_bytes())),
        path().prop_map(EntryKind::HardLink),
        (0_u32..1 << 20, 0_u32..1 << 20)
            .prop_map(|(major, minor)| EntryKind::CharDevice { major, minor }),
        (0_u32..256, 0_u32..256).prop_map(|(major, minor)| EntryKind::BlockDevice { major, minor }),
        Just(EntryKind::Fifo),
    ]
}

prop_compose! {
    fn entry()(
        path in path(),
        kind in kind(),
        mode in 0_u32..0o10000,
        owner in (prop_oneof![0_u64..70_000, Just(1 << 40)], prop_oneof![0_u64..70_000, Just(1 << 21)]),
        secs in prop_oneof![0_i64..2_000_000_000, Just(-1), -100_000..0_i64, Just(1 << 40)],
        nanos in prop_oneof![Just(0_u32), 0_u32..1_000_000_000],
        names in ("[a-z]{0,40}", "\\PC{0,8}"),
        xattrs in proptest::collection::btree_map("[a-z.]{1,20}", proptest::collection::vec(proptest::num::u8::ANY, 1..40), 0..3),
        content in proptest::collection::vec(proptest::num::u8::ANY, 0..1500),
    ) -> (Header, Vec<u8>) {
        let content = if kind == EntryKind::File { content } else { Vec::new() };
        let mut header = Header::new(path, kind);
        header.mode = mode;
        (header.uid, header.gid) = owner;
        header.size = content.len() as u64;
        header.mtime = Mtime { secs, nanos };
        header.user_name = names.0.into_bytes();
        header.group_name = names.1.into_bytes();
        header.xattrs = xattrs.into_iter().map(|(key, value)| (key.into_bytes(), value)).collect();
        (header, content)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn everything_survives(entries in proptest::collection::vec(entry(), 0..6)) {
        let bytes = write(&entries);
        prop_assert_eq!(bytes.len() % 512, 0);
        prop_assert_eq!(write(&entries), bytes.clone());
        prop_assert_eq!(read(&bytes), entries);
    }

    // The `tar` crate as a second opinion on the bytes.
    #[test]
    fn the_tar_crate_reads_the_same(mut entries in proptest::collection::vec(entry(), 0..6)) {
        // It takes a newline in a value for the end of the record.
        entries.retain(|(header, _)| {
            let target = match &header.kind {
                EntryKind::Symlink(target) => target.as_slice(),
                _ => &[],
            };
            !header.path.as_bytes().contains(&b'\n') && !target.contains(&b'\n')
        });
        for (header, _) in &mut entries {
            header.xattrs.retain(|_, value| !value.contains(&b'\n'));
        }
        let bytes = write(&entries);
        let mut archive = ::tar::Archive::new(&bytes[..]);
        let mut count = 0;
        for (theirs, (ours, content)) in archive.entries().unwrap().zip(&entries) {
            let mut theirs = theirs.unwrap();
            let name = theirs.path_bytes().into_owned();
            let name = name.strip_suffix(b"/").unwrap_or(&name).to_vec();
            prop_assert_eq!(name, ours.path.as_bytes());
            prop_assert_eq!(theirs.header().mode().unwrap(), ours.mode);
            prop_assert_eq!(theirs.size(), ours.size);
            let mut read = Vec::new();
            theirs.read_to_end(&mut read).unwrap();
            prop_assert_eq!(&read, content);
            if let EntryKind::Symlink(target) = &ours.kind {
                let link = theirs.link_name_bytes().unwrap().into_owned();
                prop_assert_eq!(&link, target);
            }
            count += 1;
        }
        prop_assert_eq!(count, entries.len());
    }
}

#[test]
fn the_writer_checks_sizes_and_headers() {
    let mut writer = tar::Writer::new(Vec::new());
    let mut header = Header::new("a".parse().unwrap(), EntryKind::File);
    header.size = 4;
    let error = writer.append(&header, &mut &b"abc"[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write tar entry `a`: the content ends 1 bytes before the size of 4"
    );
    let error = writer.append(&header, &mut &b"abcde"[..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write tar entry `a`: the content goes on after the size of 4"
    );
    for kind in [
        EntryKind::Symlink(Vec::new()),
        EntryKind::Symlink(b"a\0b".to_vec()),
        EntryKind::HardLink(RelativePath::root()),
        EntryKind::CharDevice { major: u32::MAX, minor: 0 },
    ] {
        let header = Header::new("a".parse().unwrap(), kind);
        assert!(writer.append(&header, &mut std::io::empty()).is_err(), "{header:?}");
    }
    let root = Header::new(RelativePath::root(), EntryKind::File);
    assert!(writer.append(&root, &mut std::io::empty()).is_err());
}

#[test]
fn the_root_directory_can_be_written() {
    let header = Header::new(RelativePath::root(), EntryKind::Directory);
    let bytes = write(&[(header.clone(), Vec::new())]);
    assert_eq!(&bytes[..3], b"./\0");
    assert_eq!(read(&bytes), [(header, Vec::new())]);
}

// The digest of every layer hangs on these bytes: changing them rebuilds the world.
#[test]
fn the_bytes_are_stable() {
    let mut header = Header::new("dir/file".parse().unwrap(), EntryKind::File);
    header.size = 5;
    header.mtime = Mtime { secs: 1_700_000_000, nanos: 0 };
    header.xattrs.insert(b"user.a".to_vec(), b"b".to_vec());
    let bytes = write(&[(header, b"hello".to_vec())]);
    let digest = sealift_oci::Digest::sha256(&bytes);
    expect_test::expect!["sha256:db299eef0b65edf15366cc190ef7678afc8f6bb4331386ffaa4d61c584132aaa"]
        .assert_eq(&digest.to_string());
}

#[test]
fn times_before_1970_are_written_as_gnu_tar_does() {
    let mut header = Header::new("a".parse().unwrap(), EntryKind::Directory);
    header.mtime = Mtime { secs: -2, nanos: 500_000_000 };
    let bytes = write(&[(header, Vec::new())]);
    assert_eq!(&bytes[512..527], b"14 mtime=-1.5\n\0");
}

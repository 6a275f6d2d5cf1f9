//! Archives that lie.

use std::io::Read;

use expect_test::{Expect, expect};
use sealift_archive::{Error, Header, Limits, tar};

use crate::raw::{Block, archive, encode, extension, file, list, member, pax, show};

fn check(members: &[Vec<u8>], expected: Expect) {
    expected.assert_eq(&show(members));
}

fn link(type_flag: u8, name: &str, target: &str) -> Vec<u8> {
    member(Block::new(type_flag, name.as_bytes(), 0).with(157, target.as_bytes()), b"")
}

#[test]
fn paths_stay_beneath_the_root() {
    check(
        &[file("../a", b"")],
        expect![
            "error: tar header at byte 0 in `../a`: `../a` is not a path beneath the root: it has a `..`"
        ],
    );
    check(
        &[file("a/../../b", b"")],
        expect![
            "error: tar header at byte 0 in `a/../../b`: `a/../../b` is not a path beneath the root: it has a `..`"
        ],
    );
    check(
        &[pax(&[("path", "a/..")]), file("b", b"")],
        expect![
            "error: tar header at byte 1024 in `a/..`: `a/..` is not a path beneath the root: it has a `..`"
        ],
    );
    check(
        &[link(b'1', "a", "../b")],
        expect![
            "error: tar header at byte 0 in `a`: `../b` is not a path beneath the root: it has a `..`"
        ],
    );
    check(
        &[link(b'1', "a", "/")],
        expect!["error: tar header at byte 0 in `a`: a hard link to the root"],
    );
    check(
        &[link(b'2', "a", "")],
        expect!["error: tar header at byte 0 in `a`: a symbolic link without a target"],
    );
    check(&[file("/", b"")], expect!["directory"]);
    check(
        &[file(".", b"x")],
        expect!["error: tar header at byte 0 in `.`: the root is not a directory"],
    );
    check(
        &[file("", b"x")],
        expect!["error: tar header at byte 0 in ``: the root is not a directory"],
    );
    check(
        &[
            file("/etc/x", b"1"),
            file("./a//b", b"2"),
            link(b'2', "c", "../../etc"),
            link(b'1', "d", "./etc/x"),
        ],
        expect![[r"
            etc/x file 1
            a/b file 2
            c symlink ../../etc
            d link etc/x"]],
    );
}

#[test]
fn what_other_readers_read_differently_is_refused() {
    check(
        &[member(Block::new(b'5', b"a", 4), b"data"), file("b", b"")],
        expect![
            "error: tar header at byte 0 in `a`: an entry that is no file has a size, which readers understand differently"
        ],
    );
    check(
        &[member(Block::new(b'2', b"a", 4).with(157, b"t"), b"data")],
        expect![
            "error: tar header at byte 0 in `a`: an entry that is no file has a size, which readers understand differently"
        ],
    );
    check(
        &[pax(&[("size", "4")]), link(b'1', "a", "b")],
        expect![
            "error: tar header at byte 1024 in `a`: an entry that is no file has a size, which readers understand differently"
        ],
    );
    check(
        &[member(Block::new(b'0', b"a/", 4), b"data")],
        expect!["error: tar header at byte 0 in `a/`: a file's name ends with a slash"],
    );
    check(
        &[file("a", b""), vec![0; 512], file("b", b"")],
        expect!["error: tar header at byte 512: a lone zero block in front of more entries"],
    );
    check(
        &[pax(&[("path", "a")]), pax(&[("path", "b")]), file("c", b"")],
        expect!["error: tar header at byte 1024: two extensions of one kind for one entry"],
    );
    check(
        &[pax(&[("path", "a")]), extension(b'L', b"b\0"), file("c", b"")],
        expect!["error: tar header at byte 2048: PAX and GNU extensions give the name differently"],
    );
    check(&[pax(&[("path", "a")]), extension(b'L', b"a\0"), file("c", b"")], expect!["a file"]);
    check(
        &[pax(&[("path", "a")])],
        expect!["error: tar header at byte 1024: an extension without an entry"],
    );
    check(
        &[extension(b'g', &encode(&[("path", "a")])), file("c", b"")],
        expect!["error: tar header at byte 0: a global extended header sets `path`"],
    );
    check(&[extension(b'g', &encode(&[("comment", "0123")])), file("c", b"")], expect!["c file"]);
    check(
        &[member(Block::new(b'V', b"a", 0), b"")],
        expect!["error: tar header at byte 0 in `a`: entries of type `V` are not supported"],
    );
}

#[test]
fn the_size_of_pax_counts_for_the_entry_and_nothing_else() {
    // The header says 0 or a lie, PAX says 600: the second file must not appear inside the first one's data.
    let inner = file("hidden", b"x");
    let mut data = inner.clone();
    data.truncate(600);
    let entry = [Block::new(b'0', b"a", 0).0.to_vec(), data.clone(), vec![0; 424]].concat();
    check(
        &[pax(&[("size", "600")]), entry, file("b", b"")],
        expect![[r"
        a file 600 bytes
        b file"]],
    );
    // A long name between PAX and the entry keeps its own size.
    let entry = [Block::new(b'0', b"a", 0).0.to_vec(), data, vec![0; 424]].concat();
    check(
        &[pax(&[("size", "600")]), extension(b'L', b"long\0"), entry, file("b", b"")],
        expect![[r"
            long file 600 bytes
            b file"]],
    );
}

#[test]
fn numbers_and_checksums() {
    let block = || Block::new(b'0', b"a", 0);
    check(
        &[member(block().with(124, b"\x80\0\0\0\0\0\0\0\0\0\0\x03"), b"abc")],
        expect!["a file abc"],
    );
    check(
        &[member(block().with(124, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), b"")],
        expect!["error: tar header at byte 0 in `a`: the size is negative"],
    );
    check(
        &[member(block().with(124, b"\x80\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), b"")],
        expect!["error: tar header at byte 0 in `a`: the size is too large"],
    );
    check(
        &[member(block().with(124, b"0000000000x\0"), b"")],
        expect!["error: tar header at byte 0 in `a`: the size is not an octal number"],
    );
    check(
        &[member(block().with(108, b"12345678"), b"")],
        expect!["error: tar header at byte 0 in `a`: the user id is not an octal number"],
    );
    check(
        &[member(Block::new(b'3', b"a", 0).with(257, &[0; 8]), b"")],
        expect!["error: tar header at byte 0 in `a`: a device without device numbers"],
    );
    let mut wrong = file("a", b"");
    wrong[0] = b'b';
    check(&[wrong], expect!["error: tar header at byte 0: the checksum is wrong"]);
    let mut wrong = file("a", b"");
    wrong[148..156].copy_from_slice(b"zzzzzzzz");
    check(&[wrong], expect!["error: tar header at byte 0: the checksum is not a number"]);
    // Signed sums, as some old writers made them.
    let mut signed = Block::new(b'0', b"\xe9", 0);
    let sum: i32 = signed.0.iter().map(|byte| i32::from(byte.cast_signed())).sum::<i32>()
        - signed.0[148..156].iter().map(|byte| i32::from(*byte)).sum::<i32>()
        + 8 * 32;
    signed.0[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    assert!(list(&archive(&[signed.0.to_vec()]), Limits::default()).is_ok());
}

#[test]
fn old_forms_that_everyone_reads_alike() {
    check(&[member(Block::new(0, b"a/", 0).with(257, &[0; 8]), b"")], expect!["a directory"]);
    check(&[member(Block::new(0, b"a", 1).with(257, &[0; 8]), b"x")], expect!["a file x"]);
    check(&[member(Block::new(b'7', b"a", 1), b"x")], expect!["a file x"]);
    check(&[member(Block::new(b'0', b"name", 0).with(345, b"dir"), b"")], expect!["dir/name file"]);
    // GNU has its own data where ustar has the prefix.
    check(
        &[member(Block::new(b'0', b"name", 0).with(345, b"dir").gnu(), b"")],
        expect!["name file"],
    );
    // A name of exactly 100 bytes has no NUL.
    let long = "x".repeat(100);
    assert_eq!(show(&[file(&long, b"")]), format!("{long} file"));
}

#[test]
fn limits_name_what_and_where() {
    let members = [
        file("a", &[1; 100]),
        file("b", &[1; 100]),
        pax(&[("comment", &"x".repeat(3000))]),
        file("c", b""),
    ];
    let bytes = archive(&members);
    let check = |limits: Limits, expected: &str| {
        let error = list(&bytes, limits).unwrap_err();
        assert!(matches!(error, Error::Limit { .. } | Error::Header { .. }));
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().is_some());
    };
    let all = Limits::default;
    check(Limits { entries_max: 1, ..all() }, "number of tar entries above the limit of 1 in `b`");
    check(
        Limits { entry_bytes_max: 99, ..all() },
        "size of a tar entry above the limit of 99 in `a`",
    );
    check(
        Limits { total_bytes_max: 150, ..all() },
        "size of all tar entries above the limit of 150 in `b`",
    );
    check(
        Limits { extension_bytes_max: 2000, ..all() },
        "size of a tar extension above the limit of 2000",
    );
    check(
        Limits { path_bytes_max: 0, ..all() },
        "tar header at byte 0 in `a`: a path above the limit of 0 bytes",
    );
}

#[test]
fn a_huge_size_costs_nothing() {
    let lie = Block::new(b'0', b"a", 0).with(124, b"77777777777\0").0.to_vec();
    let limits =
        Limits { entry_bytes_max: u64::MAX, total_bytes_max: u64::MAX, ..Limits::default() };
    let error = list(&lie, limits).unwrap_err();
    assert_eq!(error.to_string(), "tar ends early at byte 512 in `a`");
    let lie = Block::new(b'x', b"a", 0).with(124, b"77777777777\0").0.to_vec();
    assert!(matches!(list(&lie, Limits::default()), Err(Error::Limit { .. })));
}

fn small() -> Vec<u8> {
    archive(&[
        file("a", b"hello"),
        pax(&[("path", "long/name"), ("SCHILY.xattr.user.a", "b")]),
        file("b", b"world"),
        extension(b'L', b"gnu/name\0"),
        link(b'2', "c", "target"),
        member(Block::new(b'5', b"d/", 0), b""),
    ])
}

#[test]
fn every_cut_is_noticed_or_gives_whole_entries() {
    let bytes = small();
    let whole = list(&bytes, Limits::default()).unwrap();
    assert_eq!(whole.len(), 4);
    for end in 0..bytes.len() {
        // Where an archive without an end marker could end, entries must still be whole ones.
        if let Ok(lines) = list(&bytes[..end], Limits::default()) {
            assert!(whole.starts_with(&lines), "cut at {end}: {lines:?}");
            let complete = [0, 1024, 3072, 5120, 5632];
            let padded = |border: &usize| (*border..=border + 1024).contains(&end);
            assert!(complete.iter().any(padded) || end >= 517, "cut at {end}");
        }
    }
    // Data that are cut are never taken for an end.
    for end in 513..517 {
        assert!(list(&bytes[..end], Limits::default()).is_err(), "cut at {end}");
    }
}

#[test]
fn after_a_refusal_there_are_no_more_entries() {
    let bytes = archive(&[file("a", b""), file("..", b""), file("b", b"")]);
    let mut reader = tar::Reader::new(&bytes[..], Limits::default());
    assert!(reader.next_entry().unwrap().is_some());
    assert!(reader.next_entry().is_err());
    let error = reader.next_entry().map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "tar header at byte 1024: an earlier entry was refused");
}

#[test]
fn content_need_not_be_read_and_what_follows_the_end_is_there() {
    let mut bytes = archive(&[file("a", &[7; 1000]), file("b", b"x")]);
    bytes.extend_from_slice(b"trailing");
    let mut names: Vec<Vec<String>> = Vec::new();
    let collect = |reader: &mut dyn FnMut() -> Option<Header>| {
        let mut found = Vec::new();
        while let Some(header) = reader() {
            found.push(header.path.to_string());
        }
        found
    };
    let mut plain = tar::Reader::new(&bytes[..], Limits::default());
    names.push(collect(&mut || plain.next_entry().unwrap().map(tar::Entry::into_header)));
    let mut rest = String::new();
    plain.into_inner().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "trailing");
    let mut seeking = tar::Reader::seekable(std::io::Cursor::new(&bytes), Limits::default());
    names.push(collect(&mut || seeking.next_entry().unwrap().map(tar::Entry::into_header)));
    assert_eq!(names, [["a", "b"], ["a", "b"]]);
}

#[test]
fn seeking_notices_cuts_and_gives_offsets() {
    let data: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let bytes = archive(&[file("a", &data), file("b", b"here")]);
    let mut reader = tar::Reader::seekable(std::io::Cursor::new(&bytes), Limits::default());
    assert_eq!(reader.next_entry().unwrap().unwrap().offset(), 512);
    let entry = reader.next_entry().unwrap().unwrap();
    let start = usize::try_from(entry.offset()).unwrap();
    assert_eq!(&bytes[start..start + 4], b"here");
    let cut = &bytes[..150_000];
    let mut reader = tar::Reader::seekable(std::io::Cursor::new(cut), Limits::default());
    reader.next_entry().unwrap();
    assert!(matches!(reader.next_entry().map(|_| ()), Err(Error::Truncated { .. })));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn changed_bytes_never_panic_and_stay_in_limits(
        changes in proptest::collection::vec((0_usize..7000, proptest::num::u8::ANY), 1..8),
        fix_sums: bool,
    ) {
        let mut bytes = small();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        if fix_sums {
            for block in bytes.chunks_exact_mut(512) {
                if &block[257..262] == b"ustar" {
                    block[148..156].fill(b' ');
                    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
                    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
                }
            }
        }
        let limits = Limits { entry_bytes_max: 1 << 20, total_bytes_max: 1 << 21, ..Limits::default() };
        if let Ok(lines) = list(&bytes, limits) {
            assert!(lines.len() <= bytes.len() / 512);
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2000)) {
        let _ = list(&bytes, Limits::default());
    }
}

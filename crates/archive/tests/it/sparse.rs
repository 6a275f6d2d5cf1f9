//! Sparse files, built by hand; `foreign.rs` has GNU tar's own.

use expect_test::{Expect, expect};
use sealift_archive::{Error, Limits};

use crate::raw::{Block, archive, list, member, pax, show};

fn check(members: &[Vec<u8>], expected: Expect) {
    expected.assert_eq(&show(members));
}

fn old(pairs: &[(u64, u64)], real_size: u64, data: &[u8]) -> Vec<u8> {
    let mut block = Block::new(b'S', b"a", data.len() as u64).gnu();
    for (index, (offset, len)) in pairs.iter().enumerate() {
        block = block.with(386 + index * 24, format!("{offset:011o}\0{len:011o}\0").as_bytes());
    }
    member(block.with(483, format!("{real_size:011o}\0").as_bytes()), data)
}

fn plain(data: &[u8]) -> Vec<u8> {
    member(Block::new(b'0', b"a", data.len() as u64), data)
}

#[test]
fn every_format_gives_the_same_file() {
    let expected = "a file \0\0AB\0\0\0C\0";
    assert_eq!(show(&[old(&[(2, 2), (7, 1)], 9, b"ABC")]), expected);
    let v00 = pax(&[
        ("GNU.sparse.size", "9"),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.offset", "2"),
        ("GNU.sparse.numbytes", "2"),
        ("GNU.sparse.offset", "7"),
        ("GNU.sparse.numbytes", "1"),
    ]);
    assert_eq!(show(&[v00, plain(b"ABC")]), expected);
    let v01 = pax(&[
        ("GNU.sparse.size", "9"),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.map", "2,2,7,1"),
        ("GNU.sparse.name", "a"),
    ]);
    assert_eq!(show(&[v01, plain(b"ABC")]), expected);
    let v10 = pax(&[
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "a"),
        ("GNU.sparse.realsize", "9"),
    ]);
    let mut data = b"2\n2\n2\n7\n1\n".to_vec();
    data.resize(512, 0);
    data.extend_from_slice(b"ABC");
    assert_eq!(show(&[v10, plain(&data)]), expected);
}

#[test]
fn maps_that_lie_are_refused() {
    let at = "error: tar header at byte 0 in `a`: ";
    for (pairs, size, data, fault) in [
        (&[(2, 2), (1, 1)][..], 9, &b"ABC"[..], "the sparse map is not ascending"),
        (&[(2, 2)], 9, b"ABC", "the sparse map does not fit the data"),
        (&[(2, 4)], 9, b"ABC", "the sparse map does not fit the data"),
        (&[(2, 3)], 4, b"ABC", "the sparse map ends behind the file"),
    ] {
        assert_eq!(show(&[old(pairs, size, data)]), format!("{at}{fault}"));
    }
    let v01 = |map: &str| pax(&[("GNU.sparse.size", "9"), ("GNU.sparse.map", map)]);
    check(
        &[v01("2,2,7"), plain(b"ABC")],
        expect![
            "error: tar header at byte 1024 in `a`: the sparse map has a wrong number of entries"
        ],
    );
    check(
        &[v01("2,,7,1"), plain(b"ABC")],
        expect!["error: tar header at byte 0: the sparse map has a gap"],
    );
    check(
        &[v01("9223372036854775807,9223372036854775807"), plain(b"ABC")],
        expect!["error: tar header at byte 1024 in `a`: the sparse map ends behind the file"],
    );
    let v10 = || {
        pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "9")])
    };
    for (map, fault) in [
        ("x\n", "the sparse map has a line that is no number"),
        ("18446744073709551615\n", "the sparse map has a line that is no number"),
        ("9223372036854775807\n", "the sparse map is out of range"),
        ("5\n1\n1\n", "the sparse map has a line that is no number"),
    ] {
        let mut data = map.as_bytes().to_vec();
        data.resize(512, 0);
        let shown = show(&[v10(), plain(&data)]);
        let at = "error: tar header at byte 1024 in `a`: ";
        // Padding of zeros is one long line; it ends with the data.
        assert!(
            shown == format!("{at}{fault}") || shown == format!("{at}the sparse map is cut"),
            "{map:?}: {shown}"
        );
    }
    check(
        &[pax(&[("GNU.sparse.major", "2"), ("GNU.sparse.realsize", "9")]), plain(b"")],
        expect!["error: tar header at byte 1024 in `a`: an unknown format of sparse map"],
    );
    check(
        &[pax(&[("GNU.sparse.major", "1")]), plain(b"")],
        expect!["error: tar header at byte 1024 in `a`: a sparse file without its real size"],
    );
}

#[test]
fn a_sparse_name_needs_a_map() {
    check(
        &[pax(&[("GNU.sparse.name", "b")]), plain(b"")],
        expect!["error: tar header at byte 1024 in `b`: a sparse file's name without a map"],
    );
}

#[test]
fn holes_count_for_the_limits() {
    let bytes = archive(&[old(&[], 8 << 30, b"")]);
    let error = list(&bytes, Limits { entry_bytes_max: 1 << 30, ..Limits::default() }).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
}

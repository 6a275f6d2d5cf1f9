//! Input that wants to do harm.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use sealift_advisory::{Ecosystem, Error, Feed, Limits, Wanted};

use crate::folder::{Folder, entries, ids, open, record};

fn limited(folder: &Folder, limits: &Limits) -> Result<usize, Error> {
    let wanted = [Ecosystem::parse("PyPI")];
    Feed::read_within(folder.path(), Wanted::Only(&wanted), limits).map(|feed| feed.info.records)
}

#[test]
fn deep_nesting_is_a_note() {
    let deep = format!(r#"{{"id": "A-1", "affected": {}}}"#, "[".repeat(1 << 20));
    let deeper = format!("{}{}", r#"{"id":"A","x":"#.repeat(100_000), "1");
    let folder = Folder::new(&[
        ("a.json", &deep),
        ("b.json", &deeper),
        ("c.json", &record("A-2", "PyPI", "x")),
        ("d.json", &"[".repeat(1 << 20)),
    ]);
    let (advisories, notes) = open(folder.path(), &["PyPI"]).unwrap();
    assert_eq!(ids(&advisories, "PyPI", "x"), ["A-2"]);
    assert_eq!(notes.len(), 3, "{notes:#?}");
}

#[test]
fn links_in_circles() {
    let folder = Folder::new(&[("deep/a.json", &record("A-1", "PyPI", "x"))]);
    symlink("..", folder.path().join("deep/up")).unwrap();
    symlink("nowhere", folder.path().join("deep/b.json")).unwrap();
    symlink("/dev/zero", folder.path().join("deep/c.json")).unwrap();
    let (advisories, notes) = open(folder.path(), &["PyPI"]).unwrap();
    assert_eq!(ids(&advisories, "PyPI", "x"), ["A-1"]);
    assert!(notes.is_empty());
}

#[test]
fn limits() {
    let document = record("A-1", "PyPI", "x");
    let folder = Folder::new(&[("a/a/a.json", &document), ("b.json", &record("A-2", "PyPI", "x"))]);
    assert_eq!(limited(&folder, &Limits::default()).unwrap(), 2);
    let too_much = |limits: Limits| matches!(limited(&folder, &limits), Err(Error::TooMuch { .. }));
    assert!(too_much(Limits { files_max: 1, ..Limits::default() }));
    assert!(too_much(Limits { depth_max: 1, ..Limits::default() }));
    assert!(too_much(Limits { total_bytes_max: document.len() as u64, ..Limits::default() }));
    // A single file that is too large is a note; here none is left.
    let limits = Limits { file_bytes_max: 10, ..Limits::default() };
    assert!(matches!(limited(&folder, &limits), Err(Error::Empty { .. })));
}

#[test]
fn zip_bombs_are_refused() {
    let folder = Folder::new(&[]);
    folder.zip("all.zip", &[("a.json", &" ".repeat(1 << 20))]);
    let limits = Limits { file_bytes_max: 1 << 16, ..Limits::default() };
    assert!(matches!(limited(&folder, &limits), Err(Error::Archive { .. })));
    let limits = Limits { total_bytes_max: 1 << 16, ..Limits::default() };
    assert!(limited(&folder, &limits).is_err());
}

#[test]
fn control_characters_are_no_ids() {
    let folder = Folder::new(&[
        ("a.json", &record(r"A-1\u001b[2J", "PyPI", "x")),
        ("b.json", &record("A-2", "PyPI", "x")),
    ]);
    let (advisories, notes) = open(folder.path(), &["PyPI"]).unwrap();
    assert_eq!(ids(&advisories, "PyPI", "x"), ["A-2"]);
    assert_eq!(notes.len(), 1);
}

#[test]
fn names_and_texts_that_are_too_long() {
    let long = "a".repeat(100_000);
    let good = record("A-1", "PyPI", "x");
    let folder = Folder::new(&[
        ("details.json", &good.replacen('{', &format!(r#"{{"details": "{long}","#), 1)),
        ("version.json", &record("A-2", "PyPI", "x").replace(r#""2""#, &format!("\"{long}\""))),
        ("name.json", &record("A-3", "PyPI", &long)),
        ("ecosystem.json", &record("A-4", &long, "x")),
        ("id.json", &record(&long, "PyPI", "x")),
    ]);
    let (feed, notes) = open(folder.path(), &["PyPI"]).unwrap();
    let details = feed.advisories[0].details.as_ref().unwrap();
    // What was cut off is not held either.
    assert!(details.len() == 64 << 10 && details.capacity() == details.len());
    let lens = entries(&feed, "PyPI", "x").map(|(_, affected)| affected.ranges[0].len());
    assert_eq!(lens.collect::<Vec<usize>>(), [2, 1]);
    let mut subjects: Vec<&str> = notes.iter().map(|note| note.subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["A-2", "A-3", "A-4", "id.json"], "{notes:#?}");
}

#[test]
fn bytes_that_are_no_text() {
    let folder = Folder::new(&[("b.json", &record("A-2", "PyPI", "x"))]);
    let good = record("A-1", "PyPI", "x");
    for (name, bad) in [("a", &b"\xff"[..]), ("c", b"\xed\xa0\x80"), ("d", b"\x00")] {
        let bytes = good.as_bytes().split_at(9);
        folder.write(&format!("{name}.json"), &[bytes.0, bad, bytes.1].concat());
    }
    folder.write("e.json", &good.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe.json");
    std::fs::write(folder.path().join(name), record("A-3", "PyPI", "x")).unwrap();
    let (advisories, notes) = open(folder.path(), &["PyPI"]).unwrap();
    assert_eq!(ids(&advisories, "PyPI", "x"), ["A-2", "A-3"]);
    let mut subjects: Vec<&str> = notes.iter().map(|note| note.subject.as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["a.json", "c.json", "d.json", "e.json"], "{notes:#?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn changed_bytes_never_panic(at in 0_usize..1000, byte: u8, cut in 0_usize..1000) {
        let mut bytes = record("A-1", "PyPI", "x").into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut % bytes.len());
        let folder = Folder::new(&[("b.json", &record("A-2", "PyPI", "y"))]);
        folder.write("a.json", &bytes);
        let (advisories, _) = open(folder.path(), &["PyPI"]).unwrap();
        prop_assert_eq!(ids(&advisories, "PyPI", "y"), ["A-2"]);
    }
}

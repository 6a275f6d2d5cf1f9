//! Files, folders, zips and buckets.

use expect_test::expect;
use sealift_advisory::{EXAMPLE_MARKER, Error};

use crate::folder::{Folder, ids, open, record};

#[test]
fn one_file() {
    let folder = Folder::new(&[("a.json", &record("A-1", "PyPI", "x"))]);
    let (advisories, notes) = open(&folder.path().join("a.json"), &["PyPI"]).unwrap();
    assert_eq!(ids(&advisories, "PyPI", "x"), ["A-1"]);
    assert!(notes.is_empty());
    assert_eq!(advisories.info.records, 1);
    assert_eq!(advisories.info.newest_modified.as_deref(), Some("2024-01-01T00:00:00Z"));
    assert!(!advisories.info.example_only);
}

#[test]
fn one_file_of_many_records() {
    let list = format!("\u{feff} [{}, {}]", record("A-1", "PyPI", "x"), record("A-2", "PyPI", "x"));
    let folder = Folder::new(&[("a.json", &list)]);
    let (advisories, _) = open(&folder.path().join("a.json"), &["PyPI"]).unwrap();
    assert_eq!(ids(&advisories, "PyPI", "x"), ["A-1", "A-2"]);
}

#[test]
fn nested_folders_with_zips() {
    let folder = Folder::new(&[
        ("b.json", &record("A-2", "PyPI", "x")),
        ("deep/er/a.json", &record("A-1", "PyPI", "x")),
        ("deep/README.md", "no advisory"),
    ]);
    folder.zip(
        "more/some.zip",
        &[("c.json", &record("A-3", "PyPI", "x")), ("notes.txt", "no advisory")],
    );
    let (advisories, notes) = open(folder.path(), &["PyPI"]).unwrap();
    assert_eq!(ids(&advisories, "PyPI", "x"), ["A-1", "A-2", "A-3"]);
    assert!(notes.is_empty());
}

#[test]
fn a_bucket_is_read_only_where_wanted() {
    let folder = Folder::new(&[("ecosystems.txt", "PyPI\nRocky Linux\nnpm\n")]);
    folder.zip("PyPI/all.zip", &[("a.json", &record("A-1", "PyPI", "x"))]);
    folder.zip("Rocky%20Linux/all.zip", &[("b.json", &record("A-2", "Rocky Linux:9", "x"))]);
    folder.write("npm/all.zip", b"this is no zip file");
    let (advisories, notes) = open(folder.path(), &["PyPI", "Rocky Linux:9", "Debian:12"]).unwrap();
    assert_eq!(ids(&advisories, "PyPI", "x"), ["A-1"]);
    assert_eq!(ids(&advisories, "Rocky Linux:9", "x"), ["A-2"]);
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].subject, "Debian");
}

#[test]
fn records_beside_a_zip_stand_before_its_own() {
    let folder = Folder::new(&[
        ("ecosystems.txt", "PyPI\n"),
        ("PyPI/changed/A-1.json", &record("A-1", "PyPI", "new")),
        ("PyPI/changed/A-2.json", r#"{"id": "A-2", "withdrawn": "2024-01-01T00:00:00Z"}"#),
    ]);
    let records = ["A-1", "A-2", "A-3"].map(|id| (format!("{id}.json"), record(id, "PyPI", "old")));
    let entries: Vec<(&str, &str)> =
        records.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let zip = folder.zip("PyPI/all.zip", &entries);
    for path in [folder.path(), &folder.path().join("PyPI"), &zip] {
        let (advisories, notes) = open(path, &["PyPI"]).unwrap();
        assert_eq!(ids(&advisories, "PyPI", "new"), ["A-1"], "{}", path.display());
        assert_eq!(ids(&advisories, "PyPI", "old"), ["A-3"], "{}", path.display());
        assert!(notes.is_empty());
    }
}

#[test]
fn an_ecosystem_is_never_a_path() {
    let outer = Folder::new(&[("bucket/ecosystems.txt", "x")]);
    outer.zip("outside/all.zip", &[("a.json", &record("A-1", "../outside", "x"))]);
    let result = open(&outer.path().join("bucket"), &["../outside"]);
    assert!(matches!(result, Err(Error::Empty { .. })));
}

#[test]
fn releases() {
    let folder = Folder::new(&[
        ("a.json", &record("A-1", "Debian:12", "x")),
        ("b.json", &record("A-2", "Debian:11", "x")),
        ("c.json", &record("A-3", "Debian", "x")),
        ("d.json", &record("A-4", "PyPI", "x")),
    ]);
    let (advisories, _) = open(folder.path(), &["Debian:12"]).unwrap();
    assert_eq!(ids(&advisories, "Debian:12", "x"), ["A-1", "A-3"]);
    assert_eq!(advisories.info.records, 2);
    let (advisories, _) = open(folder.path(), &["Debian"]).unwrap();
    assert_eq!(ids(&advisories, "Debian:11", "x"), ["A-2", "A-3"]);
    assert_eq!(advisories.info.records, 3);
}

#[test]
fn example_data_says_so() {
    let example = |id| {
        let record = record(id, "PyPI", "x");
        let end = r#", "database_specific": {"sealift_example": true}}"#;
        format!("{}{end}", record.trim_end().strip_suffix('}').unwrap())
    };
    let folder = Folder::new(&[("a.json", &example("A-1")), ("b.json", &example("A-2"))]);
    assert!(open(folder.path(), &["PyPI"]).unwrap().0.info.example_only);
    folder.write("c.json", record("A-3", "PyPI", "x").as_bytes());
    assert!(!open(folder.path(), &["PyPI"]).unwrap().0.info.example_only);
    folder.write(EXAMPLE_MARKER, b"");
    assert!(open(folder.path(), &["PyPI"]).unwrap().0.info.example_only);
    assert!(open(&folder.path().join("c.json"), &["PyPI"]).unwrap().0.info.example_only);
}

#[test]
fn nothing_to_read_is_an_error() {
    let folder = Folder::new(&[("empty/README.md", "")]);
    let text = |result: Result<_, Error>| {
        let error: Error = result.map(|_: (_, _)| ()).unwrap_err();
        let path = folder.path().display().to_string();
        assert!(error.hint().is_some() || matches!(error, Error::TooMuch { .. }));
        error.to_string().replace(&path, "FOLDER")
    };
    expect!["there is no advisory in `FOLDER/empty`"]
        .assert_eq(&text(open(&folder.path().join("empty"), &["PyPI"])));
    expect!["cannot read advisories from `FOLDER/absent`"]
        .assert_eq(&text(open(&folder.path().join("absent"), &["PyPI"])));
    folder.write("bad.zip", b"PK but no more");
    expect!["cannot read advisories from archive `FOLDER/bad.zip`"]
        .assert_eq(&text(open(&folder.path().join("bad.zip"), &["PyPI"])));
}

//! Red Hat's statements, one document for each flaw, and OSV's records on the same products.

use std::path::PathBuf;

use sealift_advisory::{Feed, Wanted};
use sealift_archive::RelativePath;
use sealift_archive::tar::Writer;
use sealift_archive::{EntryKind, Header};
use sealift_model::{Ecosystem, QualifierKind, Statement};

use crate::folder::{Folder, ids, record};

const DOCUMENT: &str = include_str!("../../../../fuzz/seeds/feed/redhat-vex.json");

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for (name, text) in files {
        let path = RelativePath::parse(name.as_bytes()).unwrap();
        let header = Header { size: text.len() as u64, ..Header::new(path, EntryKind::File) };
        writer.append(&header, &mut text.as_bytes()).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn an_archive_is_one_source() {
    let other = DOCUMENT.replace("CVE-2023-0001", "CVE-2023-0002").replace("2024-05", "2024-06");
    let folder = Folder::new(&[]);
    let files =
        [("2023/a.json", DOCUMENT), ("2023/b.json", &other), ("2023/c.json", "{"), ("d", "x")];
    std::fs::write(folder.path().join("vex.tar"), tar(&files)).unwrap();
    let feed = Feed::read(folder.path(), Wanted::All).unwrap();
    let [source] = &feed.sources[..] else { panic!("one source") };
    assert_eq!((source.id.as_str(), source.records), ("redhat-vex", 2));
    assert_eq!(source.newest.as_deref(), Some("2024-06-01T00:00:00+00:00"));
    assert_eq!(feed.notes.iter().filter(|note| note.subject == "2023/c.json").count(), 1);
    let wanted = [Ecosystem::parse("Red Hat:9")];
    let feed = Feed::read(&folder.path().join("vex.tar"), Wanted::Only(&wanted)).unwrap();
    let mut known = ids(&feed, "Red Hat:9", "curl");
    known.dedup();
    assert_eq!(known, ["REDHAT-CVE-2023-0001", "REDHAT-CVE-2023-0002"]);
    assert!(ids(&feed, "Red Hat:8", "curl").is_empty());
}

#[test]
fn osv_names_the_product_in_the_ecosystem() {
    let folder = Folder::new(&[
        ("a.json", &record("RHSA-2023:0001", "Red Hat:enterprise_linux:9::appstream", "curl")),
        ("b.json", &record("RHSA-2023:0002", "Red Hat:openshift:4.12::el8", "curl")),
        ("c.json", &record("RHSA-2023:0003", "Red Hat:satellite:6", "curl")),
    ]);
    let wanted = [Ecosystem::parse("Red Hat:9")];
    let feed = Feed::read(folder.path(), Wanted::Only(&wanted)).unwrap();
    let said: Vec<String> = feed
        .advisories
        .iter()
        .flat_map(|it| &it.affected)
        .map(|it| {
            format!("{} {:?} {}", it.ecosystem, it.qualifiers[0].kind, it.qualifiers[0].value)
        })
        .collect();
    let expected =
        ["Red Hat:9 Product enterprise_linux:9::appstream", "Red Hat Product satellite:6"];
    assert_eq!(said, expected);
}

#[test]
fn real_documents() {
    let Some(shared) = shared() else { return };
    let archive = shared.join("advisories/samples/claircore-rhel-vex.tar.zst");
    let feed = Feed::read(&archive, Wanted::All).unwrap();
    let curl = feed.advisories.iter().find(|it| it.id == "REDHAT-CVE-2023-38545").unwrap();
    let fixed: Vec<String> = curl
        .affected
        .iter()
        .filter(|it| it.name == "libcurl-minimal" && it.statement == Statement::Affected)
        .flat_map(|it| {
            let products = it.qualifiers.iter().filter(|it| it.kind == QualifierKind::Product);
            let products: Vec<&str> = products.map(|it| it.value.as_str()).collect();
            it.ranges
                .iter()
                .map(move |range| format!("{} {:?} {products:?}", it.ecosystem, range[1]))
        })
        .collect();
    let expected = [
        r#"Red Hat:9 Fixed("7.76.1-14.el9_0.9") ["rhel_eus:9.0::appstream", "rhel_eus:9.0::baseos"]"#,
        r#"Red Hat:9 Fixed("7.76.1-23.el9_2.4") ["enterprise_linux:9::appstream", "enterprise_linux:9::baseos"]"#,
        r#"Red Hat:9 Fixed("7.76.1-26.el9_3.2") ["enterprise_linux:9::appstream", "enterprise_linux:9::baseos"]"#,
    ];
    assert_eq!(fixed, expected);
    let source = feed.sources.iter().find(|it| it.id == "redhat-vex").unwrap();
    let entries: usize = feed.advisories.iter().map(|it| it.affected.len()).sum();
    eprintln!("{} documents, {entries} entries", source.records);
    assert!(source.records >= 12, "{}", source.records);
}

/// Where real feeds are, if they are there.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let shared =
        std::env::var_os("SEALIFT_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if shared.join("advisories/samples").is_dir() {
        return Some(shared);
    }
    eprintln!("SKIPPED: there are no samples in `{}`", shared.display());
    None
}

//! Files that are looked at while they pass by.

use std::sync::Mutex;

use sealift_archive::RelativePath;
use sealift_image::{Inspection, Look, ReadLimits, open_directory_inspected, read_inspected};

use crate::kit::{image, layer};

fn length(_: &RelativePath, content: &[u8]) -> Option<Vec<u8>> {
    (content.len() > 2).then(|| content.len().to_string().into_bytes())
}

fn whole_if(is_it: bool) -> Look {
    if is_it { Look::Whole } else { Look::Pass }
}

fn starts_zip(_: &RelativePath, start: &[u8]) -> Look {
    whole_if(start.starts_with(b"PK"))
}

#[test]
fn a_head_is_enough() {
    let inspection = Inspection {
        wanted: &|_, _| true,
        look: &|_, _| Look::Head(4),
        useless: &|_| Vec::new(),
        extract: &length,
    };
    let image = image(&[layer(&["a=PK12345678", "b=PKx"])]);
    let limits = ReadLimits { body_bytes_max: 4, ..ReadLimits::default() };
    let tree = read_inspected(&image, &|_, _| false, &inspection, &limits, None).unwrap();
    let extracts: Vec<&[u8]> = tree.extracts().map(|(_, extract)| extract).collect();
    assert_eq!(extracts, [&b"10"[..], b"3"]);
    assert_eq!(tree.notes(), []);
}

#[test]
fn only_extracts_are_kept() {
    let seen = Mutex::new(Vec::new());
    let extract = |path: &RelativePath, content: &[u8]| {
        seen.lock().unwrap().push(path.to_string());
        length(path, content)
    };
    let inspection = Inspection {
        wanted: &|path, _| !path.as_bytes().starts_with(b"x"),
        look: &|_, start| whole_if(start.starts_with(b"PK") || start.starts_with(b"EL")),
        useless: &|_| Vec::new(),
        extract: &extract,
    };
    let image = image(&[
        layer(&["a=PKabc", "b=other", "c=PK", "x=PKabc", "w=PKabc", "s=P", "h=>a", "gone=ELF"]),
        layer(&[".wh.gone"]),
    ]);
    let wanted = |path: &RelativePath, _: &_| path.as_bytes() == b"w";
    let tree = read_inspected(&image, &wanted, &inspection, &ReadLimits::default(), None).unwrap();
    let extracts: Vec<(String, &[u8])> =
        tree.extracts().map(|(fact, extract)| (fact.path.to_string(), extract)).collect();
    assert_eq!(extracts, [("a".to_owned(), &b"5"[..]), ("h".to_owned(), &b"5"[..])]);
    assert_eq!(tree.bodies().count(), 1);
    assert_eq!(*seen.lock().unwrap(), ["a", "c", "gone"]);
}

#[test]
fn limits_of_inspections() {
    let inspection = Inspection {
        wanted: &|_, _| true,
        look: &starts_zip,
        useless: &|_| Vec::new(),
        extract: &length,
    };
    let image = image(&[layer(&["a=PK12", "b=PK123", "c=no matter"])]);
    let limits = ReadLimits { body_bytes_max: 4, ..ReadLimits::default() };
    let tree = read_inspected(&image, &|_, _| false, &inspection, &limits, None).unwrap();
    assert_eq!(tree.extracts().count(), 1);
    let notes: Vec<String> =
        tree.notes().iter().map(|it| format!("{} {}", it.path, it.message)).collect();
    assert_eq!(notes, ["b not inspected: it has 5 bytes, more than the limit of 4"]);
}

#[test]
fn folders_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "PK123").unwrap();
    std::fs::write(folder.path().join("b"), "other").unwrap();
    let inspection = Inspection {
        wanted: &|_, _| true,
        look: &starts_zip,
        useless: &|_| Vec::new(),
        extract: &length,
    };
    let limits = ReadLimits::default();
    let tree =
        open_directory_inspected(folder.path(), &|_, _| false, &inspection, &limits).unwrap();
    assert_eq!(tree.extracts().map(|(_, extract)| extract).collect::<Vec<_>>(), [b"5"]);
}

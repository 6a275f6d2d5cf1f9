//! Files that are looked at while they pass by.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sealift_archive::RelativePath;
use sealift_image::{
    Inspection, LayerCache, LayerKey, Look, ReadLimits, Watch, open_directory_inspected,
    read_inspected,
};

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
        watch: None,
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
        watch: None,
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
        watch: None,
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
        watch: None,
    };
    let limits = ReadLimits::default();
    let tree =
        open_directory_inspected(folder.path(), &|_, _| false, &inspection, &limits).unwrap();
    assert_eq!(tree.extracts().map(|(_, extract)| extract).collect::<Vec<_>>(), [b"5"]);
}

#[derive(Default)]
struct Memory(Mutex<HashMap<(String, String), Vec<u8>>>);
impl LayerCache for Memory {
    fn load(&self, layer: LayerKey<'_>, key: &str) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(&(format!("{layer:?}"), key.to_owned())).cloned()
    }
    fn save(&self, layer: LayerKey<'_>, key: &str, bytes: &[u8]) {
        let name = (format!("{layer:?}"), key.to_owned());
        self.0.lock().unwrap().insert(name, bytes.to_vec());
    }
}

#[test]
fn a_watch_sees_what_later_layers_hide_and_a_cache_keeps_it() {
    let image = image(&[
        layer(&[
            "gone=secret1",
            "kept=secret2",
            "same=secret3",
            "big=PKsecret4 and more",
            "bin=\0secret5",
        ]),
        layer(&[".wh.gone", "same=other", "new=secret6"]),
    ]);
    let looks = AtomicUsize::new(0);
    let look = |_: &RelativePath, content: &[u8]| {
        looks.fetch_add(1, Ordering::Relaxed);
        let text = String::from_utf8_lossy(content).into_owned();
        let at = text.find("secret")?;
        Some(text.as_bytes()[at..].to_vec())
    };
    let watch = Watch { key: "w", wanted: &|_, _| true, bytes_max: 9, look: &look };
    let inspection = Inspection {
        wanted: &|_, _| true,
        look: &starts_zip,
        useless: &|_| Vec::new(),
        extract: &length,
        watch: Some(&watch),
    };
    let cache = Memory::default();
    let wanted = |path: &RelativePath, _: &_| path.as_bytes() == b"kept";
    let read = || {
        let limits = ReadLimits::default();
        let tree = read_inspected(&image, &wanted, &inspection, &limits, Some(&cache)).unwrap();
        // The inspection sees the whole file all the same, and who wants a content has it.
        let extracts: Vec<&[u8]> = tree.extracts().map(|(_, extract)| extract).collect();
        assert_eq!(extracts, [b"18"]);
        assert_eq!(tree.read(&"kept".parse().unwrap()), Some(&b"secret2"[..]));
        let watched = tree.watched().iter().map(|it| {
            let found = String::from_utf8_lossy(&it.found).into_owned();
            format!("{} {} {:?} {found}", it.layer, it.path, it.hidden_by)
        });
        watched.collect::<Vec<_>>()
    };
    let expected = [
        "0 gone Some(1) secret1",
        "0 kept None secret2",
        "0 same Some(1) secret3",
        "0 big None secret4",
        "0 bin None secret5",
        "1 new None secret6",
    ];
    assert_eq!(read(), expected);
    let first = looks.load(Ordering::Relaxed);
    assert_eq!(read(), expected);
    assert_eq!(looks.load(Ordering::Relaxed), first, "a layer was read again");
}

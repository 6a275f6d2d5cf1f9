//! A mirror, a store and a recipe, and how to look at what came of them.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use expect_test::Expect;
use jiff::Timestamp;
use sealift_archive::{Limits, RelativePath, tar};
use sealift_debian::{Assembled, Error, Freshness, Options, Recipe, Silent, assemble};
use sealift_oci::{Descriptor, ImageConfig, Manifest, Platform, Raw};
use sealift_store::Store;

use crate::mirror::{Entry, Mirror, Package, URL, file, keys, package};

/// A mirror, a store and the time.
pub(crate) struct Bench {
    _folder: tempfile::TempDir,
    pub(crate) root: std::path::PathBuf,
    pub(crate) store: Store,
    pub(crate) mirror: Mirror,
    pub(crate) now: Timestamp,
    pub(crate) freshness: Freshness,
    pub(crate) recipe: String,
    pub(crate) cancel: bool,
}

pub(crate) fn bench(mirror: Mirror) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_owned();
    Bench {
        store: Store::open(&root).unwrap(),
        root,
        _folder: folder,
        mirror,
        now: "2026-07-12T00:00:00Z".parse().unwrap(),
        freshness: Freshness::Refresh,
        recipe: "packages = ['app']".to_owned(),
        cancel: false,
    }
}

impl Bench {
    pub(crate) fn assemble_with(&self, keyring: &Path) -> Result<Assembled, Error> {
        let text = format!(
            "{}\n[[source]]\nurl = '{URL}'\nsuites = ['stable']\nkeyring = '{}'\n",
            self.recipe,
            keyring.display()
        );
        let options = Options {
            platform: Platform {
                architecture: "amd64".to_owned(),
                os: "linux".to_owned(),
                os_version: None,
                variant: None,
            },
            now: self.now,
            source_date_epoch: None,
            freshness: self.freshness,
            folder: &self.root,
        };
        let recipe = Recipe::parse(&text).unwrap();
        assemble(
            &recipe,
            &options,
            &self.store,
            &self.mirror,
            &Silent,
            &AtomicBool::new(self.cancel),
        )
    }

    pub(crate) fn assemble(&self) -> Result<Assembled, Error> {
        self.assemble_with(&keys().unwrap().keyring)
    }

    pub(crate) fn check_refused(&self, expected: Expect) {
        let error = self.assemble().unwrap_err();
        let text = error.to_string().replace(&self.root.display().to_string(), "ROOT");
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        let keyring = keys().unwrap().keyring.display().to_string();
        expected.assert_eq(&scrub(&format!("{text}{hint}").replace(&keyring, "KEYRING")));
    }

    pub(crate) fn manifest(&self, descriptor: &Descriptor) -> Raw<Manifest> {
        Raw::parse(self.store.read_blob(&descriptor.digest).unwrap(), "manifest").unwrap()
    }

    pub(crate) fn config(&self, descriptor: &Descriptor) -> Raw<ImageConfig> {
        let digest = self.manifest(descriptor).value().config.digest.clone();
        Raw::parse(self.store.read_blob(&digest).unwrap(), "config").unwrap()
    }

    pub(crate) fn read(&self, descriptor: &Descriptor, wanted: &str) -> String {
        let layer = self.manifest(descriptor).value().layers[0].digest.clone();
        let blob = sealift_archive::open(Box::new(self.store.open_blob(&layer).unwrap())).unwrap();
        let mut reader = tar::Reader::new(blob, Limits::default());
        while let Some(mut entry) = reader.next_entry().unwrap() {
            if entry.header().path.as_bytes() == wanted.as_bytes() {
                let mut text = String::new();
                entry.read_to_string(&mut text).unwrap();
                return text;
            }
        }
        panic!("there is no `{wanted}` in the layer");
    }

    // One line an entry: mode, owner, time, path and kind.
    pub(crate) fn listing(
        &self,
        descriptor: &Descriptor,
        wanted: impl Fn(&RelativePath) -> bool,
    ) -> String {
        let layer = self.manifest(descriptor).value().layers[0].digest.clone();
        let blob = sealift_archive::open(Box::new(self.store.open_blob(&layer).unwrap())).unwrap();
        let mut reader = tar::Reader::new(blob, Limits::default());
        let mut text = String::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            let header = entry.header();
            if wanted(&header.path) {
                let _ = writeln!(
                    text,
                    "{:04o} {}:{} {} {} {}",
                    header.mode,
                    header.uid,
                    header.gid,
                    header.mtime.secs,
                    header.path,
                    match &header.kind {
                        sealift_archive::EntryKind::File => format!("{} bytes", header.size),
                        sealift_archive::EntryKind::Symlink(target) =>
                            format!("-> {}", String::from_utf8_lossy(target)),
                        other => format!("{other:?}"),
                    }
                );
            }
        }
        text
    }
}

// Digests and fingerprints depend on the key of the run and on the version of the compressor.
pub(crate) fn scrub(text: &str) -> String {
    let mut scrubbed = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|letter: char| letter.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|letter: char| !letter.is_ascii_hexdigit()).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        scrubbed.push_str(before);
        scrubbed.push_str(if run.len() >= 40 { "HEX" } else { run });
        rest = after;
    }
    scrubbed + rest
}

pub(crate) fn app() -> Package {
    Package {
        name: "app",
        version: "1.0-1",
        fields: "Depends: libapp (>= 1.0)\n",
        entries: vec![
            ("bin", Entry::Directory(0o755)),
            ("bin/app", Entry::File(0o4755, b"#!/bin/sh\n".to_vec())),
            ("bin/app2", Entry::HardLink("bin/app")),
            ("usr/share/doc/app/changelog.gz", file("no")),
            ("usr/share/doc/app/copyright", file("Apache-2.0")),
            ("var/run/app", Entry::Directory(0o755)),
        ],
    }
}

pub(crate) fn library() -> Package {
    package(
        "libapp",
        vec![
            ("lib/libapp.so", Entry::Symlink("libapp.so.1")),
            ("lib64/ld-app.so", file("no ELF")),
            ("usr/share/locale/de/app.mo", file("no")),
        ],
    )
}

//! From a small archive to an image, and every way in which an archive may lie.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use expect_test::{Expect, expect};
use jiff::Timestamp;
use sealift_archive::{Limits, RelativePath, tar};
use sealift_debian::{Assembled, Error, Freshness, Options, Recipe, Silent, assemble};
use sealift_oci::{Descriptor, ImageConfig, Manifest, Platform, Raw};
use sealift_store::Store;

use crate::mirror::{Entry, HEAD, Head, Mirror, Package, URL, file, gzip, keys, package, tarball};

/// A mirror, a store and the time.
struct Bench {
    _folder: tempfile::TempDir,
    root: std::path::PathBuf,
    store: Store,
    mirror: Mirror,
    now: Timestamp,
    freshness: Freshness,
    recipe: String,
}

fn bench(mirror: Mirror) -> Bench {
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
    }
}

impl Bench {
    fn assemble_with(&self, keyring: &Path) -> Result<Assembled, Error> {
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
        assemble(&recipe, &options, &self.store, &self.mirror, &Silent, &AtomicBool::new(false))
    }

    fn assemble(&self) -> Result<Assembled, Error> {
        self.assemble_with(&keys().unwrap().keyring)
    }

    fn check_refused(&self, expected: Expect) {
        let error = self.assemble().unwrap_err();
        let text = error.to_string().replace(&self.root.display().to_string(), "ROOT");
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        let keyring = keys().unwrap().keyring.display().to_string();
        expected.assert_eq(&format!("{text}{hint}").replace(&keyring, "KEYRING"));
    }

    fn manifest(&self, descriptor: &Descriptor) -> Raw<Manifest> {
        Raw::parse(self.store.read_blob(&descriptor.digest).unwrap(), "manifest").unwrap()
    }

    fn config(&self, descriptor: &Descriptor) -> Raw<ImageConfig> {
        let digest = self.manifest(descriptor).value().config.digest.clone();
        Raw::parse(self.store.read_blob(&digest).unwrap(), "config").unwrap()
    }

    // One line an entry: mode, owner, time, path and kind.
    fn listing(&self, descriptor: &Descriptor, wanted: impl Fn(&RelativePath) -> bool) -> String {
        let layer = self.manifest(descriptor).value().layers[0].digest.clone();
        let blob = sealift_archive::open(Box::new(self.store.open_blob(&layer).unwrap())).unwrap();
        let mut reader = tar::Reader::new(blob, Limits::default());
        let mut text = String::new();
        while let Some(entry) = reader.next_entry().unwrap() {
            let header = entry.header();
            if wanted(&header.path) {
                text.push_str(&format!(
                    "{:04o} {}:{} {} {} {}\n",
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
                ));
            }
        }
        text
    }
}

fn app() -> Package {
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

fn library() -> Package {
    package("libapp", vec![
        ("lib/libapp.so", Entry::Symlink("libapp.so.1")),
        ("lib64/ld-app.so", file("no ELF")),
        ("usr/share/locale/de/app.mo", file("no")),
    ])
}

#[test]
fn an_image() {
    if keys().is_none() {
        return;
    }
    let mut bench = bench(Mirror::new(&[app(), library()], &HEAD));
    bench.recipe = "packages = ['app']\nuser = 'nonroot'\ncmd = ['app']\nenv = {LANG = 'C.UTF-8'}\nlabels = {a = 'b'}\nremove = ['/usr/local/games']".to_owned();
    let assembled = bench.assemble().unwrap();
    let interesting = ["app", "bin", "lib", "run", "status.d", "shadow", "nonroot", "games", "tmp", "usr"];
    let listing = bench.listing(&assembled.descriptor, |path| {
        path.parts().any(|part| interesting.iter().any(|name| part.starts_with(name.as_bytes())))
            && !path.as_bytes().starts_with(b"usr/local/")
    });
    expect![[r#"
        0777 0:0 1700000000 bin -> usr/bin
        0640 0:42 1700000000 etc/shadow 123 bytes
        0700 65532:65532 1700000000 home/nonroot Directory
        0777 0:0 1700000000 lib -> usr/lib
        0777 0:0 1700000000 lib64 -> usr/lib64
        0755 0:0 1700000000 run Directory
        0755 0:0 1700000000 run/app Directory
        1777 0:0 1700000000 run/lock Directory
        0777 0:0 1700000000 sbin -> usr/sbin
        1777 0:0 1700000000 tmp Directory
        0755 0:0 1700000000 usr Directory
        0755 0:0 1700000000 usr/bin Directory
        4755 0:0 1700000000 usr/bin/app 10 bytes
        0755 0:0 1700000000 usr/bin/app2 HardLink("usr/bin/app")
        0755 0:0 1700000000 usr/lib Directory
        0777 0:0 1700000000 usr/lib/libapp.so -> libapp.so.1
        0755 0:0 1700000000 usr/lib64 Directory
        0644 0:0 1700000000 usr/lib64/ld-app.so 6 bytes
    "#]]
    .assert_eq(&listing);
    assert_eq!(assembled.packages.len(), 2);
    assert_eq!(assembled.suites[0].date, "2026-07-11T10:16:37Z");
    let config = bench.config(&assembled.descriptor);
    expect![[r#""#]].assert_eq(&String::from_utf8_lossy(config.bytes()));
}

//! Java archives.

use std::io::{Cursor, Write};

use expect_test::expect;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::{inventory, show};

fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        let is_stored = name.rsplit('.').next() == Some("jar");
        let method = if is_stored {
            zip::CompressionMethod::Stored
        } else {
            zip::CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn pom(group: &str, artifact: &str, version: &str) -> (String, Vec<u8>) {
    let text = format!("#x\ngroupId={group}\nartifactId={artifact}\nversion={version}\n");
    (format!("META-INF/maven/{group}/{artifact}/pom.properties"), text.into_bytes())
}

const MANIFEST: &str = "META-INF/MANIFEST.MF";

#[test]
fn archives() {
    let (path, text) = pom("org.a", "lib", "1.2");
    let library = jar(&[(path.as_str(), &text), ("A.class", b"x")]);
    let (second, other) = pom("org.b", "shaded", "3");
    let shaded = jar(&[(path.as_str(), &text), (second.as_str(), &other)]);
    let manifest = b"Manifest-Version: 1.0\r\nBundle-SymbolicName: com.exam\r\n ple.tool;singleton:=true\r\nBundle-License: Apache-2.0\r\nImplementation-Vendor: ACME, Inc.\r\nImplementation-Version: 9\r\n\r\nName: x\r\nImplementation-Version: 10\r\n";
    let tool = jar(&[(MANIFEST, manifest)]);
    let war =
        jar(&[("WEB-INF/lib/lib-1.2.jar", &library), ("WEB-INF/lib/plain-2.0.jar", &jar(&[]))]);
    let started = [&b"#!/bin/sh\nexit\n"[..], &library].concat();
    let found = inventory(&[&[
        ("app/site.war", &war),
        ("app/lib-1.2-all.jar", &shaded),
        ("app/tool.jar", &tool),
        ("app/start.jar", &started),
        ("app/none.jar", b"PK no zip"),
    ]]);
    expect![[r#"
        pkg:maven/com.example/tool@9
          organization ACME, Inc.; licences ["Apache-2.0"]; layer Some(0); Installed
          Manifest /app/tool.jar Some(0)
        pkg:maven/org.a/lib@1.2
          nobody; licences []; layer Some(0); Installed
          Manifest /app/lib-1.2-all.jar Some(0)
        pkg:maven/org.a/lib@1.2
          nobody; licences []; layer Some(0); Embedded
          Manifest /app/site.war!/WEB-INF/lib/lib-1.2.jar Some(0)
        pkg:maven/org.a/lib@1.2
          nobody; licences []; layer Some(0); Installed
          Manifest /app/start.jar Some(0)
        pkg:maven/org.b/shaded@3
          nobody; licences []; layer Some(0); Embedded
          Manifest /app/lib-1.2-all.jar Some(0)
        pkg:maven/plain@2.0
          nobody; licences []; layer Some(0); Embedded
          Manifest /app/site.war!/WEB-INF/lib/plain-2.0.jar Some(0)
        pkg:maven/site
          nobody; licences []; layer Some(0); Installed
          Manifest /app/site.war Some(0)
        org.a:lib needs org.b:shaded
        site needs org.a:lib
        site needs plain
        note /app/none.jar: it is no zip archive, or is cut off
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn named_by_debians_repository() {
    let found = inventory(&[&[
        ("usr/share/java/guice-jmx.jar", &jar(&[(MANIFEST, b"Implementation-Version: 1\n")])),
        (
            "usr/share/maven-repo/com/google/inject/extensions/guice-jmx/4.2/guice-jmx-4.2.jar",
            b"-> ../../../../../../../java/guice-jmx.jar",
        ),
        (
            "usr/share/maven-repo/com/google/inject/extensions/guice-jmx/debian/guice-jmx-debian.jar",
            b"-> ../../../../../../../java/guice-jmx.jar",
        ),
    ]]);
    let purls: Vec<String> = found.packages.iter().map(|it| it.purl.to_string()).collect();
    assert_eq!(purls, ["pkg:maven/com.google.inject.extensions/guice-jmx@4.2"]);
}

#[test]
fn hostile() {
    let mut nested = jar(&[]);
    for _ in 0..40 {
        nested = jar(&[("a.jar", &nested)]);
    }
    let found = inventory(&[&[("a.jar", &nested)]]);
    assert_eq!((found.packages.len(), found.notes.len()), (7, 1), "{}", show(&found));

    // A war stores what it nests compressed: a bomb.
    let zeros = vec![0; 100 << 20];
    let bomb = jar(&[("b.war", &zeros), (MANIFEST, &zeros)]);
    let found = inventory(&[&[("a.jar", &bomb)]]);
    assert_eq!((found.packages.len(), found.notes.len()), (1, 2), "{}", show(&found));

    let (path, text) = pom("g", "a", "1");
    let whole = jar(&[(path.as_str(), &text), ("b.jar", &jar(&[(MANIFEST, b"A: b\n")]))]);
    let mut files: Vec<(String, Vec<u8>)> =
        (0..whole.len()).map(|end| (format!("{end}.jar"), whole[..end].to_vec())).collect();
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] = 0xff;
        files.push((format!("{at}-broken.jar"), broken));
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, it)| (path.as_str(), it.as_slice())).collect();
    inventory(&[&files]);
}

//! Java archives.

use std::io::{Cursor, Write};

use expect_test::expect;
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::{inventory, show};

pub(crate) fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
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
          FileName /app/site.war!/WEB-INF/lib/plain-2.0.jar Some(0)
        pkg:maven/site
          nobody; licences []; layer Some(0); Installed
          FileName /app/site.war Some(0)
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
        nested = jar(&[("a-1.jar", &nested)]);
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

#[test]
fn who_an_archive_is() {
    let check = |path: &str, entries: &[(&str, &[u8])], expected: &str| {
        let found = inventory(&[&[(path, &jar(entries))]]);
        let purls: Vec<String> = found
            .packages
            .iter()
            .map(|it| format!("{} {:?}", it.purl, it.evidence[0].confidence))
            .collect();
        assert_eq!(purls.join("; "), expected, "{path}");
    };
    let (cglib, text) = pom("cglib", "cglib", "3.2");
    let (own, own_text) = pom("com.acme", "service", "1");
    // Another one's project within is not what the archive is.
    check(
        "guice.jar",
        &[(cglib.as_str(), &text), ("com/google/inject/A.class", b"x")],
        "pkg:maven/cglib/cglib@3.2 High; pkg:maven/com.google.inject/guice Medium",
    );
    check(
        "app.jar",
        &[(own.as_str(), &own_text), ("BOOT-INF/classes/com/acme/A.class", b"x")],
        "pkg:maven/com.acme/service@1 High",
    );
    check(
        "spring-core-5.3.20.jar",
        &[("org/springframework/core/A.class", b"x")],
        "pkg:maven/org.springframework/spring-core@5.3.20 Medium",
    );
    check(
        "spring-core-5.3.20.jar",
        &[("com/acme/A.class", b"x")],
        "pkg:maven/spring-core@5.3.20 Low",
    );
    check(
        "objenesis-3.2.jar",
        &[(MANIFEST, b"Bundle-SymbolicName: org.objenesis\n")],
        "pkg:maven/org.objenesis/objenesis@3.2 Medium",
    );
    check("x-1.jar", &[(MANIFEST, b"Implementation-Vendor-Id: org.apache\n")], "pkg:maven/x@1 Low");
    check("root/.m2/repository/org/x/y/1.0/y-1.0.jar", &[], "pkg:maven/org.x/y@1.0 High");
    check(
        "root/.gradle/caches/modules-2/files-2.1/org.x/y/1.0/abc/y-1.0.jar",
        &[],
        "pkg:maven/org.x/y@1.0 High",
    );
    check("outer-1.jar", &[("agent/nameless.jar", &jar(&[]))], "pkg:maven/outer@1 Low");
}

#[test]
fn projects_in_archives() {
    let project = b"<project><parent><groupId>g</groupId><artifactId>p</artifactId><version>2</version></parent><artifactId>a</artifactId><licenses><license><name>Apache-2.0</name></license></licenses><dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId></dependency><dependency><groupId>g</groupId><artifactId>c</artifactId><scope>provided</scope></dependency></dependencies></project>";
    let (b, b_text) = pom("g", "b", "1");
    let (c, c_text) = pom("g", "c", "1");
    let found = inventory(&[&[
        ("lib/a-2.jar", &jar(&[("META-INF/maven/g/a/pom.xml", project)])),
        ("lib/b-1.jar", &jar(&[(b.as_str(), &b_text)])),
        ("lib/c-1.jar", &jar(&[(c.as_str(), &c_text)])),
        ("lib/d.jar", &jar(&[("META-INF/maven/g/d/pom.xml", b"<project>")])),
    ]]);
    expect![[r#"
        pkg:maven/d
          nobody; licences []; layer Some(0); Installed
          FileName /lib/d.jar Some(0)
        pkg:maven/g/a@2
          nobody; licences ["Apache-2.0"]; layer Some(0); Installed
          Manifest /lib/a-2.jar Some(0)
        pkg:maven/g/b@1
          nobody; licences []; layer Some(0); Installed
          Manifest /lib/b-1.jar Some(0)
        pkg:maven/g/c@1
          nobody; licences []; layer Some(0); Installed
          Manifest /lib/c-1.jar Some(0)
        g:a needs g:b
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn runtimes_and_plugins() {
    let release = b"IMPLEMENTOR=\"Eclipse Adoptium\"\nIMPLEMENTOR_VERSION=\"Temurin-17.0.9+9\"\nJAVA_RUNTIME_VERSION=\"17.0.9+9\"\nJAVA_VERSION=\"17.0.9\"\nIMAGE_TYPE=\"JRE\"\nMODULES=\"java.base\"\nOS_ARCH=\"x86_64\"\nSEMANTIC_VERSION=\"17.0.9+9\"\n";
    let debian = b"IMPLEMENTOR=\"Debian\"\nJAVA_RUNTIME_VERSION=\"17.0.15+6-Debian-1deb12u1\"\nJAVA_VERSION=\"17.0.15\"\n";
    let structs = jar(&[(
        MANIFEST,
        b"Short-Name: structs\nPlugin-Version: 324.va\nGroup-Id: org.jenkins-ci.plugins\n",
    )]);
    let git = jar(&[
        (MANIFEST, b"Short-Name: git\nPlugin-Version: 4.11.3 (private)\nGroup-Id: org.jenkins-ci.plugins\nPlugin-Dependencies: structs:1.20,x:2;resolution:=optional\n"),
        ("WEB-INF/lib/plain-2.0.jar", &jar(&[])),
    ]);
    let found = inventory(&[&[
        ("opt/java/openjdk/release", release),
        ("opt/java/openjdk/lib/jrt-fs.jar", &jar(&[(MANIFEST, b"Implementation-Version: 17\n")])),
        ("usr/lib/jvm/java-17/release", debian),
        ("etc/release", b"JAVA=no\n"),
        ("etc/java/release", b"JAVA_VERSION=\"x\"\n"),
        ("plugins/structs.jpi", &structs),
        ("plugins/git.hpi", &git),
    ]]);
    expect![[r#"
        pkg:maven/plain@2.0
          nobody; licences []; layer Some(0); Embedded
          FileName /plugins/git.hpi!/WEB-INF/lib/plain-2.0.jar Some(0)
        pkg:maven/org.jenkins-ci.plugins/git@4.11.3
          nobody; licences []; layer Some(0); Installed
          Manifest /plugins/git.hpi Some(0)
        pkg:maven/org.jenkins-ci.plugins/structs@324.va
          nobody; licences []; layer Some(0); Installed
          Manifest /plugins/structs.jpi Some(0)
        pkg:generic/openjdk@17.0.15%2B6
          organization Debian; licences []; layer Some(0); Installed
          Manifest /usr/lib/jvm/java-17/release Some(0)
        pkg:generic/temurin@17.0.9%2B9
          person Eclipse Adoptium; licences []; layer Some(0); Installed
          Manifest /opt/java/openjdk/release Some(0)
        git needs plain
        git needs structs
        note /etc/java/release: it has no version of Java
    "#]]
    .assert_eq(&show(&found));
}

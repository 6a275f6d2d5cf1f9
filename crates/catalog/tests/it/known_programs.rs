//! Programs that are known by their bytes, and kernels.
#![allow(clippy::cast_possible_truncation, reason = "small fixtures")]

use std::fmt::Write;

use expect_test::expect;
use sealift_model::Inventory;

use crate::inventory;
use crate::programs::elf;

fn lines(found: &Inventory) -> String {
    let mut text = String::new();
    for package in &found.packages {
        let paths: Vec<&str> = package.evidence.iter().map(|it| it.path.as_str()).collect();
        let owned = if package.owner.is_some() { " owned" } else { "" };
        writeln!(text, "{} {:?} {paths:?}{owned} {:?}", package.purl, package.kind, package.cpes)
            .unwrap();
    }
    for relation in &found.relations {
        let name = |place: usize| &found.packages[place].name;
        writeln!(text, "{} {:?} {}", name(relation.from.0), relation.kind, name(relation.to.0))
            .unwrap();
    }
    for note in &found.notes {
        writeln!(text, "{}: {}", note.subject, note.message).unwrap();
    }
    text
}

const OPENSSL: &[u8] = b"\0OpenSSL 3.0.22 25 Aug 2026\0";

#[test]
fn signatures() {
    let openssl = elf(&[(".rodata", OPENSSL)]);
    let nginx = elf(&[(".rodata", b"\0nginx version: nginx/1.22.1\n\0")]);
    let status =
        b"Package: nginx\nStatus: install ok installed\nVersion: 1.22.1-9\nArchitecture: amd64\n";
    let found = inventory(&[&[
        ("usr/local/bin/openssl", &openssl),
        ("usr/local/lib/libssl.so.3", &openssl),
        ("opt/app/openssl", &openssl),
        ("usr/local/share/openssl.txt", OPENSSL),
        ("usr/sbin/nginx", &nginx),
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/info/nginx.list", b"/usr/sbin/nginx\n"),
    ]]);
    expect![[r#"
        pkg:deb/debian/nginx@1.22.1-9?arch=amd64 Deb ["/var/lib/dpkg/status"] ["cpe:2.3:a:f5:nginx:1.22.1:*:*:*:*:*:*:*", "cpe:2.3:a:nginx:nginx:1.22.1:*:*:*:*:*:*:*", "cpe:2.3:a:nginx_project:nginx:1.22.1:*:*:*:*:*:*:*"]
        pkg:generic/nginx@1.22.1 Binary ["/usr/sbin/nginx"] owned ["cpe:2.3:a:f5:nginx:1.22.1:*:*:*:*:*:*:*"]
        pkg:generic/openssl@3.0.22 Binary ["/opt/app/openssl"] ["cpe:2.3:a:openssl:openssl:3.0.22:*:*:*:*:*:*:*"]
        pkg:generic/openssl@3.0.22 Binary ["/usr/local/bin/openssl", "/usr/local/lib/libssl.so.3"] ["cpe:2.3:a:openssl:openssl:3.0.22:*:*:*:*:*:*:*"]
        nginx OwnedBy nginx
    "#]]
    .assert_eq(&lines(&found));
}

#[test]
fn a_java_runtime_tells_more_by_its_release_file() {
    let jvm = elf(&[(".rodata", b"\0OpenJDK 64-Bit Server VM (17.0.21+9) for linux\0")]);
    let found = inventory(&[&[("opt/jdk/lib/server/libjvm.so", &jvm)]]);
    assert_eq!(found.packages.len(), 1, "{}", lines(&found));
    let release = b"JAVA_VERSION=\"17.0.21\"\n";
    let found =
        inventory(&[&[("opt/jdk/lib/server/libjvm.so", &jvm), ("opt/jdk/release", release)]]);
    let paths: Vec<&str> = found.packages.iter().map(|it| it.evidence[0].path.as_str()).collect();
    assert_eq!(paths, ["/opt/jdk/release"], "{}", lines(&found));
}

fn note(json: &[u8]) -> Vec<u8> {
    let mut note = Vec::new();
    for number in [4, json.len() as u32, 0xcafe_1a7e] {
        note.extend(number.to_le_bytes());
    }
    note.extend(b"FDO\0");
    note.extend(json);
    note
}

#[test]
fn package_notes() {
    let json = br#"{"type":"rpm","os":"fedora","name":"tool","version":"1.0-2.fc40","architecture":"x86_64"}"#;
    let found = inventory(&[&[
        ("opt/tool", &elf(&[(".note.package", &note(json))])),
        ("opt/broken", &elf(&[(".note.package", &note(b"{"))])),
    ]]);
    expect![""].assert_eq(&lines(&found));
}

#[test]
fn kernels() {
    let mut kernel = vec![0; 0x400];
    kernel[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel[0x20e..0x210].copy_from_slice(&[0x00, 0x01]);
    kernel[0x300..0x318].copy_from_slice(b"6.1.0-56-amd64 (debian) ");
    let a = elf(&[(
        ".modinfo",
        b"version=2.1\0license=GPL\0depends=b-c\0name=a\0vermagic=6.1.0-56-amd64 SMP\0",
    )]);
    let b = elf(&[(".modinfo", b"license=GPL v2\0vermagic=6.1.0-56-amd64 SMP\0")]);
    let folder = "lib/modules/6.1.0-56-amd64/kernel";
    let found = inventory(&[&[
        ("boot/vmlinuz-6.1.0-56-amd64", &kernel),
        (&format!("{folder}/a.ko"), &a),
        (&format!("{folder}/b-c.ko"), &b),
        (&format!("{folder}/broken.ko.xz"), &[0xfd; 100]),
    ]]);
    expect![[r#"
        pkg:generic/a@2.1 Kernel ["/lib/modules/6.1.0-56-amd64/kernel/a.ko"] []
        pkg:generic/b_c Kernel ["/lib/modules/6.1.0-56-amd64/kernel/b-c.ko"] []
        pkg:generic/linux-kernel@6.1.0-56-amd64 Kernel ["/boot/vmlinuz-6.1.0-56-amd64"] ["cpe:2.3:o:linux:linux_kernel:6.1.0:*:*:*:*:*:*:*"]
        a DependsOn b_c
        a DependsOn linux-kernel
        b_c DependsOn linux-kernel
    "#]]
    .assert_eq(&lines(&found));
}

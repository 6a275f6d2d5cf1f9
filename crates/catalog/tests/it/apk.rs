//! Alpine images.

use expect_test::expect;

use crate::{inventory, show};

const OS_RELEASE: &[u8] = b"ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME=\"Alpine Linux v3.20\"\n";

const MUSL: &str = "C:Q1DadJ0cqdT+ImyeY5FgTxf2bLAQA=
P:musl
V:1.2.5-r0
A:x86_64
S:407278
I:667648
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Timo Ter\u{e4}s <timo.teras@iki.fi>
t:1725887231
c:4b2b9f2fa68e1b8c
p:so:libc.musl-x86_64.so.1=1
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755
Z:Q1DadJ0cqdT+ImyeY5FgTxf2bLAQA=
R:libc.musl-x86_64.so.1

";

const PIP: &str = "P:py3-pip
V:24.0-r2
A:noarch
L:MIT AND LGPL-2.1-or-later AND custom
o:py3-pip
D:/bin/sh !old so:libc.musl-x86_64.so.1 cmd:busybox python3~3.12
F:
F:usr/lib/python3.12/site-packages/pip-24.0.dist-info
R:METADATA

";

const BUSYBOX: &str = "P:busybox-binsh
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only
o:busybox
D:busybox=1.36.1-r29
p:/bin/sh cmd:busybox=1.36.1-r29

";

#[test]
fn layers_owners_and_needs() {
    let installed = format!("{MUSL}{PIP}{BUSYBOX}");
    let found = inventory(&[
        &[
            ("etc/os-release", OS_RELEASE),
            ("lib/apk/db/installed", MUSL.as_bytes()),
            ("lib/ld-musl-x86_64.so.1", b"elf"),
            ("lib/libc.musl-x86_64.so.1", b"-> ld-musl-x86_64.so.1"),
        ],
        &[
            ("lib/apk/db/installed", installed.as_bytes()),
            (
                "usr/lib/python3.12/site-packages/pip-24.0.dist-info/METADATA",
                b"Metadata-Version: 2.1\nName: pip\nVersion: 24.0\n",
            ),
        ],
    ]);
    expect![[r#"
        distro alpine Some("3.20.3")
        pkg:pypi/pip@24.0
          nobody; licences []; layer Some(1); Installed
          Manifest /usr/lib/python3.12/site-packages/pip-24.0.dist-info/METADATA Some(1)
        pkg:apk/alpine/busybox-binsh@1.36.1-r29?arch=x86_64&distro=alpine-3.20.3&upstream=busybox
          source busybox 1.36.1-r29
          nobody; licences ["GPL-2.0-only"]; layer Some(1); Installed
          Database /lib/apk/db/installed Some(1)
        pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.3
          source musl 1.2.5-r0
          person Timo Teräs <timo.teras@iki.fi>; licences ["MIT"]; layer Some(0); Installed
          Database /lib/apk/db/installed Some(1)
          files /lib/ld-musl-x86_64.so.1 /lib/libc.musl-x86_64.so.1
        pkg:apk/alpine/py3-pip@24.0-r2?arch=noarch&distro=alpine-3.20.3
          source py3-pip 24.0-r2
          nobody; licences ["?MIT AND LGPL-2.1-or-later AND custom"]; layer Some(1); Installed
          Database /lib/apk/db/installed Some(1)
          files /usr/lib/python3.12/site-packages/pip-24.0.dist-info/METADATA
        pip is owned by py3-pip
        py3-pip needs busybox-binsh
        py3-pip needs musl
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn the_record_has_a_hash() {
    let found = inventory(&[&[("lib/apk/db/installed", MUSL.as_bytes())]]);
    let hex: Vec<&str> = found.packages[0].hashes.iter().map(|hash| hash.hex.as_str()).collect();
    assert_eq!(hex, ["0da749d1ca9d4fe226c9e6391604f17f66cb0100"]);
}

// What apk's `D:` and `p:` may have: versions of all kinds, a conflict, a repository, files, commands, libraries.
const NEEDS: &str = "P:a
V:1-r0
A:x86_64
D:b>=2 c<9 d=1.0-r0 e~1 f@edge !g so:libh.so.1 cmd:i pc:j /bin/k absent

P:b
V:2-r0

P:c
V:1-r0

P:d
V:1.0-r0

P:e
V:1.5-r0

P:f
V:1-r0

P:g
V:1-r0

P:h
V:1-r0
p:so:libh.so.1=1.0 so:libh2.so.2=2

P:i
V:1-r0
p:cmd:i=1-r0

P:j
V:1-r0
p:pc:j=1

P:k
V:1-r0
p:/bin/k
D:a

";

#[test]
fn needs_of_all_kinds() {
    let found = inventory(&[&[("lib/apk/db/installed", NEEDS.as_bytes())]]);
    let name = |id| found.package(id).unwrap().name.as_str();
    let needs: Vec<String> = found
        .relations
        .iter()
        .map(|relation| format!("{}{}", name(relation.from), name(relation.to)))
        .collect();
    assert_eq!(needs, ["ab", "ac", "ad", "ae", "af", "ah", "ai", "aj", "ak", "ka"]);
    assert_eq!(found.notes, []);
}

#[test]
fn merged_usr_and_no_os_release() {
    let found = inventory(&[&[("usr/lib/apk/db/installed", b"P:a\nV:1\n\n")]]);
    expect![[r#"
        pkg:apk/alpine/a@1
          source a 1
          nobody; licences []; layer Some(0); Installed
          Database /usr/lib/apk/db/installed Some(0)
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn nothing_is_lost_silently() {
    let long = format!("P:{}\nV:1\n\nP:b\n\njunk\nV:\u{e4}\n\nP:c\nV:1", "n".repeat(301));
    let found = inventory(&[&[("lib/apk/db/installed", long.as_bytes())]]);
    expect![[r#"
        pkg:apk/alpine/b
          nobody; licences []; layer Some(0); Installed
          Database /lib/apk/db/installed Some(0)
        pkg:apk/alpine/c@1
          source c 1
          nobody; licences []; layer Some(0); Installed
          Database /lib/apk/db/installed Some(0)
        note /lib/apk/db/installed: line 6 is no field
        note /lib/apk/db/installed: package 2 has no name
        note /lib/apk/db/installed: package `b` has no version
        note /lib/apk/db/installed: the last package has no end, the file may be cut off
        note /lib/apk/db/installed: the name of package 1 is too long
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn cut_off_anywhere() {
    for end in 0..MUSL.len() {
        let found = inventory(&[&[("lib/apk/db/installed", &MUSL.as_bytes()[..end])]]);
        let is_told = end == 0 || !found.notes.is_empty() || end + 1 == MUSL.len();
        assert!(is_told, "cut off at {end}");
    }
}

#[test]
fn a_long_directory_of_many_files() {
    let directory = "d".repeat(1 << 19);
    let text = format!("P:a\nV:1\nF:{directory}\n{}\n", "R:x\n".repeat(100_000));
    let found = inventory(&[&[("lib/apk/db/installed", text.as_bytes())]]);
    let bytes: usize = found.packages[0].files.iter().map(String::len).sum();
    assert!(bytes < 300 << 20);
    assert!(!found.notes.is_empty());
}

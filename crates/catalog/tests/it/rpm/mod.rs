//! Images with rpm's database, in each of its formats.

pub(crate) mod build;
mod real;
mod relations;

use std::fmt::Write as _;

use expect_test::expect;
use sealift_model::Inventory;

use self::build::{BIG, LITTLE, bdb, header, ndb, numbers, put, sqlite, text, texts};
use crate::{inventory, show};

const OS_RELEASE: &[u8] = b"ID=\"rhel\"\nVERSION_ID=\"9.4\"\n";

fn bash() -> Vec<u8> {
    let modes = [0o040_755_u16, 0o100_755].map(u16::to_be_bytes).concat();
    header(&[
        text(273, &"ab".repeat(32)),
        text(1000, "bash"),
        text(1001, "5.1.8"),
        text(1002, "9.el9"),
        numbers(1003, &[0]),
        (1004, 9, 1, b"The GNU Bourne Again shell\0".to_vec()),
        text(1011, "Red Hat, Inc."),
        text(1014, "GPLv3+"),
        text(1020, "https://www.gnu.org/software/bash"),
        text(1022, "x86_64"),
        (1030, 3, 2, modes),
        text(1044, "bash-5.1.8-9.el9.src.rpm"),
        texts(1047, &["bash", "config(bash)"]),
        numbers(1048, &[0x0100_0000, 16384, 0]),
        texts(1049, &["rpmlib(CompressedFileNames)", "libc.so.6()(64bit)", "/usr/share/long"]),
        numbers(1116, &[0, 1]),
        texts(1117, &["skel", "bash"]),
        texts(1118, &["/etc/", "/usr/bin/"]),
    ])
}

fn glibc() -> Vec<u8> {
    header(&[
        text(1000, "glibc"),
        text(1001, "2.34"),
        text(1002, "100.el9"),
        numbers(1003, &[2]),
        text(1014, "LGPLv2+ and (MIT or Public Domain)"),
        text(1015, "A Packager <a@b.example>"),
        text(1022, "x86_64"),
        texts(1027, &["/lib64/libc.so.6", "/usr/share/long"]),
        texts(1047, &["glibc", "libc.so.6()(64bit)"]),
        texts(1049, &["(bash or zsh)", "(a if b)"]),
        text(5096, "base:el9:1:abc"),
        // Longer than pages of the fixtures.
        text(1005, &"x".repeat(3000)),
    ])
}

fn image(path: &str, database: &[u8]) -> Inventory {
    inventory(&[&[("etc/os-release", OS_RELEASE), (path, database)]])
}

#[test]
fn a_package_has_everything() {
    let found = image("var/lib/rpm/rpmdb.sqlite", &sqlite(&[bash(), glibc()]));
    expect![[r#"
        distro rhel Some("9.4")
        pkg:rpm/redhat/bash@5.1.8-9.el9?arch=x86_64&distro=rhel-9.4&upstream=bash-5.1.8-9.el9.src.rpm
          source bash 5.1.8-9.el9
          organization Red Hat, Inc.; licences ["GPL-3.0-or-later"]; layer Some(0); Installed
          Database /var/lib/rpm/rpmdb.sqlite Some(0)
          files /usr/bin/bash
        pkg:rpm/redhat/glibc@2.34-100.el9?arch=x86_64&distro=rhel-9.4&epoch=2&rpmmod=base:el9:1:abc
          person A Packager <a@b.example>; licences ["?LGPLv2+ and (MIT or Public Domain)"]; layer Some(0); Installed
          Database /var/lib/rpm/rpmdb.sqlite Some(0)
          files /lib64/libc.so.6 /usr/share/long
        bash needs glibc
        glibc needs bash
    "#]].assert_eq(&show(&found));
    let hashes = |place: usize| found.packages[place].hashes.len();
    assert_eq!((hashes(0), hashes(1)), (1, 0));
    assert_eq!(found.packages[0].summary.as_deref(), Some("The GNU Bourne Again shell"));
}

#[test]
fn repositories_that_the_image_names() {
    let manifest =
        br#"{"metadata": {}, "content_sets": ["rhel-9-baseos", "rhel-9-appstream", ""]}"#;
    let found = inventory(&[&[
        ("etc/os-release", OS_RELEASE),
        ("root/buildinfo/content_manifests/ubi9-9.4-1.json", manifest),
        ("root/buildinfo/content_manifests/x/deeper.json", b"{}"),
        ("root/buildinfo/content_manifests/bad.json", b"{"),
        ("usr/share/buildinfo/content-sets.json", br#"{"content_sets": ["rhel-9-baseos", "crb"]}"#),
    ]]);
    assert_eq!(found.repositories, ["crb", "rhel-9-appstream", "rhel-9-baseos"]);
    let [note] = &found.notes[..] else { panic!("one note: {:?}", found.notes) };
    assert_eq!(note.subject, "/root/buildinfo/content_manifests/bad.json");
}

#[test]
fn formats_say_the_same() {
    let blobs = [bash(), glibc()];
    let expected = image("var/lib/rpm/Packages", &sqlite(&blobs));
    assert_eq!(expected.packages.len(), 2);
    let databases = [ndb(&blobs), bdb(&blobs, LITTLE), bdb(&blobs, BIG), sqlite(&blobs)];
    for database in databases {
        assert_eq!(show(&image("var/lib/rpm/Packages", &database)), show(&expected));
    }
    for path in ["usr/lib/sysimage/rpm/Packages.db", "usr/share/rpm/rpmdb.sqlite"] {
        assert_eq!(image(path, &ndb(&blobs)).packages.len(), 2);
    }
}

#[test]
fn cut_off_anywhere() {
    let blobs = [bash(), glibc()];
    for database in [ndb(&blobs), bdb(&blobs, LITTLE), sqlite(&blobs)] {
        for end in (0..700).chain((700..database.len()).step_by(31)) {
            let found = image("var/lib/rpm/Packages", &database[..end]);
            let is_told = found.packages.len() == 2 || !found.notes.is_empty();
            assert!(is_told, "cut off at {end} of {}", database.len());
        }
    }
}

#[test]
fn a_header_cut_off_anywhere() {
    let whole = bash();
    for end in 0..whole.len() {
        let found = image("var/lib/rpm/Packages", &ndb(&[whole[..end].to_vec()]));
        assert!(found.packages.is_empty() && !found.notes.is_empty(), "cut off at {end}");
    }
}

#[test]
fn any_byte_may_lie() {
    let blobs = [bash(), glibc()];
    for database in [ndb(&blobs), bdb(&blobs, BIG), sqlite(&blobs)] {
        let lies = (0..database.len()).step_by(61).chain(0..40).chain(512..580);
        for at in lies.filter(|at| *at < database.len()) {
            for lie in [0, 1, 0xff] {
                let mut database = database.clone();
                database[at] = lie;
                assert!(image("var/lib/rpm/Packages", &database).packages.len() <= 4);
            }
        }
    }
}

#[test]
fn cycles_and_lies() {
    let blobs = [bash(), glibc()];
    // The last page of a chain leads to the first.
    let mut cycle = bdb(&blobs, LITTLE);
    let last = cycle.len() - build::BDB_PAGE;
    put(&mut cycle, last + 16, 2_u32.to_le_bytes());
    // The inner page is its own child.
    let mut child = sqlite(&blobs);
    put(&mut child, build::SQLITE_PAGE + 8, 2_u32.to_be_bytes());
    // All slots show one blob.
    let mut shared = ndb(&blobs);
    let (slot, mut slots) = (shared[32..48].to_vec(), shared.clone());
    for place in 3..256 {
        slots[place * 16..place * 16 + 16].copy_from_slice(&slot);
    }
    std::mem::swap(&mut shared, &mut slots);
    let mut pages = ndb(&blobs);
    put(&mut pages, 12, u32::MAX.to_le_bytes());
    let mut size = sqlite(&blobs);
    put(&mut size, 16, 3_u16.to_be_bytes());
    let mut encrypted = bdb(&blobs, LITTLE);
    encrypted[24] = 1;
    let mut sums = bdb(&blobs, LITTLE);
    sums[26] = 1;
    let mut shown = String::new();
    for database in [cycle, child, shared, pages, size, encrypted, sums, b"x".to_vec(), Vec::new()]
    {
        let found = image("var/lib/rpm/Packages", &database);
        let notes: Vec<&str> = found.notes.iter().map(|note| note.message.as_str()).collect();
        writeln!(shown, "{} {notes:?}", found.packages.len()).unwrap();
    }
    expect![[r#"
        1 ["a package on page 1 is damaged or cut off"]
        1 ["page 2 is in two places"]
        1 ["its packages overlap, the rest is not read"]
        2 ["it is cut off", "slot 254 is damaged", "slot 255 is damaged", "slot 256 is damaged", "slot 257 is damaged", "slot 258 is damaged", "slot 259 is damaged", "slot 260 is damaged", "slot 261 is damaged", "slot 262 is damaged", "slot 263 is damaged", "slot 264 is damaged", "slot 265 is damaged", "slot 266 is damaged", "slot 267 is damaged", "slot 268 is damaged", "slot 269 is damaged", "slot 270 is damaged", "slot 271 is damaged", "slot 272 is damaged", "there are 237 more such complaints"]
        0 ["it has a header that cannot be"]
        0 ["it is encrypted"]
        0 ["it has checksums on its pages, which cannot be read"]
        0 ["it is no database of rpm"]
        0 ["it is no database of rpm"]
    "#]].assert_eq(&shown);
}

#[test]
fn headers_that_lie() {
    let directory = format!("/{}/", "d".repeat(1 << 20));
    let many = vec![""; 5000];
    let blobs = [
        header(&[text(1000, "no-version")]),
        header(&[text(1001, "1")]),
        header(&[text(1000, &"n".repeat(301))]),
        header(&[text(1000, "index"), text(1001, "1"), numbers(1116, &[9]), texts(1117, &["a"])]),
        header(&[
            text(1000, "count"),
            text(1001, "1"),
            (1027, 8, usize::MAX >> 33, b"a\0".to_vec()),
        ]),
        header(&[
            text(1000, "large"),
            text(1001, "1"),
            numbers(1116, &vec![0; 5000]),
            texts(1117, &many),
            texts(1118, &[&directory]),
        ]),
        [0xff; 40].to_vec(),
        [0; 40].to_vec(),
    ];
    let found = image("var/lib/rpm/Packages.db", &ndb(&blobs));
    let large = found.packages.iter().find(|package| package.name == "large").unwrap();
    assert!(large.files.len() < 300);
    let mut notes = String::new();
    for note in &found.notes {
        writeln!(notes, "{}", note.message).unwrap();
    }
    expect![[r#"
        package 2 has no name
        package 3 has a name that is too long
        package 7 has a header with an impossible number of tags
        package 8 has a header with an impossible number of tags
        package `count` has a list of files that is cut off
        package `index` has a file in a directory that is not in its list
        package `large` has more file names than the limit
        package `no-version` has no version
    "#]]
    .assert_eq(&notes);
}

#[test]
fn the_list_of_distroless_images() {
    let manifest = b"mariner-release\t2.0-12.cm2\t1653816591\t1653753130\tMicrosoft Corporation\t(none)\t580\tnoarch\t0\tmariner-release-2.0-12.cm2.src.rpm\nopenssl\t1.1.1k-15.cm2\t1\t1\t(none)\t3\t1\tx86_64\t3\t(none)\nshort\t1\n\n\t\t\t\t\t\t\t\t\t\nnone\t\t\t\t\t\t\t\t\t\n";
    let found = inventory(&[&[
        ("etc/os-release", b"ID=mariner\nVERSION_ID=2.0\n"),
        ("var/lib/rpmmanifest/container-manifest-2", manifest),
    ]]);
    expect![[r#"
        distro mariner Some("2.0")
        pkg:rpm/mariner/mariner-release@2.0-12.cm2?arch=noarch&distro=mariner-2.0&upstream=mariner-release-2.0-12.cm2.src.rpm
          source mariner-release 2.0-12.cm2
          organization Microsoft Corporation; licences []; layer Some(0); Installed
          Database /var/lib/rpmmanifest/container-manifest-2 Some(0)
        pkg:rpm/mariner/none?distro=mariner-2.0
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/rpmmanifest/container-manifest-2 Some(0)
        pkg:rpm/mariner/openssl@1.1.1k-15.cm2?arch=x86_64&distro=mariner-2.0&epoch=3
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/rpmmanifest/container-manifest-2 Some(0)
        note /var/lib/rpmmanifest/container-manifest-2: line 3 is no package
        note /var/lib/rpmmanifest/container-manifest-2: line 5 is no package
        note /var/lib/rpmmanifest/container-manifest-2: line 6 has no version
    "#]].assert_eq(&show(&found));
}

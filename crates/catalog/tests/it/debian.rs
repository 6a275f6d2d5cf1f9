//! Debian's databases.

use expect_test::expect;

use crate::{inventory, show};

const OS_RELEASE: &[u8] = b"ID=debian\nVERSION_ID=\"12\"\n";
const LIBC: &str = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nSource: glibc (2.36-9)\nVersion: 2.36-9+b1\nMaintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>\nHomepage: https://www.gnu.org/software/libc/libc.html\nDescription: GNU C Library\n long text\n";

#[test]
fn status() {
    let libc = LIBC.as_bytes();
    let both = format!(
        "{LIBC}\nPackage: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88\nMaintainer: A Person <a@debian.org>\nPre-Depends: libc6 (>= 2.34)\nDepends: awk, absent | libssl3:any (>= 3) | libc6, curl\n\nPackage: gawk\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1\nProvides: awk (= 1)\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: never\nStatus: unknown ok not-installed\n\nPackage: half\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 2\n"
    );
    let copyright = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: LGPL-2.1+\n\nFiles: x\nLicense: my own\n";
    let found = inventory(&[
        &[
            ("etc/os-release", b"-> ../usr/lib/os-release"),
            ("usr/lib/os-release", OS_RELEASE),
            ("var/lib/dpkg/status", libc),
            ("var/lib/dpkg/info/libc6:amd64.list", b"/.\n/lib\n/lib/libc.so.6\n"),
            ("usr/share/doc/libc6/copyright", copyright),
        ],
        &[
            ("var/lib/dpkg/status", both.as_bytes()),
            ("var/lib/dpkg/info/curl.list", b"/.\n/usr\n/usr/bin\n/usr/bin/curl\n"),
            ("usr/share/doc/curl", b"-> libc6"),
        ],
    ]);
    expect![[r#"
        distro debian Some("12")
        pkg:deb/debian/curl@7.88?arch=amd64&distro=debian-12
          source curl 7.88
          person A Person <a@debian.org>; licences ["LGPL-2.1-or-later", "?my own"]; layer Some(1); Installed
          Database /var/lib/dpkg/status Some(1)
          files /usr/bin/curl
        pkg:deb/debian/gawk@1?arch=amd64&distro=debian-12
          source gawk 1
          nobody; licences []; layer Some(1); Installed
          Database /var/lib/dpkg/status Some(1)
        pkg:deb/debian/half@2?arch=all&distro=debian-12
          source half 2
          nobody; licences []; layer Some(1); Installed
          Database /var/lib/dpkg/status Some(1)
        pkg:deb/debian/libc6@2.36-9%2Bb1?arch=amd64&distro=debian-12
          source glibc 2.36-9
          organization GNU Libc Maintainers <debian-glibc@lists.debian.org>; licences ["LGPL-2.1-or-later", "?my own"]; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(1)
          files /lib/libc.so.6
        curl needs gawk
        curl needs libc6
    "#]]
    .assert_eq(&show(&found));
    assert_eq!(found.packages[3].summary.as_deref(), Some("GNU C Library"));
}

#[test]
fn status_directory() {
    let found = inventory(&[&[
        ("etc/os-release", OS_RELEASE),
        (
            "var/lib/dpkg/status.d/libc6",
            LIBC.replace("Status: install ok installed\n", "").as_bytes(),
        ),
        ("var/lib/dpkg/status.d/libc6.md5sums", b"00  lib/libc.so.6\n"),
        ("var/lib/dpkg/status.d/tzdata", b"Package: tzdata\nVersion: 2024a\nArchitecture: all\n"),
    ]]);
    expect![[r#"
        distro debian Some("12")
        pkg:deb/debian/libc6@2.36-9%2Bb1?arch=amd64&distro=debian-12
          source glibc 2.36-9
          organization GNU Libc Maintainers <debian-glibc@lists.debian.org>; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status.d/libc6 Some(0)
          files /lib/libc.so.6
        pkg:deb/debian/tzdata@2024a?arch=all&distro=debian-12
          source tzdata 2024a
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status.d/tzdata Some(0)
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn both_databases_and_two_architectures() {
    let foreign = LIBC.replace("Architecture: amd64", "Architecture: i386");
    let status =
        format!("{LIBC}\n{foreign}\nPackage: x\nArchitecture: i386\nVersion: 1\nDepends: libc6\n");
    let found = inventory(&[&[
        ("var/lib/dpkg/status", status.as_bytes()),
        ("var/lib/dpkg/status.d/libc6", LIBC.as_bytes()),
    ]]);
    expect![[r#"
        pkg:deb/debian/libc6@2.36-9%2Bb1?arch=amd64
          source glibc 2.36-9
          organization GNU Libc Maintainers <debian-glibc@lists.debian.org>; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
          Database /var/lib/dpkg/status.d/libc6 Some(0)
        pkg:deb/debian/libc6@2.36-9%2Bb1?arch=i386
          source glibc 2.36-9
          organization GNU Libc Maintainers <debian-glibc@lists.debian.org>; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
        pkg:deb/debian/x@1?arch=i386
          source x 1
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
        x needs libc6
    "#]]
    .assert_eq(&show(&found));
    let needed = found.package(found.relations[0].to).unwrap();
    assert_eq!(needed.architecture.as_deref(), Some("i386"));
}

#[test]
fn code_of_other_sources() {
    let found = inventory(&[&[
        ("etc/os-release", OS_RELEASE),
        (
            "var/lib/dpkg/status",
            b"Package: skopeo\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.9.3+ds1-1+b9\nDepends: golang-1.19\nBuilt-Using: golang-1.19 (= 1.19.8-2)\nStatic-Built-Using: golang-1.19 (= 1.19.8-2), golang-dbus (= 5.1.0-1), unknown\n\nPackage: umoci\nStatus: install ok installed\nArchitecture: amd64\nVersion: 0.4.7\nBuilt-Using: golang-1.19 (= 1.19.8-2),\n golang-dbus (= 5.0.0-1)\n",
        ),
    ]]);
    expect![[r#"
        distro debian Some("12")
        pkg:deb/debian/golang-1.19@1.19.8-2?arch=source&distro=debian-12
          source golang-1.19 1.19.8-2
          nobody; licences []; layer Some(0); BuiltFrom
          Database /var/lib/dpkg/status Some(0)
        pkg:deb/debian/golang-dbus@5.0.0-1?arch=source&distro=debian-12
          source golang-dbus 5.0.0-1
          nobody; licences []; layer Some(0); BuiltFrom
          Database /var/lib/dpkg/status Some(0)
        pkg:deb/debian/golang-dbus@5.1.0-1?arch=source&distro=debian-12
          source golang-dbus 5.1.0-1
          nobody; licences []; layer Some(0); BuiltFrom
          Database /var/lib/dpkg/status Some(0)
        pkg:deb/debian/skopeo@1.9.3%2Bds1-1%2Bb9?arch=amd64&distro=debian-12
          source skopeo 1.9.3+ds1-1+b9
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
        pkg:deb/debian/umoci@0.4.7?arch=amd64&distro=debian-12
          source umoci 0.4.7
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
        skopeo is built from golang-1.19
        skopeo is built from golang-dbus
        umoci is built from golang-1.19
        umoci is built from golang-dbus
        note /var/lib/dpkg/status: package `skopeo` names 1 in `Static-Built-Using` without a version, or with a name that is too long
    "#]].assert_eq(&show(&found));
}

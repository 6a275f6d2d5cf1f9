//! Images of OpenWrt and Yocto.

use expect_test::expect;

use crate::{inventory, show};

const STATUS: &[u8] = b"Package: zlib
Version: 1.3.1-r1
Depends: libc
Status: install user installed
Architecture: x86_64
Installed-Time: 1700000000

Package: libc
Version: 1.2.5-r4
Provides: musl
Status: install hold installed
Architecture: x86_64

Package: gone
Version: 1
Status: deinstall user not-installed

Package: left
Version: 1
Status: deinstall ok config-files

";

const CONTROL: &[u8] = b"Package: zlib
Version: 1.3.1-r1
Depends: libc
Source: package/libs/zlib
SourceName: zlib-src
License: Zlib
LicenseFiles: LICENSE
CPE-ID: cpe:/a:gnu:zlib
Maintainer: A Person <a@example.org>
Architecture: x86_64
Description:  Library implementing the deflate compression method
";

#[test]
fn openwrt() {
    let found = inventory(&[
        &[
            ("etc/os-release", b"ID=openwrt\nVERSION_ID=23.05\n"),
            ("usr/lib/opkg/status", STATUS),
            ("usr/lib/opkg/info/libc.list", b"/lib/libc.so\n/lib/ld.so\n"),
            ("lib/libc.so", b"x"),
        ],
        &[
            ("usr/lib/opkg/info/zlib.control", CONTROL),
            ("usr/lib/opkg/info/zlib.list", b"/usr/lib/libz.so.1\t0644\n/usr/lib/\n"),
            ("usr/lib/libz.so.1", b"x"),
        ],
    ]);
    expect![[r#"
        distro openwrt Some("23.05")
        pkg:opkg/openwrt/libc@1.2.5-r4?arch=x86_64&distro=openwrt-23.05
          source libc 1.2.5-r4
          nobody; licences []; layer Some(0); Installed
          Database /usr/lib/opkg/status Some(0)
          files /lib/libc.so /lib/ld.so
        pkg:opkg/openwrt/zlib@1.3.1-r1?arch=x86_64&distro=openwrt-23.05&upstream=zlib-src
          source zlib-src 1.3.1-r1
          person A Person <a@example.org>; licences ["Zlib"]; layer Some(1); Installed
          Database /usr/lib/opkg/info/zlib.control Some(1)
          Database /usr/lib/opkg/status Some(0)
          files /usr/lib/libz.so.1
        zlib needs libc
    "#]]
    .assert_eq(&show(&found));
    let zlib = found.packages.iter().find(|package| package.name == "zlib").unwrap();
    assert_eq!(zlib.cpes, ["cpe:2.3:a:gnu:zlib:1.3.1:*:*:*:*:*:*:*"]);
}

#[test]
fn yocto_and_lies() {
    let found = inventory(&[&[
        (
            "var/lib/opkg/status",
            b"Package: a\nStatus: install ok installed\n\nVersion: 1\n\njunk\nPackage: ../x\n",
        ),
        ("var/lib/opkg/info/b.control", b"Package: b\nVersion: 1"),
    ]]);
    expect![[r#"
        pkg:opkg/a
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/opkg/status Some(0)
        pkg:opkg/b@1
          source b 1
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/opkg/info/b.control Some(0)
        note /var/lib/opkg/status: line 6 is no field
        note /var/lib/opkg/status: package 2 has no name
        note /var/lib/opkg/status: package 3 has a name that cannot be
        note /var/lib/opkg/status: package `a` has no version
    "#]]
    .assert_eq(&show(&found));
    for end in 0..CONTROL.len() {
        inventory(&[&[("var/lib/opkg/info/b.control", &CONTROL[..end])]]);
    }
}

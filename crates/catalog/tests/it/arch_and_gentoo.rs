//! Images of Arch Linux and Gentoo.

use expect_test::expect;

use crate::{inventory, show};

const BASH: &str = "%NAME%\nbash\n\n%VERSION%\n5.2.037-1\n\n%BASE%\nbash-base\n\n%DESC%\nThe GNU Bourne Again shell\n\n%URL%\nhttps://www.gnu.org/software/bash/bash.html\n\n%ARCH%\nx86_64\n\n%PACKAGER%\nA Person <a@archlinux.org>\n\n%LICENSE%\nGPL-3.0-or-later\ncustom:x\n\n%DEPENDS%\nreadline>=7.0\nglibc\nsh\n\n%PROVIDES%\nsh\n\n";

#[test]
fn pacman() {
    let found = inventory(&[
        &[
            ("etc/os-release", b"ID=arch\n"),
            ("var/lib/pacman/local/glibc-2.40-1/desc", b"%NAME%\nglibc\n\n%VERSION%\n1:2.40-1\n\n"),
        ],
        &[
            ("var/lib/pacman/local/bash-5.2.037-1/desc", BASH.as_bytes()),
            (
                "var/lib/pacman/local/bash-5.2.037-1/files",
                b"%FILES%\nusr/\nusr/bin/\nusr/bin/bash\n\n%BACKUP%\netc/bash.bashrc\t0\n",
            ),
            ("var/lib/pacman/local/cut-1/desc", b"%NAME%\ncut\n\njunk\n%VERSION%"),
            ("var/lib/pacman/local/none-1/desc", b""),
        ],
    ]);
    expect![[r#"
        distro arch None
        pkg:alpm/arch/bash@5.2.037-1?arch=x86_64&distro=arch&upstream=bash-base
          source bash-base 5.2.037-1
          person A Person <a@archlinux.org>; licences ["GPL-3.0-or-later", "?custom:x"]; layer Some(1); Installed
          Database /var/lib/pacman/local/bash-5.2.037-1/desc Some(1)
          files /usr/bin/bash
        pkg:alpm/arch/cut?distro=arch
          nobody; licences []; layer Some(1); Installed
          Database /var/lib/pacman/local/cut-1/desc Some(1)
        pkg:alpm/arch/glibc@1:2.40-1?distro=arch
          source glibc 1:2.40-1
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/pacman/local/glibc-2.40-1/desc Some(0)
        bash needs glibc
        note /var/lib/pacman/local/cut-1/desc: it has lines that belong to no field or are beyond the limit
        note /var/lib/pacman/local/cut-1/desc: package `cut` has no version
        note /var/lib/pacman/local/cut-1/desc: the last field has no end, the file may be cut off
        note /var/lib/pacman/local/none-1/desc: it has no name
        note /var/lib/pacman/local/none-1/desc: the last field has no end, the file may be cut off
    "#]].assert_eq(&show(&found));
}

#[test]
fn pacman_needs_of_all_kinds() {
    let desc =
        |name: &str, more: &str| format!("%NAME%\n{name}\n\n%VERSION%\n1-1\n\n{more}").into_bytes();
    let needs =
        "%DEPENDS%\nb>=1:2\nlibc.so=6-64\nlib:libd.so.1\nabsent\na\n\n%OPTDEPENDS%\ne: for x\n\n";
    let found = inventory(&[&[
        ("var/lib/pacman/local/a-1-1/desc", &desc("a", needs)),
        ("var/lib/pacman/local/b-1-1/desc", &desc("b", "")),
        ("var/lib/pacman/local/c-1-1/desc", &desc("c", "%PROVIDES%\nlibc.so=6-64\n\n")),
        ("var/lib/pacman/local/d-1-1/desc", &desc("d", "%PROVIDES%\nlib:libd.so.1\n\n")),
        ("var/lib/pacman/local/e-1-1/desc", &desc("e", "%PROVIDES%\nlib:libe.so.1\n\n")),
    ]]);
    let name = |id| found.package(id).unwrap().name.as_str();
    let needs: Vec<String> = found
        .relations
        .iter()
        .map(|relation| format!("{}{}", name(relation.from), name(relation.to)))
        .collect();
    assert_eq!(needs, ["ab", "ac", "ad"]);
    assert_eq!(found.notes, []);
}

#[test]
fn pacman_cut_off_anywhere() {
    for end in 0..BASH.len() {
        let found = inventory(&[&[("var/lib/pacman/local/bash-1/desc", &BASH.as_bytes()[..end])]]);
        let is_whole = BASH[..end].ends_with("\n\n");
        assert!(is_whole || !found.notes.is_empty(), "cut off at {end}");
    }
}

#[test]
fn portage() {
    let folder = "var/db/pkg/app-shells/bash-5.2_p26-r6";
    let path = |name: &str| format!("{folder}/{name}");
    let found = inventory(&[&[
        ("etc/os-release", b"ID=gentoo\nVERSION_ID=\"2.17\"\n"),
        (
            &path("CONTENTS"),
            b"dir /bin\nobj /bin/a file d41d8cd98f00b204e9800998ecf8427e 1700000000\nsym /bin/sh -> bash 1700000000\nobj short\n",
        ),
        (&path("LICENSE"), b"GPL-3+ ssl? ( openssl ) !ssl? ( all-rights-reserved )\n"),
        (&path("USE"), b"amd64 ssl\n"),
        (&path("SLOT"), b"5/5.2\n"),
        (&path("repository"), b"gentoo\n"),
        (&path("PDEPEND"), b"ssl? ( sys-libs/nothing )\n"),
        (&path("HOMEPAGE"), b"https://a.example/ https://b.example/\n"),
        (&path("DESCRIPTION"), b"The standard GNU Bourne again shell\n"),
        (&path("RDEPEND"), b">=sys-libs/ncurses-5.2-r2:0= || ( sys-libs/absent sys-libs/readline )\n"),
        ("var/db/pkg/sys-libs/ncurses-6.4/CONTENTS", b""),
        ("var/db/pkg/sys-libs/readline-8.2/CONTENTS", b""),
        ("var/db/pkg/sys-libs/-MERGING-x-1/CONTENTS", b""),
        ("var/db/pkg/sys-libs/nothing/CONTENTS", b""),
    ]]);
    expect![[r#"
        distro gentoo Some("2.17")
        pkg:ebuild/app-shells/bash@5.2_p26-r6?repository=gentoo&slot=5%2F5.2
          source app-shells/bash 5.2_p26-r6
          organization Gentoo; licences ["GPL-3.0-or-later AND OpenSSL"]; layer Some(0); Installed
          Database /var/db/pkg/app-shells/bash-5.2_p26-r6/CONTENTS Some(0)
          files /bin/a file /bin/sh
        pkg:ebuild/sys-libs/ncurses@6.4
          source sys-libs/ncurses 6.4
          nobody; licences []; layer Some(0); Installed
          Database /var/db/pkg/sys-libs/ncurses-6.4/CONTENTS Some(0)
        pkg:ebuild/sys-libs/nothing
          nobody; licences []; layer Some(0); Installed
          Database /var/db/pkg/sys-libs/nothing/CONTENTS Some(0)
        pkg:ebuild/sys-libs/readline@8.2
          source sys-libs/readline 8.2
          nobody; licences []; layer Some(0); Installed
          Database /var/db/pkg/sys-libs/readline-8.2/CONTENTS Some(0)
        app-shells/bash needs sys-libs/ncurses
        app-shells/bash needs sys-libs/nothing
        app-shells/bash needs sys-libs/readline
        note /var/db/pkg/app-shells/bash-5.2_p26-r6/CONTENTS: 1 lines could not be read as files
        note /var/db/pkg/sys-libs/-MERGING-x-1/CONTENTS: a package that is half installed is left out
        note /var/db/pkg/sys-libs/nothing/CONTENTS: package `nothing` has no version
    "#]].assert_eq(&show(&found));
}

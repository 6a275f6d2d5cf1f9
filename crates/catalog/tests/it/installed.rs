//! What package managers of languages have installed.

use expect_test::expect;

use crate::{File, inventory, show};

// Cut off anywhere, nothing breaks.
fn cut(files: &[File<'_>]) {
    for (path, content) in files {
        for end in 0..content.len() {
            inventory(&[&[(path, &content[..end])]]);
        }
    }
}

#[test]
fn r_packages() {
    let files: &[File<'_>] = &[
        ("usr/lib/R/site-library/digest/DESCRIPTION", b"Package: digest\nAuthor: D E\n <d@x>\nVersion: 0.6.31\nMaintainer: D E <d@x>\nTitle: Create Compact\n  Hashes\nURL: https://a, https://b\nLicense: GPL (>= 2)\nDepends: R (>= 3.3.0)\nImports: utils, methods (>= 1)\nLinkingTo: Rcpp\nBuilt: R 4.2.2; x86_64; 2022-12-12; unix\n"),
        ("usr/lib/R/library/utils/DESCRIPTION", b"Package: utils\nVersion: 4.2.2\nPriority: base\nLicense: Part of R 4.2.2\nBuilt: R 4.2.2; x86_64-pc-linux-gnu\n"),
        ("usr/lib/R/library/B/DESCRIPTION", b"Package: B\nVersion: 1\nLicense: MIT + file LICENSE\ngit_url: https://git.bioconductor.org/packages/B\nBuilt: R 4.2.2\n"),
        ("src/pkg/DESCRIPTION", b"Package: source\nVersion: 1\n"),
        ("usr/share/octave/DESCRIPTION", b"Name: struct\nBuilt: no\n"),
    ];
    expect![[r#"
        pkg:bioconductor/B@1
          nobody; licences ["MIT"]; layer Some(0); Installed
          Database /usr/lib/R/library/B/DESCRIPTION Some(0)
        pkg:cran/digest@0.6.31
          person D E <d@x>; licences ["GPL-2.0-or-later"]; layer Some(0); Installed
          Database /usr/lib/R/site-library/digest/DESCRIPTION Some(0)
        pkg:cran/utils@4.2.2
          nobody; licences ["GPL-2.0-only OR GPL-3.0-only"]; layer Some(0); Installed
          Database /usr/lib/R/library/utils/DESCRIPTION Some(0)
        digest needs utils
    "#]]
    .assert_eq(&show(&inventory(&[files])));
    cut(files);
}

#[test]
fn perl_distributions() {
    let home = "usr/local/lib/perl5/site_perl/5.36.0/x86_64-linux-gnu";
    let install = br#"{"name":"LWP","version":"6.67","dist":"libwww-perl-6.67","pathname":"O/OA/OALDERS/libwww-perl-6.67.tar.gz","provides":{"LWP":{"file":"lib/LWP.pm"},"LWP::UserAgent":{}}}"#;
    let meta = br#"{"name":"libwww-perl","license":["perl_5"],"abstract":"The Web","prereqs":{"runtime":{"requires":{"perl":"5.8","Try::Tiny":"0"}}}}"#;
    let local = b"=head2 Mon: C<Module> L<Try::Tiny|Try::Tiny>\n\n=over 4\n\n=item *\n\nC<VERSION: 0.31>\n\n=head2 Mon: C<Module> L<X|X>\n\nC<VERSION: 9>\n";
    let path = |rest: &str| format!("{home}/{rest}");
    let paths = [
        path(".meta/libwww-perl-6.67/install.json"),
        path(".meta/libwww-perl-6.67/MYMETA.json"),
        path("auto/LWP/.packlist"),
        path("auto/Try/Tiny/.packlist"),
        "usr/local/lib/perl5/5.36.0/x86_64-linux-gnu/perllocal.pod".to_owned(),
        "usr/local/lib/perl5/5.36.0/x86_64-linux-gnu/.packlist".to_owned(),
    ];
    let contents: [&[u8]; 6] = [install, meta, b"/a\n", b"/b\n", local, b"/c\n"];
    let files: Vec<File<'_>> = paths.iter().map(String::as_str).zip(contents).collect();
    expect![[r#"
        pkg:cpan/Try-Tiny@0.31
          nobody; licences []; layer Some(0); Installed
          Database /usr/local/lib/perl5/site_perl/5.36.0/x86_64-linux-gnu/auto/Try/Tiny/.packlist Some(0)
        pkg:cpan/OALDERS/libwww-perl@6.67
          nobody; licences ["Artistic-1.0-Perl OR GPL-1.0-or-later"]; layer Some(0); Installed
          Database /usr/local/lib/perl5/site_perl/5.36.0/x86_64-linux-gnu/.meta/libwww-perl-6.67/install.json Some(0)
        libwww-perl needs Try-Tiny
    "#]]
    .assert_eq(&show(&inventory(&[&files])));
    cut(&files);
    // Right below the root there is no folder before it.
    let found = inventory(&[&[("auto/A/.packlist", b"x"), (".meta/install.json", b"{}")]]);
    assert_eq!(found.packages.len(), 1, "{}", show(&found));
}

#[test]
fn packages_of_languages() {
    let files: &[File<'_>] = &[
        ("usr/local/lib/luarocks/rocks-5.3/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec", b"package = \"LPeg\"\nversion = \"1.0.2-1\"\ndescription = {license = \"MIT/X11\"}\ndependencies = {\"lua >= 5.1\"}"),
        ("src/own-1.rockspec", b"package = \"own\" version = \"1-1\""),
        ("root/.pub-cache/hosted/pub.dev/args-2.4.2/pubspec.yaml", b"name: args\nversion: 2.4.2\n"),
        ("root/.julia/packages/JSON/93Ea8/Project.toml", b"name = \"JSON\"\nuuid = \"682c06a0-de6a-54ab-a142-c8b1cf79cde6\"\nversion = \"0.21.4\"\n"),
        ("usr/share/julia/stdlib/v1.8/Dates/Project.toml", b"name = \"Dates\"\nuuid = \"ade2ca70-3891-5945-98fb-dc099432e06a\"\n"),
        ("home/o/.opam/default/.opam-switch/packages/base.v0.14.0/opam", b"opam-version: \"2.0\"\nlicense: \"MIT\"\ndepends: [\"dune\" {build}]\n"),
        ("home/o/.opam/repo/default/packages/never/never.1/opam", b"opam-version: \"2.0\"\n"),
        ("root/.conan/data/zlib/1.2.11/_/_/package/abc/conaninfo.txt", b"[full_requires]\n    m4/1.4:x\n"),
        ("root/.conan/data/m4/1.4/_/_/package/abc/conaninfo.txt", b"[settings]\n    os=Linux\n"),
        ("var/lib/ghc/package.conf.d/text-1.2.5.0.conf", b"name: text\nversion: 1.2.5.0\nid: text-1.2.5.0-abc\nlicense: BSD-2-Clause\ndepends:\n    base-4.15-x array-0.5\n"),
        ("var/lib/ghc/package.conf.d/base-4.15.conf", b"name: base\nversion: 4.15\nid: base-4.15-x\n"),
        ("var/lib/ghc/package.conf.d/rts.conf", b"name: rts\nversion: 1.0\nid: rts\n"),
        ("root/.local/share/swi-prolog/pack/func/pack.pl", b"name(func).\nversion('0.3').\n"),
    ];
    expect![[r#"
        pkg:luarocks/lpeg@1.0.2-1
          nobody; licences ["MIT"]; layer Some(0); Installed
          Database /usr/local/lib/luarocks/rocks-5.3/lpeg/1.0.2-1/lpeg-1.0.2-1.rockspec Some(0)
        pkg:luarocks/own@1-1
          nobody; licences []; layer Some(0); Declared
          LockFile /src/own-1.rockspec Some(0)
        pkg:pub/args@2.4.2
          nobody; licences []; layer Some(0); Installed
          Database /root/.pub-cache/hosted/pub.dev/args-2.4.2/pubspec.yaml Some(0)
        pkg:conan/m4@1.4
          nobody; licences []; layer Some(0); Installed
          Database /root/.conan/data/m4/1.4/_/_/package/abc/conaninfo.txt Some(0)
        pkg:conan/zlib@1.2.11
          nobody; licences []; layer Some(0); Installed
          Database /root/.conan/data/zlib/1.2.11/_/_/package/abc/conaninfo.txt Some(0)
        pkg:hackage/base@4.15
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/ghc/package.conf.d/base-4.15.conf Some(0)
        pkg:hackage/text@1.2.5.0
          nobody; licences ["BSD-2-Clause"]; layer Some(0); Installed
          Database /var/lib/ghc/package.conf.d/text-1.2.5.0.conf Some(0)
        pkg:julia/JSON@0.21.4?uuid=682c06a0-de6a-54ab-a142-c8b1cf79cde6
          nobody; licences []; layer Some(0); Installed
          Database /root/.julia/packages/JSON/93Ea8/Project.toml Some(0)
        pkg:opam/base@v0.14.0
          nobody; licences ["MIT"]; layer Some(0); Installed
          Database /home/o/.opam/default/.opam-switch/packages/base.v0.14.0/opam Some(0)
        pkg:generic/func@0.3
          nobody; licences []; layer Some(0); Installed
          Database /root/.local/share/swi-prolog/pack/func/pack.pl Some(0)
        zlib needs m4
        text needs base
    "#]]
    .assert_eq(&show(&inventory(&[files])));
    cut(files);
}

#[test]
fn vcpkg() {
    let status = b"Package: zlib\nVersion: 1.2.13\nPort-Version: 2\nArchitecture: x64-linux\nStatus: install ok installed\n\nPackage: fmt\nVersion: 9\nDepends: zlib:x64-linux, zlib[core]\nArchitecture: x64-linux\nStatus: install ok installed\n\nPackage: fmt\nFeature: core\nStatus: install ok installed\n";
    let update = b"Package: fmt\nVersion: 10\nDepends: zlib\nArchitecture: x64-linux\nStatus: install ok installed\n\nPackage: gone\nVersion: 1\nStatus: purge ok not-installed\n";
    let files: &[File<'_>] = &[
        ("opt/vcpkg/installed/vcpkg/status", status),
        ("opt/vcpkg/installed/vcpkg/updates/0000000001", update),
        (
            "new/installed/vcpkg/updates/0000000001",
            b"Package: a\nVersion: 1\nStatus: install ok half-installed\n",
        ),
        (
            "new/installed/vcpkg/updates/0000000002",
            b"Package: a\nVersion: 1\nStatus: install ok installed\n",
        ),
    ];
    expect![[r#"
        pkg:vcpkg/a@1
          nobody; licences []; layer Some(0); Installed
          Database /new/installed/vcpkg/updates/0000000001 Some(0)
        pkg:vcpkg/fmt@10?triplet=x64-linux
          nobody; licences []; layer Some(0); Installed
          Database /opt/vcpkg/installed/vcpkg/status Some(0)
        pkg:vcpkg/zlib@1.2.13%232?triplet=x64-linux
          nobody; licences []; layer Some(0); Installed
          Database /opt/vcpkg/installed/vcpkg/status Some(0)
        fmt needs zlib
    "#]]
    .assert_eq(&show(&inventory(&[files])));
    cut(files);
}

//! Python's installed packages.

use expect_test::expect;

use crate::{inventory, show};

const SITE: &str = "usr/local/lib/python3.11/site-packages";

#[test]
fn wheels() {
    let path = |rest: &str| format!("{SITE}/{rest}");
    let flask = b"Metadata-Version: 2.1\nName: Flask\nVersion: 2.2.2\nSummary: A framework\nHome-page: https://palletsprojects.com/p/flask\nAuthor: Armin Ronacher\nAuthor-email: armin@example.org\nLicense: BSD-3-Clause\nRequires-Dist: Werkzeug (>=2.2.2)\nRequires-Dist: importlib-metadata (>=3.6.0) ; python_version < \"3.10\"\nRequires-Dist: asgiref (>=3.2) ; extra == 'async'\nProvides-Extra: async\n\nNot: a field\n";
    let record = b"../../../bin/flask,sha256=x,1\nflask/__init__.py,,\n";
    let found = inventory(&[
        &[("etc/hostname", b"x")],
        &[
            (&path("Flask-2.2.2.dist-info/METADATA"), flask),
            (&path("Flask-2.2.2.dist-info/RECORD"), record),
            (&path("werkzeug-3.0.dist-info/METADATA"), b"Name: werkzeug\nVersion: 3.0\n"),
            (&path("asgiref-3.dist-info/METADATA"), b"Name: asgiref\nVersion: 3\n"),
            (
                &path("importlib_metadata-8.dist-info/METADATA"),
                b"Name: importlib_metadata\nVersion: 8\n",
            ),
            (&path("setuptools/_vendor/x.dist-info/METADATA"), b"Name: x\n"),
            (&path("Empty.dist-info/METADATA"), b""),
        ],
    ]);
    expect![[r#"
        pkg:pypi/flask@2.2.2
          person Armin Ronacher <armin@example.org>; licences ["BSD-3-Clause"]; layer Some(1); Installed
          Manifest /usr/local/lib/python3.11/site-packages/Flask-2.2.2.dist-info/METADATA Some(1)
          files /usr/local/bin/flask /usr/local/lib/python3.11/site-packages/flask/__init__.py
        pkg:pypi/asgiref@3
          nobody; licences []; layer Some(1); Installed
          Manifest /usr/local/lib/python3.11/site-packages/asgiref-3.dist-info/METADATA Some(1)
        pkg:pypi/importlib-metadata@8
          nobody; licences []; layer Some(1); Installed
          Manifest /usr/local/lib/python3.11/site-packages/importlib_metadata-8.dist-info/METADATA Some(1)
        pkg:pypi/werkzeug@3.0
          nobody; licences []; layer Some(1); Installed
          Manifest /usr/local/lib/python3.11/site-packages/werkzeug-3.0.dist-info/METADATA Some(1)
        pkg:pypi/x
          nobody; licences []; layer Some(1); Embedded
          Manifest /usr/local/lib/python3.11/site-packages/setuptools/_vendor/x.dist-info/METADATA Some(1)
        Flask needs werkzeug
        note /usr/local/lib/python3.11/site-packages/Empty.dist-info/METADATA: it has no name
        note /usr/local/lib/python3.11/site-packages/setuptools/_vendor/x.dist-info/METADATA: package `x` has no version
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn eggs() {
    let found = inventory(&[&[
        ("opt/a.egg-info/PKG-INFO", b"Name: a\nVersion: UNKNOWN\nLicense: UNKNOWN\n"),
        ("opt/a.egg-info/requires.txt", b"b.c>=1\n\n[test]\nd\n"),
        ("opt/b_c.egg-info", b"Name: b-c\nVersion: 1\n"),
        ("opt/d.egg-info", b"Name: d\nVersion: 1\n"),
    ]]);
    expect![[r#"
        pkg:pypi/a
          nobody; licences []; layer Some(0); Installed
          Manifest /opt/a.egg-info/PKG-INFO Some(0)
        pkg:pypi/b-c@1
          nobody; licences []; layer Some(0); Installed
          Manifest /opt/b_c.egg-info Some(0)
        pkg:pypi/d@1
          nobody; licences []; layer Some(0); Installed
          Manifest /opt/d.egg-info Some(0)
        a needs b-c
        note /opt/a.egg-info/PKG-INFO: package `a` has no version
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn what_a_debian_package_brought_is_owned_by_it() {
    let status = b"Package: python3-six\nArchitecture: all\nVersion: 1.16.0-4\n\nPackage: python3-old\nArchitecture: all\nVersion: 1\n";
    let found = inventory(&[&[
        ("lib", b"-> usr/lib"),
        ("var/lib/dpkg/status", status),
        (
            "var/lib/dpkg/info/python3-six.list",
            b"/usr/lib/python3/dist-packages/six.egg-info\n/usr/lib/python3/dist-packages/six.egg-info/PKG-INFO\n",
        ),
        ("var/lib/dpkg/info/python3-old.list", b"/lib/python3/dist-packages/old-1.dist-info/METADATA\n"),
        ("usr/lib/python3/dist-packages/six.egg-info/PKG-INFO", b"Name: six\nVersion: 1.16.0\n"),
        ("usr/lib/python3/dist-packages/old-1.dist-info/METADATA", b"Name: old\nVersion: 1\n"),
        ("usr/local/lib/python3.11/site-packages/six-1.dist-info/METADATA", b"Name: six\nVersion: 1.17\n"),
    ]]);
    expect![[r#"
        pkg:deb/debian/python3-old@1?arch=all
          source python3-old 1
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
          files /lib/python3/dist-packages/old-1.dist-info/METADATA
        pkg:deb/debian/python3-six@1.16.0-4?arch=all
          source python3-six 1.16.0-4
          nobody; licences []; layer Some(0); Installed
          Database /var/lib/dpkg/status Some(0)
          files /usr/lib/python3/dist-packages/six.egg-info/PKG-INFO
        pkg:pypi/old@1
          nobody; licences []; layer Some(0); Installed
          Manifest /usr/lib/python3/dist-packages/old-1.dist-info/METADATA Some(0)
        pkg:pypi/six@1.16.0
          nobody; licences []; layer Some(0); Installed
          Manifest /usr/lib/python3/dist-packages/six.egg-info/PKG-INFO Some(0)
        pkg:pypi/six@1.17
          nobody; licences []; layer Some(0); Installed
          Manifest /usr/local/lib/python3.11/site-packages/six-1.dist-info/METADATA Some(0)
        old is owned by python3-old
        six is owned by python3-six
    "#]]
    .assert_eq(&show(&found));
    assert_eq!(found.components().count(), 3);
}

//! Python's lock files and requirements, and Conda's environments.

use expect_test::expect;

use crate::{inventory, show};

const POETRY: &str = r#"
[[package]]
name = "Flask"
version = "2.3.2"
description = "A framework"
optional = false
files = [
    {file = "flask-2.3.2-py3-none-any.whl", hash = "sha256:77fd4e1249d8c9923de34907236b747ced06e5467ecac1a7bb7115ae0e9670b0"},
    {file = "flask-2.3.2.tar.gz", hash = "sha256:8c2f9abd47a9e8df7f0c3f091ce9497d011dc3b31effcf4c85a6e2b50f4114ef"},
]

[package.dependencies]
click = ">=8.1.3"
importlib-metadata = {version = ">=3.6.0", markers = "sys_platform == 'win32'"}
Werkzeug = [
    {version = ">=2", markers = "sys_platform == 'win32'"},
    {version = ">=3", markers = "sys_platform != 'win32'"},
]
asgiref = {version = "*", optional = true}

[[package]]
name = "werkzeug"
version = "3.0.0"
files = [{file = "werkzeug-3.0.0-py3-none-any.whl", hash = "sha256:77fd4e1249d8c9923de34907236b747ced06e5467ecac1a7bb7115ae0e9670b0"}]

[[package]]
name = "click"
version = "8.1.3"

[package.source]
type = "git"
url = "https://github.com/pallets/click"

[[package]]
name = "own"
version = "0.1"

[package.source]
type = "directory"
url = "../own"
"#;

const PDM: &str = r#"
[metadata]
lock_version = "4.5.0"

[[package]]
name = "flask"
version = "2.3.2"
dependencies = ["Werkzeug>=2", "click>=8.1.3", "importlib-metadata>=3.6.0; sys_platform == \"win32\""]

[[package]]
name = "flask"
version = "2.3.2"
extras = ["async"]
dependencies = ["flask==2.3.2"]

[[package]]
name = "werkzeug"
version = "3.0.0"

[[package]]
name = "click"
version = "8.1.3"
"#;

const UV: &str = r#"
version = 1
revision = 3

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "flask", extra = ["more"] }]

[[package]]
name = "flask"
version = "2.3.2"
source = { registry = "https://pypi.org/simple" }
dependencies = [
    { name = "importlib-metadata", marker = "sys_platform == 'win32'" },
    { name = "werkzeug" },
]

[package.optional-dependencies]
more = [{ name = "click" }]
other = [{ name = "blinker" }]

[[package]]
name = "werkzeug"
version = "3.0.0"

[[package]]
name = "click"
version = "8.1.3"
"#;

const PYLOCK: &str = r#"
lock-version = "1.0"

[[packages]]
name = "flask"
version = "2.3.2"
dependencies = [{name = "werkzeug"}, {name = "click"}]

[[packages]]
name = "werkzeug"
version = "3.0.0"
wheels = [{ url = "https://example.org/w.whl", hashes = { sha256 = "77fd4e1249d8c9923de34907236b747ced06e5467ecac1a7bb7115ae0e9670b0" } }]

[[packages]]
name = "click"
version = "8.1.3"
"#;

const LOCKS: [(&str, &str); 5] = [
    ("app/poetry.lock", POETRY),
    ("app/pdm.lock", PDM),
    ("app/uv.lock", UV),
    ("app/run.py.lock", UV),
    ("app/pylock.toml", PYLOCK),
];

#[test]
fn all_say_the_same() {
    for (path, lock) in LOCKS {
        let found = inventory(&[&[(path, lock.as_bytes())]]);
        let purls: Vec<String> = found.packages.iter().map(|it| it.purl.to_string()).collect();
        let mut sorted = purls.clone();
        sorted.sort();
        let expected = ["pkg:pypi/click@8.1.3", "pkg:pypi/flask@2.3.2", "pkg:pypi/werkzeug@3.0.0"];
        assert_eq!(sorted, expected, "{path}");
        let edge =
            |it: &sealift_model::Relation| format!("{} {}", purls[it.from.0], purls[it.to.0]);
        let mut edges: Vec<String> = found.relations.iter().map(edge).collect();
        edges.sort();
        let expected = expected.map(|needed| format!("pkg:pypi/flask@2.3.2 {needed}"));
        assert_eq!(edges, [&expected[0][..], &expected[2][..]], "{path}");
        let hashes = &found.packages.iter().find(|it| it.name == "werkzeug").unwrap().hashes;
        assert_eq!(hashes.len(), usize::from([POETRY, PYLOCK].contains(&lock)));
        assert!(found.notes.is_empty());
    }
}

#[test]
fn what_is_installed_is_no_second_package() {
    for (path, lock) in LOCKS {
        let found = inventory(&[&[
            (path, lock.as_bytes()),
            ("srv/requirements.txt", b"click\nFlask==2.3.2\nwerkzeug==2.0\n"),
            (
                "usr/lib/python3.11/site-packages/flask-2.3.2.dist-info/METADATA",
                b"Name: Flask\nVersion: 2.3.2\n",
            ),
            (
                "usr/lib/python3.11/site-packages/click-8.1.3.dist-info/METADATA",
                b"Name: click\nVersion: 8.1.3\n",
            ),
        ]]);
        let shown: Vec<String> =
            found.packages.iter().map(|it| format!("{} {:?}", it.purl, it.scope)).collect();
        let expected = [
            "pkg:pypi/flask@2.3.2 Installed",
            "pkg:pypi/click@8.1.3 Installed",
            "pkg:pypi/werkzeug@2.0 Declared",
            "pkg:pypi/werkzeug@3.0.0 Declared",
        ];
        assert_eq!(shown, expected, "{path}");
        assert_eq!(found.relations.len(), 2);
    }
}

#[test]
fn pipenv() {
    let lock = br#"{"_meta":{"hash":{"sha256":"x"}},"default":{"flask":{"version":"==2.3.2","hashes":["sha256:77fd4e1249d8c9923de34907236b747ced06e5467ecac1a7bb7115ae0e9670b0"]},
        "own":{"path":".","editable":true},"x":{"git":"https://example.org/x","ref":"1"}},"develop":{"pytest":{"version":"==7.4.4"}}}"#;
    expect![[r#"
        pkg:pypi/flask@2.3.2
          nobody; licences []; layer Some(0); Declared
          LockFile /app/Pipfile.lock Some(0)
        pkg:pypi/pytest@7.4.4
          nobody; licences []; layer Some(0); Declared
          LockFile /app/Pipfile.lock Some(0)
        pkg:pypi/x
          nobody; licences []; layer Some(0); Declared
          LockFile /app/Pipfile.lock Some(0)
    "#]]
    .assert_eq(&show(&inventory(&[&[("app/Pipfile.lock", lock)]])));
}

#[test]
fn requirements() {
    let text = b"\xef\xbb\xbf# comment\n-r base.txt\n--index-url https://example.org/simple\nFlask[async]==2.3.2 ; python_version >= '3.8' \\\n    --hash=sha256:77fd4e1249d8c9923de34907236b747ced06e5467ecac1a7bb7115ae0e9670b0\nrequests>=2.0  # any\npywin32==306; sys_platform == 'win32'\nx @ https://example.org/x.zip\nhttps://example.org/y-1.2-py3-none-any.whl#sha256=0\n./local\ngit+https://example.org/z.git@main#egg=z\nw==1.*\n-e .\nb===1.0\n";
    let found = inventory(&[&[
        ("srv/requirements-dev.txt", text),
        ("srv/other-requirements.txt", b"c==1\n"),
        ("usr/share/doc/x/requirements.txt", b"d==1\n"),
        ("x/tests/fixtures/requirements.txt", b"e==1\n"),
        ("srv/requirements.txt", b"\xff\xfef\0"),
    ]]);
    expect![[r#"
        pkg:pypi/flask@2.3.2
          nobody; licences []; layer Some(0); Declared
          LockFile /srv/requirements-dev.txt Some(0)
        pkg:pypi/b@1.0
          nobody; licences []; layer Some(0); Declared
          LockFile /srv/requirements-dev.txt Some(0)
        pkg:pypi/c@1
          nobody; licences []; layer Some(0); Declared
          LockFile /srv/other-requirements.txt Some(0)
        pkg:pypi/e@1
          nobody; licences []; layer Some(0); TestData
          LockFile /x/tests/fixtures/requirements.txt Some(0)
        pkg:pypi/requests
          nobody; licences []; layer Some(0); Declared
          LockFile /srv/requirements-dev.txt Some(0)
        pkg:pypi/w
          nobody; licences []; layer Some(0); Declared
          LockFile /srv/requirements-dev.txt Some(0)
        pkg:pypi/x
          nobody; licences []; layer Some(0); Declared
          LockFile /srv/requirements-dev.txt Some(0)
        pkg:pypi/y@1.2
          nobody; licences []; layer Some(0); Declared
          LockFile /srv/requirements-dev.txt Some(0)
        note /srv/requirements.txt: it is not UTF-8
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn conda() {
    let numpy = br#"{"name":"numpy","version":"1.26.4","build":"py311_0","channel":"https://conda.anaconda.org/conda-forge/linux-64","subdir":"linux-64",
        "license":"BSD-3-Clause","depends":["libblas >=3.9,<4.0a0","python >=3.11"],"url":"https://conda.anaconda.org/conda-forge/linux-64/numpy-1.26.4-py311_0.conda",
        "sha256":"77fd4e1249d8c9923de34907236b747ced06e5467ecac1a7bb7115ae0e9670b0",
        "files":["lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA","../../etc/passwd"]}"#;
    let found = inventory(&[&[
        ("opt/conda/conda-meta/numpy-1.26.4-py311_0.json", numpy),
        ("opt/conda/conda-meta/python-3.11.7-0.json", br#"{"name":"python","version":"3.11.7","channel":"pkgs/main","depends":["openssl"],"files":["bin/python"]}"#),
        ("opt/conda/conda-meta/state", b""),
        ("opt/conda/conda-meta/broken.json", b"{"),
        ("opt/conda/lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA", b"Name: numpy\nVersion: 1.26.4\n"),
    ]]);
    expect![[r#"
        pkg:pypi/numpy@1.26.4
          nobody; licences []; layer Some(0); Installed
          Manifest /opt/conda/lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA Some(0)
        pkg:conda/numpy@1.26.4?build=py311_0&channel=conda-forge&subdir=linux-64
          nobody; licences ["BSD-3-Clause"]; layer Some(0); Installed
          Database /opt/conda/conda-meta/numpy-1.26.4-py311_0.json Some(0)
          files /opt/conda/lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA
        pkg:conda/python@3.11.7?channel=main
          nobody; licences []; layer Some(0); Installed
          Database /opt/conda/conda-meta/python-3.11.7-0.json Some(0)
          files /opt/conda/bin/python
        numpy needs python
        numpy is owned by numpy
        note /opt/conda/conda-meta/broken.json: it is no record of a package: EOF while parsing an object at line 1 column 1
    "#]]
    .assert_eq(&show(&found));
    assert_eq!(found.components().count(), 2);
}

#[test]
fn origins() {
    let metadata = b"Name: x\nVersion: 1\n";
    let check = |record: &str, expected: Option<&str>| {
        let found = inventory(&[&[
            ("lib/x-1.dist-info/METADATA", metadata),
            ("lib/x-1.dist-info/direct_url.json", record.as_bytes()),
        ]]);
        assert_eq!(found.packages[0].download_url.as_deref(), expected);
    };
    check(
        r#"{"url":"https://example.org/x.git","vcs_info":{"vcs":"git","commit_id":"abc"}}"#,
        Some("git+https://example.org/x.git@abc"),
    );
    check(
        r#"{"url":"https://example.org/x.whl","archive_info":{}}"#,
        Some("https://example.org/x.whl"),
    );
    check(r#"{"url":"file:///src/x","dir_info":{}}"#, None);
    check("{", None);
}

#[test]
fn hostile() {
    let deep = ["a = ", &"[".repeat(10_000)].concat();
    for (path, lock) in LOCKS {
        for end in (0..lock.len()).step_by(5) {
            inventory(&[&[(path, &lock.as_bytes()[..end])]]);
        }
    }
    let paths = LOCKS.map(|(path, _)| path);
    for path in paths.into_iter().chain(["Pipfile.lock", "requirements.txt", "conda-meta/x.json"]) {
        for content in [
            deep.as_bytes(),
            b"\xff\xfe\0",
            b"package = 1",
            b"[[package]]\nname = 1\n[[package]]\nname = \"../x\"\nversion = \"1\"",
            br#"{"default":{"a b":{},"":{"version":7}},"name":"","depends":[]}"#,
            b"[1]",
        ] {
            assert!(inventory(&[&[(path, content)]]).packages.is_empty(), "{path}");
        }
    }
}

//! Node's packages.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use expect_test::expect;
use sealift_model::{Inventory, PackageKind, RelationKind, Scope};

use crate::{inventory, show};

#[test]
fn installed() {
    let found = inventory(&[&[
        ("app/package.json", br#"{"name":"app","version":"1.0.0","dependencies":{"a":"^1"}}"#),
        (
            "app/node_modules/a/package.json",
            br#"{"name":"a","version":"1.2.0","license":"MIT","author":"A B <a@b.org> (https://b.org)","dependencies":{"b":"1","@s/c":"*"},"optionalDependencies":{"gone":"1"}}"#,
        ),
        (
            "app/node_modules/a/node_modules/b/package.json",
            br#"{"name":"b","version":"1.0.0","licenses":[{"type":"BSD-3-Clause"}]}"#,
        ),
        ("app/node_modules/b/package.json", br#"{"name":"b","version":"2.0.0"}"#),
        (
            "app/node_modules/@s/c/package.json",
            br#"{"name":"@s/c","version":"3.0.0","license":"UNLICENSED","dependencies":{"b":"2"}}"#,
        ),
        ("app/node_modules/a/bin/package.json", br#"{"name":"a","type":"module"}"#),
        ("app/node_modules/a/dist/compiled/v/package.json", br#"{"name":"v"}"#),
        ("app/node_modules/a/test/x/package.json", br#"{"name":"x","version":"0.0.1"}"#),
        ("app/node_modules/nothing/package.json", b"{"),
        ("srv/tsconfig/package.json", br#"{"type":"module"}"#),
    ]]);
    expect![[r#"
        pkg:npm/%40s/c@3.0.0
          nobody; licences ["?UNLICENSED"]; layer Some(0); Installed
          Manifest /app/node_modules/@s/c/package.json Some(0)
          files /app/node_modules/@s/c/package.json
        pkg:npm/a@1.2.0
          person A B <a@b.org>; licences ["MIT"]; layer Some(0); Installed
          Manifest /app/node_modules/a/package.json Some(0)
          files /app/node_modules/a/bin/package.json /app/node_modules/a/dist/compiled/v/package.json /app/node_modules/a/package.json /app/node_modules/a/test/x/package.json
        pkg:npm/app@1.0.0
          nobody; licences []; layer Some(0); Installed
          Manifest /app/package.json Some(0)
        pkg:npm/b@1.0.0
          nobody; licences ["BSD-3-Clause"]; layer Some(0); Installed
          Manifest /app/node_modules/a/node_modules/b/package.json Some(0)
          files /app/node_modules/a/node_modules/b/package.json
        pkg:npm/b@2.0.0
          nobody; licences []; layer Some(0); Installed
          Manifest /app/node_modules/b/package.json Some(0)
          files /app/node_modules/b/package.json
        pkg:npm/nothing
          nobody; licences []; layer Some(0); Installed
          Manifest /app/node_modules/nothing/package.json Some(0)
          files /app/node_modules/nothing/package.json
        @s/c needs b
        a needs @s/c
        a needs b
        app needs a
        note /app/node_modules/nothing/package.json: it is no manifest: EOF while parsing an object at line 1 column 1
        note /app/node_modules/nothing/package.json: package `nothing` has no version
    "#]]
    .assert_eq(&show(&found));
    let needs = |name: &str| -> Vec<Option<String>> {
        let needed = found.relations.iter().filter(|it| found.packages[it.from.0].name == name);
        needed.map(|it| found.packages[it.to.0].version.clone()).collect()
    };
    assert_eq!(needs("@s/c"), [Some("2.0.0".to_owned())]);
    assert!(needs("a").contains(&Some("1.0.0".to_owned())));
}

#[test]
fn links_of_pnpm() {
    let found = inventory(&[&[
        ("app/node_modules/a", b"-> .pnpm/a@1/node_modules/a"),
        (
            "app/node_modules/.pnpm/a@1/node_modules/a/package.json",
            br#"{"name":"a","version":"1","dependencies":{"b":"1"}}"#,
        ),
        ("app/node_modules/.pnpm/a@1/node_modules/b", b"-> ../../b@2/node_modules/b"),
        (
            "app/node_modules/.pnpm/b@2/node_modules/b/package.json",
            br#"{"name":"b","version":"2"}"#,
        ),
    ]]);
    assert_eq!((found.packages.len(), found.relations.len()), (2, 1), "{}", show(&found));
}

const LOCK_3: &[u8] =
    br#"{"name":"app","lockfileVersion":3,"packages":{"":{"name":"app","dependencies":{"a":"1"}},
"node_modules/a":{"version":"1.0.0","license":"MIT","dependencies":{"b":"1","c":"1"}},
"node_modules/b":{"version":"1.5.0"},"node_modules/a/node_modules/c":{"version":"1.6.0","dev":true},
"node_modules/w":{"resolved":"packages/w","link":true}}}"#;
const LOCK_1: &[u8] =
    br#"{"lockfileVersion":1,"dependencies":{"a":{"version":"1.0.0","requires":{"b":"1","c":"1"},
"dependencies":{"c":{"version":"1.6.0"}}},"b":{"version":"1.5.0"}}}"#;

#[test]
fn locked() {
    for lock in [LOCK_1, LOCK_3] {
        let found = inventory(&[&[
            ("app/package-lock.json", lock),
            ("app/node_modules/b/package.json", br#"{"name":"b","version":"1.5.0"}"#),
        ]]);
        let scopes: Vec<(&str, Scope)> =
            found.packages.iter().map(|it| (it.name.as_str(), it.scope)).collect();
        let expected = [("a", Scope::Declared), ("b", Scope::Installed), ("c", Scope::Declared)];
        assert_eq!(scopes, expected);
        assert_eq!(found.relations.len(), 2, "{}", show(&found));
    }
}

#[test]
fn locked_by_yarn() {
    let lock = b"# yarn lockfile v1\n\n\n\"@s/a@^1.0.0\", \"@s/a@~1.1\":\n  version \"1.1.2\"\n  resolved \"https://x\"\n  dependencies:\n    b \"^2.0.0\"\n\nb@^2.0.0:\n  version \"2.1.0\"\n";
    expect![[r#"
        pkg:npm/%40s/a@1.1.2
          nobody; licences []; layer Some(0); Declared
          LockFile /app/yarn.lock Some(0)
        pkg:npm/b@2.1.0
          nobody; licences []; layer Some(0); Declared
          LockFile /app/yarn.lock Some(0)
        @s/a needs b
    "#]]
    .assert_eq(&show(&inventory(&[&[("app/yarn.lock", lock)]])));
}

#[test]
fn hostile() {
    let deep = "[".repeat(10_000);
    let nested = format!("{}{}", "{\"dependencies\":{\"a\":".repeat(10_000), "{}");
    for bytes in [deep.as_bytes(), nested.as_bytes(), b"\xff\xfe", b"[]", b"{\"name\":7}"] {
        inventory(&[&[
            ("a/node_modules/b/package.json", bytes),
            ("a/package-lock.json", bytes),
            ("a/yarn.lock", bytes),
        ]]);
    }
    for lock in [LOCK_1, LOCK_3] {
        for end in 0..lock.len() {
            let found = inventory(&[&[("a/package-lock.json", &lock[..end])]]);
            assert_eq!(found.notes.len(), 1);
        }
    }
    let climbing = br#"{"name":"a","version":"1","dependencies":{"../../../etc":"1","":"1"}}"#;
    let found = inventory(&[&[("a/node_modules/a/package.json", climbing)]]);
    assert_eq!((found.packages.len(), found.relations.len()), (1, 0));
}

// npm itself says what is installed and what needs what.
#[test]
fn as_npm_lists() {
    let root = Path::new("/usr/lib/node_modules/npm");
    let output =
        Command::new("npm").args(["ls", "--json", "--all", "--long"]).current_dir(root).output();
    let Some(output) = output.ok().filter(|_| root.join("node_modules").is_dir()) else {
        use std::io::Write;
        writeln!(std::io::stderr(), "SKIPPED: npm or its own packages are not there").unwrap();
        return;
    };
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut expected = BTreeSet::new();
    let mut pending = vec![&listed];
    while let Some(node) = pending.pop() {
        for child in node["dependencies"].as_object().into_iter().flat_map(|all| all.values()) {
            if let (Some(name), Some(version)) = (child["name"].as_str(), child["version"].as_str())
            {
                expected.insert(format!("{name}@{version}"));
            }
            pending.push(child);
        }
    }
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                directories.push(entry.path());
            } else if kind.is_file() && entry.file_name() == "package.json" {
                let path = format!(
                    "app{}",
                    &entry.path().to_str().unwrap()[root.to_str().unwrap().len()..]
                );
                files.push((path, std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    let found = names(&inventory(&[&files]));
    let expected: BTreeSet<String> =
        expected.into_iter().filter(|name| !name.starts_with("npm@")).collect();
    let lost: Vec<&String> = expected.difference(&found).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

fn names(inventory: &Inventory) -> BTreeSet<String> {
    assert!(inventory.relations.iter().all(|it| it.kind == RelationKind::DependsOn));
    let packages = inventory.packages.iter().filter(|it| it.kind == PackageKind::Npm);
    packages.map(|it| format!("{}@{}", it.name, it.version.as_deref().unwrap_or("?"))).collect()
}

//! What files of settings and the like name: Terraform, GitHub Actions, WordPress, snaps.

use expect_test::expect;
use proptest::prelude::*;

use crate::{inventory, show};

const LOCK: &[u8] = b"provider \"registry.terraform.io/hashicorp/aws\" {
  version     = \"5.1.0\"
  constraints = \"~> 5.0\"
  hashes = [
    \"h1:abc=\",
    \"zh:0000000000000000000000000000000000000000000000000000000000000001\",
  ]
}

provider \"registry.terraform.io/hashicorp/null\" {
  version = \"3.2.1\"
}
";

#[test]
fn terraform() {
    let place = ".terraform/providers/registry.terraform.io/hashicorp/null/3.2.1/linux_amd64/x";
    let found = inventory(&[&[
        ("infra/.terraform.lock.hcl", LOCK),
        (&format!("infra/{place}"), b"x"),
        ("cut/.terraform.lock.hcl", b"provider \"a/b/c\" {"),
    ]]);
    expect![[r#"
        pkg:terraform/a/b/c
          nobody; licences []; layer Some(0); Declared
          LockFile /cut/.terraform.lock.hcl Some(0)
        pkg:terraform/registry.terraform.io/hashicorp/aws@5.1.0
          nobody; licences []; layer Some(0); Declared
          LockFile /infra/.terraform.lock.hcl Some(0)
        pkg:terraform/registry.terraform.io/hashicorp/null@3.2.1
          nobody; licences []; layer Some(0); Installed
          LockFile /infra/.terraform.lock.hcl Some(0)
        note /cut/.terraform.lock.hcl: the last provider has no end, it may be cut off
    "#]]
    .assert_eq(&show(&found));
    let aws = found.packages.iter().find(|package| package.name.ends_with("aws")).unwrap();
    assert_eq!(aws.hashes.len(), 1);
}

const WORKFLOW: &[u8] = b"name: ci
on: push
env:
  uses: not/this@v1
jobs:
  test:
    runs-on: x
    steps:
      - uses: actions/checkout@8f4b7f84864484a7bf31766abe9204da3cbe65b3 # v3.5.0
      - name: x
        uses: 'Docker/Build-Push-Action/sub@v5'
      - uses: ./local
      - uses: docker://alpine:3
      - run: |
          echo
          uses: fake/fake@v1
      - uses: actions/checkout@8f4b7f84864484a7bf31766abe9204da3cbe65b3
  call:
    uses: octo/repo/.github/workflows/a.yml@main
";

#[test]
fn github_actions() {
    let action = b"name: a\nruns:\n  using: composite\n  steps:\n  - uses: actions/cache@v4\n";
    let found = inventory(&[&[
        ("src/.github/workflows/ci.yml", WORKFLOW),
        ("src/action.yml", action),
        ("src/node_modules/x/.github/workflows/ci.yml", WORKFLOW),
        ("src/other/action.yaml", b"steps:\n- uses: a/b@c\n\xff"),
    ]]);
    expect![[r#"
        pkg:github/docker/build-push-action@v5#sub
          nobody; licences []; layer Some(0); Declared
          Manifest /src/.github/workflows/ci.yml Some(0)
        pkg:github/actions/cache@v4
          nobody; licences []; layer Some(0); Declared
          Manifest /src/action.yml Some(0)
        pkg:github/actions/checkout@8f4b7f84864484a7bf31766abe9204da3cbe65b3
          nobody; licences []; layer Some(0); Declared
          Manifest /src/.github/workflows/ci.yml Some(0)
        pkg:github/octo/repo@main#.github/workflows/a.yml
          nobody; licences []; layer Some(0); Declared
          Manifest /src/.github/workflows/ci.yml Some(0)
    "#]]
    .assert_eq(&show(&found));
}

const PLUGIN: &[u8] = b"<?php
/**
 * Plugin Name: Akismet Anti-spam
 * Plugin URI: https://akismet.com/
 * Version: 5.3
 * Author: <a href=\"https://x\">Automattic</a>
 * License: GPLv2 or later
 * Requires Plugins: classic-editor, absent
 */
";

#[test]
fn wordpress() {
    let root = "var/www/html";
    let path = |path: &str| format!("{root}/{path}");
    let found = inventory(&[&[
        (
            &path("wp-includes/version.php"),
            b"<?php\n/** x */\n$wp_version = '6.4.2';\n$wp_db_version = 1;\n",
        ),
        (&path("wp-content/plugins/akismet/akismet.php"), PLUGIN),
        (&path("wp-content/plugins/akismet/class.php"), b"<?php\n"),
        (&path("wp-content/plugins/classic-editor/x.php"), b"<?php /* Plugin Name: C */"),
        (
            &path("wp-content/plugins/hello.php"),
            b"<?php\n/*\nPlugin Name: Hello Dolly\nVersion: 1.7.2\n*/",
        ),
        (
            &path("wp-content/themes/child/style.css"),
            b"/*\nTheme Name: Child\nTemplate: parent\nVersion: 1\n*/",
        ),
        (
            &path("wp-content/themes/parent/style.css"),
            b"/*\nTheme Name: Parent\nVersion: 2\nLicense: MIT\n*/",
        ),
        (&path("wp-content/themes/parent/css/style.css"), b"/*\nTheme Name: No\n*/"),
        ("other/wp-includes/version.php", b"<?php\n"),
    ]]);
    expect![[r#"
        pkg:wordpress/plugin/akismet@5.3
          organization Automattic; licences ["GPL-2.0-or-later"]; layer Some(0); Installed
          Manifest /var/www/html/wp-content/plugins/akismet/akismet.php Some(0)
          files /var/www/html/wp-content/plugins/akismet/akismet.php /var/www/html/wp-content/plugins/akismet/class.php
        pkg:wordpress/theme/child@1
          nobody; licences []; layer Some(0); Installed
          Manifest /var/www/html/wp-content/themes/child/style.css Some(0)
          files /var/www/html/wp-content/themes/child/style.css
        pkg:wordpress/plugin/classic-editor
          nobody; licences []; layer Some(0); Installed
          Manifest /var/www/html/wp-content/plugins/classic-editor/x.php Some(0)
          files /var/www/html/wp-content/plugins/classic-editor/x.php
        pkg:wordpress/plugin/hello@1.7.2
          nobody; licences []; layer Some(0); Installed
          Manifest /var/www/html/wp-content/plugins/hello.php Some(0)
          files /var/www/html/wp-content/plugins/hello.php
        pkg:wordpress/theme/parent@2
          nobody; licences ["MIT"]; layer Some(0); Installed
          Manifest /var/www/html/wp-content/themes/parent/style.css Some(0)
          files /var/www/html/wp-content/themes/parent/css/style.css /var/www/html/wp-content/themes/parent/style.css
        pkg:wordpress/core/wordpress@6.4.2
          nobody; licences []; layer Some(0); Installed
          Manifest /var/www/html/wp-includes/version.php Some(0)
          files /var/www/html/wp-includes/version.php
        akismet needs classic-editor
        child needs parent
        note /other/wp-includes/version.php: it does not say which version of WordPress it is
        note /var/www/html/wp-content/plugins/classic-editor/x.php: plugin `classic-editor` has no version
    "#]].assert_eq(&show(&found));
}

#[test]
fn snaps() {
    let snap = b"name: core22\nversion: '20240111'\nsummary: A base # x\narchitectures:\n- amd64\nlicense: GPL-3.0\nbase: bare\napps:\n  name:\n    command: x\n";
    let manifest = b"snapcraft-version: 7.1\nname: x\nparts:\n  a:\n    stage-packages:\n    - no=1\nprimed-stage-packages:\n- libc6=2.31-0ubuntu9\n- zlib1g:amd64=1:1.2\n- junk\ngrade: stable\n";
    let found = inventory(&[&[
        ("snap/core22/current/meta/snap.yaml", snap),
        ("snap/x/1/snap/manifest.yaml", manifest),
        ("snap/core22/current/usr/share/snappy/dpkg.yaml", b"packages: [a=1, b=2]\n"),
        ("k8s/snap/manifest.yaml", b"kind: x\npackages:\n- a=1\n"),
        ("y/meta/snap.yaml", b"summary: x\n"),
    ]]);
    expect![[r#"
        pkg:deb/ubuntu/a@1
          nobody; licences []; layer Some(0); Embedded
          Manifest /snap/core22/current/usr/share/snappy/dpkg.yaml Some(0)
        pkg:deb/ubuntu/b@2
          nobody; licences []; layer Some(0); Embedded
          Manifest /snap/core22/current/usr/share/snappy/dpkg.yaml Some(0)
        pkg:deb/ubuntu/libc6@2.31-0ubuntu9
          nobody; licences []; layer Some(0); Embedded
          Manifest /snap/x/1/snap/manifest.yaml Some(0)
        pkg:deb/ubuntu/zlib1g@1:1.2?arch=amd64
          nobody; licences []; layer Some(0); Embedded
          Manifest /snap/x/1/snap/manifest.yaml Some(0)
        pkg:snap/core22@20240111?arch=amd64
          nobody; licences ["GPL-3.0-only"]; layer Some(0); Installed
          Manifest /snap/core22/current/meta/snap.yaml Some(0)
        note /snap/x/1/snap/manifest.yaml: 1 lines could not be read as packages
        note /y/meta/snap.yaml: it has no name
    "#]]
    .assert_eq(&show(&found));
}

#[test]
fn cut_off_anywhere() {
    for end in (0..WORKFLOW.len()).step_by(3) {
        let (lock, plugin) = (&LOCK[..end.min(LOCK.len())], &PLUGIN[..end.min(PLUGIN.len())]);
        inventory(&[&[
            (".github/workflows/a.yml", &WORKFLOW[..end]),
            (".terraform.lock.hcl", lock),
            ("wp-content/plugins/a/a.php", plugin),
            ("meta/snap.yaml", &WORKFLOW[..end]),
        ]]);
    }
}

const PATHS: [&str; 20] = [
    "nix/var/nix/db/db.sqlite",
    "nix/store/00000000000000000000000000000001-a-1.drv",
    "nix/store/00000000000000000000000000000001-a-1/x",
    "usr/lib/opkg/status",
    "usr/lib/opkg/info/a.control",
    "usr/lib/opkg/info/a.list",
    ".terraform.lock.hcl",
    ".github/workflows/a.yml",
    "action.yml",
    "wp-includes/version.php",
    "wp-content/plugins/a/a.php",
    "wp-content/themes/a/style.css",
    "meta/snap.yaml",
    "snap/manifest.yaml",
    "a.gguf",
    "a.safetensors",
    "a.cdx.json",
    "a.spdx",
    "opt/bitnami/.bitnami_components.json",
    "var/db/pkg/a/b-1/USE",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), PATHS.len())) {
        let files: Vec<(&str, &[u8])> =
            PATHS.iter().zip(&contents).map(|(path, content)| (*path, content.as_slice())).collect();
        let first = inventory(&[&files]);
        prop_assert_eq!(first, inventory(&[&files]));
    }

    #[test]
    fn likely_bytes(contents in prop::collection::vec("((Package|Version|name|uses|jobs|runs|version|hashes|provider \"a/b/c\"|Plugin Name|Theme Name|architectures|Derive)[:=({]? ?[a-z0-9/@#|>\\[\\]{}(),'\" +.~\\-é]{0,20}\n| {0,4}- [a-z:' ]{0,9}\n|\n){0,12}", PATHS.len())) {
        let files: Vec<(&str, &[u8])> = PATHS
            .iter()
            .zip(&contents)
            .map(|(path, content)| (*path, content.as_bytes()))
            .filter(|(_, content)| !content.starts_with(b"-> "))
            .collect();
        inventory(&[&files]);
    }
}

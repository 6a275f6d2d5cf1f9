//! Projects of several files: what is merged, included and named.

use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use sealift_audit::FileKind::{self, Compose, Variables};
use sealift_audit::{Beside, Context, Format, Limits, companions, fix};
use sealift_diagnostic::{Tier, render_short};
use sealift_lint::Config;

use crate::check::{beside_of, found, in_project};

/// Findings of some rules in each compose file of a project.
fn check(project: &[&str], files: &[(&str, &str)], rules: &[&str], expected: Expect) {
    let mut all = String::new();
    for (path, text) in files.iter().filter(|(path, _)| path.contains(".yaml")) {
        let mut found = in_project(Compose, path, text, project, files);
        found.retain(|it| it.rule.as_deref().is_some_and(|rule| rules.contains(&rule)));
        all.extend(render_short(&found, "", text).lines().map(|line| format!("{path} {line}\n")));
    }
    expected.assert_eq(&all);
}

const BASE: (&str, &str) = (
    "compose.yaml",
    "services:
  web:
    image: nginx:1.29.3
    privileged: true
    user: '1000'
    cap_add: [SYS_ADMIN]
    volumes: ['/etc:/a', '/root:/b']
    ports: ['22:22']
    command: [a, b]
  db:
    image: postgres:18.1
",
);

#[test]
fn overrides_are_merged_and_each_value_is_reported_where_it_stands() {
    let over = "services:
  web:
    privileged: false
    user: root
    cap_add: [NET_ADMIN]
    volumes: ['data:/a']
    ports: ['3306:3306', '22:22']
    mem_limit: 1g
volumes: {data: {}}
";
    check(
        &["compose.yaml", "over.yaml"],
        &[BASE, ("over.yaml", over)],
        &["SL1008", "SL1009", "SL1011", "SL6001", "SL6002", "SL6007", "SL6013", "SL6030"],
        expect![[r#"
            compose.yaml 6:15 error SL6002 service `web` has the capability SYS_ADMIN: mounting file systems and much else
            compose.yaml 7:26 error SL6007 service `web` can write `/root` of the host
            compose.yaml 10:3 warning SL6013 service `db` has no memory limit
            over.yaml 4:11 warning SL1011 service `web` runs as root
            over.yaml 5:15 warning SL6002 service `web` has the capability NET_ADMIN: changing interfaces, routes and firewalls
            over.yaml 7:13 warning SL1009 service `web` opens port 3306, that of MySQL, to everybody
            over.yaml 7:26 error SL1008 service `web` opens port 22, that of SSH
        "#]],
    );
}

#[test]
fn reset_and_override_take_away_what_stands_before() {
    let over = "services:
  web:
    privileged: !reset null
    cap_add: !override [CHOWN]
    ports: !reset []
    volumes: !override ['data:/c']
  db: !reset null
volumes: {data: {}}
";
    check(
        &["compose.yaml", "over.yaml"],
        &[BASE, ("over.yaml", over)],
        &["SL1008", "SL6001", "SL6002", "SL6007", "SL6013"],
        expect![[r#"
            compose.yaml 2:3 warning SL6013 service `web` has no memory limit
        "#]],
    );
}

#[test]
fn included_files_belong_to_the_project() {
    let main = "include:
  - sub/db.yaml
  - path: [other/a.yaml, other/b.yaml]
    project_directory: other
    env_file: other/x.env
services:
  web: {image: 'nginx:1', depends_on: [db, cache, nobody], networks: [inner]}
";
    let files = [
        ("compose.yaml", main),
        ("sub/db.yaml", "services: {db: {image: 'a:1', privileged: true, env_file: db.env}}\n"),
        ("sub/db.env", "A=1\n"),
        ("other/a.yaml", "services: {cache: {image: 'b:1', privileged: true}}\n"),
        ("other/b.yaml", "services: {cache: {privileged: false}}\nnetworks: {inner: {}}\n"),
        ("other/x.env", "A=1\n"),
    ];
    check(
        &["compose.yaml"],
        &files,
        &["SL6001", "SL6029", "SL6032", "SL6033"],
        expect![[r#"
            compose.yaml 7:51 error SL6029 `nobody` is not declared under `services`
            sub/db.yaml 1:43 error SL6001 service `db` is privileged
        "#]],
    );
    let config = Config::default();
    let read = |path: &str| beside_of(&files, path);
    let context = Context {
        config: &config,
        path: "compose.yaml",
        project: &[],
        read: &read,
        limits: Limits::default(),
    };
    let all = companions(main, &context);
    let compose: Vec<&str> =
        all.iter().filter(|(_, kind)| *kind == Compose).map(|(path, _)| path.as_str()).collect();
    assert_eq!(compose, ["sub/db.yaml", "other/a.yaml", "other/b.yaml"]);
    let is_variables = |kind: &FileKind| matches!(kind, Variables(_));
    assert_eq!(all.iter().filter(|(_, kind)| is_variables(kind)).count(), 2);
}

#[test]
fn what_cannot_be_read_is_told() {
    let text = "include: [gone.yaml, compose.yaml, 'https://a/b.git', ../../x.yaml, '${A}.yaml', bad.yaml]
services:
  a: {image: 'a:1', env_file: a.env}
  b: {image: 'a:1', env_file: [b.env, {path: c.env, required: false}, {path: /etc/passwd, format: raw}]}
  c: {image: 'a:1', env_file: '${X:-d}.env', networks: [n]}
";
    check(
        &["compose.yaml"],
        &[("compose.yaml", text), ("b.env", "A=1\n")],
        &["SL6029", "SL6032", "SL6033"],
        expect![[r#"
            compose.yaml 1:11 error SL6032 there is no file `gone.yaml`
            compose.yaml 1:22 error SL6032 `compose.yaml` includes itself
            compose.yaml 1:36 info SL6033 `https://a/b.git` lies elsewhere and is not read
            compose.yaml 1:55 info SL6033 `../../x.yaml` lies outside of the project and is not read
            compose.yaml 1:69 info SL6033 `${A}.yaml` depends on a variable and is not read
            compose.yaml 1:82 error SL6032 there is no file `bad.yaml`
            compose.yaml 3:31 warning SL6032 there is no file `a.env`
            compose.yaml 4:78 info SL6033 `/etc/passwd` lies outside of the project and is not read
            compose.yaml 5:31 warning SL6032 there is no file `d.env`
        "#]],
    );
}

#[test]
fn files_of_variables_are_searched_for_secrets() {
    let text = "# c\nDB_PASSWORD='k7Qz9vTb2LmX4s' # c\nexport TZ=UTC\nURL=postgres://me:k7Qz9vTb2LmX4s@db/x\n\
         API_TOKEN=${TOKEN:?}\nbad line\n# sealift: ignore=SL1001\nOTHER_PASSWORD=k7Qz9vTb2LmX4s\n";
    let found = in_project(Variables(Format::Compose), "web.env", text, &[], &[]);
    expect![[r#"
        2:14 error SL1001 file `web.env` has a secret in `DB_PASSWORD`
        4:5 error SL1002 file `web.env` has a secret in `URL`: password in a URL
        6:1 error SL0001 this is no `NAME=VALUE`: a name has no blanks and is not empty
    "#]]
    .assert_eq(&render_short(&found, "", text));
    assert!(!format!("{found:?}").contains("k7Qz9vTb2LmX4s"), "a secret is shown");
}

#[test]
fn fixes_change_the_file_that_has_the_value() {
    let over = "services:\n  web:\n    privileged: true\n    ports: ['80:80']\n";
    let files =
        [("compose.yaml", "services:\n  web:\n    image: nginx:1.29.3\n"), ("o.yaml", over)];
    let project = ["compose.yaml".to_owned(), "o.yaml".to_owned()];
    let config = Config::default();
    let read = |path: &str| beside_of(&files, path);
    let mended = |path: &str, text: &str| {
        let limits = Limits::default();
        let context = Context { config: &config, path, project: &project, read: &read, limits };
        fix(text, Compose, &context, Tier::Suggested).text
    };
    assert_eq!(
        mended("o.yaml", over),
        "services:\n  web:\n    privileged: false\n    ports: ['127.0.0.1:80:80']\n"
    );
    let base = mended("compose.yaml", files[0].1);
    assert!(base.contains("mem_limit: 256m") && !base.contains("127.0.0.1"), "{base}");
}

#[test]
fn circles_and_endless_chains_end() {
    let start = Instant::now();
    let config = Config::default();
    // Every file includes two others that nobody has seen yet, and itself.
    let read = |path: &str| {
        let text = format!(
            "include: [{path}a, {path}b, {path}]\nservices: {{{path}: {{image: x, env_file: [{path}c, {path}d]}}}}\n"
        );
        Beside::Text(text)
    };
    let limits = Limits::default();
    let context = Context { config: &config, path: "m", project: &[], read: &read, limits };
    assert!(companions("include: [x, m, x]\nservices: {}\n", &context).len() <= 200);
    let large = |_: &str| Beside::Text("#".repeat(1 << 20));
    let names: Vec<String> = (0..50).map(|number| format!("f{number}")).collect();
    let text = format!("include: [{}]\nservices: {{a: {{image: x}}}}\n", names.join(", "));
    let context = Context { config: &config, path: "m", project: &[], read: &large, limits };
    let found = sealift_audit::lint(&text, Compose, &context);
    assert!(found.iter().any(|it| it.rule.as_deref() == Some("SL6033")));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn odd_forms_are_harmless() {
    for text in [
        "include: x\nservices: {a: {env_file: {}}}",
        "include: {path: []}\nservices: !reset {a: !override {env_file: [[], {path: []}]}}",
        "include: [[], {}, {path: {}}, '', {path: '', env_file: ''}]\nservices: {a: {image: x, env_file: ''}}",
        "services: {a: !reset null, b: {image: !reset x, extends: {file: '', service: b}}}",
        "services: {a: {extends: {file: f, service: a}}}\n---\nservices: {a: {image: x}}",
    ] {
        found(Compose, text);
    }
    for text in ["", "=", "'", "A='", "A=\"\\", "\u{feff}", "A=\u{e4}\r", "export ", "\0=\0"] {
        for format in [Format::Compose, Format::Raw] {
            in_project(Variables(format), "a", text, &[], &[]);
        }
    }
}

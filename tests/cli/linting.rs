//! What `lint` reads, by which settings, and what it writes.

use std::io::Write;
use std::process::Stdio;

use sealift_testkit::TestContext;

use crate::{assert_one_error, context};

const UNTAGGED: &str = "FROM debian\nUSER 1\nHEALTHCHECK NONE\n";

fn lines(context: &TestContext, code: i32, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["lint", "-f", "tty"], arguments].concat();
    context.expect(code, &arguments).stdout.lines().map(str::to_owned).collect()
}

fn is_found(lines: &[String], file: &str, rule: &str) -> bool {
    lines.iter().any(|line| line.starts_with(&format!("{file}:")) && line.contains(rule))
}

#[test]
fn folders_patterns_and_stdin() {
    let context = context();
    context.write("Dockerfile", UNTAGGED);
    context.write("a/web.Dockerfile", UNTAGGED);
    context.write("a/b/Dockerfile.dev", UNTAGGED);
    context.write("node_modules/x/Dockerfile", UNTAGGED);
    let all = lines(&context, 0, &["."]);
    for file in ["./Dockerfile", "./a/web.Dockerfile", "./a/b/Dockerfile.dev"] {
        let file = file.trim_start_matches("./");
        assert!(is_found(&all, file, "SL2001"), "{file}: {all:?}");
    }
    assert!(!all.iter().any(|line| line.contains("node_modules")));
    let some = lines(&context, 0, &["a/**/*.dev", "Dockerfile"]);
    assert!(
        is_found(&some, "a/b/Dockerfile.dev", "SL2001") && is_found(&some, "Dockerfile", "SL2001")
    );
    assert!(!some.iter().any(|line| line.contains("web.Dockerfile")));
    assert_one_error(&context.run(&["lint", "b/*"]), 2, &["no file fits `b/*`", "hint:"]);
    let mut child = context
        .command(&["lint", "-f", "tty", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(UNTAGGED.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("-:1:6: warning: image `debian` has no tag"), "{text}");
}

#[test]
fn one_bad_file_hides_nothing() {
    let context = context();
    context.write("a.Dockerfile", b"FROM \xff\n");
    context.write("b.Dockerfile", UNTAGGED);
    let outcome = context.run(&["lint", "-f", "tty", "."]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stdout.contains("b.Dockerfile:1:6"), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("a.Dockerfile") && outcome.stderr.contains("UTF-8"));
}

#[test]
fn formats_and_files() {
    let context = context();
    context.write("Dockerfile", UNTAGGED);
    let outcome =
        context.expect(0, &["lint", "-f", "sarif", "-o", "a.sarif", "-o", "junit=b.xml", "."]);
    assert_eq!(outcome.stdout, "");
    let text = std::fs::read_to_string(context.work().join("a.sarif")).unwrap();
    let sarif: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(sarif["runs"][0]["results"].as_array().unwrap().len() > 1);
    assert!(std::fs::read_to_string(context.work().join("b.xml")).unwrap().contains("<testsuites"));
    for (format, expected) in [
        ("checkstyle", "<checkstyle"),
        ("github", "::warning file=Dockerfile,line=1"),
        ("codequality", "\"fingerprint\""),
        ("gcc", "Dockerfile:1:6: warning: "),
    ] {
        let text = context.expect(0, &["lint", "--format", format, "."]).stdout;
        assert!(text.contains(expected), "{format}: {text}");
    }
    assert_one_error(&context.run(&["lint", "-f", "sarfi", "."]), 2, &["did you mean `sarif`?"]);
    assert_one_error(&context.run(&["lint", "-o", "a", "-o", "b", "."]), 2, &["second file"]);
}

#[test]
fn no_secret_is_in_any_format() {
    let context = context();
    let secret = ["sk_live", "51H8sYtQ2mZr9KpLw3Vx7Nc4"].join("_");
    context.write(
        "Dockerfile",
        format!("FROM debian:13 as x\nENV KEY={secret} a=1\nRUN y \\\n\n  z\n"),
    );
    for format in ["text", "tty", "json", "sarif", "codequality", "checkstyle", "github", "junit"] {
        let outcome = context.run(&["lint", "-f", format, "."]);
        assert!(!outcome.stdout.contains(&secret), "{format}");
        assert!(outcome.stdout.contains("SL100"), "{format}: {}", outcome.stdout);
    }
}

#[test]
fn settings_of_the_project() {
    let context = context();
    context.write("Dockerfile", UNTAGGED);
    context.write(
        "sealift.toml",
        "[lint]\nignore = [\"no-digest\"]\nedition = \"0.1.0\"\nstrict_labels = true\n[lint.levels]\nDL3006 = \"error\"\n[lint.labels]\n\"org.opencontainers.image.source\" = \"url\"\n",
    );
    let found = lines(&context, 1, &["."]);
    assert_eq!(
        found,
        ["Dockerfile:1:6: error: image `debian` has no tag, so it is `latest` [SL2001]"]
    );
    let found = lines(&context, 1, &["--edition", "2026", "."]);
    assert!(
        is_found(&found, "Dockerfile", "no label `org.opencontainers.image.source`"),
        "{found:?}"
    );
    for (text, expected) in [
        ("[lint]\nedition = \"1999\"\n", "there is no edition `1999`"),
        ("[lint.levels]\nDL3006 = \"grave\"\n", "grave"),
        ("[lint.levels]\nNOPE = \"info\"\n", "there is no rule `NOPE`"),
        ("[lint.labels]\na = \"colour\"\n", "there is no type `colour`"),
    ] {
        context.write("sealift.toml", text);
        assert_one_error(&context.run(&["lint", "."]), 2, &[expected, "hint:"]);
    }
}

#[test]
fn configuration_of_hadolint() {
    let context = context();
    context.write("app/Dockerfile", "FROM debian\n# hadolint ignore=DL3004\nRUN sudo x\n");
    context.write(
        ".hadolint.yaml",
        "ignored: [DL3057, SC2086]\noverride:\n  info: [DL3006]\nfailure-threshold: info\ndisable-ignore-pragma: true\n",
    );
    let found = lines(&context, 1, &["app"]);
    assert!(is_found(&found, "app/Dockerfile", "info: image `debian` has no tag"), "{found:?}");
    assert!(is_found(&found, "app/Dockerfile", "SL1010"), "{found:?}");
    assert!(!is_found(&found, "app/Dockerfile", "SL4008"), "{found:?}");
    // Our own settings win.
    context
        .write("sealift.toml", "[lint]\nfail_on = \"never\"\n[lint.levels]\nSL2001 = \"style\"\n");
    let found = lines(&context, 0, &["app"]);
    assert!(is_found(&found, "app/Dockerfile", "style: image `debian`"), "{found:?}");
    context.write(".hadolint.yaml", "ignored: yes\n");
    assert_one_error(&context.run(&["lint", "app"]), 2, &[".hadolint.yaml", "line 1", "`ignored`"]);
    // Beyond the root of a checkout nobody looks, and the user's own counts then.
    context.write("app/.git/HEAD", "ref: refs/heads/main\n");
    context.write("app/.hadolint.yml", "no-fail: true\n");
    lines(&context, 0, &["app"]);
}

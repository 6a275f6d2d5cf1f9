//! Flag, environment, project file, user file, default; and what cannot be a setting.

use std::fs;

use sealift_testkit::TestContext;

use crate::{assert_one_error, context, with_image};

fn user_file(context: &TestContext, text: &str) {
    let folder = context.home().join(".config/sealift");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), text).unwrap();
}

// Value and origin of a key.
#[track_caller]
fn shown(context: &TestContext, flags: &[&str], key: &str) -> (String, String) {
    let arguments = [&["config", "show", "--origin"], flags].concat();
    let rows = context.expect(0, &arguments).stdout;
    let row = rows.lines().find(|row| row.split_whitespace().next() == Some(key));
    let (value, origin) =
        row.unwrap_or_else(|| panic!("{key}\n{rows}")).split_once("  # ").unwrap();
    (value.strip_prefix(key).unwrap().trim().to_owned(), origin.to_owned())
}

#[test]
fn each_source_wins_over_the_next() {
    let mut context = context();
    let owned = |(value, origin): (&str, &str)| (value.to_owned(), origin.to_owned());
    assert_eq!(shown(&context, &[], "lint.fail_on"), owned(("error", "default")));
    user_file(&context, "[lint]\nfail_on = \"info\"\n[scan]\nignore_unfixed = true\n");
    assert_eq!(shown(&context, &[], "lint.fail_on"), owned(("\"info\"", "user")));
    context.write("sealift.toml", "[lint]\nfail_on = \"warning\"\n");
    let origin = format!("project {}", context.work().join("sealift.toml").display());
    assert_eq!(shown(&context, &[], "lint.fail_on"), owned(("\"warning\"", &origin)));
    assert_eq!(shown(&context, &[], "scan.ignore_unfixed"), owned(("true", "user")));
    context.set("SEALIFT_LINT_FAIL_ON", "never");
    let expected = owned(("never", "environment SEALIFT_LINT_FAIL_ON"));
    assert_eq!(shown(&context, &[], "lint.fail_on"), expected);
    assert_eq!(shown(&context, &[], "store").1, "environment SEALIFT_STORE");
    assert_eq!(
        shown(&context, &["--store", "elsewhere"], "store"),
        owned(("elsewhere", "flag --store"))
    );
    let hosts =
        shown(&context, &["--plain-http", "a:1", "--plain-http", "b:2"], "registry.*.plain_http");
    assert_eq!(hosts, owned(("a:1,b:2", "flag --plain-http")));
}

// Not what `config show` says, but what a command does.
#[test]
fn each_source_wins_over_the_next_in_use() {
    let mut context = context();
    // A warning, no error.
    context.write("Dockerfile", "FROM debian:bookworm-slim\nUSER 1\nHEALTHCHECK NONE\nRUN apt-get update && apt-get install -y --no-install-recommends x=1\n");
    let lint = |context: &TestContext, code: i32, flags: &[&str]| {
        context.expect(code, &[&["lint", "."], flags].concat());
    };
    lint(&context, 0, &[]);
    user_file(&context, "[lint]\nfail_on = \"warning\"\n");
    lint(&context, 1, &[]);
    context.write("sealift.toml", "[lint]\nfail_on = \"error\"\n");
    lint(&context, 0, &[]);
    context.set("SEALIFT_LINT_FAIL_ON", "warning");
    lint(&context, 1, &[]);
    lint(&context, 0, &["--fail-on", "error"]);
    lint(&context, 1, &["--fail-on", "warning"]);
}

#[test]
fn the_project_file_is_found_above_but_not_beyond_the_checkout() {
    let context = context();
    context.write("sealift.toml", "[lint]\nfail_on = \"style\"\n");
    context.write("a/b/Dockerfile", "FROM scratch\n");
    let shown_in = |folder: &str| {
        let output = context
            .command(&["config", "show", "--origin"])
            .current_dir(context.work().join(folder))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(shown_in("a/b").contains("\"style\""));
    context.write("a/.git/HEAD", "ref: refs/heads/main\n");
    assert!(!shown_in("a/b").contains("\"style\""));
}

#[test]
fn a_file_that_is_not_right_is_one_error_that_names_the_place() {
    let context = context();
    for (text, expected) in [
        ("[scan]\nfial_on = \"low\"\n", &["`scan.fial_on`", "did you mean `scan.fail_on`"][..]),
        ("[polcy]\nfiles = []\n", &["`polcy.files`", "did you mean `policy.files`"]),
        ("[scan]\nfail_on = 3\n", &["line 2", "fail_on = 3", "expected a string"]),
        ("[scan]\nignore_unfixed = \"yes\"\n", &["line 2", "expected a boolean"]),
        ("image = \"app:1\"\n", &["sealift.toml"]),
        ("[scan\n", &["line 1"]),
        ("[base.\"python:3\"]\n", &["recipe"]),
    ] {
        context.write("sealift.toml", text);
        for command in [&["config", "show"][..], &["images"], &["lint", "."]] {
            context.write("Dockerfile", "FROM scratch\n");
            let outcome = context.run(command);
            assert_one_error(&outcome, 2, expected);
            assert!(outcome.stderr.contains("sealift.toml"), "{}", outcome.stderr);
        }
    }
    context.write("sealift.toml", b"\xff\xfe");
    assert_one_error(&context.run(&["images"]), 2, &["sealift.toml", "UTF-8"]);
    context.write("sealift.toml", vec![b'#'; (1 << 20) + 1]);
    assert_one_error(&context.run(&["images"]), 2, &["sealift.toml", "1 MiB"]);
    context.write("sealift.toml", "");
    user_file(&context, "[scan]\nfial_on = \"low\"\n");
    assert_one_error(&context.run(&["images"]), 2, &["config.toml", "did you mean"]);
}

#[test]
fn a_table_with_everything_left_out() {
    let context = context();
    context.write("sealift.toml", "[scan]\n# fail_on = \"low\"\n[base]\n[policy]\n");
    context.expect(0, &["images"]);
    context.write("sealift.toml", "[scann]\n");
    assert_one_error(&context.run(&["images"]), 2, &["`scann`", "hint:"]);
}

#[test]
fn a_value_that_is_none_of_the_known_ones_is_refused() {
    let context = with_image();
    for (text, arguments, expected) in [
        ("[lint]\nfail_on = \"grave\"\n", &["lint", "small"][..], "grave"),
        ("[scan]\nfail_on = \"grave\"\nadvisories = \".\"\n", &["scan", "small:1"], "grave"),
        ("[scan]\nseverity = [\"grave\"]\nadvisories = \".\"\n", &["scan", "small:1"], "grave"),
        ("[lint]\nignore = [\"NOPE1\"]\n", &["lint", "small"], "NOPE1"),
        ("[build]\nca_bundle = \"nowhere.pem\"\n", &["build", "small"], "nowhere.pem"),
        (
            "[registry.\"a.example\"]\nmirrors = [\"https://b.example\"]\n",
            &["images"],
            "https://b.example",
        ),
        ("[verify]\nrequire = [\"sbmo\"]\n", &["verify", "small:1"], "sbmo"),
    ] {
        context.write("sealift.toml", text);
        assert_one_error(&context.run(arguments), 2, &[expected, "hint:"]);
    }
}

#[test]
fn source_date_epoch() {
    let mut context = with_image();
    for wrong in ["yesterday", "-1", "1.5", "99999999999999999999", " 1", "0x10"] {
        context.set("SOURCE_DATE_EPOCH", wrong);
        for command in [&["build", "small"][..], &["sbom", "small:1"], &["images"]] {
            assert_one_error(&context.run(command), 2, &["SOURCE_DATE_EPOCH", "hint:"]);
        }
    }
    context.set("SOURCE_DATE_EPOCH", "86400");
    context.expect(0, &["build", "-t", "dated:1", "small"]);
    assert!(context.expect(0, &["inspect", "dated:1"]).stdout.contains("1970-01-02T00:00:00Z"));
    context.set("SOURCE_DATE_EPOCH", "");
    context.expect(0, &["build", "-t", "now:1", "small"]);
}

#[test]
fn no_home() {
    let context = context();
    let output = context.command(&["images"]).env_remove("HOME").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("HOME is not set"));
}

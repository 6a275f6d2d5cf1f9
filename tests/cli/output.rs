//! Data to stdout, messages to stderr; quiet, colour, closed pipes, full disks.

use std::fs::File;
use std::process::Stdio;

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::{assert_one_error, context, with_image};

const LINTED: &str = "FROM ubuntu:latest\nENV API_KEY=sk_live_abcd1234\nCMD [\"sh\"]\n";

fn json(context: &TestContext, arguments: &[&str]) -> Value {
    let outcome = context.expect(0, arguments);
    serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", outcome.stdout))
}

#[test]
fn images_as_json() {
    let context = context();
    assert_eq!(json(&context, &["images", "--format", "json"]), serde_json::json!([]));
    assert_eq!(context.expect(0, &["images"]).stdout, "", "a message is no data");
    let context = with_image();
    context.expect(
        0,
        &["build", "--quiet", "-t", "small:2", "-t", "registry.local:5000/team/small:3", "small"],
    );
    context.expect(0, &["sign", "--quiet", "small:2"]);
    let images = json(&context, &["images", "--format", "json"]);
    let names: Vec<&str> =
        images.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["small:1", "small:2", "registry.local:5000/team/small:3"]);
    for entry in images.as_array().unwrap() {
        assert!(entry["digest"].as_str().unwrap().starts_with("sha256:"));
        assert_eq!(entry["created"], "2026-01-02T03:04:05Z");
        assert_eq!(entry["artifacts"], 1, "one image, whatever its name");
        assert!(entry["size_bytes"].as_u64().unwrap() > 0);
    }
    let table = context.expect(0, &["images"]).stdout;
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("NAME "), "{table}");
}

#[test]
fn inspect_as_json() {
    let context = with_image();
    let document = json(&context, &["inspect", "--format", "json", "small:1"]);
    assert_eq!(document["schemaVersion"], 1);
    assert_eq!(document["name"], "small:1");
    assert_eq!(document["manifest"]["schemaVersion"], 2);
    assert_eq!(document["config"]["os"], "linux");
    assert_eq!(document["layers"], Value::Null, "only when they are asked for");
    let document = json(&context, &["inspect", "--layers", "--format", "json", "small:1"]);
    assert_eq!(document["layers"][0]["entries"], 1);
    // The same image by its digest, and as a layout.
    let digest = document["digest"].as_str().unwrap();
    let again = json(&context, &["inspect", "--format", "json", &format!("small@{digest}")]);
    assert_eq!(again["digest"], digest);
    let layout = format!("oci-dir:{}:small:1", context.store().display());
    let again = json(&context, &["inspect", "--format", "json", &layout]);
    assert_eq!(again["digest"], digest);
    let missing = context.run(&["inspect", "store:nothing:1"]);
    assert_one_error(&missing, 3, &["nothing:1", "hint:"]);
}

#[test]
fn every_json_is_one_document_also_with_verbose() {
    let context = with_image();
    context.write("Dockerfile", LINTED);
    context.write("allow.rego", "package a\ndefault allow = true\n");
    context.write("osv/x.json", r#"{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[]}"#);
    for (code, arguments) in [
        (0, &["images", "--format", "json"][..]),
        (0, &["inspect", "--format", "json", "small:1"]),
        (1, &["lint", "--format", "json", "Dockerfile"]),
        (0, &["scan", "-f", "json", "--advisories", "osv", "small:1"]),
        (0, &["policy", "check", "--format", "json", "--policy", "allow.rego", "small:1"]),
        (0, &["policy", "check", "--show-input", "small:1"]),
        (0, &["sbom", "-o", "spdx-json", "small:1"]),
        (0, &["sbom", "-o", "cyclonedx-json", "small:1"]),
    ] {
        let outcome = context.expect(code, &[arguments, &["--verbose"]].concat());
        let parsed: Result<Value, _> = serde_json::from_str(&outcome.stdout);
        assert!(parsed.is_ok(), "{arguments:?}\n{}", outcome.stdout);
    }
}

#[test]
fn quiet_prints_data_and_errors_only() {
    let context = with_image();
    context.write("Dockerfile", LINTED);
    for arguments in [
        &["build", "-t", "small:2", "small"][..],
        &["build", "--no-cache", "-t", "small:2", "small"],
        &["sign", "small:2"],
        &["images"],
        &["inspect", "small:2"],
        &["sbom", "small:2"],
        &["save", "small:2", "-o", "small.tar"],
    ] {
        for place in 0..2 {
            let mut all = arguments.to_vec();
            all.insert(if place == 0 { 0 } else { all.len() }, "--quiet");
            assert_eq!(context.expect(0, &all).stderr, "", "{all:?}");
        }
    }
    let built = context.expect(0, &["build", "-q", "-t", "small:3", "small"]).stdout;
    assert!(built.starts_with("small:3@sha256:") && built.lines().count() == 1, "{built}");
    let linted = context.expect(1, &["lint", "-q", "Dockerfile"]);
    assert!(linted.stdout.contains("SL1001"), "the findings are the data");
    assert_eq!(linted.stderr, "");
    // An error is whole: what, why, and what to do.
    context.write("broken/Dockerfile", "FROM scratch\nCOPY nothing /\n");
    let loud = context.run(&["build", "broken"]);
    let quiet = context.run(&["--quiet", "build", "broken"]);
    assert_one_error(&quiet, 3, &["nothing"]);
    let error = loud.stderr.split_once("error:").unwrap().1;
    assert_eq!(quiet.stderr, format!("error:{error}"));
}

#[test]
fn colour_only_where_it_is_wanted() {
    let context = with_image();
    context.write("Dockerfile", LINTED);
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = context.command(arguments);
        command.env_remove("NO_COLOR").envs(variables.iter().copied());
        let output = command.output().unwrap();
        [output.stdout, output.stderr].concat().contains(&0x1b)
    };
    for command in
        [&["lint", "Dockerfile"][..], &["build", "-t", "x", "small"], &["inspect", "none:1"]]
    {
        assert!(!run(command, &[]), "{command:?}: into a pipe");
        assert!(
            !run(command, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]),
            "{command:?}: NO_COLOR"
        );
        assert!(run(command, &[("CLICOLOR_FORCE", "1")]), "{command:?}: CLICOLOR_FORCE");
        let always = [command, &["--color", "always"]].concat();
        assert!(run(&always, &[("NO_COLOR", "1")]), "{command:?}: the flag wins");
        let never = [command, &["--color", "never"]].concat();
        assert!(!run(&never, &[("CLICOLOR_FORCE", "1")]), "{command:?}: --color never");
    }
    assert!(!run(&["--hlep"], &[("NO_COLOR", "1")]));
    assert!(!run(&["--help"], &[("NO_COLOR", "1")]));
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let context = with_image();
    context.write("clean/Dockerfile", "FROM scratch\nLABEL a=b\n");
    for arguments in [
        &["images"][..],
        &["images", "--format", "json"],
        &["inspect", "--layers", "small:1"],
        &["config", "show"],
        &["sbom", "-o", "spdx-json", "small:1"],
        &["build", "-t", "small:2", "small"],
        &["policy", "check", "--show-input", "small:1"],
        &["--help"],
        &["build", "--help"],
        &["--version"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = context.command(arguments).stdout(writer).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{errors}");
        assert!(
            !errors.contains("error") && !errors.contains("panicked"),
            "{arguments:?}\n{errors}"
        );
    }
    // The findings still count.
    context.write("Dockerfile", LINTED);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = context.command(&["lint", "-q", "Dockerfile"]).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
    // Nor does anything depend on somebody who reads the messages.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        context.command(&["build", "-t", "small:4", "small"]).stderr(writer).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("small:4@"));
}

#[test]
fn data_that_cannot_be_written_is_an_error() {
    let context = with_image();
    let full = || Stdio::from(File::create("/dev/full").unwrap());
    for arguments in [&["images"][..], &["config", "show"], &["sbom", "-o", "spdx-json", "small:1"]]
    {
        let output = context.command(arguments).stdout(full()).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}\n{errors}");
        assert!(errors.contains("No space left"), "{errors}");
    }
    let outcome = context.run(&["sbom", "small:1", "-o", "spdx-json=/dev/full"]);
    assert_one_error(&outcome, 3, &["/dev/full"]);
    let outcome = context.run(&["sbom", "small:1", "-o", "spdx-json=nowhere/sbom.json"]);
    assert_one_error(&outcome, 3, &["nowhere/sbom.json"]);
}

//! The JSON report.

use std::io::Write as _;
use std::process::{Command, Stdio};

use expect_test::{expect, expect_file};
use sealift_model::Report;
use sealift_report::{Context, Encode, find_format, json};

use crate::sample;

// What `jq` prints; none if it is not here.
fn jq(program: &str, document: &str) -> Option<String> {
    let spawned = Command::new("jq")
        .args(["-r", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("SKIPPED: `jq` is not here, the report was not read with it");
        return None;
    };
    child.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

const COUNT: &str = "[.Results[].Vulnerabilities | length] | add";
const LIST: &str = r#".Results[].Vulnerabilities[] | "\(.Severity): \(.PkgName) \(.InstalledVersion) -> \(.FixedVersion) (\(.Title))""#;

#[test]
fn jq_counts_what_the_report_has() {
    let report = sample::report();
    let document = json(&report);
    let Some(count) = jq(COUNT, &document) else { return };
    assert_eq!(count, report.findings.len().to_string());
    expect![[r"
        LOW: openssl 1.0 -> 1.1 (A flaw in openssl)
        UNKNOWN: zlib1g 1.0 -> null (A flaw in zlib1g)
        CRITICAL: flask 1.0 -> 1.1 (A flaw in flask)"]]
    .assert_eq(&jq(LIST, &document).unwrap());
}

#[test]
fn jq_reads_a_clean_report() {
    let report = Report { findings: Vec::new(), ..sample::report() };
    let document = json(&report);
    let Some(count) = jq(COUNT, &document) else { return };
    assert_eq!(count, "0");
    assert_eq!(jq(LIST, &document).unwrap(), "");
}

#[test]
fn an_empty_report_still_has_results() {
    let text = json(&Report::default());
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["Results"][0]["Vulnerabilities"], serde_json::json!([]));
    if let Some(count) = jq(COUNT, &text) {
        assert_eq!(count, "0");
    }
    assert_eq!(document["SchemaVersion"], 2);
    assert_eq!(document["ExampleDataOnly"], false);
}

#[test]
fn a_config_that_is_no_json_is_left_out() {
    let mut report = sample::report();
    report.artifact.image.as_mut().unwrap().config = "{\"a\":".to_owned();
    let document: serde_json::Value = serde_json::from_str(&json(&report)).unwrap();
    assert!(document["Metadata"].get("ImageConfig").is_none());
}

#[test]
fn the_whole_document() {
    let mut report = sample::report();
    report.findings.remove(0);
    report.findings.remove(0);
    report.suppressed.truncate(1);
    expect_file!["whole.json"].assert_eq(&json(&report));
}

#[test]
fn all_packages_if_asked_for() {
    let (inventory, subject) = (sample::inventory(), sample::subject());
    let variable = &|_: &str| None;
    let within = |lists_packages| {
        let context =
            Context { inventory: &inventory, subject: &subject, lists_packages, variable };
        let Encode::Context(encode) = find_format("json").unwrap().encode else { panic!() };
        let text = encode(&sample::report(), &context);
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    assert!(within(false)["Results"][0].get("Packages").is_none());
    let document = within(true);
    let count = |place: usize| document["Results"][place]["Packages"].as_array().unwrap().len();
    assert_eq!((count(0), count(1)), (5, 3));
    expect![[r#"
        {
          "FilePath": "app/METADATA",
          "ID": "click@1.0",
          "Identifier": {
            "PURL": "pkg:pypi/click@1.0"
          },
          "Licenses": [
            "MIT"
          ],
          "Name": "click",
          "Version": "1.0"
        }"#]]
    .assert_eq(&format!("{:#}", document["Results"][1]["Packages"][0]));
}

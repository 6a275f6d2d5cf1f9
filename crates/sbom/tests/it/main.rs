//! Documents of whole inventories. With `SEALIFT_SBOM_PYTHON` set to a Python that has `spdx-tools` and
//! `cyclonedx-python-lib[validation]`, the same documents go through those validators too.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod inventories;
mod reading;

use std::io::Write;
use std::process::{Command, Stdio};

use expect_test::expect_file;
use sealift_model::Inventory;
use sealift_oci::Digest;
use sealift_sbom::{FORMATS, Output, Subject, cyclonedx, spdx};
use serde_json::Value;

const VALIDATOR: &str = include_str!("./validate.py");

pub(crate) fn subject() -> Subject {
    let reference = "registry.local:5000/team/app:1.4".parse().unwrap();
    let mut subject = Subject::image(&reference, &Digest::sha256(b"manifest"), 1_769_817_600);
    subject.architecture = Some("amd64".to_owned());
    subject
}

fn validate(documents: &[(String, String)]) {
    let Ok(python) = std::env::var("SEALIFT_SBOM_PYTHON") else {
        eprintln!("SKIPPED: outside validation, as SEALIFT_SBOM_PYTHON is not set");
        return;
    };
    let mut child = Command::new(python)
        .args(["-c", VALIDATOR])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = serde_json::to_vec(documents).unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let output = child.wait_with_output().unwrap();
    let says = String::from_utf8_lossy(&output.stdout);
    let also = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{says}{also}");
}

// Every format in every version: the same twice, valid for the validators, and every component within reach.
#[track_caller]
fn check(inventory: &Inventory, subject: &Subject) {
    check_in(inventory, subject, |_| true);
}

#[track_caller]
fn check_in(inventory: &Inventory, subject: &Subject, wants: fn(&str) -> bool) {
    let mut documents = Vec::new();
    for format in FORMATS {
        for version in format.versions {
            let document = (version.encode)(inventory, subject);
            assert_eq!(document, (version.encode)(inventory, subject));
            if format.name.ends_with("json") {
                let value: Value = serde_json::from_str(&document).unwrap();
                if format.name == "cyclonedx-json" {
                    all_in_reach(&value);
                }
            }
            let label = format!("{}@{}", format.name, version.version);
            if wants(&label) {
                documents.push((label, document));
            }
        }
    }
    validate(&documents);
}

fn all_in_reach(document: &Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut pending = vec![text(&document["metadata"]["component"]["bom-ref"])];
    let mut reached = std::collections::BTreeSet::new();
    while let Some(reference) = pending.pop() {
        if !reached.insert(reference.clone()) {
            continue;
        }
        let entry = document["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["ref"] == reference.as_str())
            .unwrap();
        pending.extend(entry["dependsOn"].as_array().into_iter().flatten().map(text));
    }
    for component in document["components"].as_array().unwrap() {
        assert!(reached.contains(&text(&component["bom-ref"])), "{component}");
    }
}

#[test]
fn debian_and_python() {
    let inventory = inventories::debian_and_python();
    check(&inventory, &subject());
    let encode = |name: &str| Output::parse(name).unwrap().encode(&inventory, &subject());
    expect_file!["./debian.spdx.json"].assert_eq(&encode("spdx-json"));
    expect_file!["./debian.spdx3.json"].assert_eq(&encode("spdx-json@3"));
    expect_file!["./debian.spdx"].assert_eq(&encode("spdx"));
    expect_file!["./debian.cdx.json"].assert_eq(&encode("cyclonedx-json"));
    expect_file!["./debian.cdx.xml"].assert_eq(&encode("cyclonedx"));
    expect_file!["./debian.syft.json"].assert_eq(&encode("syft-json"));
    expect_file!["./debian.github.json"].assert_eq(&encode("github"));
    expect_file!["./debian.table"].assert_eq(&encode("table"));
    expect_file!["./debian.text"].assert_eq(&encode("text"));
    expect_file!["./debian.purls"].assert_eq(&encode("purls"));
    assert_eq!(encode("spdx-json@2.3"), spdx::encode(&inventory, &subject()));
    assert_eq!(encode("cyclonedx-json@1.6"), cyclonedx::encode(&inventory, &subject()));
}

#[test]
fn empty() {
    check(&Inventory::default(), &subject());
    let nameless = Subject {
        supplier: Some("ACME (Ltd.) <info@acme.example>".to_owned()),
        creator: Some("ACME <https://acme.example/sbom>".to_owned()),
        created_secs: i64::MAX,
        ..Subject::default()
    };
    check(&Inventory::default(), &nameless);
}

#[test]
fn rich() {
    check(&inventories::rich(), &subject());
}

#[test]
fn scores() {
    use sealift_sbom::{Profile, score};
    let inventory = inventories::rich();
    let points = |subject: &Subject| -> Vec<u8> {
        Profile::ALL.iter().map(|profile| score(profile, &inventory, subject).points).collect()
    };
    let first = points(&subject());
    let mut named = subject();
    named.creator = Some("ACME <sbom@acme.example>".to_owned());
    named.supplier = Some("ACME".to_owned());
    named.take_manifest(b"manifest");
    let second = points(&named);
    assert!(
        first.iter().zip(&second).all(|(first, second)| first < second),
        "{first:?} {second:?}"
    );
    // Two of the five are Debian's, and there is no distribution that would supply them.
    assert_eq!(second[0], 94);
    let nothing = score(&Profile::ALL[1], &Inventory::default(), &Subject::default());
    assert!(nothing.points < 100);
    let hash = score(Profile::find("cisa").unwrap(), &inventory, &named);
    let hash = hash.checks.iter().find(|check| check.id == "hash").unwrap();
    assert_eq!((hash.passed, hash.total), (1, 5));
    assert_eq!(hash.failing[0], "nghttp2 1.52.0-1");
    let guide = include_str!("../../../../docs/sbom.md");
    for (id, _) in Profile::ALL.iter().flat_map(Profile::checks) {
        assert!(
            guide.contains(&format!("| `{id}` |")),
            "docs/sbom.md does not say where `{id}` is from"
        );
    }
}

#[test]
fn odd() {
    check(&inventories::odd(), &subject());
}

#[test]
fn every_licence_of_the_list() {
    let usual =
        |label: &str| matches!(label, "spdx-json@2.3" | "cyclonedx-json@1.6" | "cyclonedx-xml@1.6");
    check_in(&inventories::every_license(), &subject(), usual);
}

#[test]
fn the_content_makes_the_names() {
    let of = |inventory: &Inventory, subject: &Subject| -> (String, String) {
        let spdx: Value = serde_json::from_str(&spdx::encode(inventory, subject)).unwrap();
        let cyclonedx: Value =
            serde_json::from_str(&cyclonedx::encode(inventory, subject)).unwrap();
        (spdx["documentNamespace"].to_string(), cyclonedx["serialNumber"].to_string())
    };
    let first = of(&Inventory::default(), &subject());
    let second = of(&inventories::odd(), &subject());
    let later = Subject { created_secs: 0, ..subject() };
    let third = of(&Inventory::default(), &later);
    assert_ne!(first.0, second.0);
    assert_ne!(first.1, second.1);
    assert_ne!(first.0, third.0);
    assert_ne!(first.1, third.1);
}

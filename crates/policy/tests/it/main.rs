//! Policies over facts, as the pipeline uses them.
#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::needless_raw_string_hashes,
    reason = "tests"
)]

mod conventions;
mod explaining;
mod hostile;
mod linting;
mod packs;
mod required;
mod trials;

use sealift_model::{Outcome, Verdict};
use sealift_oci::{ContainerConfig, Healthcheck};
use sealift_policy::{
    BaseFacts, Error, Facts, ScanStatus, Settings, SignatureFacts, Source, evaluate_with,
};
use serde_json::{Value, json};

/// 2026-01-31T00:00:00Z.
pub(crate) const NOW_NS: i64 = 1_769_817_600_000_000_000;
pub(crate) const DAY_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

/// An image to which neither required policy objects.
pub(crate) fn good() -> Facts {
    Facts {
        reference: Some("registry.local:5000/app:1.4".parse().unwrap()),
        created_ns: Some(NOW_NS - DAY_NS),
        architecture: "amd64".to_owned(),
        os: "linux".to_owned(),
        config: ContainerConfig {
            user: "app".to_owned(),
            env: vec!["PATH=/usr/bin".to_owned(), "DB_PASSWORD=x".to_owned()],
            healthcheck: Some(Healthcheck {
                test: vec!["CMD".to_owned(), "true".to_owned()],
                ..Healthcheck::default()
            }),
            ..ContainerConfig::default()
        },
        base: Some(BaseFacts { name: "python:3.11-slim".to_owned(), digest: None }),
        signatures: vec![SignatureFacts { verified: true, key: None, fingerprint: None }],
        scan_status: ScanStatus::Passed,
        environment: Some("production".to_owned()),
        ..Facts::default()
    }
}

pub(crate) fn judge(text: &str, input: &Value) -> Result<Verdict, Error> {
    judge_all(&[Source::new("p.rego", text)], input)
}

pub(crate) fn judge_all(sources: &[Source], input: &Value) -> Result<Verdict, Error> {
    let settings = Settings { now_ns: Some(NOW_NS), ..Settings::default() };
    evaluate_with(&settings, sources, input, &Value::Null)
}

/// `outcome`, then a line `level package.rule: message` for each violation.
pub(crate) fn show(result: Result<Verdict, Error>) -> String {
    let verdict = match result {
        Ok(verdict) => verdict,
        Err(error) => return format!("error: {error}\n"),
    };
    let mut text = match verdict.outcome {
        Outcome::Pass => "pass\n".to_owned(),
        Outcome::Warn => "warn\n".to_owned(),
        Outcome::Fail => "fail\n".to_owned(),
    };
    for violation in &verdict.violations {
        text += &format!(
            "{:?} {}.{} ({}): {}\n",
            violation.level, violation.package, violation.rule, violation.file, violation.message
        );
    }
    text
}

#[test]
fn facts_are_shaped_as_docker_inspect() {
    let mut facts = good();
    facts.config.healthcheck =
        Some(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() });
    facts.config.user = String::new();
    facts.config.cmd = Some(vec!["a".to_owned()]);
    facts.config.exposed_ports.insert("8080/tcp".to_owned(), sealift_oci::Empty {});
    let input = facts.input();
    assert_eq!(
        input["Config"],
        json!({"User": "", "WorkingDir": "", "Env": ["PATH=/usr/bin", "DB_PASSWORD=x"], "Cmd": ["a"],
            "ExposedPorts": {"8080/tcp": {}}, "Image": "python:3.11-slim"})
    );
    assert_eq!(input["image"]["registry"], "registry.local:5000");
    assert_eq!(input["image"]["created"], json!(NOW_NS - DAY_NS));
    assert_eq!(input["image"]["runs_as_root"], true);
    facts.reference = Some("app".parse().unwrap());
    facts.created_ns = None;
    let input = facts.input();
    assert_eq!(input["image"]["registry"], "docker.io");
    assert_eq!(input["image"]["repository"], "library/app");
    assert_eq!(input["image"]["tag"], Value::Null);
    assert_eq!(input["image"]["created"], 0);
}

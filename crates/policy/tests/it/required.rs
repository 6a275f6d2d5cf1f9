//! The two policies that must run as they are.

use sealift_model::Outcome;
use sealift_oci::Healthcheck;
use sealift_policy::{Facts, ScanStatus};

use crate::{DAY_NS, NOW_NS, good, judge};

const IMAGE: &str = include_str!("../policies/image.rego");
const REGISTRY: &str = include_str!("../policies/registry.rego");

// `expected` is the messages; none means that the image passes.
#[track_caller]
fn check(policy: &str, change: impl FnOnce(&mut Facts), expected: &[&str]) {
    let mut facts = good();
    change(&mut facts);
    let verdict = judge(policy, &facts.input()).unwrap();
    let messages: Vec<&str> =
        verdict.violations.iter().map(|violation| violation.message.as_str()).collect();
    assert_eq!(messages, expected);
    let outcome = if expected.is_empty() { Outcome::Pass } else { Outcome::Fail };
    assert_eq!(verdict.outcome, outcome);
}

#[test]
fn image_policy() {
    check(IMAGE, |_| {}, &[]);
    check(IMAGE, |facts| facts.config.user.clear(), &["Container must not run as root"]);
    check(
        IMAGE,
        |facts| facts.config.user = "root".to_owned(),
        &["Container must not run as root"],
    );
    check(IMAGE, |facts| facts.config.healthcheck = None, &["Container must have health check"]);
    check(
        IMAGE,
        |facts| {
            facts.config.healthcheck =
                Some(Healthcheck { test: vec!["NONE".to_owned()], ..Healthcheck::default() });
        },
        &["Container must have health check"],
    );
    let base =
        r#"Base image must be one of: ["python:3.11-slim", "alpine:3.17", "distroless/python3"]"#;
    check(IMAGE, |facts| facts.base.as_mut().unwrap().name = "ubuntu".to_owned(), &[base]);
    check(IMAGE, |facts| facts.base.as_mut().unwrap().name = "alpine:3.17".to_owned(), &[]);
    check(IMAGE, |facts| facts.base = None, &[base]);
    check(
        IMAGE,
        |facts| {
            facts.config.user.clear();
            facts.config.healthcheck = None;
        },
        &["Container must have health check", "Container must not run as root"],
    );
}

#[test]
fn the_password_rule_of_the_image_policy_cannot_fire() {
    // It compares a text with a truth value. The good image has such a variable, and passes.
    check(IMAGE, |facts| facts.config.env = vec!["A_PASSWORD=x".to_owned()], &[]);
}

#[test]
fn registry_policy() {
    check(REGISTRY, |_| {}, &[]);
    let latest = "Latest tag not allowed in production";
    let tag =
        |name: &'static str| move |facts: &mut Facts| facts.reference = Some(name.parse().unwrap());
    check(REGISTRY, tag("registry.local:5000/app:latest"), &[latest]);
    check(
        REGISTRY,
        |facts| {
            tag("registry.local:5000/app:latest")(facts);
            facts.environment = Some("test".to_owned());
        },
        &[],
    );
    let scan = "Image must pass vulnerability scan";
    check(REGISTRY, |facts| facts.scan_status = ScanStatus::Failed, &[scan]);
    check(REGISTRY, |facts| facts.scan_status = ScanStatus::Unknown, &[scan]);
    let old = "Base image is too old (>30 days)";
    check(REGISTRY, |facts| facts.created_ns = Some(NOW_NS - 30 * DAY_NS), &[]);
    check(REGISTRY, |facts| facts.created_ns = Some(NOW_NS - 30 * DAY_NS - 1), &[old]);
    check(REGISTRY, |facts| facts.created_ns = None, &[old]);
}

#[test]
fn either_the_registry_or_a_signature_allows() {
    check(REGISTRY, |facts| facts.signatures.clear(), &[]);
    check(REGISTRY, |facts| facts.reference = Some("app:1".parse().unwrap()), &[]);
    check(
        REGISTRY,
        |facts| {
            facts.reference = Some("app:1".parse().unwrap());
            facts.signatures[0].verified = false;
        },
        &["`allow` is false"],
    );
    check(
        REGISTRY,
        |facts| {
            facts.reference = Some("app:1".parse().unwrap());
            facts.signatures.clear();
        },
        &["`allow` is false"],
    );
}

#[test]
fn the_system_clock_works_too() {
    let mut facts = good();
    let verdict = sealift_policy::evaluate(
        &[sealift_policy::Source::new("r", REGISTRY)],
        &facts.input(),
        &serde_json::Value::Null,
    );
    // The good image was made at a fixed time that is long ago, or not yet, for the system's clock.
    assert!(verdict.is_ok());
    facts.created_ns = Some(0);
    let verdict = sealift_policy::evaluate(
        &[sealift_policy::Source::new("r", REGISTRY)],
        &facts.input(),
        &serde_json::Value::Null,
    );
    assert_eq!(verdict.unwrap().outcome, Outcome::Fail);
}

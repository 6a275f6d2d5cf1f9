//! D: registries. So far only the policies that a registry will apply, and those that guard a pull.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use sealift_testkit::{Access, Faults, Registry, TestContext};
use serde_json::Value;

use crate::lab::{empty_lab, project};

const DAY: u64 = 24 * 60 * 60;

// An image of that name and age in days, without packages or with one that has a hole.
fn image(context: &mut TestContext, name: &str, age_days: u64, package: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    context.set("SOURCE_DATE_EPOCH", &(now - age_days * DAY).to_string());
    let place = "app/root/usr/lib/python3/dist-packages/x.dist-info/METADATA";
    context.write(place, format!("Metadata-Version: 2.1\n{package}\n"));
    context.write("app/Dockerfile", "FROM scratch\nCOPY root/ /\nUSER 65532\n");
    context.expect(0, &["build", "--quiet", "-t", name, "app"]);
}

fn lab_of_policies() -> TestContext {
    let context = empty_lab();
    let example = project().join("examples/secure-app");
    context.copy_in(&example.join("policy"));
    let advisory = fs::read(example.join("advisories/EXAMPLE-PYPI-CVE-2018-1000656.json")).unwrap();
    context.write("osv/flask.json", advisory);
    context.write("sealift.toml", "[scan]\nadvisories = \"osv\"\n");
    context
}

// What the registry's policy says; empty if it lets the image pass.
fn check(context: &TestContext, name: &str, environment: &str) -> Vec<String> {
    let data = format!("environment={environment}");
    let outcome = context.run(&[
        "policy",
        "check",
        "--data",
        &data,
        "--policy",
        "registry.rego",
        "--format",
        "json",
        name,
    ]);
    let document: Value = serde_json::from_str(&outcome.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}{}", outcome.stdout, outcome.stderr));
    let violations = document["violations"].as_array().unwrap().iter();
    let messages: Vec<String> =
        violations.map(|violation| violation["message"].as_str().unwrap().to_owned()).collect();
    let is_pass = messages.is_empty();
    assert_eq!(outcome.code, i32::from(!is_pass), "{}", outcome.stdout);
    assert_eq!(document["outcome"], if is_pass { "pass" } else { "fail" });
    messages
}

const FINE: &str = "Name: flask\nVersion: 3.1.3";
const HOLED: &str = "Name: flask\nVersion: 0.12.2";
const TOO_OLD: &str = "Base image is too old (>30 days)";
const NOT_SCANNED: &str = "Image must pass vulnerability scan";
const LATEST: &str = "Latest tag not allowed in production";

#[test]
fn d6_the_registrys_policy_admits_and_refuses() {
    let mut context = lab_of_policies();
    image(&mut context, "registry.local:5000/team/app:1.0", 1, FINE);
    image(&mut context, "registry.local:5000/team/app:latest", 1, FINE);
    image(&mut context, "registry.local:5000/team/old:1.0", 31, FINE);
    image(&mut context, "registry.local:5000/team/month:1.0", 29, FINE);
    image(&mut context, "registry.local:5000/team/holed:latest", 31, HOLED);
    image(&mut context, "elsewhere.example/team/app:1.0", 1, FINE);
    let none = Vec::<String>::new();
    assert_eq!(check(&context, "registry.local:5000/team/app:1.0", "production"), none);
    assert_eq!(check(&context, "registry.local:5000/team/month:1.0", "production"), none);
    assert_eq!(check(&context, "registry.local:5000/team/app:latest", "staging"), none);
    assert_eq!(check(&context, "registry.local:5000/team/app:latest", "production"), [LATEST]);
    assert_eq!(check(&context, "registry.local:5000/team/old:1.0", "production"), [TOO_OLD]);
    let mut all = check(&context, "registry.local:5000/team/holed:latest", "production");
    all.sort();
    assert_eq!(all, [TOO_OLD, NOT_SCANNED, LATEST]);

    // Neither of an approved registry nor signed; then signed, and signed by somebody else.
    let foreign = "elsewhere.example/team/app:1.0";
    assert_eq!(check(&context, foreign, "production").len(), 1);
    context.expect(0, &["sign", "--quiet", foreign]);
    assert_eq!(check(&context, foreign, "production"), none);
    let keys = context.home().join(".config/sealift/keys");
    for name in ["default.key", "default.pub"] {
        fs::remove_file(keys.join(name)).unwrap();
    }
    assert_eq!(check(&context, foreign, "production").len(), 1);

    // Who has no advisories has not scanned, and what is not known does not pass.
    context.write("sealift.toml", "");
    let unknown = check(&context, "registry.local:5000/team/app:1.0", "production");
    assert_eq!(unknown, [NOT_SCANNED]);
}

#[test]
fn d6_the_images_policy_and_one_that_cannot_be_judged() {
    let mut context = lab_of_policies();
    let name = "registry.local:5000/team/app:1.0";
    image(&mut context, name, 1, FINE);
    let refused = context.expect(1, &["policy", "check", "--policy", "image.rego", name]).stdout;
    for message in ["Container must have health check", "Base image must be one of"] {
        assert!(refused.contains(message), "{message}\n{refused}");
    }
    assert!(!refused.contains("must not run as root"), "{refused}");

    // A rule that breaks is a refusal, never a rule less.
    let broken =
        "package broken\ndeny[msg] { sprintf(\"%d\", [1.5]) == \"x\"; msg := \"never\" }\n";
    context.write("broken.rego", broken);
    let refused = context.run(&["policy", "check", "--policy", "broken.rego", name]);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    context.write("torn.rego", "package torn\ndeny[msg] {");
    let refused = context.run(&["policy", "check", "--policy", "torn.rego", name]);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
    assert!(refused.stderr.contains("torn.rego"), "{}", refused.stderr);
    // No policy at all is a mistake, not a verdict.
    context.expect(2, &["policy", "check", name]);
    context
        .expect(2, &["policy", "check", "--policy", "image.rego", "--data", "environment", name]);
    let missing = context.run(&["policy", "check", "--policy", "nowhere.rego", name]);
    assert_ne!(missing.code, 0);
    assert!(missing.stderr.contains("nowhere.rego"), "{}", missing.stderr);
}

#[test]
fn d6_the_same_policy_on_pull() {
    let registry = Registry::start(Access::Open, Faults::default());
    let (mut maker, user) = (lab_of_policies(), lab_of_policies());
    let name = |repository: &str| format!("{}/team/{repository}", registry.host());
    for (repository, age_days) in [("app:1.0", 1), ("old:1.0", 31)] {
        image(&mut maker, &name(repository), age_days, FINE);
        maker.expect(0, &["sign", "--quiet", &name(repository)]);
        maker.expect(0, &["push", "--quiet", &name(repository)]);
    }
    fs::copy(maker.home().join(".config/sealift/keys/default.pub"), user.work().join("maker.pub"))
        .unwrap();
    let pull = |name: &str, more: &[&str]| {
        user.run(&[&["pull", "--policy", "registry.rego", name], more].concat())
    };
    // Neither signed by somebody whom the user knows nor of an approved registry.
    let refused = pull(&name("app:1.0"), &[]);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    let key = ["--key", "maker.pub"];
    let admitted = pull(&name("app:1.0"), &key);
    assert_eq!(admitted.code, 0, "{}", admitted.stderr);
    let refused = pull(&name("old:1.0"), &key);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains(TOO_OLD), "{}", refused.stderr);
    let images = user.expect(0, &["images"]).stdout;
    assert!(images.contains("team/app") && !images.contains("team/old"), "{images}");
}

#[test]
fn d6_the_policy_comes_from_a_registry_too() {
    let registry = Registry::start(Access::Open, Faults::default());
    let (maker, mut user) = (lab_of_policies(), lab_of_policies());
    let bundle = format!("{}/policies/images:1", registry.host());
    maker.write("bundle/registry.rego", maker.read("registry.rego"));
    maker.expect(0, &["policy", "push", &bundle, "bundle", "--revision", "1"]);
    let keys = maker.home().join(".config/sealift/keys/default.pub");
    fs::copy(keys, user.work().join("maker.pub")).unwrap();
    let app = "registry.local:5000/team/app:1.0";
    image(&mut user, app, 31, FINE);
    let source = format!("oci://{bundle}");
    let check = ["policy", "check", "--policy", &source, app];
    // Nobody's key is known, so nothing is believed.
    assert_eq!(user.run(&check).code, 2);
    let judged = user.expect(1, &[&check[..], &["--key", "maker.pub"]].concat()).stdout;
    assert!(judged.contains(TOO_OLD), "{judged}");
    user.expect(0, &["policy", "pull", &bundle, "-o", "b.tar.gz", "--key", "maker.pub"]);
    let judged = user.expect(1, &["policy", "check", "--policy", "b.tar.gz", app]).stdout;
    assert!(judged.contains(TOO_OLD), "{judged}");
}

#[test]
fn d6_the_rule_that_can_never_fire_is_named() {
    let context = lab_of_policies();
    let linted = context.expect(1, &["policy", "lint", "image.rego"]).stdout;
    assert!(linted.contains("image.rego:6:13"), "{linted}");
    assert!(linted.contains("this definition of `deny` can never fire"), "{linted}");
}

/// OCI's own suite, of version 1.1 and of the version under development: no test fails, none is skipped.
#[test]
fn the_conformance_suite_passes() {
    if std::env::var_os("SEALIFT_DISTRIBUTION_CONFORMANCE").is_none() {
        eprintln!(
            "SKIPPED: SEALIFT_DISTRIBUTION_CONFORMANCE names no conformance suite; tests/setup builds it"
        );
        return;
    }
    let port = crate::serving::free_host().rsplit(':').next().unwrap().to_owned();
    let output =
        std::process::Command::new(crate::lab::project().join("tests/interop/distribution.sh"))
            .arg(env!("CARGO_BIN_EXE_sealift"))
            .env("PORT", port)
            .output()
            .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.matches(" 0 failed, 0 skipped, 0 errors").count(), 2, "{text}");
}

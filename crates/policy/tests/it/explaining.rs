//! Explanations, and exemptions.

use expect_test::{Expect, expect};
use sealift_policy::{Policies, Settings, Source, exempt, exemptions};
use serde_json::{Value, json};

use crate::{DAY_NS, NOW_NS, good};

fn load(text: &str) -> Policies {
    let settings = Settings { now_ns: Some(NOW_NS), ..Settings::default() };
    Policies::load(&settings, &[Source::new("p.rego", text)], &Value::Null).unwrap()
}

#[track_caller]
fn check(text: &str, input: &Value, expected: Expect) {
    let (_, explained) = load(text).explain(input).unwrap();
    let mut shown = String::new();
    for rule in &explained {
        shown += &format!("{}.{} {:?}\n", rule.package, rule.rule, rule.messages);
        for it in &rule.definitions {
            shown += &format!(
                "  {}:{} {:?} {:?} {:?}\n",
                it.file, it.line, it.holds, it.stopped_at, it.inputs
            );
        }
    }
    expected.assert_eq(&shown);
}

#[test]
fn the_required_policies() {
    let mut facts = good();
    facts.config.user.clear();
    check(
        include_str!("../policies/image.rego"),
        &facts.input(),
        expect![[r#"
            docker.image.deny ["Container must not run as root"]
              p.rego:3 Some(true) None [("input.Config.User", Some("\"\""))]
              p.rego:4 Some(false) Some((4, "input.Config.User == \"root\"")) [("input.Config.User", Some("\"\""))]
              p.rego:5 Some(false) Some((5, "not input.Config.Healthcheck")) [("input.Config.Healthcheck", Some("{\"Test\":[\"CMD\",\"true\"]}"))]
              p.rego:6 Some(false) Some((6, "input.Config.Env[_] == regex.match(\".*PASSWORD.*\", input.Config.Env[_])")) [("input.Config.Env", Some("[\"PATH=/usr/bin\",\"DB_PASSWORD=x\"]"))]
              p.rego:8 Some(false) Some((8, "not input.Config.Image in allowed_bases")) [("input.Config.Image", Some("\"python:3.11-slim\""))]
            docker.image.allow []
              p.rego:9 Some(false) Some((9, "count(deny) == 0")) []
        "#]],
    );
    check(
        include_str!("../policies/registry.rego"),
        &good().input(),
        expect![[r#"
            docker.registry.deny []
              p.rego:5 Some(false) Some((5, "input.image.tag == \"latest\"")) [("input.image.tag", Some("\"1.4\""))]
              p.rego:6 Some(false) Some((6, "input.image.scan_status != \"passed\"")) [("input.image.scan_status", Some("\"passed\""))]
              p.rego:7 Some(false) Some((7, "age_days > 30 * 24 * 60 * 60 * 1000000000")) []
            docker.registry.allow []
              p.rego:3 Some(true) None [("input.image.registry", Some("\"registry.local:5000\""))]
              p.rego:4 Some(true) None [("input.image.signatures", Some("[{\"verified\":true}]"))]
        "#]],
    );
}

#[test]
fn rules_of_v1() {
    check(
        "package a\nimport rego.v1\nimport input.image as it\n\ndeny contains msg if {\n\tsome port in input.ports\n\
         \ty := 3\n\tport == y\n\tmsg := sprintf(\"%d %s\", [port, it.tag])\n}\n\ndefault allow := false\nallow if it.tag == \"x\"\n",
        &json!({"ports": [1, 2], "image": {"tag": "x"}}),
        expect![[r#"
            a.deny []
              p.rego:5 Some(false) Some((8, "port == y")) []
            a.allow []
              p.rego:13 Some(true) None [("input.image.tag", Some("\"x\""))]
        "#]],
    );
}

#[test]
fn an_exemption_holds_until_its_day() {
    let policies = load(
        "package a.b\ndeny_x[{\"msg\": \"no health\", \"id\": \"X1\"}] { true }\n\
         deny_y[\"y\"] { true }\nwarn_z[\"z\"] { to_number(\"z\") == 1 }",
    );
    let judge = |entry: &str, now_ns: i64| {
        let text = format!(
            "[[policy.exemptions]]\n{entry}\nowner = \"o\"\nreason = \"r\"\nexpires = 2026-01-31\n"
        );
        let list = exemptions("sealift.toml", &text, true).unwrap();
        let mut judgement = policies.judge(&json!({})).unwrap();
        let exempted = exempt(&mut judgement, &list, "registry.corp/app:1", now_ns);
        assert_eq!(judgement.metadata.len(), judgement.verdict.violations.len());
        let left: Vec<String> =
            judgement.verdict.violations.iter().map(|it| it.rule.clone()).collect();
        (left.join(" "), exempted.held.len(), exempted.expired.len())
    };
    let all = "deny_x deny_y warn_z".to_owned();
    for (entry, left) in [
        ("policy = \"a.b\"\nrule = \"deny_x\"", "deny_y warn_z"),
        ("policy = \"a.*\"\nid = \"X1\"", "deny_y warn_z"),
        ("policy = \"*\"\nmessage = \"*health*\"", "deny_y warn_z"),
        ("policy = \"a.b\"\nimage = \"registry.corp/*\"", "warn_z"),
        // A rule that failed stays a refusal.
        ("policy = \"a.b\"\nrule = \"warn_z\"", "deny_x deny_y warn_z"),
        ("policy = \"a.b\"\nimage = \"other/*\"", "deny_x deny_y warn_z"),
        ("policy = \"a\"", "deny_x deny_y warn_z"),
    ] {
        assert_eq!(judge(entry, NOW_NS).0, left, "{entry}");
    }
    let entry = "policy = \"a.b\"\nrule = \"deny_x\"";
    assert_eq!(judge(entry, NOW_NS + DAY_NS - 1).1, 1);
    assert_eq!(judge(entry, NOW_NS + DAY_NS), (all, 0, 1));
}

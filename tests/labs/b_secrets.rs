//! B12: secrets in an image, wherever they are.

use std::fs;

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::lab::{empty_lab, static_program};

// Put together, so that no scanner takes this file for one that has any.
fn secrets() -> [(&'static str, String); 6] {
    [
        ("deleted", format!("AKIA{}", "Q3EGRIIFTJWWMQ2X")),
        ("replaced", format!("glpat-{}", "Zf3D0LXCM3EIMbgJpUNn")),
        ("variable", format!("sk_live_{}", "abcd1234")),
        ("argument", format!("npm_{}", "9nbddeg8pe7o4wdfiinlfzdoh9oqjw9qj32i")),
        ("label", format!("ghp_{}", "9nbddeg8pe7o4wdfiinlfzdoh9oqjw9qj32i")),
        ("history", "hunter2hunter2".to_owned()),
    ]
}

fn leaking_image() -> TestContext {
    let context = empty_lab().with_fixed_clock();
    let [deleted, replaced, variable, argument, label, history] = secrets().map(|(_, it)| it);
    context.write("busybox", static_program());
    context.write("app/.env", format!("# settings\nAWS_ACCESS_KEY_ID={deleted}\n"));
    context.write("app/token.txt", format!("{replaced}\n"));
    context.write("clean/token.txt", "none\n");
    context.write(
        "Dockerfile",
        format!(
            "FROM scratch\n\
             COPY --chmod=755 busybox /bin/busybox\n\
             ARG NPM_TOKEN={argument}\n\
             COPY app/ /app/\n\
             ENV API_KEY={variable}\n\
             LABEL source.token=\"{label}\"\n\
             RUN [\"/bin/busybox\", \"rm\", \"/app/.env\"]\n\
             COPY clean/ /app/\n\
             RUN [\"/bin/busybox\", \"echo\", \"https://me:{history}@example.org/x\"]\n"
        ),
    );
    context.expect(0, &["build", "--quiet", "-t", "leaky:latest", "."]);
    context
}

#[test]
fn b12_secrets_in_every_layer_and_in_the_config() {
    let context = leaking_image();
    let scan = ["scan", "--scanners", "secret", "leaky:latest", "--dockerfile", "Dockerfile"];
    let json = context.expect(0, &[&scan[..], &["-f", "json"]].concat()).stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    let found: Vec<&Value> = report["Results"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|result| result["Secrets"].as_array().into_iter().flatten())
        .collect();
    let of = |rule: &str| {
        let found = found.iter().find(|secret| secret["RuleID"] == rule);
        *found.unwrap_or_else(|| panic!("{rule}: {json}"))
    };

    let deleted = of("aws-access-token");
    assert_eq!(deleted["Place"], "/app/.env");
    assert_eq!((&deleted["StartLine"], &deleted["Layer"]["Index"]), (&2.into(), &1.into()));
    assert_eq!((&deleted["HiddenByLayer"], &deleted["DockerfileLine"]), (&2.into(), &4.into()));
    let replaced = of("gitlab-pat");
    assert_eq!(
        (&replaced["Place"], &replaced["HiddenByLayer"]),
        (&"/app/token.txt".into(), &3.into())
    );
    assert_eq!(of("stripe-access-token")["Place"], "ENV API_KEY");
    assert_eq!(of("stripe-access-token")["DockerfileLine"], 5);
    assert_eq!(of("github-pat")["Place"], "LABEL source.token");
    assert!(of("npm-access-token")["Place"].as_str().unwrap().starts_with("history "));
    assert_eq!(of("npm-access-token")["DockerfileLine"], 3);
    assert!(of("password-in-url")["Place"].as_str().unwrap().starts_with("history "));

    // Findings of layers are kept; the second time no layer is read, and nothing is different.
    let again = context.expect(0, &[&scan[..], &["-f", "json"]].concat()).stdout;
    assert_eq!(again, json);
    // A gate, and what is known.
    context.expect(1, &[&scan[..], &["--exit-code", "1"]].concat());
    context.expect(0, &[&scan[..], &["-f", "baseline", "-o", "known.json"]].concat());
    let known = ["--secret-baseline", "known.json", "--exit-code", "1"];
    context.expect(0, &[&scan[..], &known].concat());
}

#[test]
fn b12_no_format_shows_a_secret() {
    let context = leaking_image();
    let formats = [
        "table",
        "json",
        "sarif",
        "gitlab",
        "gitlab-secrets",
        "gitlab-codequality",
        "junit",
        "markdown",
        "csv",
        "html",
        "baseline",
    ];
    for format in formats {
        let scan = ["scan", "--scanners", "secret", "leaky:latest", "-f", format];
        let outcome = context.expect(0, &scan);
        let shown = format!("{}{}", outcome.stdout, outcome.stderr);
        for (name, secret) in secrets() {
            assert!(!shown.contains(&secret), "{format} shows the secret of {name}: {shown}");
        }
        let place = if format == "baseline" { "fingerprint" } else { "app/.env" };
        assert!(shown.contains(place), "{format}: {shown}");
    }
}

#[test]
fn b12_folders_and_rules_of_the_user() {
    let context = empty_lab();
    let secret = &secrets()[0].1;
    context.write("src/a.txt", format!("own_abc123\nid = {secret}\n"));
    let rules = "[extend]\nuseDefault = true\n[[rules]]\nid = 'own-token'\nregex = '''own_([a-z0-9]+)'''\nkeywords = ['own_']\n";
    context.write("rules.toml", rules);
    let scan =
        ["scan", "--scanners", "secret", "./src", "-f", "table", "--secret-config", "rules.toml"];
    let table = context.expect(0, &scan).stdout;
    assert!(table.contains("a.txt:1: own-token [own-token]"), "{table}");
    assert!(table.contains("a.txt:2: AWS access key id"), "{table}");
    fs::write(context.work().join("rules.toml"), "[[rules]]\nid = 'x'\nregex = '('\n").unwrap();
    let outcome = context.expect(2, &scan);
    assert!(outcome.stderr.contains("a pattern of `x` cannot be read"), "{}", outcome.stderr);
}

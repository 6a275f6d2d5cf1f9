//! `policy` and its subcommands on files, bundles and packs.

use crate::context;

const MAIN: &str = "package main\n\
    deny[msg] { input[i].Cmd == \"from\"; endswith(input[i].Value[0], \":latest\"); msg := \"latest\" }\n\
    warn_user[{\"msg\": \"no user\", \"id\": \"W1\"}] { count([1 | input[_].Cmd == \"user\"]) == 0 }\n";

#[test]
fn files_are_judged_as_conftest_judges_them() {
    let context = context();
    context.write("policy/main.rego", MAIN);
    context.write("policy/other.rego", "package other\ndeny[\"other\"] { true }\n");
    context.write("policy/main_test.rego", "package main\ntest_x { true }\n");
    context.write("Dockerfile", "FROM debian:latest\nRUN true\n");
    let check = |code: i32, more: &[&str]| {
        let arguments = [&["policy", "check", "--policy", "policy"], more].concat();
        context.expect(code, &arguments).stdout
    };
    let text = check(1, &["Dockerfile"]);
    assert_eq!(
        text,
        "deny: latest [main.rego: main.deny]\nwarn: W1 no user [main.rego: main.warn_user]\n"
    );
    assert!(check(1, &["--all-namespaces", "Dockerfile"]).contains("deny: other"));
    assert!(!check(1, &["-n", "other", "Dockerfile"]).contains("latest"));
    check(3, &["-n", "nowhere", "Dockerfile"]);
    let json: serde_json::Value =
        serde_json::from_str(&check(1, &["-f", "json", "Dockerfile"])).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{"filename": "Dockerfile", "namespace": "main", "successes": 0,
            "failures": [{"msg": "latest"}], "warnings": [{"msg": "no user", "metadata": {"id": "W1"}}]}])
    );
    assert!(
        check(1, &["-f", "junit", "Dockerfile"])
            .contains("<failure type=\"deny\" message=\"latest\"/>")
    );

    context.write("Dockerfile", "FROM debian:12\n");
    check(0, &["Dockerfile"]);
    check(1, &["--fail-on-warn", "Dockerfile"]);
    context.write(
        "exempt.toml",
        "[[exemption]]\npolicy = \"main\"\nid = \"W1\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2999-01-01\n",
    );
    let exempt = check(0, &["--fail-on-warn", "--exemptions", "exempt.toml", "Dockerfile"]);
    assert_eq!(exempt, "exempt: no user (until 2999-01-01, o: r)\n");

    // Documents are judged one by one, or as one.
    context.write(
        "k/p.rego",
        "package main\ndeny[msg] { input.kind == \"Pod\"; msg := input.name }\n",
    );
    context
        .write("k/c.rego", "package main\ndeny[msg] { count(input) == 2; msg := input[1].path }\n");
    context.write("a.yaml", "kind: Pod\nname: one\n---\nkind: Pod\nname: two\n");
    context.write("b.yaml", "kind: Service\n");
    let files = ["policy", "check", "--policy", "k", "a.yaml", "b.yaml"];
    let text = context.expect(1, &files).stdout;
    assert!(text.contains("a.yaml: deny: one") && text.contains("a.yaml: deny: two"), "{text}");
    let combined = context.expect(1, &[&files[..], &["--combine"]].concat()).stdout;
    assert!(combined.contains("deny: b.yaml"), "{combined}");
    context.expect(2, &["policy", "check", "--policy", "k", "--parser", "hcl2", "a.yaml"]);
    let broken = context.run(&["policy", "check", "--policy", "k", "--parser", "json", "a.yaml"]);
    assert_ne!(broken.code, 0);
}

#[test]
fn tests_lint_explain_and_bundles() {
    let context = context();
    context.write("policy/main.rego", MAIN);
    context.write(
        "policy/main_test.rego",
        "package main\ntest_latest { deny[\"latest\"] with input as [{\"Cmd\": \"from\", \"Value\": [\"a:latest\"]}] }\n",
    );
    context.expect(0, &["policy", "test", "policy"]);
    context.expect(0, &["policy", "test", "policy", "--coverage", "10", "-f", "junit"]);
    context.expect(1, &["policy", "test", "policy", "--coverage", "99.9"]);
    context.expect(2, &["policy", "test", "policy", "--run", "nothing"]);
    context.write("policy/bad_test.rego", "package main\ntest_bad { false }\n");
    assert!(context.expect(1, &["policy", "test"]).stdout.contains("FAIL"));

    context.write("bad.rego", "package a\ndeny[msg] { input.image.tagg == \"x\"; msg := \"\" }\n");
    let linted = context.expect(1, &["policy", "lint", "bad.rego"]).stdout;
    assert!(linted.contains("did you mean `tag`?"), "{linted}");
    context.expect(0, &["policy", "lint", "--fail-on", "never", "bad.rego"]);

    context.write("Dockerfile", "FROM debian:12\n");
    let explained =
        context.expect(0, &["policy", "explain", "--policy", "policy", "Dockerfile"]).stdout;
    assert!(explained.contains("main.rego:2 stops at line 2: endswith("), "{explained}");

    context.expect(0, &["policy", "build", "policy", "-o", "one.tar.gz", "--revision", "1"]);
    context.expect(0, &["policy", "build", "policy", "-o", "two.tar.gz", "--revision", "1"]);
    assert_eq!(context.read("one.tar.gz"), context.read("two.tar.gz"));
    let text =
        context.expect(0, &["policy", "check", "--policy", "one.tar.gz", "Dockerfile"]).stdout;
    assert!(text.contains("warn: W1 no user"), "{text}");

    for pack in ["baseline", "strict", "cis", "slsa-l2"] {
        assert!(context.expect(0, &["policy", "packs"]).stdout.contains(pack));
        let shown = context.expect(0, &["policy", "show", &format!("pack:{pack}")]).stdout;
        assert!(shown.contains("package sealift."), "{shown}");
    }
    context.expect(2, &["policy", "show", "pack:none"]);
    context.expect(2, &["policy", "check", "--policy", "pack:none", "Dockerfile"]);
    assert!(context.expect(0, &["policy", "schema"]).stdout.contains("\"scan_status\""));
}

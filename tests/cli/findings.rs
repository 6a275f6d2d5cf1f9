//! Findings of `audit` and `policy check` in the formats of `lint`, explained, and without secrets.

use serde_json::Value;

use super::{context, with_image};

const COMPOSE: &str = "services:\n  web:\n    image: nginx\n    privileged: true\n    environment:\n      DB_PASSWORD: k7Qz9vTb2LmX4s\n";
const POLICY: &str = "package main\n# METADATA\n# description: why not\ndeny[msg] { msg := \"no\" }\nwarn[msg] { msg := \"hm\" }\n";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn an_audit_is_written_as_lint_is() {
    let context = with_image();
    context.write("compose.yaml", COMPOSE);
    let audit = |format: &str| {
        let found = context.expect(1, &["audit", "small:1", "compose.yaml", "-f", format]).stdout;
        assert!(!found.contains("k7Qz9vTb2LmX4s"), "{format}: {found}");
        found
    };
    assert!(audit("text").contains("--> compose.yaml:4:"));
    assert!(audit("table").contains("compose.yaml:4:"));
    assert!(audit("tty").contains("compose.yaml:4:"));
    assert!(audit("github").contains("file=compose.yaml,line=4"));
    assert!(audit("checkstyle").contains("<file name=\"compose.yaml\">"));
    assert!(audit("junit").contains("<testsuites name=\"sealift audit\""));
    assert!(audit("gitlab-codequality").contains("\"path\": \"compose.yaml\""));
    let sarif = parsed(&audit("sarif"));
    let run = &sarif["runs"][0];
    let results = run["results"].as_array().unwrap();
    let has = |name: &str| results.iter().any(|it| it.to_string().contains(name));
    assert!(has("compose.yaml") && has("small:1"), "{results:?}");
    // Each rule is known in words.
    assert!(results.iter().all(|it| it["ruleIndex"].is_u64()), "{results:?}");
    let findings = parsed(&audit("json"));
    let findings = findings["findings"].as_array().unwrap();
    assert!(findings.iter().any(|it| it["subject"].is_string() && it["line"].is_null()));
    context.expect(0, &["audit", "small:1", "-o", "sarif=a.sarif", "-o", "junit=a.xml"]);
    assert!(
        context.read("a.sarif").starts_with(b"{") && context.read("a.xml").starts_with(b"<?xml")
    );
    let benchmark = ["audit", "compose.yaml", "--compliance", "cis-docker-5", "-f"];
    let controls = parsed(&context.expect(1, &[&benchmark[..], &["json"]].concat()).stdout);
    assert_eq!(controls["compliance"]["name"], "cis-docker-5");
    assert!(!controls["findings"].as_array().unwrap().is_empty());
    context.expect(2, &[&benchmark[..], &["sarif"]].concat());
    context.expect(2, &["audit", "compose.yaml", "-f", "nothing"]);
}

#[test]
fn violations_are_written_for_services() {
    let context = with_image();
    context.write("policy/p.rego", POLICY);
    context.write("app.yaml", "a: 1\n");
    let check = |target: &str, format: &str| {
        let arguments = ["policy", "check", "--policy", "policy", target, "-f", format];
        context.expect(1, &arguments).stdout
    };
    assert_eq!(
        check("app.yaml", "github"),
        "::error file=app.yaml,line=1,endLine=1,col=1,endColumn=1,title=main.deny::no\n\
         ::warning file=app.yaml,line=1,endLine=1,col=1,endColumn=1,title=main.warn::hm\n"
    );
    let sarif = parsed(&check("small:1", "sarif"));
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"main.deny".into(), &"error".into()));
    assert_eq!(result["locations"][0]["logicalLocations"][0]["name"], "small:1");
}

#[test]
fn whatever_is_printed_is_explained() {
    let context = context();
    let explain = |name: &str| context.expect(0, &["explain", name]).stdout;
    for id in ["SL0001", "SL6001", "SL7001", "SL8001", "SL9001", "policy-unused-rule"] {
        assert!(explain(id).contains("Why: "), "{id}");
    }
    assert!(explain("aws-access-token").contains("Instead: Rotate it"));
    let all = context.expect(0, &["explain"]).stdout;
    let mut ids: Vec<&str> = all.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(ids.contains(&"SL9007") && ids.contains(&"SL6001") && ids.contains(&"SL1001"));
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id is listed once");
    assert!(context.expect(2, &["explain", "SL9O01"]).stderr.contains("SL9001"));
}

#[test]
fn inputs_are_shown_without_secrets() {
    let context = context();
    context.write("compose.yaml", COMPOSE);
    context.write("Dockerfile", "FROM scratch\nENV DB_PASSWORD=k7Qz9vTb2LmX4s\nENV A=b\n");
    context
        .write("a/Dockerfile", "FROM scratch\nENV DB_PASSWORD=k7Qz9vTb2LmX4s A=b\nCMD [\"/x\"]\n");
    context.expect(0, &["build", "-t", "leaky:1", "a"]);
    for target in ["compose.yaml", "Dockerfile", "leaky:1"] {
        let shown = context.expect(0, &["policy", "check", "--show-input", target]).stdout;
        assert!(shown.contains("DB_PASSWORD"), "{target}: {shown}");
        assert!(!shown.contains("k7Qz9vTb2LmX4s"), "{target}: {shown}");
    }
    context.write(
        "policy/p.rego",
        "package main\ndeny[msg] { input[_].Value[_] == \"x\"; msg := \"x\" }\n",
    );
    let explained =
        context.expect(0, &["policy", "explain", "--policy", "policy", "Dockerfile"]).stdout;
    assert!(!explained.contains("k7Qz9vTb2LmX4s"), "{explained}");
}

#[test]
fn secrets_of_a_folder_its_history_and_an_image() {
    let context = context();
    context.write("app/.env", "db_password = \"k7Qz9vTb2LmX4sPw\"\n");
    context.write("app/clean.txt", "nothing\n");
    let found = context.expect(1, &["secrets", "./app"]);
    assert!(found.stdout.contains(".env:1") && !found.stdout.contains("k7Qz9vTb2LmX4sPw"));
    assert!(found.stderr.contains("1 secret"), "{}", found.stderr);
    context.expect(0, &["secrets", "./app", "--fail-on", "never"]);
    context.expect(1, &["secrets", "./app", "-f", "baseline", "-o", "known.json"]);
    context.expect(0, &["secrets", "./app", "--secret-baseline", "known.json"]);
    context.write("app/Dockerfile", "FROM scratch\nCOPY .env /\n");
    context.expect(0, &["build", "-t", "leaky:1", "app"]);
    let sarif = parsed(&context.expect(1, &["secrets", "leaky:1", "-f", "sarif"]).stdout);
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 1);
    context.expect(2, &["secrets", "--git-history", "leaky:1"]);
    let none = context.expect(2, &["secrets", "--git-history", "app"]).stderr;
    assert!(none.contains("`app` is no Git repository"), "{none}");
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        command.current_dir(context.work().join("app")).env("HOME", context.home());
        command.args(["-c", "user.name=A", "-c", "user.email=a@b"]).args(arguments);
        command.output().is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q"]) {
        eprintln!("SKIPPED: git is not installed");
        return;
    }
    assert!(git(&["add", "-A"]) && git(&["commit", "-q", "-m", "x"]));
    std::fs::remove_file(context.work().join("app/.env")).unwrap();
    assert!(git(&["add", "-A"]) && git(&["commit", "-q", "-m", "y"]) && git(&["gc", "-q"]));
    context.expect(0, &["secrets", "./app"]);
    let found = context.expect(1, &["secrets", "--git-history", "app"]).stdout;
    assert!(found.contains(".env:1") && found.contains("by A <a@b>"), "{found}");
    context.expect(0, &["secrets", "--git-history", "app", "--secret-baseline", "known.json"]);
}

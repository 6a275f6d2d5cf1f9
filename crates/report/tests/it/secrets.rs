//! Secrets in the formats of reports.

use sealift_model::{
    CommitRef, Confidence, LayerRef, Report, SecretFinding, SecretPlace, Severity,
};
use sealift_report::{Context, Encode, FORMATS, TableOptions};
use sealift_sbom::Subject;

use crate::sample;

fn report() -> Report {
    let digest = format!("sha256:{}", "0".repeat(64));
    let finding = SecretFinding {
        place: SecretPlace::File("/app/a|b<c>.env".to_owned()),
        line: 3,
        column: 5,
        end_line: 3,
        rule: "github-pat".to_owned(),
        title: "GitHub personal access token".to_owned(),
        provider: "GitHub".to_owned(),
        severity: Severity::Critical,
        confidence: Confidence::High,
        masked: "ghp_9n…j32i".to_owned(),
        fingerprint: "0f".repeat(32),
        layer: Some(LayerRef { index: 1, diff_id: digest.parse().unwrap() }),
        instruction: Some("COPY app/ /app/".to_owned()),
        dockerfile_line: Some(4),
        hidden_by: Some(2),
        commit: None,
    };
    let variable = SecretFinding {
        place: SecretPlace::Variable("API_KEY".to_owned()),
        line: 0,
        column: 0,
        end_line: 0,
        layer: None,
        hidden_by: None,
        ..finding.clone()
    };
    Report { secrets: Some(vec![finding, variable]), ..sample::report() }
}

#[test]
fn findings_of_a_history_name_their_commit() {
    let mut report = report();
    let commit = CommitRef {
        id: "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567".to_owned(),
        author: "A <a@example.com>".to_owned(),
        date_secs: 1_700_000_000,
    };
    for finding in report.secrets.iter_mut().flatten() {
        finding.commit = Some(commit.clone());
    }
    for name in ["table", "json", "sarif", "gitlab-secrets", "junit", "html", "csv"] {
        let text = written(name, &report);
        assert!(text.contains("0a1b2c3d4e5f"), "{name}: {text}");
    }
    let value: serde_json::Value = serde_json::from_str(&written("json", &report)).unwrap();
    let entry =
        &value["Results"].as_array().unwrap().iter().find_map(|it| it.get("Secrets")).unwrap()[0];
    assert_eq!(entry["Commit"]["AuthorDate"], "2023-11-14T22:13:20Z");
    assert_eq!(entry["Commit"]["Author"], "A <a@example.com>");
    let value: serde_json::Value =
        serde_json::from_str(&written("gitlab-secrets", &report)).unwrap();
    assert_eq!(value["vulnerabilities"][0]["location"]["commit"]["sha"], commit.id);
}

fn written(name: &str, report: &Report) -> String {
    let format = FORMATS.iter().find(|format| format.name == name).unwrap();
    let (inventory, subject) = (sealift_model::Inventory::default(), Subject::default());
    let context = Context {
        inventory: &inventory,
        subject: &subject,
        lists_packages: false,
        variable: &|_| None,
    };
    match format.encode {
        Encode::Table(encode) => encode(report, TableOptions { width: 120, color: false }),
        Encode::Report(encode) => encode(report),
        Encode::Context(encode) => encode(report, &context),
    }
}

#[test]
fn formats_for_findings_have_them() {
    let with = report();
    let without = Report { secrets: None, ..with.clone() };
    for name in [
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
    ] {
        let text = written(name, &with);
        assert!(text.contains("GitHub personal access token"), "{name}: {text}");
        assert!(
            text.contains("API_KEY") || text.contains("API\\_KEY") || text.contains("API%20KEY"),
            "{name}: {text}"
        );
        assert!(!written(name, &without).contains("GitHub personal"), "{name}");
    }
    let html = written("html", &with);
    assert!(html.contains("a|b&lt;c&gt;.env") && !html.contains("<c>.env"), "{html}");
    assert!(written("markdown", &with).contains("a\\|b&lt;c&gt;.env"));
}

#[test]
fn json_has_the_shape_of_trivy() {
    let json: serde_json::Value = serde_json::from_str(&written("json", &report())).unwrap();
    let results = json["Results"].as_array().unwrap();
    let secret = results.iter().find(|result| result["Class"] == "secret").unwrap();
    assert_eq!(secret["Target"], "/app/a|b<c>.env");
    let entry = &secret["Secrets"][0];
    for (name, expected) in [
        ("RuleID", "github-pat"),
        ("Category", "GitHub"),
        ("Severity", "CRITICAL"),
        ("Match", "ghp_9n…j32i"),
    ] {
        assert_eq!(entry[name], expected);
    }
    assert_eq!(
        (&entry["StartLine"], &entry["Layer"]["CreatedBy"]),
        (&3.into(), &"COPY app/ /app/".into())
    );
    let sarif: serde_json::Value = serde_json::from_str(&written("sarif", &report())).unwrap();
    let run = &sarif["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], run["tool"]["driver"]["rules"][rule]["id"]);
    }
}

#[test]
fn a_table_of_secrets_alone_says_nothing_of_packages() {
    let found = report().secrets;
    let table = written("table", &Report { secrets: found, ..Report::default() });
    assert!(table.contains("for secrets only") && !table.contains("packages"), "{table}");
    let none = written("table", &Report { secrets: Some(Vec::new()), ..Report::default() });
    assert!(none.contains("Secrets: 0 secrets"), "{none}");
}

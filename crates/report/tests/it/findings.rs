//! Findings on texts, in every format.

// expect-test writes raw strings with hashes.
#![allow(clippy::needless_raw_string_hashes)]

use std::process::Command;

use expect_test::{Expect, expect};
use sealift_diagnostic::{Diagnostic, Edit, Fix, Level, NewFile, Rule, Span, Tier};
use sealift_report::{
    FINDING_FORMATS, FindingWriter, Findings, LintedFile, Subject, find_finding_format,
};
use serde_json::Value;

use crate::formats::{schema, validator};

const HOSTILE: &str =
    "<a b=\"'\">&]]> \u{0}\u{1b}[31m\u{202e}\u{fffe} %0A::error::x,\r\n::warning::";

static RULE: Rule = Rule {
    id: "SL9001",
    name: "no-sample",
    level: Level::Warning,
    aliases: &["DL9001"],
    why: "samples are `not` good",
    fix: "remove it",
    since: "0.2.0",
    bad: "FROM sample\n",
    good: "FROM alpine\n",
    references: &["https://example.com/rule", "CIS 4.1"],
};

fn files() -> Vec<LintedFile> {
    let text = "FROM é𝕏 sample\r\nRUN x \\\n  y\n".to_owned();
    let first = Diagnostic::new(Level::Warning, Span::new(12, 18), "this is a sample")
        .with_rule("SL9001")
        .with_why(RULE.why)
        .with_help(RULE.fix)
        .with_related(Span::new(0, 4), "here it starts")
        .with_fix(Fix::new(Tier::Safe, "remove it", vec![Edit::delete(Span::new(11, 18))]))
        .with_fix(Fix::new(Tier::Manual, "think", vec![Edit::insert(0, "#")]))
        .with_fix(Fix {
            file: Some(NewFile { path: ".dockerignore".to_owned(), content: ".git\n".to_owned() }),
            ..Fix::new(Tier::Safe, "make a file", Vec::new())
        });
    let second = Diagnostic::error(Span::new(20, 29), "broken over two lines").with_rule("SL0001");
    let clean = LintedFile {
        path: "./clean/Dockerfile".to_owned(),
        text: String::new(),
        diagnostics: Vec::new(),
        subject: None,
    };
    vec![
        LintedFile {
            path: "a/Dockerfile".to_owned(),
            text,
            diagnostics: vec![first, second],
            subject: None,
        },
        clean,
    ]
}

fn hostile() -> Vec<LintedFile> {
    let mut finding = Diagnostic::new(Level::Style, Span::new(3, 90_000), HOSTILE.repeat(2000))
        .with_rule(HOSTILE)
        .with_why(HOSTILE.repeat(2000))
        .with_help(HOSTILE)
        .with_related(Span::new(5, 1), HOSTILE)
        .with_fix(Fix::new(Tier::Safe, HOSTILE, vec![Edit::replace(Span::new(7, 9999), HOSTILE)]));
    let nameless = Diagnostic::new(Level::Info, Span::at(usize::MAX), "");
    finding.aliases = vec![HOSTILE].into();
    let text = HOSTILE.repeat(3);
    vec![
        LintedFile {
            path: HOSTILE.to_owned(),
            text,
            diagnostics: vec![finding.clone(), finding.clone(), nameless.clone()],
            subject: None,
        },
        LintedFile {
            path: HOSTILE.to_owned(),
            text: String::new(),
            diagnostics: vec![finding],
            subject: Some(Subject { name: HOSTILE.to_owned(), layer: Some(usize::MAX) }),
        },
        LintedFile {
            path: String::new(),
            text: String::new(),
            diagnostics: vec![nameless],
            subject: None,
        },
    ]
}

fn encode(format: &str, files: &[LintedFile]) -> String {
    let format = find_finding_format(format).unwrap();
    format.encode(&Findings { files, rules: &[&RULE], command: "lint", color: false })
}

fn check(format: &str, expected: Expect) {
    expected.assert_eq(&encode(format, &files()));
}

#[test]
fn for_people() {
    check(
        "tty",
        expect![[r#"
        a/Dockerfile:1:9: warning: this is a sample [SL9001]
        a/Dockerfile:2:1: error: broken over two lines [SL0001]
    "#]],
    );
    check(
        "text",
        expect![[r#"
        warning[SL9001]: this is a sample
         --> a/Dockerfile:1:9
          |
        1 | FROM é𝕏 sample
          | ----    ^^^^^^
          | |
          | here it starts
          |
          = why: samples are `not` good
          = help: remove it

        error[SL0001]: broken over two lines
         --> a/Dockerfile:2:1
          |
        2 | RUN x \
          | ^^^^^^^

    "#]],
    );
}

#[test]
fn for_workflows_of_github() {
    check(
        "github",
        expect![[r#"
        ::warning file=a/Dockerfile,line=1,endLine=1,col=10,endColumn=16,title=SL9001::this is a sample: remove it
        ::error file=a/Dockerfile,line=2,endLine=3,title=SL0001::broken over two lines
    "#]],
    );
    // A message cannot begin a command of its own.
    let text = encode("github", &hostile());
    assert_eq!(text.lines().count(), 5);
    let is_one =
        |line: &str| line.starts_with("::notice file=") || line.starts_with("::notice title=");
    assert!(text.lines().all(is_one), "{text}");
}

#[test]
fn as_xml() {
    check(
        "checkstyle",
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <checkstyle version="4.3">
          <file name="a/Dockerfile">
            <error line="1" column="10" severity="warning" message="this is a sample: remove it" source="SL9001"/>
            <error line="2" column="1" severity="error" message="broken over two lines" source="SL0001"/>
          </file>
          <file name="./clean/Dockerfile">
          </file>
        </checkstyle>
    "#]],
    );
    check(
        "junit",
        expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="sealift lint" tests="3" failures="2" errors="0" time="0">
          <testsuite name="a/Dockerfile" tests="2" failures="2" errors="0" skipped="0" time="0">
            <testcase classname="a/Dockerfile" name="SL9001 at 1:10" time="0">
              <failure message="this is a sample" type="warning">samples are `not` good
        remove it</failure>
            </testcase>
            <testcase classname="a/Dockerfile" name="SL0001 at 2:1" time="0">
              <failure message="broken over two lines" type="error"></failure>
            </testcase>
          </testsuite>
          <testsuite name="./clean/Dockerfile" tests="1" failures="0" errors="0" skipped="0" time="0">
            <testcase classname="./clean/Dockerfile" name="no findings" time="0"/>
          </testsuite>
        </testsuites>
    "#]],
    );
}

#[test]
fn as_json() {
    let value: Value = serde_json::from_str(&encode("json", &files())).unwrap();
    let first = &value["findings"][0];
    assert_eq!(
        (&first["line"], &first["column"], &first["endColumn"]),
        (&1.into(), &9.into(), &15.into())
    );
    assert_eq!(first["fixes"][0]["edits"][0]["column"], 8);
    assert_eq!(first["fixes"][2]["file"]["path"], ".dockerignore");
    assert_eq!(value["findings"][1]["endLine"], 3);
    let value: Value = serde_json::from_str(&encode("codequality", &files())).unwrap();
    assert_eq!(value[0]["location"]["path"], "a/Dockerfile");
    assert_eq!(value[0]["severity"], "major");
    let prints: Vec<&Value> =
        value.as_array().unwrap().iter().map(|it| &it["fingerprint"]).collect();
    assert_ne!(prints[0], prints[1]);
}

#[test]
fn fingerprints_outlive_lines_above() {
    let mut files = files();
    let print = |files: &[LintedFile]| {
        let value: Value = serde_json::from_str(&encode("sarif", files)).unwrap();
        value["runs"][0]["results"][0]["partialFingerprints"].clone()
    };
    let before = print(&files);
    files[0].text.insert_str(0, "# a\n");
    for finding in &mut files[0].diagnostics {
        finding.span = Span::new(finding.span.start + 4, finding.span.end + 4);
    }
    assert_eq!(print(&files), before);
}

#[test]
fn as_sarif() {
    let value: Value = serde_json::from_str(&encode("sarif", &files())).unwrap();
    let run = &value["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["name"], "NoSample");
    let result = &run["results"][0];
    // 𝕏 is two units of UTF-16.
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&region["startColumn"], &region["endColumn"]), (&10.into(), &16.into()));
    let fixes = result["fixes"].as_array().unwrap();
    assert_eq!(fixes.len(), 1, "what a person must finish, and what makes files, is none");
    assert_eq!(
        fixes[0]["artifactChanges"][0]["replacements"][0]["deletedRegion"]["startColumn"],
        9
    );
    assert_eq!(run["results"][1]["ruleId"], "SL0001");
}

// An image: one finding in a file of a layer, one on the whole.
fn image() -> Vec<LintedFile> {
    let subject = |layer| Some(Subject { name: "app:1".to_owned(), layer });
    let finding = |message: &str| Diagnostic::error(Span::at(0), message).with_rule("SL9001");
    vec![
        LintedFile {
            path: "/etc/shadow".to_owned(),
            text: String::new(),
            diagnostics: vec![finding("account `a` has an empty password").with_help("lock it")],
            subject: subject(Some(2)),
        },
        LintedFile {
            path: String::new(),
            text: String::new(),
            diagnostics: vec![finding("no user"), finding("no health check")],
            subject: subject(None),
        },
    ]
}

#[test]
fn what_has_no_lines() {
    let encode = |format: &str| encode(format, &image());
    expect![[r#"
        error[SL9001]: account `a` has an empty password
        --> app:1: /etc/shadow (layer 2)
         = help: lock it

        error[SL9001]: no user
        --> app:1

        error[SL9001]: no health check
        --> app:1

    "#]]
    .assert_eq(&encode("text"));
    expect![[r#"
        app:1: /etc/shadow (layer 2): error: account `a` has an empty password [SL9001]
        app:1: error: no user [SL9001]
        app:1: error: no health check [SL9001]
    "#]]
    .assert_eq(&encode("tty"));
    expect![[r#"
        ::error title=SL9001::app:1: /etc/shadow (layer 2): account `a` has an empty password: lock it
        ::error title=SL9001::app:1: no user
        ::error title=SL9001::app:1: no health check
    "#]]
    .assert_eq(&encode("github"));
    let value: Value = serde_json::from_str(&encode("json")).unwrap();
    let first = &value["findings"][0];
    assert_eq!(
        (&first["subject"], &first["file"], &first["layer"], &first["line"]),
        (&"app:1".into(), &"/etc/shadow".into(), &2.into(), &Value::Null)
    );
    let value: Value = serde_json::from_str(&encode("sarif")).unwrap();
    let results = value["runs"][0]["results"].as_array().unwrap();
    let place = &results[0]["locations"][0];
    assert_eq!(place["physicalLocation"]["artifactLocation"]["uri"], "etc/shadow");
    assert_eq!(place["logicalLocations"][0]["name"], "app:1");
    assert_ne!(results[1]["partialFingerprints"], results[2]["partialFingerprints"]);
    assert!(encode("checkstyle").contains("<file name=\"app:1: /etc/shadow (layer 2)\">"));
    assert!(encode("junit").contains("name=\"SL9001\" time"));
    let value: Value = serde_json::from_str(&encode("codequality")).unwrap();
    assert_eq!(value[1]["location"]["path"], "app:1");
}

/// The same as all at once; what needs no look at all files does not wait.
#[test]
fn files_are_written_one_by_one() {
    let setting = Findings { files: &[], rules: &[&RULE], command: "lint", color: false };
    for format in FINDING_FORMATS {
        for files in [Vec::new(), files(), image(), hostile(), [files(), files()].concat()] {
            let mut writer = FindingWriter::new(format, setting);
            let pieces: Vec<String> = files.iter().map(|file| writer.add(file)).collect();
            let waits = matches!(format.name, "sarif" | "junit");
            let has_findings = files.iter().any(|file| !file.diagnostics.is_empty());
            assert_eq!(pieces.concat().is_empty(), waits || !has_findings, "{}", format.name);
            assert_eq!(pieces.concat() + &writer.end(), encode(format.name, &files));
        }
    }
    let tree = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(tree(&encode("json", &[])), serde_json::json!({"findings": [], "schemaVersion": 1}));
    assert_eq!(encode("codequality", &[]), "[]\n");
}

#[test]
fn hostile_texts_stay_in_their_places() {
    for format in FINDING_FORMATS {
        let text = encode(format.name, &hostile());
        assert!(!text.contains(['\u{1b}', '\u{0}']), "{}", format.name);
        assert!(text.len() < 1_000_000, "{} {}", format.name, text.len());
        let _ = encode(format.name, &[]);
    }
}

#[test]
fn sarif_and_junit_follow_their_schemas() {
    const PROGRAM: &str = "\
import sys
from lxml import etree
schema = etree.XMLSchema(etree.parse(sys.argv[1]))
for name in sys.argv[2:]:
    schema.assertValid(etree.parse(name, etree.XMLParser(huge_tree=True)))";
    let folder = tempfile::tempdir().unwrap();
    let write = |format: &str| {
        let cases =
            [("some", files()), ("image", image()), ("hostile", hostile()), ("none", Vec::new())];
        cases.map(|(name, files)| {
            let path = folder.path().join(format!("{format}-{name}"));
            std::fs::write(&path, encode(format, &files)).unwrap();
            path
        })
    };
    if let Some(program) = validator("check-jsonschema") {
        let mut command = Command::new(program);
        command.args(["--regex-variant", "python", "--schemafile"]).arg(schema("sarif-2.1.0.json"));
        let output = command.args(write("sarif")).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    }
    if let Some(python) = validator("python") {
        let mut command = Command::new(python);
        command.args(["-c", PROGRAM]).arg(schema("junit-10.xsd")).args(write("junit"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

//! Every format: what holds of all, and what each one's readers demand.

use std::path::PathBuf;
use std::process::Command;

use sealift_model::{
    Finding, FixState, Note, PackageKind, Report, Severity, StaleIgnore, Suppressed, Suppression,
    SuppressionStatus,
};
use sealift_report::{Context, Encode, FORMATS, Format, TableOptions, find_format};
use serde_json::Value;

use crate::sample;

const HOSTILE: &str = "=cmd|' /C calc'!A0 <script>alert(1)</script> ]]> --> \u{0}\u{1}\u{1b}[31m\u{7f}\u{85}\u{fffe}\u{202e} \"'`|*_[x](javascript:1) {{.}} \\\r\n- @here";

fn encode(format: &Format, report: &Report) -> String {
    match format.encode {
        Encode::Table(table) => table(report, TableOptions { width: 100, color: false }),
        Encode::Report(encode) => encode(report),
        Encode::Context(encode) => {
            let (inventory, subject) = (sample::inventory(), sample::subject());
            let variable = &|name: &str| Some(format!("value-of-{name}"));
            encode(
                report,
                &Context {
                    inventory: &inventory,
                    subject: &subject,
                    lists_packages: false,
                    variable,
                },
            )
        }
    }
}

// These say what is inside, and not what is found in it.
fn has_findings(format: &Format) -> bool {
    !["spdx", "spdx-json", "github", "gitlab-secrets", "baseline"].contains(&format.name)
}

pub(crate) fn by_name(name: &str, report: &Report) -> String {
    encode(find_format(name).unwrap(), report)
}

pub(crate) fn parsed(name: &str, report: &Report) -> Value {
    serde_json::from_str(&by_name(name, report)).unwrap()
}

// Texts as bad as they come, everywhere.
pub(crate) fn hostile() -> Report {
    let long = HOSTILE.repeat(100_000 / HOSTILE.len());
    let mut report = sample::report();
    let mut bad = sample::full_finding();
    for text in [&mut bad.id, &mut bad.package.name, &mut bad.package.version, &mut bad.title] {
        HOSTILE.clone_into(text);
    }
    bad.package.purl = format!("pkg:pypi/{HOSTILE}");
    bad.package.path = Some(format!("/{HOSTILE}"));
    bad.title.clone_from(&long);
    bad.description = Some(long);
    bad.fix = FixState::Fixed(HOSTILE.to_owned());
    bad.aliases = vec![HOSTILE.to_owned(), String::new()];
    bad.cwes = vec![HOSTILE.to_owned(), "CWE-79".to_owned()];
    bad.primary_url = Some(format!("javascript:{HOSTILE}"));
    bad.references = vec![HOSTILE.to_owned(), "https://example.org/(a)?b=c&d".to_owned()];
    bad.published = Some("yesterday".to_owned());
    bad.modified = Some(HOSTILE.to_owned());
    let empty = Finding {
        title: String::new(),
        severity_source: None,
        fix: FixState::WillNotFix,
        ..sample::finding("", PackageKind::Npm, "", Severity::High)
    };
    let by = Suppression {
        place: HOSTILE.to_owned(),
        status: SuppressionStatus::NotAffected,
        reason: Some(HOSTILE.repeat(1000)),
        justification: Some(HOSTILE.to_owned()),
        owner: Some(HOSTILE.to_owned()),
        expires: Some(HOSTILE.to_owned()),
    };
    report.suppressed.push(Suppressed { finding: bad.clone(), by });
    report.stale_ignores.push(StaleIgnore {
        place: HOSTILE.to_owned(),
        id: HOSTILE.to_owned(),
        expired: Some(HOSTILE.to_owned()),
    });
    HOSTILE.clone_into(&mut report.database.source);
    report.database.newest_modified = Some("\u{1f600}".repeat(5));
    report.findings.extend([bad.clone(), bad, empty]);
    report.artifact.name = format!("./{HOSTILE}");
    report.notes.push(Note { subject: HOSTILE.to_owned(), message: HOSTILE.to_owned() });
    report
}

// More than any page shows at once.
pub(crate) fn many() -> Report {
    let findings = (0..10_000).map(|number| {
        let id = format!("CVE-2020-{number}");
        sample::finding(&id, PackageKind::Deb, "lib\u{1f4a9}", Severity::High)
    });
    Report { findings: findings.collect(), ..sample::report() }
}

pub(crate) fn reports() -> Vec<(&'static str, Report)> {
    let clean = Report { findings: Vec::new(), suppressed: Vec::new(), ..sample::report() };
    vec![
        ("default", Report::default()),
        ("clean", clean),
        ("sample", sample::report()),
        ("hostile", hostile()),
    ]
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    for (name, report) in reports() {
        for format in FORMATS {
            let text = encode(format, &report);
            assert_eq!(text, encode(format, &report), "{} of {name}", format.name);
            assert!(text.ends_with('\n'), "{} of {name}", format.name);
            // In JSON the first 32 are escaped, and the others may stand as they are.
            let is_json = text.starts_with(['{', '[']);
            let is_verbatim = |c: char| is_json && c >= '\u{20}';
            let is_odd = |c: char| c.is_control() && !"\n\r\t".contains(c) && !is_verbatim(c);
            assert!(!text.contains(is_odd), "{} of {name} has control characters", format.name);
        }
    }
}

#[test]
fn every_format_names_every_finding() {
    let report = sample::report();
    for format in FORMATS.iter().filter(|format| has_findings(format)) {
        let text = encode(format, &report);
        for finding in &report.findings {
            assert!(text.contains(&finding.id), "{} lacks {}", format.name, finding.id);
        }
    }
}

#[test]
fn the_age_of_the_advisories_stands_in_every_format() {
    let report = sample::report();
    for format in FORMATS.iter().filter(|format| has_findings(format)) {
        let text = encode(format, &report);
        let age = match format.name {
            "json" => "\"AgeDays\": 3",
            _ => "made 3 days ago",
        };
        let is_there = text.contains(age) || text.contains("\"AgeDays\": 3");
        assert!(is_there, "{} does not say how old its advisories are", format.name);
    }
}

#[test]
fn answers_are_told() {
    // GitLab's code quality has no place for them.
    let has_place = |format: &&Format| has_findings(format) && format.name != "gitlab-codequality";
    for format in FORMATS.iter().filter(has_place) {
        let text = encode(format, &sample::report());
        for said in ["CVE-2020-4", ".trivyignore:3", "nothing runs it", "CVE-2020-5", "CVE-2020-6"]
        {
            assert!(text.contains(said), "{} lacks {said}", format.name);
        }
    }
    let results = parsed("sarif", &sample::report())["runs"][0]["results"].clone();
    assert_eq!(results[0]["suppressions"], serde_json::json!([]));
    assert_eq!(results[3]["suppressions"][0]["kind"], "external");
    let without = Report { suppressed: Vec::new(), ..sample::report() };
    assert!(!by_name("sarif", &without).contains("suppressions"));
}

#[test]
fn no_format_links_to_a_script() {
    for format in
        FORMATS.iter().filter(|format| !["json", "table", "cosign-vuln"].contains(&format.name))
    {
        let text = encode(format, &hostile());
        assert!(!text.contains("\"javascript:"), "{}", format.name);
        let is_markup = ["html", "junit", "markdown"].contains(&format.name);
        assert!(!is_markup || !text.contains("<script>alert"), "{}", format.name);
    }
}

#[test]
fn sarif_has_a_rule_for_each_flaw_and_fingerprints() {
    let mut report = sample::report();
    let mut upgraded = report.clone();
    upgraded.findings[2].package.version = "1.0.1".to_owned();
    let fingerprint = |report: &Report| {
        parsed("sarif", report)["runs"][0]["results"][2]["partialFingerprints"].clone()
    };
    assert_eq!(fingerprint(&report), fingerprint(&upgraded));

    report.findings.push(sample::full_finding());
    let run = parsed("sarif", &report)["runs"][0].clone();
    // Three flaws were found, and three were answered for.
    assert_eq!(run["tool"]["driver"]["rules"].as_array().unwrap().len(), 6);
    assert_eq!(run["results"][3]["ruleIndex"], 2);
    assert_eq!(run["results"][3]["level"], "error");
    assert_eq!(run["results"][0]["level"], "note");
    let rule = &run["tool"]["driver"]["rules"][2];
    assert_eq!(rule["properties"]["security-severity"], "9.8");
    assert_eq!(rule["properties"]["tags"][4], "external/cwe/cwe-020");
    let place = &run["results"][3]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(place, "app/METADATA");
}

// GitHub sorts by this number; a distribution's `low` must not come out as critical because of somebody's score.
#[test]
fn sarif_scores_agree_with_levels() {
    let mut report = sample::report();
    report.findings[2].severity = Severity::Low;
    let rules = parsed("sarif", &report)["runs"][0]["tool"]["driver"]["rules"].clone();
    let score = |place: usize| rules[place]["properties"]["security-severity"].clone();
    assert_eq!((score(0), score(1), score(2)), ("0.1".into(), "0.0".into(), "2.0".into()));
}

#[test]
fn gitlab_says_which_series_an_identifier_is_of() {
    let report = sample::report();
    let found = parsed("gitlab", &report)["vulnerabilities"][2].clone();
    let types: Vec<&str> = found["identifiers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|identifier| identifier["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["cve", "ghsa", "osv", "cwe"]);
    assert_eq!(found["solution"], "Upgrade flask to 1.1.");
    assert_eq!(found["location"]["operating_system"], "debian 12");
}

// A fix that only some get is no fix for all.
#[test]
fn a_fix_by_subscription_is_told_as_such() {
    let mut report = sample::report();
    report.findings[0].fix = FixState::Subscription("1.1+esm1".to_owned());
    assert!(by_name("markdown", &report).contains("1.1+esm1 (subscription)"));
    assert!(by_name("html", &report).contains("1.1+esm1 (subscription)"));
    let solution = &parsed("gitlab", &report)["vulnerabilities"][0]["solution"];
    assert_eq!(solution, "Upgrade openssl to 1.1+esm1, which needs a subscription.");
    let fix = &parsed("grype-json", &report)["matches"][0]["vulnerability"]["fix"];
    assert_eq!(fix["state"], "not-fixed");
}

#[test]
fn pages_say_what_to_do_and_what_has_changed() {
    let mut report = sample::report();
    report.remedies[0].action = Some("pip install 'flask>=1.1' <b>".to_owned());
    report.base = Some(sealift_model::BaseImage {
        name: "debian:12".to_owned(),
        layers: 1,
        findings: 2,
        choices: Vec::new(),
    });
    report.comparison = Some(sealift_model::Comparison {
        old_name: "app:0".to_owned(),
        fixed: vec![sample::finding("CVE-2019-1", PackageKind::Deb, "perl", Severity::Low)],
        left: vec![0],
        new: vec![(1, sealift_model::Novelty::Introduced)],
    });
    for format in ["markdown", "html"] {
        let text = by_name(format, &report);
        for said in [
            "upgrade flask from 1.0 to 1.1: repairs 1 finding, worst CRITICAL — pip install",
            "base image debian:12, 1 layer: 2 of 3 findings",
            "Since app:0",
            "fixed: CVE-2019-1 LOW in perl 1.0",
            "new: CVE-2020-3 UNKNOWN in zlib1g 1.0, newly introduced",
        ] {
            assert!(text.contains(said), "{format} lacks `{said}`: {text}");
        }
        assert!(!text.contains("<b>"), "{format}");
    }
}

#[test]
fn identities_are_unique() {
    let report = hostile();
    let check = |document: &Value, list: &str, key: &str| {
        let list = if list.is_empty() { document } else { &document[list] };
        let ids: Vec<&str> =
            list.as_array().unwrap().iter().map(|item| item[key].as_str().unwrap()).collect();
        let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!((ids.len(), unique.len()), (report.findings.len(), report.findings.len()));
    };
    check(&parsed("gitlab", &report), "vulnerabilities", "id");
    check(&parsed("gitlab-codequality", &report), "", "fingerprint");
}

#[test]
fn openvex_has_a_statement_for_each_flaw() {
    let document = parsed("openvex", &sample::report());
    let statements = document["statements"].as_array().unwrap();
    let named: Vec<(&str, &str)> = statements
        .iter()
        .filter_map(|statement| {
            let name = statement["vulnerability"]["name"].as_str().unwrap();
            Some((name, statement["action_statement"].as_str()?))
        })
        .collect();
    assert_eq!(
        named,
        [
            ("CVE-2020-1", "Upgrade flask to 1.1."),
            ("CVE-2020-2", "Upgrade openssl to 1.1."),
            ("CVE-2020-3", "No version of zlib1g is known that repairs it."),
            (
                "CVE-2020-4",
                "ignored by .trivyignore:3: nothing runs it (platform, until 2021-01-01)"
            ),
        ]
    );
    assert_eq!(statements[4]["status"], "not_affected");
    assert_eq!(statements[4]["justification"], "vulnerable_code_not_present");
    assert_eq!(statements[5]["status"], "fixed");
    let later = Report { created_secs: 1_700_000_000, ..sample::report() };
    assert_ne!(parsed("openvex", &later)["@id"], document["@id"]);
}

#[test]
fn cosign_holds_the_json_report() {
    let report = sample::report();
    let document = parsed("cosign-vuln", &report);
    assert_eq!(document["scanner"]["result"], parsed("json", &report));
    assert_eq!(document["metadata"]["scanFinishedOn"], "2020-09-13T12:26:40Z");
}

#[test]
fn html_needs_nothing_else() {
    let text = by_name("html", &hostile());
    for tag in ["<link", "<img", "src=\"", "@import", "url("] {
        assert!(!text.contains(tag), "{tag}");
    }
    assert_eq!(text.matches("<script").count(), 1);
    assert_eq!(text.matches("<tr data-level").count(), hostile().findings.len());
}

#[test]
fn csv_has_as_many_fields_in_every_row() {
    let text = by_name("csv", &hostile());
    let mut rows = Vec::new();
    let (mut fields, mut is_quoted) = (1, false);
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields += 1,
            '\n' if !is_quoted => {
                rows.push(fields);
                fields = 1;
            }
            _ => {}
        }
    }
    let report = hostile();
    assert_eq!(rows, vec![19; 1 + report.findings.len() + report.suppressed.len()]);
}

// The environment of validators that tests/setup makes.
pub(crate) fn validator(program: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let named = std::env::var_os("SEALIFT_VALIDATORS").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let folder = named
        .unwrap_or_else(|| cache.unwrap_or_else(|| home.join(".cache")).join("sealift-validators"));
    let program = folder.join("bin").join(program);
    if program.exists() {
        return Some(program);
    }
    eprintln!("SKIPPED: {} is not here; tests/setup makes it", program.display());
    None
}

pub(crate) fn schema(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(name)
}

fn check_schema(format: &str, schema_name: &str) {
    let Some(program) = validator("check-jsonschema") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    // The schema of SARIF has a pattern that only some dialects take.
    command.args(["--regex-variant", "python", "--schemafile"]).arg(schema(schema_name));
    for (name, report) in reports().into_iter().chain([("many", many())]) {
        let path = folder.path().join(name);
        std::fs::write(&path, by_name(format, &report)).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
fn sarif_follows_its_schema() {
    check_schema("sarif", "sarif-2.1.0.json");
}

#[test]
fn gitlab_follows_its_schema() {
    check_schema("gitlab", "gitlab-container-scanning-15.0.7.json");
}

// No schema of JUnit's is binding; this is the one that Jenkins checks against.
#[test]
fn junit_follows_the_schema_of_jenkins() {
    const PROGRAM: &str = "\
import sys
from lxml import etree
schema = etree.XMLSchema(etree.parse(sys.argv[1]))
for name in sys.argv[2:]:
    schema.assertValid(etree.parse(name, etree.XMLParser(huge_tree=True)))";
    let Some(python) = validator("python") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.args(["-c", PROGRAM]).arg(schema("junit-10.xsd"));
    for (name, report) in reports().into_iter().chain([("many", many())]) {
        let path = folder.path().join(name);
        std::fs::write(&path, by_name("junit", &report)).unwrap();
        command.arg(path);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

// That a foreign reader counts the same is what its users need.
#[test]
fn junit_is_read_by_others() {
    const PROGRAM: &str = "\
import sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
cases = root.findall('testsuite/testcase/failure')
skipped = root.findall('testsuite/testcase/skipped')
assert root.tag == 'testsuites'
assert sum(int(suite.get('failures')) for suite in root) == len(cases) == int(root.get('failures'))
assert sum(int(suite.get('skipped')) for suite in root) == len(skipped)
assert len(cases) + len(skipped) == int(root.get('tests'))
print(len(cases), len(skipped))";
    for (name, report) in reports().into_iter().chain([("many", many())]) {
        let spawned = Command::new("python3")
            .args(["-c", PROGRAM])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn();
        let Ok(mut child) = spawned else {
            eprintln!("SKIPPED: `python3` is not here, JUnit's XML was not read with it");
            return;
        };
        let text = by_name("junit", &report);
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}");
        let count = String::from_utf8(output.stdout).unwrap();
        let expected = format!("{} {}", report.findings.len(), report.suppressed.len());
        assert_eq!(count.trim(), expected, "{name}");
    }
}

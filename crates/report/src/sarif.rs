//! SARIF 2.1.0 (OASIS, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/>), within the limits of GitHub's code scanning.
//!
//! A rule is a flaw, a result is a finding. SARIF's `fixes` are replacements of regions in files, and an upgrade is no
//! such thing; the version that repairs is in the message, in the rule's help and in `properties`. A finding that somebody
//! answered for is a result with a suppression.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealift_model::{Finding, Report, Severity, Suppressed};
use serde_json::{Map, Value, json};

use crate::part::Part;
use crate::{remark, secrets, text};

pub(crate) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const ROOT: &str = "ROOTPATH";
const TITLE_CHARS_MAX: usize = 1000;
const TEXT_CHARS_MAX: usize = 1000;
const HELP_CHARS_MAX: usize = 20_000;

/// The report as SARIF.
pub(crate) fn sarif(report: &Report) -> String {
    // By the order of findings, so that the worst rating of a flaw is found without a second pass.
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut flaws: Vec<Vec<&Finding>> = Vec::new();
    let suppressed = report.suppressed.iter().map(|suppressed| &suppressed.finding);
    for finding in report.findings.iter().chain(suppressed) {
        let place = *places.entry(&finding.id).or_insert(flaws.len());
        match flaws.get_mut(place) {
            Some(flaw) => flaw.push(finding),
            None => flaws.push(vec![finding]),
        }
    }
    // Answers are of one of the two or of both: a list, empty or not, has to be in every result, or in none.
    let has_answers = !report.suppressed.is_empty();
    let places = &places;
    let one = move |finding: &Finding, by: Option<&Suppressed>| {
        let mut result = result(finding, places[finding.id.as_str()], report);
        if has_answers {
            result["suppressions"] = by.map(suppression).into_iter().collect();
        }
        result
    };
    let all = move || {
        let suppressed = report.suppressed.iter().map(move |by| one(&by.finding, Some(by)));
        report.findings.iter().map(move |finding| one(finding, None)).chain(suppressed)
    };
    let (secret_rules, mut secret_results) = secrets::sarif(report, flaws.len());
    if has_answers {
        for result in &mut secret_results {
            result["suppressions"] = json!([]);
        }
    }
    let (secret_rules, secret_results) = (&secret_rules, &secret_results);
    let results =
        Part::Each(Box::new(move || Box::new(all().chain(secret_results.iter().cloned()))));
    let flaws = &flaws;
    let rules = Part::Each(Box::new(move || {
        Box::new(flaws.iter().map(|findings| rule(findings)).chain(secret_rules.iter().cloned()))
    }));
    let driver = Part::Object(vec![
        ("name", Part::Whole(json!("Sealift"))),
        ("fullName", Part::Whole(json!("Sealift vulnerability scanner"))),
        ("informationUri", Part::Whole(json!("https://github.com/sealift/sealift"))),
        ("semanticVersion", Part::Whole(json!(env!("CARGO_PKG_VERSION")))),
        ("version", Part::Whole(json!(env!("CARGO_PKG_VERSION")))),
        ("rules", rules),
    ]);
    let invocation = json!({
        "executionSuccessful": true,
        "endTimeUtc": text::time(report.created_secs),
        "toolExecutionNotifications": notifications(report),
    });
    let run = Part::Object(vec![
        ("tool", Part::Object(vec![("driver", driver)])),
        ("invocations", Part::Whole(json!([invocation]))),
        ("results", results),
        ("columnKind", Part::Whole(json!("utf16CodeUnits"))),
        ("originalUriBaseIds", Part::Whole(json!({ROOT: {"uri": "file:///"}}))),
        ("properties", Part::Whole(run_properties(report))),
    ]);
    text::document(&Part::Object(vec![
        ("$schema", Part::Whole(json!(SCHEMA))),
        ("version", Part::Whole(json!("2.1.0"))),
        ("runs", Part::List(vec![run])),
    ]))
}

fn notifications(report: &Report) -> Vec<Value> {
    let notification = |level: &str, line: &str| json!({"level": level, "message": {"text": text::line(line, TEXT_CHARS_MAX)}});
    let mut list = vec![notification("note", &remark::basis(report))];
    list.extend(report.life.iter().map(|life| {
        notification(if life.is_over { "warning" } else { "note" }, &remark::life(life))
    }));
    let stale = report.stale_ignores.iter().map(remark::stale);
    list.extend(stale.map(|line| notification("warning", &line)));
    let notes = report.notes.iter().map(|note| format!("{}: {}", note.subject, note.message));
    list.extend(notes.map(|line| notification("warning", &line)));
    list
}

fn suppression(suppressed: &Suppressed) -> Value {
    let by = &suppressed.by;
    let mut properties = json!({"source": by.place, "answer": remark::status(by.status)});
    let others =
        [("vexJustification", &by.justification), ("owner", &by.owner), ("expires", &by.expires)];
    for (name, value) in others {
        if let Some(value) = value {
            properties[name] = json!(value);
        }
    }
    json!({
        "kind": "external",
        "status": "accepted",
        "justification": text::line(&remark::answer(&suppressed.by), TEXT_CHARS_MAX),
        "properties": properties,
    })
}

fn run_properties(report: &Report) -> Value {
    let mut properties = json!({
        "imageName": report.artifact.name,
        "advisories": report.database.records,
        "exampleDataOnly": report.database.example_only,
    });
    if report.database.made_secs > 0 {
        properties["advisoriesMade"] = json!(text::time(report.database.made_secs));
        properties["advisoriesAgeDays"] = json!(remark::age_days(report));
    }
    if let Some(image) = &report.artifact.image {
        properties["imageID"] = json!(image.id.to_string());
        properties["repoTags"] = json!(image.tags);
        properties["repoDigests"] = json!(image.digests);
    }
    properties
}

fn rule(findings: &[&Finding]) -> Value {
    let first = findings[0];
    let worst = findings.iter().max_by_key(|finding| finding.severity).unwrap_or(&first);
    let title = match text::line(&first.title, TITLE_CHARS_MAX) {
        title if title.is_empty() => first.id.clone(),
        title => title,
    };
    let whole = first.description.as_deref().unwrap_or(&first.title);
    let full = match text::block(whole, TEXT_CHARS_MAX) {
        text if text.is_empty() => title.clone(),
        text => text,
    };
    let mut rule = json!({
        "id": first.id,
        "name": if first.package.kind.is_os() { "OsPackageVulnerability" } else { "LanguageSpecificPackageVulnerability" },
        "shortDescription": {"text": title},
        "fullDescription": {"text": full},
        "defaultConfiguration": {"level": level(worst.severity)},
        "help": help(findings, &title, whole),
        "properties": {
            "precision": "very-high",
            "security-severity": security_severity(worst),
            "tags": tags(worst),
        },
    });
    if let Some(url) = text::primary_url(first) {
        rule["helpUri"] = json!(url);
    }
    let properties = rule["properties"].as_object_mut();
    if let Some(properties) = properties {
        cvss(first, properties);
    }
    rule
}

fn tags(finding: &Finding) -> Vec<String> {
    let mut tags = vec![
        "vulnerability".to_owned(),
        "security".to_owned(),
        finding.severity.as_str().to_owned(),
    ];
    if finding.kev.is_some() {
        tags.push("known-exploited".to_owned());
    }
    // The form that GitHub groups by.
    let numbers =
        finding.cwes.iter().filter_map(|cwe| cwe.strip_prefix("CWE-")?.parse::<u32>().ok());
    tags.extend(numbers.take(7).map(|number| format!("external/cwe/cwe-{number:03}")));
    tags
}

fn cvss(finding: &Finding, properties: &mut Map<String, Value>) {
    for (_, cvss) in text::cvss(finding) {
        let name = match cvss.version {
            sealift_model::CvssVersion::V2 => "cvssv2",
            sealift_model::CvssVersion::V30 | sealift_model::CvssVersion::V31 => "cvssv3",
            sealift_model::CvssVersion::V4 => "cvssv40",
        };
        if !properties.contains_key(&format!("{name}_vector")) {
            properties.insert(format!("{name}_vector"), json!(text::line(&cvss.vector, 300)));
            properties.insert(format!("{name}_baseScore"), json!(cvss.score()));
        }
    }
}

fn help(findings: &[&Finding], title: &str, whole: &str) -> Value {
    let first = findings[0];
    let mut packages: Vec<String> =
        findings.iter().map(|finding| text::solution(finding)).collect();
    packages.dedup();
    packages.truncate(100);
    let link = text::primary_url(first);
    let body = text::block(whole, HELP_CHARS_MAX);
    let plain = format!(
        "{}: {title}\n{}\n{}\n\n{body}",
        first.id,
        packages.join("\n"),
        link.unwrap_or_default()
    );
    let linked = match link {
        Some(url) => format!("[{}]({url})", crate::markdown::escape(&first.id)),
        None => crate::markdown::escape(&first.id),
    };
    let list: Vec<String> =
        packages.iter().map(|line| format!("- {}", crate::markdown::escape(line))).collect();
    let list = list.join("\n");
    let markdown = format!(
        "**{linked}**: {}\n\n{list}\n\n{}",
        crate::markdown::escape(title),
        crate::markdown::escape_block(&body)
    );
    json!({"text": plain, "markdown": markdown})
}

fn result(finding: &Finding, rule: usize, report: &Report) -> Value {
    let package = &finding.package;
    let mut message = format!(
        "Package: {}\nInstalled Version: {}\nVulnerability {}\nSeverity: {}\nFixed Version: {}",
        text::line(&package.name, 300),
        text::line(&package.version, 300),
        text::line(&finding.id, 300),
        finding.severity.as_str(),
        text::line(finding.fix.version().unwrap_or_default(), 300),
    );
    let urgency = remark::urgency(finding);
    if !urgency.is_empty() {
        message.extend(["\nUrgency: ", &urgency]);
    }
    if let Some(url) = text::primary_url(finding) {
        message.extend(["\nLink: [", &text::line(&finding.id, 300), "](", url, ")"]);
    }
    let place = location(finding, report);
    let spot = format!("{}: {}@{}", place, package.name, package.version);
    let mut properties = json!({
        "purl": package.purl,
        "severity": finding.severity.as_str(),
        "security-severity": security_severity(finding),
        "status": finding.fix.as_str(),
        "reasons": finding.reasons.iter().map(ToString::to_string).collect::<Vec<_>>(),
    });
    if let Some(version) = finding.fix.version() {
        properties["fixedVersion"] = json!(version);
    }
    if let Some(kev) = &finding.kev {
        properties["knownExploited"] =
            json!({"added": kev.added, "due": kev.due, "ransomware": kev.is_used_by_ransomware});
    }
    if let Some(epss) = &finding.epss {
        properties["epss"] = json!({"score": epss.score(), "percentile": epss.percentile()});
    }
    if !remark::origin(finding).is_empty() {
        properties["origin"] = json!(remark::origin(finding));
    }
    if let Some(layer) = &package.layer {
        properties["layer"] = json!(layer.diff_id.to_string());
    }
    json!({
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": {"text": message},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&place), "uriBaseId": ROOT},
                "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1},
            },
            "logicalLocations": [{
                "name": text::line(&package.name, 300),
                "fullyQualifiedName": text::line(&package.purl, 2000),
                "kind": "package",
            }],
            "message": {"text": text::line(&spot, 2000)},
        }],
        "partialFingerprints": {"sealiftFinding/v1": text::fingerprint(finding)},
        "properties": properties,
    })
}

// The file that shows the package; of an operating system's package, whose database says nothing, the image.
fn location(finding: &Finding, report: &Report) -> String {
    let path = finding.package.path.as_deref().map(|path| path.trim_start_matches('/'));
    match path.filter(|path| !path.is_empty()) {
        Some(path) => path.to_owned(),
        None => report.artifact.name.trim_start_matches('/').to_owned(),
    }
}

// A relative reference (RFC 3986); its first segment must not look like a scheme, so colons are escaped too.
pub(crate) fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes().take(4096) {
        if byte.is_ascii_alphanumeric() || b"-._~/+@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    if out.is_empty() { "image".to_owned() } else { out }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Negligible | Severity::Unknown => "note",
    }
}

// GitHub makes its own levels of this number, and they must not contradict ours; so a CVSS score counts only where it
// is in the band of the level.
fn security_severity(finding: &Finding) -> String {
    let (lowest, highest, usual) = match finding.severity {
        Severity::Critical => (90, 100, 95),
        Severity::High => (70, 89, 80),
        Severity::Medium => (40, 69, 55),
        Severity::Low => (1, 39, 20),
        Severity::Negligible => (1, 1, 1),
        Severity::Unknown => (0, 0, 0),
    };
    let scores = text::cvss(finding).map(|(_, cvss)| cvss.score_tenths);
    let score =
        scores.into_iter().find(|score| (lowest..=highest).contains(score)).unwrap_or(usual);
    format!("{}.{}", score / 10, score % 10)
}

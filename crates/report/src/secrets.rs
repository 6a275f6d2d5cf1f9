//! Secrets in reports, in the words that all formats share.

use std::fmt::Write as _;

use sealift_model::{Report, SecretFinding, SecretPlace, Severity};
use serde_json::{Value, json};

use crate::text;

/// The secrets of a report; none if nobody looked.
pub(crate) fn all(report: &Report) -> &[SecretFinding] {
    report.secrets.as_deref().unwrap_or_default()
}

/// Where it is, `/app/.env:3`.
pub(crate) fn place(finding: &SecretFinding) -> String {
    match finding.line {
        0 => finding.place.describe(),
        line => format!("{}:{line}", finding.place.describe()),
    }
}

/// The layer and what made it, and whether a later layer hides the file; empty if nothing is known.
pub(crate) fn origin(finding: &SecretFinding) -> String {
    let mut parts = Vec::new();
    parts.extend(finding.layer.as_ref().map(|layer| format!("layer {}", layer.index)));
    parts.extend(finding.commit.as_ref().map(|commit| {
        let id: String = commit.id.chars().take(12).collect();
        format!("commit {id} of {} by {}", text::time(commit.date_secs), commit.author)
    }));
    parts.extend(finding.hidden_by.map(|by| format!("hidden by layer {by}, but in the image")));
    let line = finding.dockerfile_line.map(|line| format!("line {line} of the Dockerfile: "));
    parts.extend(
        finding.instruction.as_ref().map(|text| format!("{}{text}", line.unwrap_or_default())),
    );
    parts.join(", ")
}

/// What to do about it.
pub const ADVICE: &str = "Rotate it: whoever has the image has it, and a later layer that deletes it does not take it out. \
                                 Then leave it out of the build: `RUN --mount=type=secret` in a Dockerfile, a mounted file or \
                                 the environment at run time.";

/// The entries of trivy's JSON: one a file, and one for the config of the image.
pub(crate) fn results(report: &Report) -> Vec<(String, Vec<Value>)> {
    let mut results: Vec<(String, Vec<Value>)> = Vec::new();
    for finding in all(report) {
        let target = match &finding.place {
            SecretPlace::File(path) => path.clone(),
            _ => format!("{} (config)", report.artifact.name),
        };
        let entry = entry(finding);
        match results.iter_mut().find(|(name, _)| *name == target) {
            Some((_, entries)) => entries.push(entry),
            None => results.push((target, vec![entry])),
        }
    }
    results
}

fn entry(finding: &SecretFinding) -> Value {
    let mut entry = json!({
        "RuleID": finding.rule,
        "Category": finding.provider,
        "Severity": crate::json::word(finding.severity),
        "Title": finding.title,
        "StartLine": finding.line,
        "EndLine": finding.end_line,
        "Match": finding.masked,
        "Place": finding.place.describe(),
        "Column": finding.column,
        "Confidence": confidence(finding),
        "Fingerprint": finding.fingerprint,
    });
    if let Some(layer) = &finding.layer {
        entry["Layer"] = json!({"DiffID": layer.diff_id.to_string(), "Index": layer.index});
    }
    if let Some(instruction) = &finding.instruction {
        entry["Layer"]["CreatedBy"] = json!(instruction);
    }
    if let Some(layer) = finding.hidden_by {
        entry["HiddenByLayer"] = json!(layer);
    }
    if let Some(commit) = &finding.commit {
        entry["Commit"] = json!({
            "ID": commit.id,
            "Author": commit.author,
            "AuthorDate": text::time(commit.date_secs),
        });
    }
    if let Some(line) = finding.dockerfile_line {
        entry["DockerfileLine"] = json!(line);
    }
    entry
}

/// The word for how sure it is.
pub(crate) fn confidence(finding: &SecretFinding) -> &'static str {
    use sealift_model::Confidence::{High, Low, Medium};
    match finding.confidence {
        High => "high",
        Medium => "medium",
        Low => "low",
    }
}

/// A baseline that knows the secrets of the report.
pub(crate) fn baseline(report: &Report) -> String {
    sealift_secrets::write_baseline(all(report).iter().map(|finding| sealift_secrets::Entry {
        fingerprint: finding.fingerprint.clone(),
        rule: finding.rule.clone(),
        place: finding.place.describe(),
        line: finding.line,
    }))
}

/// A SARIF rule and result each, where the rules before have so many entries.
pub(crate) fn sarif(report: &Report, rules_before: usize) -> (Vec<Value>, Vec<Value>) {
    let mut rules: Vec<(&str, Value)> = Vec::new();
    let mut results = Vec::new();
    for finding in all(report) {
        let place = rules.iter().position(|(id, _)| *id == finding.rule).unwrap_or_else(|| {
            rules.push((&finding.rule, sarif_rule(finding)));
            rules.len() - 1
        });
        results.push(sarif_result(finding, rules_before + place));
    }
    (rules.into_iter().map(|(_, rule)| rule).collect(), results)
}

fn sarif_rule(finding: &SecretFinding) -> Value {
    let score = match finding.severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        _ => "2.0",
    };
    json!({
        "id": finding.rule,
        "name": "Secret",
        "shortDescription": {"text": text::line(&finding.title, 1000)},
        "fullDescription": {"text": text::line(&finding.title, 1000)},
        "help": {"text": ADVICE, "markdown": ADVICE},
        "defaultConfiguration": {"level": sarif_level(finding)},
        "properties": {"tags": ["security", "secret"], "precision": "high", "security-severity": score},
    })
}

fn sarif_level(finding: &SecretFinding) -> &'static str {
    match finding.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        _ => "note",
    }
}

fn sarif_result(finding: &SecretFinding, rule: usize) -> Value {
    let message = format!("{}: {} at {}", finding.title, finding.masked, place(finding));
    let path = finding.place.describe();
    let mut region = json!({"startLine": finding.line.max(1)});
    if finding.column > 0 {
        region["startColumn"] = json!(finding.column);
    }
    region["endLine"] = json!(finding.end_line.max(finding.line).max(1));
    let mut properties = json!({"confidence": confidence(finding), "masked": finding.masked});
    if let Some(commit) = &finding.commit {
        properties["commit"] = json!(commit.id);
        properties["author"] = json!(text::line(&commit.author, 1000));
        properties["authorDate"] = json!(text::time(commit.date_secs));
    }
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": sarif_level(finding),
        "message": {"text": text::line(&message, 1000)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(path.trim_start_matches('/')), "uriBaseId": "ROOTPATH"},
                "region": region,
            },
            "message": {"text": text::line(&format!("{} {}", path, origin(finding)), 1000)},
        }],
        "partialFingerprints": {"secret/v1": finding.fingerprint},
        "properties": properties,
    })
}

// RFC 3986: what may stand in a path; the rest is encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                out.push(byte.into());
            }
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

//! Findings as SARIF 2.1.0 (OASIS), with what is known of their rules, and with fixes that editors can apply.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealift_diagnostic::{Diagnostic, Fix, Level, Rule, Tier};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{Findings, LintedFile, Places, Region, Subject, fingerprints};
use crate::sarif::{SCHEMA, uri};
use crate::{markdown, text};

const TEXT_CHARS_MAX: usize = 1000;
const HELP_CHARS_MAX: usize = 20_000;

pub(super) fn sarif(findings: &Findings<'_>) -> String {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rules: Vec<&Rule> = Vec::new();
    for finding in findings.files.iter().flat_map(|file| &file.diagnostics) {
        if let Some(rule) = findings.rule(finding) {
            places.entry(rule.id).or_insert_with(|| {
                rules.push(rule);
                rules.len() - 1
            });
        }
    }
    let driver = json!({
        "name": "Sealift",
        "fullName": format!("Sealift {}", findings.command),
        "informationUri": "https://github.com/sealift/sealift",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules.into_iter().map(rule).collect::<Vec<_>>(),
    });
    let files = findings.files;
    text::document(&Log {
        schema: SCHEMA,
        runs: [Run {
            artifacts: Artifacts(files),
            column_kind: "utf16CodeUnits",
            results: Results { files, rules: &places },
            tool: json!({ "driver": driver }),
        }],
        version: "2.1.0",
    })
}

// Keys in order of the alphabet, as everywhere below.
#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<'a>; 1],
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    artifacts: Artifacts<'a>,
    column_kind: &'static str,
    results: Results<'a>,
    tool: Value,
}

struct Artifacts<'a>(&'a [LintedFile]);

impl Serialize for Artifacts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let files = self.0.iter().filter(|file| file.subject.is_none());
        serializer.collect_seq(
            files.map(
                |file| json!({"location": {"uri": uri(&file.path)}, "length": file.text.len()}),
            ),
        )
    }
}

/// Made file by file while it is written: as values the results are many times as large as their text.
struct Results<'a> {
    files: &'a [LintedFile],
    rules: &'a BTreeMap<&'a str, usize>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.files.iter().flat_map(|file| results(file, self.rules)))
    }
}

fn rule(rule: &Rule) -> Value {
    let pages: Vec<&str> = rule.references.iter().filter_map(|it| text::web_address(it)).collect();
    let examples = [("Not so", rule.bad), ("But so", rule.good)];
    let mut plain = format!("{}\n\nInstead: {}", rule.why, rule.fix);
    let mut rich = format!(
        "{}\n\n**Instead:** {}",
        markdown::escape_block(rule.why),
        markdown::escape_block(rule.fix)
    );
    for (title, example) in examples.into_iter().filter(|(_, example)| !example.is_empty()) {
        let _ = write!(plain, "\n\n{title}:\n{example}");
        let _ = write!(rich, "\n\n{title}:\n\n```dockerfile\n{}\n```", example.trim_end());
    }
    for page in &pages {
        let _ = write!(plain, "\n{page}");
        let _ = write!(rich, "\n- <{page}>");
    }
    let mut value = json!({
        "id": rule.id,
        "name": camel_case(rule.name),
        "shortDescription": {"text": rule.name},
        "fullDescription": {"text": text::block(rule.why, TEXT_CHARS_MAX)},
        "help": {
            "text": text::block(&plain, HELP_CHARS_MAX),
            "markdown": text::block(&rich, HELP_CHARS_MAX),
        },
        "defaultConfiguration": {"level": level(rule.level)},
        "properties": {"aliases": rule.aliases, "since": rule.since, "tags": tags(rule)},
    });
    if let Some(page) = pages.first() {
        value["helpUri"] = json!(page);
    }
    // GitHub shows only rules with this number among the findings of security.
    if is_security(rule) {
        value["properties"]["security-severity"] = json!(match rule.level {
            Level::Error => "8.0",
            Level::Warning => "5.5",
            Level::Info | Level::Style => "2.0",
        });
    }
    value
}

fn is_security(rule: &Rule) -> bool {
    matches!(rule.id.as_bytes().get(2), Some(b'1' | b'6'..=b'8'))
}

fn tags(rule: &Rule) -> Vec<&'static str> {
    match rule.id.as_bytes().get(2) {
        _ if is_security(rule) => vec!["security"],
        Some(b'2') => vec!["reproducibility"],
        Some(b'4') => vec!["performance"],
        _ => vec!["correctness"],
    }
}

// `mutable-tag` is `MutableTag`: SARIF wants an identifier.
fn camel_case(name: &str) -> String {
    name.split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters)
        })
        .collect()
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info | Level::Style => "note",
    }
}

fn results(file: &LintedFile, rules: &BTreeMap<&str, usize>) -> Vec<Value> {
    let places = Places::new(&file.text);
    let prints = fingerprints(file, &places);
    let all = file.diagnostics.iter().zip(&prints);
    all.map(|(finding, print)| result(finding, print, file, &places, rules)).collect()
}

fn result(
    finding: &Diagnostic,
    fingerprint: &str,
    file: &LintedFile,
    places: &Places<'_>,
    rules: &BTreeMap<&str, usize>,
) -> Value {
    let id = finding.rule.as_deref().unwrap_or("syntax");
    let location = |span, message: Option<&str>| {
        if let Some(subject) = &file.subject {
            return subject_location(file, subject);
        }
        let mut value = json!({"physicalLocation": {
            "artifactLocation": {"uri": uri(&file.path)},
            "region": region(places.region(span)),
        }});
        if let Some(message) = message {
            value["message"] = json!({"text": text::line(message, TEXT_CHARS_MAX)});
        }
        value
    };
    let mut value = json!({
        "ruleId": text::line(id, 255),
        "level": level(finding.level),
        "message": {"text": text::line(&super::whole_message(finding), TEXT_CHARS_MAX)},
        "locations": [location(finding.span, None)],
        "partialFingerprints": {"sealiftFinding/v1": fingerprint},
    });
    if let Some(index) = rules.get(id) {
        value["ruleIndex"] = json!(index);
    }
    if !finding.related.is_empty() {
        let related = finding.related.iter().map(|(span, words)| location(*span, Some(words)));
        value["relatedLocations"] = related.collect();
    }
    // A patch that a person has to finish is nothing that a program may apply.
    let fixes = finding.fixes.iter().filter(|fix| fix.tier != Tier::Manual);
    let fixes: Vec<Value> = fixes.filter_map(|it| fix(it, file, places)).collect();
    if !fixes.is_empty() {
        value["fixes"] = json!(fixes);
    }
    value
}

// Services show nothing without a file and a line: the file is that of the image, or stands for it.
fn subject_location(file: &LintedFile, subject: &Subject) -> Value {
    let path = if file.path.is_empty() { &subject.name } else { &file.path };
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(path.trim_start_matches('/'))},
            "region": {"startLine": 1},
        },
        "logicalLocations": [{
            "name": text::line(&subject.name, TEXT_CHARS_MAX),
            "fullyQualifiedName": text::line(&file.place(subject), TEXT_CHARS_MAX),
        }],
        "message": {"text": text::line(&file.place(subject), TEXT_CHARS_MAX)},
    })
}

fn region(region: Region) -> Value {
    json!({
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    })
}

// `None` for one that only makes a file: SARIF's fixes change what is there.
fn fix(fix: &Fix, file: &LintedFile, places: &Places<'_>) -> Option<Value> {
    if fix.edits.is_empty() || fix.file.is_some() {
        return None;
    }
    let replacements = fix.edits.iter().map(|edit| {
        json!({
            "deletedRegion": region(places.region(edit.span)),
            "insertedContent": {"text": edit.text},
        })
    });
    Some(json!({
        "description": {"text": text::line(&format!("{} ({})", fix.title, fix.tier.as_str()), TEXT_CHARS_MAX)},
        "artifactChanges": [{
            "artifactLocation": {"uri": uri(&file.path)},
            "replacements": replacements.collect::<Vec<_>>(),
        }],
    }))
}

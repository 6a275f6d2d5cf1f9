//! GitLab's code quality report (<https://docs.gitlab.com/ci/testing/code_quality/>).

use sealift_diagnostic::{Diagnostic, Level};
use serde_json::{Value, json};

use super::{Encoding, LintedFile, Places, fingerprints, whole_message};
use crate::text;

pub(super) const CODEQUALITY: Encoding =
    Encoding::List { head: "", items: issues, indent: "  ", tail: "\n" };

fn issues(file: &LintedFile) -> Vec<Value> {
    let places = Places::new(&file.text);
    let prints = fingerprints(file, &places);
    let path = file.shown_path();
    let all = file.diagnostics.iter().zip(prints);
    all.map(|(finding, print)| issue(finding, &path, &places, &print)).collect()
}

fn issue(finding: &Diagnostic, path: &str, places: &Places<'_>, fingerprint: &str) -> Value {
    let region = places.region(finding.span);
    let rule = finding.rule.as_deref().unwrap_or("syntax");
    json!({
        "type": "issue",
        "check_name": text::line(rule, 255),
        "categories": [category(rule)],
        "description": text::line(&format!("{rule}: {}", whole_message(finding)), 1000),
        "content": {"body": text::block(finding.why.as_deref().unwrap_or_default(), 20_000)},
        "fingerprint": fingerprint,
        "severity": match finding.level {
            Level::Error => "critical",
            Level::Warning => "major",
            Level::Info => "minor",
            Level::Style => "info",
        },
        "location": {
            // GitLab finds the file by its path from the top of the repository.
            "path": text::line(path.trim_start_matches("./"), 4096),
            "positions": {
                "begin": {"line": region.line, "column": region.column},
                "end": {"line": region.end_line, "column": region.end_column},
            },
            "lines": {"begin": region.line, "end": region.end_line},
        },
    })
}

// Code Climate's categories, by the thousands of our ids.
fn category(rule: &str) -> &'static str {
    match rule.as_bytes().get(2) {
        Some(b'1' | b'6' | b'7' | b'8') => "Security",
        Some(b'2') => "Compatibility",
        Some(b'4') => "Performance",
        _ => "Bug Risk",
    }
}

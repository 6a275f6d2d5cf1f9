//! Our own JSON: every finding with its place, its reasons and its fixes.

use sealift_diagnostic::{Diagnostic, Fix};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{Findings, LintedFile, Places};
use crate::text;

/// All findings of all files.
pub(super) fn json(findings: &Findings<'_>) -> String {
    text::document(&Document { findings: List(findings.files), schema_version: 1 })
}

// Keys in order of the alphabet, as everywhere below.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    findings: List<'a>,
    schema_version: u32,
}

/// Made one by one while it is written: of thousands of files no second copy is ever whole in memory.
struct List<'a>(&'a [LintedFile]);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().flat_map(|file| {
            let places = Places::new(&file.text);
            file.diagnostics.iter().map(move |it| finding(it, file, &places))
        }))
    }
}

fn finding(finding: &Diagnostic, file: &LintedFile, places: &Places<'_>) -> Value {
    if let Some(subject) = &file.subject {
        return json!({
            "subject": subject.name,
            "file": Some(&file.path).filter(|path| !path.is_empty()),
            "layer": subject.layer,
            "rule": finding.rule,
            "level": finding.level.as_str(),
            "message": finding.message,
            "why": finding.why,
            "help": finding.help,
            "aliases": finding.aliases,
        });
    }
    let (line, column) = places.characters(finding.span.start);
    let (end_line, end_column) = places.characters(finding.span.end);
    let related = finding.related.iter().map(|(span, words)| {
        let (line, column) = places.characters(span.start);
        json!({ "line": line, "column": column, "message": words })
    });
    json!({
        "file": file.path,
        "rule": finding.rule,
        "level": finding.level.as_str(),
        "message": finding.message,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
        "why": finding.why,
        "help": finding.help,
        "aliases": finding.aliases,
        "related": related.collect::<Vec<_>>(),
        "fixes": finding.fixes.iter().map(|it| fix(it, places)).collect::<Vec<_>>(),
    })
}

fn fix(fix: &Fix, places: &Places<'_>) -> Value {
    let edits = fix.edits.iter().map(|edit| {
        let (line, column) = places.characters(edit.span.start);
        let (end_line, end_column) = places.characters(edit.span.end);
        json!({
            "line": line,
            "column": column,
            "endLine": end_line,
            "endColumn": end_column,
            "text": edit.text,
        })
    });
    let mut value = json!({
        "tier": fix.tier.as_str(),
        "title": fix.title,
        "edits": edits.collect::<Vec<_>>(),
    });
    if let Some(file) = &fix.file {
        value["file"] = json!({ "path": file.path, "content": file.content });
    }
    value
}

impl Places<'_> {
    /// Line and column, the column in characters.
    fn characters(&self, offset: usize) -> (usize, usize) {
        self.index.line_column(self.text, offset)
    }
}

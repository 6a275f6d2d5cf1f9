//! Our own JSON: every finding with its place, its reasons and its fixes.

use sealift_diagnostic::{Diagnostic, Fix};
use serde_json::{Value, json};

use super::{Encoding, LintedFile, Places};

/// All findings of all files, keys in order of the alphabet, as everywhere below.
pub(super) const JSON: Encoding = Encoding::List {
    head: "{\n  \"findings\": ",
    items,
    indent: "    ",
    tail: ",\n  \"schemaVersion\": 1\n}\n",
};

fn items(file: &LintedFile) -> Vec<Value> {
    let places = Places::new(&file.text);
    file.diagnostics.iter().map(|it| finding(it, file, &places)).collect()
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

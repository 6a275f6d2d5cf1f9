//! What can be done about the findings in a range: their fixes, and a comment that silences them.

use sealift_diagnostic::{Diagnostic, Edit, Fix, Level, Span, Tier};
use serde_json::{Value, json};

use crate::{document::Document, hover::is_dockerfile, position::Encoding};

/// A finding in the protocol's shape.
pub(crate) fn diagnostic(document: &Document, found: &Diagnostic, encoding: Encoding) -> Value {
    let severity = match found.level {
        Level::Error => 1,
        Level::Warning => 2,
        Level::Info => 3,
        Level::Style => 4,
    };
    let mut message = found.message.clone();
    if let Some(help) = &found.help {
        message = format!("{message}\n{help}");
    }
    let related: Vec<Value> = found
        .related
        .iter()
        .map(|(span, label)| {
            let range = document.lines.range(&document.text, *span, encoding);
            json!({ "location": { "uri": document.uri, "range": range }, "message": label })
        })
        .collect();
    json!({
        "range": document.lines.range(&document.text, found.span, encoding),
        "severity": severity,
        "code": found.rule,
        "source": "sealift",
        "message": message,
        "relatedInformation": related,
    })
}

/// The actions for what is found in `range`, the surest first.
pub(crate) fn actions(document: &Document, range: Span, encoding: Encoding) -> Vec<Value> {
    let mut actions = Vec::new();
    let touches =
        |found: &&Diagnostic| found.span.start <= range.end && range.start <= found.span.end;
    let found: Vec<&Diagnostic> = document.diagnostics.iter().flatten().filter(touches).collect();
    let mut fixes: Vec<(&Diagnostic, &Fix)> = found
        .iter()
        .flat_map(|found| found.fixes.iter().map(move |fix| (*found, fix)))
        .filter(|(_, fix)| !fix.edits.is_empty() || fix.file.is_some())
        .collect();
    fixes.sort_by_key(|(_, fix)| fix.tier);
    for (found, fix) in fixes {
        let doubt = match fix.tier {
            Tier::Safe => "",
            Tier::Suggested => " (may change behaviour)",
            Tier::Manual => " (a start, to be finished by hand)",
        };
        actions.push(json!({
            "title": format!("{}{doubt}", fix.title),
            "kind": "quickfix",
            "isPreferred": fix.tier == Tier::Safe,
            "diagnostics": [diagnostic(document, found, encoding)],
            "edit": workspace_edit(document, fix, encoding),
        }));
    }
    if is_dockerfile(document) {
        actions.extend(found.iter().filter_map(|found| silence(document, found, encoding)));
    }
    actions
}

/// An action that puts everything in place of the text.
pub(crate) fn replace_all(document: &Document, text: &str, encoding: Encoding) -> Value {
    let all = Span::new(0, document.text.len());
    let fix = Fix::new(Tier::Safe, "mend it", vec![Edit::replace(all, text)]);
    json!({
        "title": "mend everything that can be mended safely",
        "kind": "source.fixAll.sealift",
        "edit": workspace_edit(document, &fix, encoding),
    })
}

/// A comment above the instruction. Syntax errors cannot be silenced.
fn silence(document: &Document, found: &Diagnostic, encoding: Encoding) -> Option<Value> {
    let id = found.rule.as_deref().filter(|id| *id != sealift_dockerfile::SYNTAX_RULE)?;
    let parsed = sealift_dockerfile::parse(&document.text, &sealift_dockerfile::Limits::default());
    let instructions = &parsed.file.instructions;
    let around = instructions
        .iter()
        .find(|it| it.span.start <= found.span.start && found.span.start <= it.span.end)?;
    let edit = Edit::insert(around.span.start, format!("# sealift: ignore={id}\n"));
    let fix = Fix::new(Tier::Safe, "silence it", vec![edit]);
    Some(json!({
        "title": format!("ignore {id} for this instruction"),
        "kind": "quickfix",
        "diagnostics": [diagnostic(document, found, encoding)],
        "edit": workspace_edit(document, &fix, encoding),
    }))
}

/// A fix in the protocol's shape: files that it makes first, then the edits of this document.
fn workspace_edit(document: &Document, fix: &Fix, encoding: Encoding) -> Value {
    let edits: Vec<Value> = fix
        .edits
        .iter()
        .map(|edit| {
            let range = document.lines.range(&document.text, edit.span, encoding);
            json!({ "range": range, "newText": edit.text })
        })
        .collect();
    let mut changes = Vec::new();
    if let Some((file, uri)) =
        fix.file.as_ref().and_then(|file| Some((file, beside(document, &file.path)?)))
    {
        let start = json!({ "line": 0, "character": 0 });
        changes.push(json!({ "kind": "create", "uri": uri, "options": { "overwrite": true } }));
        changes.push(json!({
            "textDocument": { "uri": uri, "version": null },
            "edits": [{ "range": { "start": start, "end": start }, "newText": file.content }],
        }));
    }
    if !edits.is_empty() {
        changes.push(json!({
            "textDocument": { "uri": document.uri, "version": document.version },
            "edits": edits,
        }));
    }
    json!({ "documentChanges": changes })
}

/// The address of a file in the folder of the document.
fn beside(document: &Document, path: &str) -> Option<String> {
    let folder = document.path.parent()?;
    Some(url::Url::from_file_path(folder.join(path)).ok()?.to_string())
}

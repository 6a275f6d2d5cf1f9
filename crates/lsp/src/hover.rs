//! What is said of the place under the pointer.

use std::fmt::Write as _;

use sealift_diagnostic::{Rule, Span};
use sealift_dockerfile::{Limits, parse};
use serde_json::{Value, json};

use crate::{Workspace, document::Document, instruction, position::Encoding};

/// The findings at an offset, explained; or else the instruction whose keyword is there.
pub(crate) fn hover(
    document: &Document,
    offset: usize,
    encoding: Encoding,
    workspace: &dyn Workspace,
) -> Value {
    let found = document.diagnostics.iter().flatten();
    let at: Vec<_> = found
        .filter(|found| found.span.contains(offset) || found.span == Span::at(offset))
        .collect();
    let mut rules: Vec<&'static Rule> =
        at.iter().filter_map(|found| workspace.rule(found.rule.as_deref()?)).collect();
    rules.dedup_by_key(|rule| rule.id);
    if let (Some(first), false) = (at.first(), rules.is_empty()) {
        let texts: Vec<String> = rules.into_iter().map(explain).collect();
        return content(document, first.span, encoding, &texts.join("\n---\n\n"));
    }
    if !is_dockerfile(document) {
        return Value::Null;
    }
    let parsed = parse(&document.text, &Limits::default());
    let here = parsed.file.instructions.iter().find(|it| it.keyword_span.contains(offset));
    let known = here.and_then(|it| Some((instruction::help(it.keyword?)?, it.keyword_span)));
    let Some(((shape, meaning), span)) = known else { return Value::Null };
    content(document, span, encoding, &format!("```dockerfile\n{shape}\n```\n\n{meaning}\n"))
}

fn content(document: &Document, span: Span, encoding: Encoding, markdown: &str) -> Value {
    json!({
        "contents": { "kind": "markdown", "value": markdown },
        "range": document.lines.range(&document.text, span, encoding),
    })
}

/// Whether the name is that of a Dockerfile, not of YAML.
pub(crate) fn is_dockerfile(document: &Document) -> bool {
    let extension = document.path.extension().and_then(|it| it.to_str()).unwrap_or("");
    !["yaml", "yml", "json"].iter().any(|other| extension.eq_ignore_ascii_case(other))
}

/// A rule for a person.
fn explain(rule: &'static Rule) -> String {
    let mut text =
        format!("**{}** `{}`\n\n{}\n\n*Instead:* {}\n", rule.id, rule.name, rule.why, rule.fix);
    for (title, example) in [("Bad", rule.bad), ("Good", rule.good)] {
        if !example.is_empty() {
            let _ = write!(text, "\n{title}:\n\n```\n{}\n```\n", example.trim_end());
        }
    }
    if !rule.aliases.is_empty() {
        let _ = write!(text, "\nElsewhere: {}\n", rule.aliases.join(", "));
    }
    for reference in rule.references {
        let _ = write!(text, "\n- {reference}");
    }
    text
}

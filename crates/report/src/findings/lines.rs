//! Findings for the terminal: with the source and a caret, or a line for each.

use sealift_diagnostic::{Diagnostic, LineIndex, render, render_at};

use super::{Encoding, Findings, LintedFile};
use crate::text;

/// Each finding with its source.
pub(super) const TEXT: Encoding = Encoding::Each { head: "", file: text, tail: "" };

/// `path:line:column: level: message [rule]`, as compilers say it and editors read it; columns count characters.
pub(super) const SHORT: Encoding = Encoding::Each { head: "", file: short, tail: "" };

fn text(file: &LintedFile, findings: &Findings<'_>) -> String {
    match &file.subject {
        None => {
            render(&file.diagnostics, &text::line(&file.path, 4096), &file.text, findings.color)
        }
        Some(subject) => {
            let place = text::line(&file.place(subject), 4096);
            file.diagnostics.iter().map(|it| render_at(it, &place, findings.color)).collect()
        }
    }
}

fn short(file: &LintedFile, _: &Findings<'_>) -> String {
    let index = LineIndex::new(&file.text);
    let path = text::line(&file.shown_path(), 4096);
    let one = |finding: &Diagnostic| {
        let (line, column) = index.line_column(&file.text, finding.span.start);
        let message = text::line(&finding.message, 1000);
        let level = finding.level;
        let rule = finding.rule.as_deref().map(|rule| format!(" [{}]", text::line(rule, 255)));
        let rule = rule.unwrap_or_default();
        let at = if file.subject.is_some() { String::new() } else { format!("{line}:{column}:") };
        format!("{path}:{at} {level}: {message}{rule}\n")
    };
    file.diagnostics.iter().map(one).collect()
}

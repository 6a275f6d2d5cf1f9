//! Annotations of GitHub's workflows: commands on standard output
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).

use std::fmt::Write as _;

use sealift_diagnostic::Level;

use super::{Encoding, Findings, LintedFile, Places, whole_message};
use crate::text;

pub(super) const GITHUB: Encoding = Encoding::Each { head: "", file: github, tail: "" };

fn github(file: &LintedFile, _: &Findings<'_>) -> String {
    let mut out = String::new();
    let places = Places::new(&file.text);
    for finding in &file.diagnostics {
        let region = places.region(finding.span);
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info | Level::Style => "notice",
        };
        let title = finding.rule.as_deref().unwrap_or("syntax");
        let title = property(&text::line(title, 255));
        let message = data(&text::block(&whole_message(finding), 1000));
        if let Some(subject) = &file.subject {
            // No file of the repository: the run as a whole has the annotation.
            let place = data(&text::line(&file.place(subject), 4096));
            let _ = writeln!(out, "::{command} title={title}::{place}: {message}");
            continue;
        }
        let _ = write!(
            out,
            "::{command} file={},line={},endLine={}",
            property(&text::line(file.path.trim_start_matches("./"), 4096)),
            region.line,
            region.end_line
        );
        // Columns count only within one line.
        if region.line == region.end_line {
            let _ = write!(out, ",col={},endColumn={}", region.column, region.end_column);
        }
        let _ = writeln!(out, ",title={title}::{message}");
    }
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

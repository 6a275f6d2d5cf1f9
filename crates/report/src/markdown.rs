//! Markdown (GitHub's and GitLab's dialect), for comments on merge requests and summaries of jobs.

use std::fmt::Write as _;

use sealift_model::{Finding, Report, Severity};

use crate::{comparison, remark, secrets, text};

const CELL_CHARS_MAX: usize = 300;
const REMEDIES_MAX: usize = 20;

/// The report as Markdown.
pub(crate) fn markdown(report: &Report) -> String {
    let mut out = format!("# Vulnerabilities of {}\n\n", cell(&report.artifact.name));
    let _ = writeln!(
        out,
        "{}, scanned {}\n",
        cell(&remark::basis(report)),
        text::time(report.created_secs)
    );
    if let Some(life) = report.life.as_ref().filter(|life| life.is_over) {
        let _ = writeln!(out, "**{}**\n", cell(&remark::life(life)));
    }
    if report.database.example_only {
        out.push_str("**Judged by example data only.**\n\n");
    }
    out.push_str("| Severity | Findings |\n|---|---:|\n");
    for severity in Severity::ALL {
        let count = report.count(severity);
        if count > 0 {
            let _ = writeln!(out, "| {} | {count} |", text::capitalized(severity));
        }
    }
    let _ = write!(out, "| All | {} |\n\n", report.findings.len());
    if !report.findings.is_empty() {
        out.push_str(
            "| Severity | Vulnerability | Package | Installed | Fixed | Urgency | Title |\n",
        );
        out.push_str("|---|---|---|---|---|---|---|\n");
    }
    for finding in &report.findings {
        let fixed = cell(&remark::fixed(finding));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {fixed} | {} | {} |",
            text::capitalized(finding.severity),
            linked_id(finding),
            cell(&finding.package.name),
            cell(&finding.package.version),
            cell(&remark::urgency(finding)),
            cell(&finding.title)
        );
    }
    secret_table(report, &mut out);
    list("Remedies", &remedies(report), &mut out);
    list("Base image", &remark::base(report), &mut out);
    if let Some(comparison) = &report.comparison {
        let title = format!("Since {}", cell(&comparison.old_name));
        list(&title, &comparison::all_lines(report), &mut out);
    }
    answers(report, &mut out);
    let notes = report.notes.iter().map(|note| format!("{}: {}", note.subject, note.message));
    list("What could not be read or judged", &notes.collect::<Vec<_>>(), &mut out);
    out
}

/// Upgrades, best first, with what to type.
pub(crate) fn remedies(report: &Report) -> Vec<String> {
    let remedies = report.remedies.iter().take(REMEDIES_MAX);
    remedies
        .map(|remedy| match &remedy.action {
            Some(action) => format!("{} — {action}", remark::remedy(remedy)),
            None => remark::remedy(remedy),
        })
        .collect()
}

// Nothing of a list of nothing.
fn list(title: &str, lines: &[String], out: &mut String) {
    if !lines.is_empty() {
        let _ = write!(out, "\n## {title}\n\n");
    }
    for line in lines {
        let _ = writeln!(out, "- {}", cell(line));
    }
}

fn linked_id(finding: &Finding) -> String {
    match text::primary_url(finding) {
        // Parentheses would end the link.
        Some(url) => {
            let url = url.replace('(', "%28").replace(')', "%29");
            format!("[{}]({url})", cell(&finding.id))
        }
        None => cell(&finding.id),
    }
}

fn answers(report: &Report, out: &mut String) {
    if !report.suppressed.is_empty() {
        out.push_str(
            "\n## Answered for\n\n| Severity | Vulnerability | Package | Installed | Answer |\n",
        );
        out.push_str("|---|---|---|---|---|\n");
    }
    for suppressed in &report.suppressed {
        let finding = &suppressed.finding;
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            text::capitalized(finding.severity),
            linked_id(finding),
            cell(&finding.package.name),
            cell(&finding.package.version),
            cell(&remark::answer(&suppressed.by))
        );
    }
    let stale: Vec<String> = report.stale_ignores.iter().map(remark::stale).collect();
    list("Entries of ignore files without effect", &stale, out);
}

fn secret_table(report: &Report, out: &mut String) {
    let found = secrets::all(report);
    if found.is_empty() {
        return;
    }
    out.push_str("\n## Secrets\n\n| Severity | Place | Secret | Shown as | Origin |\n|---|---|---|---|---|\n");
    for finding in found {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            text::capitalized(finding.severity),
            cell(&secrets::place(finding)),
            cell(&finding.title),
            cell(&finding.masked),
            cell(&secrets::origin(finding)),
        );
    }
    let _ = writeln!(out, "\n{}", escape(secrets::ADVICE));
}

fn cell(text: &str) -> String {
    escape(&text::line(text, CELL_CHARS_MAX))
}

/// A text that shows itself: no markup, no HTML, no mention of a user.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' | '{' | '}' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// The same for lines; none becomes a list, a rule or code.
pub(crate) fn escape_block(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['-', '+', '=']) {
            out.push('\\');
        }
        out.push_str(&escape(line));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_show_themselves() {
        assert_eq!(cell("a|b\n<img src=x> @user `x`"), "a\\|b &lt;img src=x&gt; &#64;user \\`x\\`");
        assert_eq!(escape_block("- a\n  b"), "\\- a\nb\n");
    }
}

//! One HTML page that needs nothing else: no file, no server, no network. Without its script it is a table still.

use std::fmt::Write as _;

use sealift_model::{Finding, Report, Severity};

use crate::text;

const STYLE: &str = include_str!("page_style.html");
const SCRIPT: &str = include_str!("page.js");
const COLUMNS: [&str; 6] = ["Severity", "Vulnerability", "Package", "Installed", "Fixed", "Title"];
const TEXT_CHARS_MAX: usize = 20_000;
const BAR_WIDTH: usize = 420;

/// The report as an HTML page.
pub(crate) fn html(report: &Report) -> String {
    let name = text::markup(&text::line(&report.artifact.name, 1000));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n<title>Vulnerabilities of {name}</title>\n{STYLE}</head>\n<body>\n\
         <h1>Vulnerabilities of {name}</h1>\n<p>{} findings, {} advisories, scanned {}</p>\n",
        report.findings.len(),
        report.database.records,
        text::time(report.created_secs)
    );
    if report.database.example_only {
        out.push_str("<p class=\"warning\">Judged by example data only.</p>\n");
    }
    bars(report, &mut out);
    table(report, &mut out);
    notes(report, &mut out);
    let _ = writeln!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>");
    out
}

fn bars(report: &Report, out: &mut String) {
    let counts = Severity::ALL.map(|severity| report.count(severity));
    let most = counts.into_iter().max().unwrap_or(0).max(1);
    out.push_str(
        "<svg width=\"600\" height=\"150\" role=\"img\" aria-label=\"Findings by severity\">\n",
    );
    for (place, (severity, count)) in Severity::ALL.into_iter().zip(counts).enumerate() {
        let width = if count == 0 { 0 } else { (count * BAR_WIDTH / most).max(2) };
        let top = place * 24;
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{}\">{}</text><rect x=\"90\" y=\"{}\" width=\"{width}\" height=\"16\" rx=\"2\" \
             style=\"fill:var(--{})\"/><text x=\"{}\" y=\"{}\">{count}</text>",
            top + 17,
            text::capitalized(severity),
            top + 4,
            severity.as_str(),
            98 + width,
            top + 17
        );
    }
    out.push_str("</svg>\n");
}

fn table(report: &Report, out: &mut String) {
    out.push_str(
        "<div class=\"filters\"><input id=\"word\" type=\"search\" placeholder=\"Filter\" aria-label=\"Filter\">\
         <select id=\"level\" aria-label=\"Severity\"><option value=\"\">All severities</option>",
    );
    for severity in Severity::ALL {
        let word = severity.as_str();
        let _ = write!(out, "<option value=\"{word}\">{}</option>", text::capitalized(severity));
    }
    out.push_str(
        "</select><span id=\"shown\"></span></div>\n<div class=\"scroll\"><table>\n<thead><tr>",
    );
    for column in COLUMNS {
        let _ = write!(out, "<th scope=\"col\"><button>{column}</button></th>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for finding in &report.findings {
        row(finding, out);
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn row(finding: &Finding, out: &mut String) {
    let cell = |text: &str| text::markup(&text::line(text, 1000));
    let id = match text::primary_url(finding) {
        Some(url) => format!(
            "<a href=\"{}\" rel=\"noreferrer\">{}</a>",
            text::markup(url),
            cell(&finding.id)
        ),
        None => cell(&finding.id),
    };
    let word = finding.severity.as_str();
    let place = Severity::ALL.iter().position(|severity| *severity == finding.severity);
    let fixed = match finding.fix.version() {
        Some(version) => cell(version),
        None => finding.fix.as_str().replace('_', " "),
    };
    let title = match finding.description.as_deref() {
        Some(whole) => format!(
            "<details><summary>{}</summary><div class=\"text\">{}</div></details>",
            cell(&finding.title),
            text::markup(&text::block(whole, TEXT_CHARS_MAX))
        ),
        None => cell(&finding.title),
    };
    let _ = writeln!(
        out,
        "<tr data-level=\"{word}\"><td class=\"severity\" data-key=\"{}\" style=\"color:var(--{word})\">{}</td>\
         <td class=\"id\">{id}</td><td>{}</td><td>{}</td><td>{fixed}</td><td>{title}</td></tr>",
        place.unwrap_or_default(),
        text::capitalized(finding.severity),
        cell(&finding.package.name),
        cell(&finding.package.version)
    );
}

fn notes(report: &Report, out: &mut String) {
    if report.notes.is_empty() {
        return;
    }
    out.push_str("<h2>What could not be read or judged</h2>\n<ul>\n");
    for note in &report.notes {
        let line = text::line(&format!("{}: {}", note.subject, note.message), 1000);
        let _ = writeln!(out, "<li>{}</li>", text::markup(&line));
    }
    out.push_str("</ul>\n");
}

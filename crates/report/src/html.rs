//! One HTML page that needs nothing else: no file, no server, no network. Without its script it is a table still.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealift_model::{Finding, Report, Severity};

use crate::{comparison, markdown, remark, secrets, text};

const STYLE: &str = include_str!("page_style.html");
const SCRIPT: &str = include_str!("page.js");
const COLUMNS: [&str; 8] =
    ["Severity", "Vulnerability", "Package", "Installed", "Fixed", "Exploited", "EPSS", "Title"];
const TEXT_CHARS_MAX: usize = 20_000;
const BAR_WIDTH: usize = 420;
const PACKAGES_MAX: usize = 6;
const PACKAGE_BAR_WIDTH: usize = 300;

/// The report as an HTML page.
pub(crate) fn html(report: &Report) -> String {
    let name = text::markup(&text::line(&report.artifact.name, 1000));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\">\n<title>Vulnerabilities of {name}</title>\n{STYLE}</head>\n<body>\n\
         <h1>Vulnerabilities of {name}</h1>\n<p>{} findings; {}; scanned {}</p>\n",
        report.findings.len(),
        text::markup(&text::line(&remark::basis(report), 1000)),
        text::time(report.created_secs)
    );
    if let Some(life) = &report.life {
        let class = if life.is_over { " class=\"warning\"" } else { "" };
        let line = text::markup(&text::line(&remark::life(life), 1000));
        let _ = writeln!(out, "<p{class}>{line}</p>");
    }
    if report.database.example_only {
        out.push_str("<p class=\"warning\">Judged by example data only.</p>\n");
    }
    out.push_str("<div class=\"plots\">\n");
    bars(report, &mut out);
    packages(report, &mut out);
    out.push_str("</div>\n");
    list("Remedies", &markdown::remedies(report), &mut out);
    list("Base image", &remark::base(report), &mut out);
    if let Some(comparison) = &report.comparison {
        let title = text::markup(&text::line(&comparison.old_name, 300));
        list(&format!("Since {title}"), &comparison::all_lines(report), &mut out);
    }
    table(report, &mut out);
    secret_table(report, &mut out);
    answers(report, &mut out);
    let notes = report.notes.iter().map(|note| format!("{}: {}", note.subject, note.message));
    list("What could not be read or judged", &notes.collect::<Vec<_>>(), &mut out);
    let _ = writeln!(out, "<script>\n{SCRIPT}</script>\n</body>\n</html>");
    out
}

fn bars(report: &Report, out: &mut String) {
    let counts = Severity::ALL.map(|severity| report.count(severity));
    let repairable = Severity::ALL.map(|severity| {
        let has_fix =
            |finding: &&Finding| finding.severity == severity && finding.fix.version().is_some();
        report.findings.iter().filter(has_fix).count()
    });
    let most = counts.into_iter().max().unwrap_or(0).max(1);
    out.push_str(
        "<svg width=\"720\" height=\"150\" role=\"img\" aria-label=\"Findings by severity\">\n",
    );
    let width_of = |count: usize| if count == 0 { 0 } else { (count * BAR_WIDTH / most).max(2) };
    for (place, severity) in Severity::ALL.into_iter().enumerate() {
        let (count, fixed) = (counts[place], repairable[place]);
        let (width, solid) = (width_of(count), width_of(fixed));
        let top = place * 24;
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{0}\">{1}</text><g style=\"fill:var(--{2})\"><rect class=\"all\" x=\"90\" y=\"{3}\" \
             width=\"{width}\" height=\"16\" rx=\"2\"/><rect x=\"90\" y=\"{3}\" width=\"{solid}\" height=\"16\" \
             rx=\"2\"/></g><text x=\"{4}\" y=\"{0}\">{5}</text>",
            top + 17,
            text::capitalized(severity),
            severity.as_str(),
            top + 4,
            98 + width,
            if count == 0 { "0".to_owned() } else { format!("{count}, {fixed} with a fix") },
        );
    }
    out.push_str("</svg>\n");
}

// The packages with the most findings, coloured by the worst of each.
fn packages(report: &Report, out: &mut String) {
    let mut counts: BTreeMap<&str, (usize, Severity)> = BTreeMap::new();
    for finding in &report.findings {
        let package = &finding.package;
        let name = package.source_name.as_deref().unwrap_or(&package.name);
        let entry = counts.entry(name).or_insert((0, finding.severity));
        *entry = (entry.0 + 1, entry.1.max(finding.severity));
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(name, (count, worst))| (Reverse(*count), Reverse(*worst), *name));
    counts.truncate(PACKAGES_MAX);
    let Some((_, (most, _))) = counts.first().copied() else { return };
    let height = counts.len() * 24 + 6;
    let _ = writeln!(
        out,
        "<svg width=\"560\" height=\"{height}\" role=\"img\" aria-label=\"Packages with the most findings\">"
    );
    for (place, (name, (count, worst))) in counts.into_iter().enumerate() {
        let (top, width) = (place * 24, (count * PACKAGE_BAR_WIDTH / most).max(2));
        let _ = writeln!(
            out,
            "<text x=\"0\" y=\"{0}\">{1}</text><rect x=\"190\" y=\"{2}\" width=\"{width}\" height=\"16\" rx=\"2\" \
             style=\"fill:var(--{3})\"/><text x=\"{4}\" y=\"{0}\">{count}</text>",
            top + 17,
            text::markup(&text::line(name, 24)),
            top + 4,
            worst.as_str(),
            198 + width
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
        "</select><label><input id=\"fixable\" type=\"checkbox\"> with a fix</label>\
         <label><input id=\"exploited\" type=\"checkbox\"> exploited</label><span id=\"shown\"></span></div>\n<div class=\"scroll\"><table>\n<thead><tr>",
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
    let word = finding.severity.as_str();
    let place = Severity::ALL.iter().position(|severity| *severity == finding.severity);
    let fixed = cell(&remark::fixed(finding));
    let exploited = match &finding.kev {
        Some(kev) if kev.is_used_by_ransomware => format!("{} ransomware", cell(&kev.added)),
        Some(kev) => cell(&kev.added),
        None => String::new(),
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
        "<tr data-level=\"{word}\"{}{}><td class=\"severity\" data-key=\"{}\" style=\"color:var(--{word})\">{}</td>\
         <td class=\"id\">{}</td><td>{}</td><td class=\"version\">{}</td><td class=\"version\">{fixed}</td>\
         <td class=\"short\">{exploited}</td><td class=\"short\" data-key=\"{}\">{}</td><td>{title}</td></tr>",
        if finding.fix.version().is_some() { " data-fixable" } else { "" },
        if finding.kev.is_some() { " data-exploited" } else { "" },
        place.unwrap_or_default(),
        text::capitalized(finding.severity),
        linked_id(finding),
        cell(&finding.package.name),
        cell(&finding.package.version),
        finding.epss.map_or(0, |epss| epss.score_millionths),
        finding.epss.map(|epss| format!("{:.1} %", epss.score() * 100.0)).unwrap_or_default(),
    );
}

fn linked_id(finding: &Finding) -> String {
    let id = text::markup(&text::line(&finding.id, 1000));
    match text::primary_url(finding) {
        Some(url) => format!("<a href=\"{}\" rel=\"noreferrer\">{id}</a>", text::markup(url)),
        None => id,
    }
}

fn secret_table(report: &Report, out: &mut String) {
    let found = secrets::all(report);
    if found.is_empty() {
        return;
    }
    let cell = |text: &str| text::markup(&text::line(text, 1000));
    out.push_str(
        "<h2>Secrets</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>Severity</th><th>Place</th><th>Secret</th>\
         <th>Shown as</th><th>Origin</th></tr></thead>\n<tbody>\n",
    );
    for finding in found {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"version\">{}</td><td>{}</td></tr>",
            text::capitalized(finding.severity),
            cell(&secrets::place(finding)),
            cell(&finding.title),
            cell(&finding.masked),
            cell(&secrets::origin(finding)),
        );
    }
    let _ = writeln!(out, "</tbody>\n</table></div>\n<p>{}</p>", cell(secrets::ADVICE));
}

fn answers(report: &Report, out: &mut String) {
    let cell = |text: &str| text::markup(&text::line(text, 1000));
    if !report.suppressed.is_empty() {
        out.push_str(
            "<h2>Answered for</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>Severity</th><th>Vulnerability</th>\
             <th>Package</th><th>Installed</th><th>Answer</th></tr></thead>\n<tbody>\n",
        );
        for suppressed in &report.suppressed {
            let finding = &suppressed.finding;
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td class=\"id\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                text::capitalized(finding.severity),
                linked_id(finding),
                cell(&finding.package.name),
                cell(&finding.package.version),
                cell(&remark::answer(&suppressed.by))
            );
        }
        out.push_str("</tbody>\n</table></div>\n");
    }
    let stale: Vec<String> = report.stale_ignores.iter().map(remark::stale).collect();
    list("Entries of ignore files without effect", &stale, out);
}

// Nothing of a list of nothing.
fn list(title: &str, lines: &[String], out: &mut String) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "<h2>{title}</h2>\n<ul>");
    for line in lines {
        let _ = writeln!(out, "<li>{}</li>", text::markup(&text::line(line, 1000)));
    }
    out.push_str("</ul>\n");
}

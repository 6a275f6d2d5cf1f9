//! The report for people. It reads the same with and without colour.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width};
use jiff::Timestamp;
use sealift_model::{Finding, Remedy, Report, Scanned, Severity};

use crate::json::target;
use crate::text::{self, time};
use crate::{comparison, remark, secrets};

// What draws the table counts columns in sixteen bits.
const CELL_CHARS_MAX: usize = 1000;
const NOTES_MAX: usize = 20;
const REMEDIES_MAX: usize = 5;
const INSTRUCTION_CHARS_MAX: usize = 70;
const ORIGIN_CHARS_MAX: usize = 400;
const ANSWERS_MAX: usize = 40;
const HEADER: [&str; 6] =
    ["Package", "Installed", "Severity", "Vulnerability", "Fixed in", "Title"];

/// How the table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// Columns of the terminal.
    pub width: u16,
    /// Whether to use colour.
    pub color: bool,
}

/// The report as a table, with what it rests on above and what to do below.
pub fn table(report: &Report, options: TableOptions) -> String {
    let mut text = header(report, options);
    if !report.judges_packages() {
        secret_rows(&mut text, report, options);
        notes(&mut text, report);
        return text;
    }
    let counts = counts(report, options);
    let _ = writeln!(text, "{counts}");
    // In the order of their first findings, which is that of the report.
    let first = |scanned: &&Scanned| {
        let is_it = |finding: &Finding| finding.package.kind == scanned.kind;
        report.findings.iter().position(is_it).unwrap_or(usize::MAX)
    };
    let mut kinds: Vec<&Scanned> = report.scanned.iter().collect();
    kinds.sort_by_key(first);
    for scanned in kinds {
        let findings: Vec<&Finding> =
            report.findings.iter().filter(|finding| finding.package.kind == scanned.kind).collect();
        let _ = write!(
            text,
            "\n{}: {}",
            clean(&target(report, scanned.kind)),
            number(scanned.packages, "package")
        );
        if scanned.judged < scanned.packages {
            let _ = write!(text, ", {} NOT JUDGED", scanned.packages - scanned.judged);
        }
        let _ = writeln!(text, ", {}", number(findings.len(), "finding"));
        if !findings.is_empty() {
            text.push_str(&rows(&findings, options));
        }
    }
    if report.scanned.is_empty() {
        text.push_str("\nno packages were found\n");
    }
    secret_rows(&mut text, report, options);
    answers(&mut text, report);
    text.push_str(&comparison::section(report, clean));
    remedies(&mut text, &report.remedies);
    notes(&mut text, report);
    if !report.findings.is_empty() {
        let _ = writeln!(text, "\n{counts}");
    }
    text
}

fn header(report: &Report, options: TableOptions) -> String {
    let database = &report.database;
    let mut text = String::new();
    if !report.artifact.name.is_empty() {
        let _ = writeln!(text, "{}", clean(&report.artifact.name));
    }
    if !report.judges_packages() {
        let _ = writeln!(text, "scanned {}, for secrets only", time(report.created_secs));
        return text;
    }
    let _ = write!(
        text,
        "advisories: {}, {}",
        clean(&database.source),
        number(database.records, "record")
    );
    if let Some(age) = remark::age(report) {
        let _ = write!(text, ", {age}");
    }
    if let Some(newest) = &database.newest_modified {
        let date = newest.get(..10).unwrap_or(newest);
        let _ = write!(text, ", newest of {}", clean(date));
        if let Some(age) = age_days(newest, report.created_secs) {
            let _ = write!(text, ", {}", number(age, "day") + " old");
        }
    }
    let _ = writeln!(text, ", scanned {}", time(report.created_secs));
    for line in remark::base(report) {
        let _ = writeln!(text, "{}", clean(&line));
    }
    if let Some(life) = report.life.as_ref().filter(|life| life.is_over) {
        let _ = writeln!(text, "{}", painted(&clean(&remark::life(life)), warning(), options));
    }
    if database.example_only {
        let note = "EXAMPLE DATA ONLY: these advisories are a sample to try things out; \
                    this report says nothing on how safe the image is";
        let _ = writeln!(text, "{}", painted(note, warning(), options));
    }
    text
}

// A secret takes three lines: a table would cut its place.
fn secret_rows(text: &mut String, report: &Report, options: TableOptions) {
    let Some(found) = &report.secrets else { return };
    let _ = writeln!(text, "\nSecrets: {}", number(found.len(), "secret"));
    for finding in found {
        let severity = finding.severity;
        let _ = writeln!(
            text,
            "{} {}: {} [{}]\n    {}",
            painted(severity.as_str(), style(severity), options),
            clean(&secrets::place(finding)),
            clean(&finding.title),
            clean(&finding.rule),
            clean(&finding.masked),
        );
        let origin = secrets::origin(finding);
        if !origin.is_empty() {
            let _ = writeln!(text, "    {}", clean(&text::line(&origin, ORIGIN_CHARS_MAX)));
        }
    }
    if !found.is_empty() {
        let _ = writeln!(text, "{}", secrets::ADVICE);
    }
}

fn age_days(date: &str, now_secs: i64) -> Option<usize> {
    let then: Timestamp = date.parse().ok()?;
    usize::try_from((now_secs - then.as_second()) / 86_400).ok()
}

// "17 findings: 1 CRITICAL, 16 HIGH"; what is hidden is told with it.
fn counts(report: &Report, options: TableOptions) -> String {
    let mut text = number(report.findings.len(), "finding");
    let parts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| (severity, report.count(severity)))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| painted(&format!("{count} {severity}"), style(severity), options))
        .collect();
    if !parts.is_empty() {
        let _ = write!(text, ": {}", parts.join(", "));
    }
    if report.hidden.total() > 0 {
        let by_severity = report.hidden.by_severity.iter();
        let mut parts: Vec<String> =
            by_severity.map(|(severity, count)| format!("{count} {severity}")).collect();
        let hidden = &report.hidden;
        let others = [
            (hidden.unfixed, "without a fix"),
            (hidden.by_status, "by status"),
            (hidden.not_running, "in packages that never run"),
            (hidden.known, "known already"),
        ];
        let others = others.into_iter().filter(|(count, _)| *count > 0);
        parts.extend(others.map(|(count, why)| format!("{count} {why}")));
        let _ = write!(text, " (hidden: {})", parts.join(", "));
    }
    text
}

fn rows(findings: &[&Finding], options: TableOptions) -> String {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(rule));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(options.width.max(80));
    table.set_header(HEADER);
    for finding in findings {
        let package = &finding.package;
        let fix = remark::fixed(finding);
        let name = match &package.source_name {
            Some(source) if *source != package.name => format!("{} ({source})", package.name),
            _ => package.name.clone(),
        };
        let cells = [&name, &package.version, finding.severity.as_str(), &finding.id, &*fix];
        let mut cells: Vec<String> = cells.into_iter().map(clean).collect();
        cells.push(clean(&remark(finding)));
        table.add_row(cells);
    }
    // Ids are to be copied: they stay in one piece, and the title takes what room is left.
    let constraints: Vec<ColumnConstraint> = table
        .column_max_content_widths()
        .into_iter()
        .enumerate()
        .map(|(column, width)| match column {
            2 | 3 => ColumnConstraint::LowerBoundary(Width::Fixed(width.min(24) + 2)),
            _ => ColumnConstraint::LowerBoundary(Width::Fixed(8)),
        })
        .collect();
    table.set_constraints(constraints);
    let mut text = String::new();
    for line in table.lines() {
        let _ = writeln!(text, "{}", painted_severity(line.trim_end(), options));
    }
    text
}

// The title, with what makes the flaw urgent before it.
fn remark(finding: &Finding) -> String {
    match remark::urgency(finding) {
        urgency if urgency.is_empty() => finding.title.clone(),
        urgency => format!("[{urgency}] {}", finding.title),
    }
}

// Colour is put on the finished line, so that it cannot change its layout.
fn painted_severity(line: &str, options: TableOptions) -> String {
    if options.color {
        for severity in Severity::ALL {
            let word = format!(" {severity} ");
            if let Some((before, after)) = line.split_once(&word) {
                return format!(
                    "{before} {} {after}",
                    painted(severity.as_str(), style(severity), options)
                );
            }
        }
    }
    line.to_owned()
}

// A line each: findings that somebody answered for, and answers that nothing asked for.
fn answers(text: &mut String, report: &Report) {
    if !report.suppressed.is_empty() {
        let _ = writeln!(text, "\nanswered for: {}", number(report.suppressed.len(), "finding"));
    }
    for suppressed in report.suppressed.iter().take(ANSWERS_MAX) {
        let finding = &suppressed.finding;
        let _ = writeln!(
            text,
            "  {} {} in {} {}: {}",
            clean(&finding.id),
            finding.severity,
            clean(&finding.package.name),
            clean(&finding.package.version),
            clean(&remark::answer(&suppressed.by))
        );
    }
    if report.suppressed.len() > ANSWERS_MAX {
        let more = number(report.suppressed.len() - ANSWERS_MAX, "more finding");
        let _ = writeln!(text, "  and {more}");
    }
    if !report.stale_ignores.is_empty() {
        text.push_str("\nentries of ignore files without effect:\n");
    }
    for entry in report.stale_ignores.iter().take(ANSWERS_MAX) {
        let _ = writeln!(text, "  {}", clean(&remark::stale(entry)));
    }
    if report.stale_ignores.len() > ANSWERS_MAX {
        let _ = writeln!(text, "  and {} more", report.stale_ignores.len() - ANSWERS_MAX);
    }
}

fn remedies(text: &mut String, remedies: &[Remedy]) {
    let Some(best) = remedies.first() else { return };
    let mut line = |label: &str, one: &Remedy| {
        let _ = writeln!(text, "{label}{}", clean(&remark::remedy(one)));
        if let Some(action) = &one.action {
            let _ = writeln!(text, "             {}", clean(action));
        }
    };
    line("\nbest remedy: ", best);
    for other in remedies.iter().skip(1).take(REMEDIES_MAX - 1) {
        line("       then: ", other);
    }
    if remedies.len() > REMEDIES_MAX {
        let more = number(remedies.len() - REMEDIES_MAX, "more upgrade");
        let _ = writeln!(text, "        and {more}");
    }
    by_layer(text, remedies);
}

// Which layer to make anew first: the one whose upgrades repair most.
fn by_layer(text: &mut String, remedies: &[Remedy]) {
    let mut layers: BTreeMap<usize, (usize, Option<&str>)> = BTreeMap::new();
    for remedy in remedies {
        let Some(layer) = &remedy.layer else { continue };
        let entry = layers.entry(layer.index).or_insert((0, remedy.instruction.as_deref()));
        entry.0 += remedy.repairs;
    }
    if layers.len() < 2 {
        return;
    }
    let mut layers: Vec<_> = layers.into_iter().collect();
    layers.sort_by_key(|(index, (repairs, _))| (Reverse(*repairs), *index));
    let _ = writeln!(text, "\nupgrades by layer:");
    for (index, (repairs, instruction)) in layers.into_iter().take(REMEDIES_MAX) {
        let _ = write!(text, "  layer {}: repair {}", index + 1, number(repairs, "finding"));
        if let Some(instruction) = instruction {
            let _ = write!(text, "  {}", text::line(instruction, INSTRUCTION_CHARS_MAX));
        }
        text.push('\n');
    }
}

fn notes(text: &mut String, report: &Report) {
    if report.notes.is_empty() {
        return;
    }
    text.push_str("\nnotes:\n");
    for note in report.notes.iter().take(NOTES_MAX) {
        let _ = writeln!(text, "  {}: {}", clean(&note.subject), clean(&note.message));
    }
    if report.notes.len() > NOTES_MAX {
        let _ = writeln!(text, "  and {}", number(report.notes.len() - NOTES_MAX, "more note"));
    }
}

fn number(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        n => format!("{n} {noun}s"),
    }
}

// Names and titles come from images and feeds; none of them may steer a terminal or turn the direction of writing.
fn clean(text: &str) -> String {
    let clean = |c: char| {
        if c.is_control() || text::turns_direction(c) { '\u{fffd}' } else { c }
    };
    text.chars().take(CELL_CHARS_MAX).map(clean).collect()
}

fn style(severity: Severity) -> Style {
    let color = match severity {
        Severity::Critical => return AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red,
        Severity::Medium => AnsiColor::Yellow,
        Severity::Low => AnsiColor::Blue,
        Severity::Negligible => AnsiColor::BrightBlack,
        Severity::Unknown => AnsiColor::Magenta,
    };
    color.on_default()
}

fn warning() -> Style {
    AnsiColor::Yellow.on_default().bold()
}

fn painted(text: &str, style: Style, options: TableOptions) -> String {
    if options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

//! What has changed since an older image, for people and for programs.

use std::fmt::Write as _;

use sealift_model::{Comparison, Finding, Novelty, Report};
use serde::Serialize;

// Findings of each kind that people get to see one by one.
const SHOWN_MAX: usize = 40;

/// The comparison, a line a finding that has come or gone.
pub(crate) fn section(report: &Report, clean: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    let Some(comparison) = &report.comparison else { return text };
    let _ = writeln!(
        text,
        "\ncompared with {}: {} fixed, {} left, {} new",
        clean(&comparison.old_name),
        comparison.fixed.len(),
        comparison.left.len() + report.hidden.known,
        comparison.new.len()
    );
    let fixed = comparison.fixed.iter().map(|finding| ("fixed", finding, now(report, finding)));
    lines(&mut text, fixed, comparison.fixed.len(), &clean);
    let new = comparison.new.iter().filter_map(|(place, novelty)| {
        Some(("new", report.findings.get(*place)?, format!(", {}", why(*novelty))))
    });
    lines(&mut text, new, comparison.new.len(), &clean);
    text
}

/// The same, with every finding that has come or gone, a line each.
pub(crate) fn all_lines(report: &Report) -> Vec<String> {
    let Some(comparison) = &report.comparison else { return Vec::new() };
    let line = |word: &str, finding: &Finding, remark: &str| {
        let package = &finding.package;
        let (id, severity) = (&finding.id, finding.severity);
        format!("{word}: {id} {severity} in {} {}{remark}", package.name, package.version)
    };
    let fixed = comparison.fixed.iter();
    let mut lines: Vec<String> =
        fixed.map(|finding| line("fixed", finding, &now(report, finding))).collect();
    lines.extend(comparison.new.iter().filter_map(|(place, novelty)| {
        let finding = report.findings.get(*place)?;
        Some(line("new", finding, &format!(", {}", why(*novelty))))
    }));
    lines
}

fn lines<'a>(
    text: &mut String,
    changes: impl Iterator<Item = (&'a str, &'a Finding, String)>,
    count: usize,
    clean: &impl Fn(&str) -> String,
) {
    for (word, finding, remark) in changes.take(SHOWN_MAX) {
        let package = &finding.package;
        let _ = writeln!(
            text,
            "  {word:<5}  {} {} in {} {}{}",
            clean(&finding.id),
            finding.severity,
            clean(&package.name),
            clean(&package.version),
            clean(&remark)
        );
    }
    if count > SHOWN_MAX {
        let _ = writeln!(text, "  and {} more", count - SHOWN_MAX);
    }
}

// What has become of the package, if another finding in it says so.
fn now(report: &Report, gone: &Finding) -> String {
    let is_it = |finding: &&Finding| {
        finding.package.kind == gone.package.kind && finding.package.name == gone.package.name
    };
    let version = report.findings.iter().find(is_it).map(|finding| &finding.package.version);
    match version {
        Some(version) if *version != gone.package.version => format!(", now {version}"),
        _ => String::new(),
    }
}

fn why(novelty: Novelty) -> &'static str {
    match novelty {
        Novelty::Introduced => "newly introduced",
        Novelty::Disclosed => "newly disclosed",
    }
}

/// The same for the JSON report.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Changes<'a> {
    compared_with: &'a str,
    fixed: Vec<Change<'a>>,
    left: usize,
    new: Vec<Change<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Change<'a> {
    #[serde(rename = "VulnerabilityID")]
    id: &'a str,
    pkg_name: &'a str,
    installed_version: &'a str,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// What the JSON report says of it.
pub(crate) fn changes(report: &Report) -> Option<Changes<'_>> {
    let Comparison { old_name, fixed, left, new } = report.comparison.as_ref()?;
    let change = |finding, novelty: Option<Novelty>| {
        let Finding { id, package, severity, .. }: &Finding = finding;
        Change {
            id,
            pkg_name: &package.name,
            installed_version: &package.version,
            severity: severity.as_str(),
            reason: novelty.map(why),
        }
    };
    let new = new
        .iter()
        .filter_map(|(place, novelty)| Some(change(report.findings.get(*place)?, Some(*novelty))));
    Some(Changes {
        compared_with: old_name,
        fixed: fixed.iter().map(|finding| change(finding, None)).collect(),
        left: left.len() + report.hidden.known,
        new: new.collect(),
    })
}

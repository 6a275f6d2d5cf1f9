//! `sealift registry config`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use sealift_registry::configuration::{Finding, Level, Place, Reading, read};
use serde::Serialize;

use crate::failure::{FINDINGS, Usage};
use crate::printer::Printer;
use sealift_arguments::{RegistryConfigCheck, RegistryConfigShow, TextOrJson};

// What a configuration is read by: the file, and variables of distribution.
pub(super) fn read_file(path: &Path) -> anyhow::Result<Reading> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(read(&text, &variables()))
}

pub(super) fn variables() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("REGISTRY_"))
        .collect()
}

pub(super) fn check(
    arguments: &RegistryConfigCheck,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let reading = read_file(&arguments.file)?;
    let mut findings = reading.findings.clone();
    if !arguments.no_files {
        findings.extend(reading.check_files());
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let file = arguments.file.display().to_string();
    match arguments.format {
        TextOrJson::Text => printer.data_if_any(&text(&findings, &file))?,
        TextOrJson::Json => printer.data(&json(&findings, &file)?)?,
    }
    let worst = findings.first().map(|finding| finding.level);
    let is_refused = match worst {
        Some(Level::Error) => true,
        Some(Level::Warning) => arguments.strict,
        Some(Level::Note) | None => false,
    };
    if is_refused {
        return Ok(ExitCode::from(FINDINGS));
    }
    printer.message(&format!("a server can start with `{file}`"));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn show(arguments: &RegistryConfigShow, printer: &Printer) -> anyhow::Result<ExitCode> {
    let reading = read_file(&arguments.file)?;
    let file = arguments.file.display().to_string();
    if reading.configuration.is_none() {
        let first = reading.findings.first().map(|finding| finding.line(&file));
        let hint = format!("`sealift registry config check {file}` shows all findings");
        return Err(Usage::error(first.unwrap_or_default(), hint));
    }
    printer.data(&reading.to_yaml())?;
    Ok(ExitCode::SUCCESS)
}

fn text(findings: &[Finding], file: &str) -> String {
    let mut text = String::new();
    for finding in findings {
        text.push_str(&finding.line(file));
        text.push('\n');
        if let Some(hint) = &finding.hint {
            text.push_str("    ");
            text.push_str(hint);
            text.push('\n');
        }
    }
    text
}

#[derive(Serialize)]
struct Row<'a> {
    level: &'static str,
    file: &'a str,
    line: Option<usize>,
    variable: Option<&'a str>,
    key: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
}

fn json(findings: &[Finding], file: &str) -> anyhow::Result<String> {
    let rows: Vec<Row<'_>> = findings
        .iter()
        .map(|finding| {
            let (line, variable) = match &finding.place {
                Place::Line(line) => (Some(*line), None),
                Place::Variable(name) => (None, Some(name.as_ref())),
            };
            let (key, message) = (finding.key.as_str(), finding.message.as_str());
            let (level, hint) = (finding.level.name(), finding.hint.as_deref());
            Row { level, file, line, variable, key, message, hint }
        })
        .collect();
    Ok(serde_json::to_string_pretty(&rows)? + "\n")
}

//! `sealift lint`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sealift_diagnostic::{Level, line_column};
use sealift_pipeline::lint::{LintRequest, Linted};
use serde_json::json;

use super::mend;
use crate::arguments::{Global, Lint, TextOrJson};
use crate::failure::{FINDINGS, Usage};
use crate::printer::{Mark, Printer};
use crate::settings::{File, Folders, Settings};

pub(crate) fn run(
    global: &Global,
    arguments: &Lint,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    if arguments.fix.is_some() || arguments.diff {
        return mend::run(global, arguments, printer);
    }
    let folders = Folders::from_environment()?;
    let mut all = Vec::new();
    for path in &arguments.paths {
        let (dockerfile, context) = locate(path)?;
        let settings = Settings::read(&folders, global.config.as_deref(), &context)?;
        let request = request(arguments.fail_on.as_deref(), &arguments.ignore, &settings.file)?;
        all.push(sealift_pipeline::lint::lint(&dockerfile, &context, &request)?);
    }
    show(&all, arguments, printer)?;
    Ok(close(&all, printer))
}

/// The findings, as data.
pub(crate) fn show(all: &[Linted], arguments: &Lint, printer: &Printer) -> anyhow::Result<()> {
    match arguments.format {
        TextOrJson::Text => {
            for linted in all.iter().filter(|linted| !linted.diagnostics.is_empty()) {
                printer.data(linted.render(printer.color()).trim_end())?;
            }
        }
        TextOrJson::Json => printer.data(&to_json(all)?)?,
    }
    Ok(())
}

/// One line for each file, and whether one of them fails.
pub(crate) fn close(all: &[Linted], printer: &Printer) -> ExitCode {
    let mut is_shut = false;
    for linted in all {
        let failures = linted.failures().len();
        is_shut |= failures > 0;
        let mark = match (failures, linted.diagnostics.len()) {
            (0, 0) => Mark::Good,
            (0, _) => Mark::Warning,
            _ => Mark::Bad,
        };
        printer.step(mark, "lint", &linted.summary());
    }
    ExitCode::from(if is_shut { FINDINGS } else { 0 })
}

/// How to lint, from flags and settings.
pub(crate) fn request(
    fail_on: Option<&str>,
    ignore: &[String],
    file: &File,
) -> anyhow::Result<LintRequest> {
    let fail_on = match fail_on.or(file.lint.fail_on.as_deref()).unwrap_or("error") {
        "never" => None,
        text => Some(text.parse::<Level>().map_err(|error| {
            Usage::error(error.to_string(), "known levels: error, warning, info, style, never")
        })?),
    };
    Ok(LintRequest { ignore: file.lint.ignore.iter().chain(ignore).cloned().collect(), fail_on })
}

// A folder stands for the Dockerfile in it, and is its context; a file's context is its folder.
pub(crate) fn locate(path: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    if path.is_dir() {
        let dockerfile = path.join("Dockerfile");
        if dockerfile.is_file() {
            return Ok((dockerfile, path.to_owned()));
        }
        return Err(Usage::error(
            format!("the folder `{}` has no Dockerfile", path.display()),
            "name the file itself, as in `sealift lint build/Dockerfile.release`",
        ));
    }
    if !path.exists() {
        return Err(Usage::error(
            format!("there is no `{}`", path.display()),
            "name a Dockerfile, or a folder that has one",
        ));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok((path.to_owned(), folder.unwrap_or(Path::new(".")).to_owned()))
}

fn to_json(all: &[Linted]) -> anyhow::Result<String> {
    let findings: Vec<_> = all
        .iter()
        .flat_map(|linted| linted.diagnostics.iter().map(move |found| (linted, found)))
        .map(|(linted, found)| {
            let (line, column) = line_column(&linted.text, found.span.start);
            let (end_line, end_column) = line_column(&linted.text, found.span.end);
            json!({
                "file": linted.path.display().to_string(),
                "rule": found.rule,
                "level": found.level.as_str(),
                "message": found.message,
                "line": line,
                "column": column,
                "endLine": end_line,
                "endColumn": end_column,
                "why": found.why,
                "help": found.help,
                "aliases": found.aliases,
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&json!({ "schemaVersion": 1, "findings": findings }))?)
}

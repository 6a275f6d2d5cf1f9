//! `sealift scan`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sealift_model::Report;
use sealift_pipeline::compare::{self, Before};
use sealift_pipeline::{Error, contents, examine, scan};
use sealift_report::{Encode, Format, TableOptions, find_format};

use super::request;
use crate::arguments::{Global, Scan};
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;

const WIDTH_PIPED: u16 = 120;
const DEFAULT_FORMAT: &str = "table";

pub(crate) fn run(
    global: &Global,
    arguments: &Scan,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let outputs = outputs(arguments.format.as_deref(), &arguments.output)?;
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let mut request = request::scan(&arguments.options, &workshop.settings.file, None)?;
    let examined = examine::examine(&session, &arguments.image)?;
    let mut report = scan::scan(&session, &examined.inventory, examined.artifact, &request)?;
    if let Some(before) = before(arguments)? {
        compare::compare(&session, &mut report, &before, arguments.only_new, &request)?;
    }
    for output in &outputs {
        write(output, &report, printer)?;
    }
    for note in &report.notes {
        printer.detail(&format!("  {}: {}", note.subject, note.message));
    }
    printer.message(&scan::summary(&report));
    contents::check_complete(&examined.inventory)?;
    let is_over = report.life.as_ref().is_some_and(|life| life.is_over);
    if let Some(code) = arguments.exit_on_eol.filter(|code| is_over && *code != 0) {
        return Ok(ExitCode::from(code));
    }
    // As trivy has it: the flag alone makes findings count; a severity list narrows what is a finding.
    if let Some(code) = arguments.exit_code {
        request.fail_on = request.fail_on.or(Some(sealift_model::Severity::Unknown));
        let is_shut = scan::gate(&report, &request).is_err();
        return Ok(if is_shut { ExitCode::from(code) } else { ExitCode::SUCCESS });
    }
    scan::gate(&report, &request)?;
    Ok(ExitCode::SUCCESS)
}

fn before(arguments: &Scan) -> anyhow::Result<Option<Before>> {
    let image = arguments.compare_to.clone().map(Before::Image);
    let before = image.or_else(|| arguments.baseline.clone().map(Before::Report));
    if arguments.only_new && before.is_none() {
        return Err(Usage::error(
            "`--only-new` needs something older",
            "give it with `--baseline REPORT.json` or `--compare-to IMAGE`",
        ));
    }
    Ok(before)
}

struct Output {
    format: &'static Format,
    path: Option<PathBuf>,
}

// `-o` is a file for `-f`, as trivy has it, or FORMAT=FILE, as grype has it. A word that names a format is one, so
// that `-o sarif` means what it says; a file of such a name is `./sarif`.
fn outputs(format: Option<&str>, texts: &[String]) -> anyhow::Result<Vec<Output>> {
    let find = |name: &str| {
        find_format(name).map_err(|error| Usage::error(error.to_string(), error.hint()))
    };
    let mut outputs = Vec::new();
    let mut file = None;
    for text in texts {
        match text.split_once('=').filter(|(name, _)| !name.contains(['/', '.'])) {
            Some((name, path)) => {
                let path = Some(path).filter(|path| !path.is_empty()).map(PathBuf::from);
                outputs.push(Output { format: find(name)?, path });
            }
            None if format.is_none() && find_format(text).is_ok() => {
                outputs.push(Output { format: find(text)?, path: None });
            }
            None if file.is_none() => file = Some(PathBuf::from(text)),
            None => {
                return Err(Usage::error(
                    format!("`-o {text}` is a second file for one format"),
                    "name the format of each: `-o json=a.json -o sarif=b.sarif`",
                ));
            }
        }
    }
    if format.is_some() || file.is_some() || outputs.is_empty() {
        let format = find(format.unwrap_or(DEFAULT_FORMAT))?;
        outputs.insert(0, Output { format, path: file });
    }
    Ok(outputs)
}

fn write(output: &Output, report: &Report, printer: &Printer) -> anyhow::Result<()> {
    let text = match output.format.encode {
        Encode::Table(table) => {
            let color = printer.color() && output.path.is_none();
            let width = printer.width().unwrap_or(WIDTH_PIPED);
            table(report, TableOptions { width, color })
        }
        Encode::Report(encode) => encode(report),
    };
    match &output.path {
        Some(path) => {
            std::fs::write(path, text).map_err(|source| Error::file("write", path, source))?;
            printer.message(&format!("wrote {}", path.display()));
        }
        None => printer.data(&text)?,
    }
    Ok(())
}

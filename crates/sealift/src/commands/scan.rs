//! `sealift scan`

use std::path::Path;
use std::process::ExitCode;

use sealift_pipeline::{contents, examine, scan};

use super::request;
use crate::arguments::{Global, Scan, TableOrJson};
use crate::printer::Printer;
use crate::session::Workshop;

const WIDTH_PIPED: u16 = 120;

pub(crate) fn run(
    global: &Global,
    arguments: &Scan,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let mut request = request::scan(&arguments.options, &workshop.settings.file, None)?;
    let examined = examine::examine(&session, &arguments.image)?;
    let report = scan::scan(&session, &examined.inventory, examined.artifact, &request)?;
    let text = match arguments.format {
        TableOrJson::Json => sealift_report::json(&report),
        TableOrJson::Table => {
            let color = printer.color() && arguments.output.is_none();
            let width = printer.width().unwrap_or(WIDTH_PIPED);
            sealift_report::table(&report, sealift_report::TableOptions { width, color })
        }
    };
    match &arguments.output {
        Some(path) => {
            std::fs::write(path, text)
                .map_err(|source| sealift_pipeline::Error::file("write", path, source))?;
            printer.message(&format!("wrote {}", path.display()));
        }
        None => printer.data(&text)?,
    }
    for note in &report.notes {
        printer.detail(&format!("  {}: {}", note.subject, note.message));
    }
    printer.message(&scan::summary(&report));
    contents::check_complete(&examined.inventory)?;
    // As trivy has it: the flag alone makes findings count; a severity list narrows what is a finding.
    if let Some(code) = arguments.exit_code {
        request.fail_on = request.fail_on.or(Some(sealift_model::Severity::Unknown));
        let is_shut = scan::gate(&report, &request).is_err();
        return Ok(if is_shut { ExitCode::from(code) } else { ExitCode::SUCCESS });
    }
    scan::gate(&report, &request)?;
    Ok(ExitCode::SUCCESS)
}

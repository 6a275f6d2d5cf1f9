//! `sealift sbom`

use std::path::Path;
use std::process::ExitCode;

use sealift_model::Inventory;
use sealift_pipeline::{contents, examine};
use sealift_sbom::{Output, Subject};

use super::{sbom_compare, sbom_documents};
use crate::arguments::{Global, Sbom, SbomCommand};
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;

const DEFAULT_FORMAT: &str = "table";

pub(crate) fn run(
    global: &Global,
    arguments: &Sbom,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        None => image(global, arguments, printer),
        Some(SbomCommand::Convert(convert)) => sbom_documents::convert(convert, printer),
        Some(SbomCommand::Merge(merge)) => sbom_documents::merge_all(merge, printer),
        Some(SbomCommand::Validate(validate)) => sbom_documents::validate(validate, printer),
        Some(SbomCommand::Diff(diff)) => sbom_compare::compare(diff, printer),
        Some(SbomCommand::Analyze(analyze)) => sbom_compare::analysis(analyze, printer),
    }
}

fn image(global: &Global, arguments: &Sbom, printer: &Printer) -> anyhow::Result<ExitCode> {
    let name = arguments.image.as_deref().unwrap_or_default();
    let outputs = outputs(&arguments.output)?;
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let examined = examine::examine(&session, name)?;
    for note in &examined.inventory.notes {
        printer.warning(&format!("{}: {}", note.subject, note.message));
    }
    write(&outputs, &examined.inventory, &examined.subject, printer)?;
    printer.message(&contents::summary(&examined.inventory));
    contents::check_complete(&examined.inventory)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the documents that `-o` asks for.
pub(super) fn write(
    outputs: &[Output],
    inventory: &Inventory,
    subject: &Subject,
    printer: &Printer,
) -> anyhow::Result<()> {
    for output in outputs {
        let text = output.encode(inventory, subject);
        match &output.path {
            Some(path) => {
                std::fs::write(path, text)
                    .map_err(|source| sealift_pipeline::Error::file("write", path, source))?;
                printer.message(&format!("wrote {}", path.display()));
            }
            None => printer.data(&text)?,
        }
    }
    Ok(())
}

/// What `-o` asks for; the table if nothing does.
pub(super) fn outputs(texts: &[String]) -> anyhow::Result<Vec<Output>> {
    let texts = if texts.is_empty() { &[DEFAULT_FORMAT.to_owned()] } else { texts };
    texts
        .iter()
        .map(|text| {
            Output::parse(text).map_err(|error| Usage::error(error.to_string(), error.hint()))
        })
        .collect()
}

//! `sealift sbom`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sealift_model::Inventory;
use sealift_pipeline::examine::{self, Examined};
use sealift_pipeline::{Error, Session, contents};
use sealift_sbom::{Output, Subject, fill, present};
use sealift_template::{Template, TemplateError, TemplateLimits};

use super::{sbom_attest, sbom_compare, sbom_documents, sbom_score};
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;
use crate::settings::File;
use sealift_arguments::{Global, Parties, Sbom, SbomCommand};

const DEFAULT_FORMAT: &str = "table";
const TEMPLATE: &str = "template";

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
        Some(SbomCommand::Score(score)) => sbom_score::run(global, score, printer),
        Some(SbomCommand::Attest(attest)) => sbom_attest::run(global, attest, printer),
    }
}

fn image(global: &Global, arguments: &Sbom, printer: &Printer) -> anyhow::Result<ExitCode> {
    let name = arguments.image.as_deref().unwrap_or_default();
    let outputs = outputs(&arguments.output, arguments.template.as_deref())?;
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let file = &workshop.settings.file;
    let examined = examine(&session, name, &arguments.parties, file, printer)?;
    let whole = examined.inventory;
    let inventory =
        if arguments.declared { whole } else { present(&whole, examined.artifact.kind) };
    write(&outputs, &inventory, &examined.subject, printer)?;
    printer.message(&contents::summary(&inventory));
    contents::check_complete(&inventory)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads what the user named, and says who stands behind a document of it.
pub(super) fn examine(
    session: &Session<'_>,
    name: &str,
    parties: &Parties,
    file: &File,
    printer: &Printer,
) -> anyhow::Result<Examined> {
    let mut examined = examine::examine(session, name)?;
    for note in &examined.inventory.notes {
        printer.warning(&format!("{}: {}", note.subject, note.message));
    }
    let creator = parties.creator.clone().or_else(|| file.sbom.creator.clone());
    let supplier = parties.supplier.clone().or_else(|| file.sbom.supplier.clone());
    let subject = &mut examined.subject;
    subject.creator = creator.or(subject.creator.take());
    subject.supplier = supplier.or(subject.supplier.take());
    Ok(examined)
}

/// What `-o` asks for.
pub(super) enum Wanted {
    /// A document in one of the formats.
    Known(Output),
    /// A document by the user's template, and the file for it.
    Template(Template, PathBuf, Option<PathBuf>),
}

/// Writes the documents that `-o` asks for.
pub(super) fn write(
    outputs: &[Wanted],
    inventory: &Inventory,
    subject: &Subject,
    printer: &Printer,
) -> anyhow::Result<()> {
    for output in outputs {
        let (text, path) = match output {
            Wanted::Known(output) => (output.encode(inventory, subject), &output.path),
            Wanted::Template(template, from, path) => {
                let filled = fill(template, inventory, subject, &TemplateLimits::default());
                (filled.map_err(|error| wrong_template(from, &error))?, path)
            }
        };
        match path {
            Some(path) => {
                std::fs::write(path, text).map_err(|source| Error::file("write", path, source))?;
                printer.message(&format!("wrote {}", path.display()));
            }
            None => printer.data(&text)?,
        }
    }
    Ok(())
}

/// What `-o` asks for; the table if nothing does.
pub(super) fn outputs(texts: &[String], template: Option<&Path>) -> anyhow::Result<Vec<Wanted>> {
    let default = if template.is_some() { TEMPLATE } else { DEFAULT_FORMAT };
    let texts = if texts.is_empty() { &[default.to_owned()] } else { texts };
    let mut outputs = Vec::new();
    for text in texts {
        let (format, path) = match text.split_once('=') {
            Some((format, path)) => (format, Some(path).filter(|path| !path.is_empty())),
            None => (text.as_str(), None),
        };
        outputs.push(if format.eq_ignore_ascii_case(TEMPLATE) {
            let (template, from) = read_template(template)?;
            Wanted::Template(template, from, path.map(PathBuf::from))
        } else {
            let output = Output::parse(text);
            Wanted::Known(output.map_err(|error| Usage::error(error.to_string(), error.hint()))?)
        });
    }
    if template.is_some() && !outputs.iter().any(|output| matches!(output, Wanted::Template(..))) {
        return Err(Usage::error(
            "there is a template, but no output that it is for",
            "add `-o template`, or `-o template=FILE`",
        ));
    }
    Ok(outputs)
}

fn read_template(path: Option<&Path>) -> anyhow::Result<(Template, PathBuf)> {
    let path = path.ok_or_else(|| {
        Usage::error("`-o template` needs a template", "name its file: `--template FILE`")
    })?;
    let text = std::fs::read_to_string(path).map_err(|source| Error::file("read", path, source))?;
    let template = Template::parse_file(&text, &path.to_string_lossy())
        .map_err(|error| wrong_template(path, &error))?;
    Ok((template, path.to_owned()))
}

fn wrong_template(path: &Path, error: &TemplateError) -> anyhow::Error {
    Usage::error(
        format!("`{}`: {error}", path.display()),
        "docs/templates.md says what templates can do",
    )
}

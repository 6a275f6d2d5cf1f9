//! `sealift sbom convert`, `merge` and `validate`: documents in, documents or problems out.

use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use sealift_model::Inventory;
use sealift_pipeline::examine;
use sealift_sbom::read::{self, Document, Limits};
use sealift_sbom::{Subject, merge};
use serde_json::json;

use super::sbom::{outputs, write};
use crate::failure::FINDINGS;
use crate::printer::Printer;
use crate::session::source_date_epoch;
use sealift_arguments::{SbomConvert, SbomMerge, SbomValidate, TextOrJson};

/// Reads a document from a file, or from stdin if the name is `-`.
pub(crate) fn open(path: &Path, printer: &Printer) -> anyhow::Result<Document> {
    Ok(open_with_bytes(path, printer)?.0)
}

/// Reads a document, and gives its bytes too.
pub(crate) fn open_with_bytes(
    path: &Path,
    printer: &Printer,
) -> anyhow::Result<(Document, Vec<u8>)> {
    let bytes = examine::read_bytes(path)?;
    let document = read::read(&bytes, &Limits::default())
        .map_err(|error| examine::unreadable(path, &error))?;
    for note in &document.inventory.notes {
        printer.detail(&format!("{}: {}: {}", path.display(), note.subject, note.message));
    }
    Ok((document, bytes))
}

/// `sbom convert`
pub(crate) fn convert(arguments: &SbomConvert, printer: &Printer) -> anyhow::Result<ExitCode> {
    let outputs = outputs(&arguments.output, arguments.template.as_deref())?;
    let mut document = open(&arguments.file, printer)?;
    date(&mut document.subject)?;
    write(&outputs, &document.inventory, &document.subject, printer)?;
    Ok(ExitCode::SUCCESS)
}

/// `sbom merge`
pub(crate) fn merge_all(arguments: &SbomMerge, printer: &Printer) -> anyhow::Result<ExitCode> {
    let outputs = outputs(&arguments.output, None)?;
    let mut inventories: Vec<(String, Inventory)> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    let mut created_secs = 0;
    for path in &arguments.files {
        let document = open(path, printer)?;
        created_secs = created_secs.max(document.subject.created_secs);
        names.push(document.subject.name);
        inventories.push((path.display().to_string(), document.inventory));
    }
    let mut subject = Subject {
        name: arguments.name.clone().unwrap_or_else(|| names.join(" + ")),
        created_secs,
        ..Subject::default()
    };
    date(&mut subject)?;
    let inventory = merge(&inventories);
    for note in &inventory.notes {
        printer.detail(&format!("{}: {}", note.subject, note.message));
    }
    write(&outputs, &inventory, &subject, printer)?;
    Ok(ExitCode::SUCCESS)
}

// A document keeps its own date, so that the same input gives the same output, unless another is asked for.
fn date(subject: &mut Subject) -> anyhow::Result<()> {
    if let Some(secs) = source_date_epoch()? {
        subject.created_secs = secs;
    } else if subject.created_secs == 0 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        subject.created_secs = i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX);
    }
    Ok(())
}

/// `sbom validate`
pub(crate) fn validate(arguments: &SbomValidate, printer: &Printer) -> anyhow::Result<ExitCode> {
    let path = &arguments.file;
    let checked = read::check(&examine::read_bytes(path)?, &Limits::default());
    let (document, problems) = checked.map_err(|error| examine::unreadable(path, &error))?;
    let text = match arguments.format {
        TextOrJson::Json => {
            let list: Vec<_> = problems
                .iter()
                .map(|problem| json!({"place": problem.place, "message": problem.message}))
                .collect();
            serde_json::to_string_pretty(&json!({
                "schemaVersion": 1,
                "format": document.format,
                "version": document.version,
                "packages": document.inventory.packages.len(),
                "valid": problems.is_empty(),
                "problems": list,
            }))?
        }
        TextOrJson::Text => {
            let mut lines: Vec<String> = problems
                .iter()
                .map(|problem| format!("{}: {}", problem.place, problem.message))
                .collect();
            let verdict = match problems.len() {
                0 => "valid".to_owned(),
                1 => "1 problem".to_owned(),
                count => format!("{count} problems"),
            };
            let (format, version) = (document.format, &document.version);
            let packages = document.inventory.packages.len();
            lines.push(format!("{format} {version}, {packages} packages: {verdict}"));
            lines.join("\n")
        }
    };
    printer.data(&text)?;
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

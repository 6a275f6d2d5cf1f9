//! `sealift sbom`

use std::path::Path;
use std::process::ExitCode;

use sealift_model::Inventory;
use sealift_oci::Reference;
use sealift_pipeline::{contents, open, seal};
use sealift_sbom::Output;

use crate::arguments::{Global, Sbom};
use crate::columns::columns;
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;

const TABLE: &str = "table";

pub(crate) fn run(
    global: &Global,
    arguments: &Sbom,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let outputs = outputs(&arguments.output)?;
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let opened = open::open(&session, &arguments.image)?;
    let inventory = contents::inventory(&opened.image)?;
    for note in &inventory.notes {
        printer.warning(&format!("{}: {}", note.subject, note.message));
    }
    let unnamed = Reference::parse("image")?;
    let name = opened.reference.clone().unwrap_or(unnamed);
    let mut subject = seal::sbom_subject(&opened, &name);
    if opened.reference.is_none() {
        subject.name.clone_from(&opened.title);
        subject.reference = None;
    }
    for output in outputs {
        let (text, path) = match output {
            None => (table(&inventory), None),
            Some(output) => ((output.format.encode)(&inventory, &subject), output.path),
        };
        match path {
            Some(path) => {
                std::fs::write(&path, text)
                    .map_err(|source| sealift_pipeline::Error::file("write", &path, source))?;
                printer.message(&format!("wrote {}", path.display()));
            }
            None => printer.data(&text)?,
        }
    }
    printer.message(&contents::summary(&inventory));
    Ok(ExitCode::SUCCESS)
}

// `None` is the table.
fn outputs(texts: &[String]) -> anyhow::Result<Vec<Option<Output>>> {
    if texts.is_empty() {
        return Ok(vec![None]);
    }
    texts
        .iter()
        .map(|text| {
            if text == TABLE {
                return Ok(None);
            }
            let output = Output::parse(text).map_err(|error| {
                let known: Vec<&str> =
                    sealift_sbom::FORMATS.iter().map(|format| format.name).collect();
                Usage::error(
                    error.to_string(),
                    format!("known formats: {TABLE}, {}", known.join(", ")),
                )
            })?;
            Ok(Some(output))
        })
        .collect()
}

fn table(inventory: &Inventory) -> String {
    let rows = inventory.components().map(|(_, package)| {
        let licenses: Vec<&str> = package
            .licenses
            .iter()
            .map(|license| license.spdx.as_deref().unwrap_or(&license.declared))
            .collect();
        let version = package.version.clone().unwrap_or_default();
        vec![
            package.name.clone(),
            version,
            package.kind.purl_type().to_owned(),
            licenses.join(", "),
        ]
    });
    columns(&["NAME", "VERSION", "TYPE", "LICENSE"], rows)
}

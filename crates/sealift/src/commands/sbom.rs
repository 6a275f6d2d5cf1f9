//! `sealift sbom`

use std::path::Path;
use std::process::ExitCode;

use sealift_oci::Reference;
use sealift_pipeline::{contents, open, seal};
use sealift_sbom::Output;

use crate::arguments::{Global, Sbom};
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;

const DEFAULT_FORMAT: &str = "table";

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
        let text = output.encode(&inventory, &subject);
        match output.path {
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

fn outputs(texts: &[String]) -> anyhow::Result<Vec<Output>> {
    let texts = if texts.is_empty() { &[DEFAULT_FORMAT.to_owned()] } else { texts };
    texts
        .iter()
        .map(|text| {
            Output::parse(text).map_err(|error| Usage::error(error.to_string(), error.hint()))
        })
        .collect()
}

//! `sealift save`

use std::path::Path;
use std::process::ExitCode;

use sealift_pipeline::build::megabytes;
use sealift_pipeline::open::open;

use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Global, Save};

pub(crate) fn run(
    global: &Global,
    arguments: &Save,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let opened = open(&session, &arguments.image)?;
    let bytes = sealift_pipeline::save::save(&session, &opened, &arguments.output)?;
    let file = arguments.output.display();
    printer.step(
        Mark::Good,
        "save",
        &format!("{file}, {}; `docker load -i {file}` reads it", megabytes(bytes)),
    );
    Ok(ExitCode::SUCCESS)
}

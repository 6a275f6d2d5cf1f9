//! `sealift pull`

use std::path::Path;
use std::process::ExitCode;

use sealift_oci::Reference;
use sealift_pipeline::transfer;

use crate::arguments::{Global, Pull};
use crate::printer::{Mark, Printer};
use crate::session::Workshop;

pub(crate) fn run(
    global: &Global,
    arguments: &Pull,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let reference = Reference::parse(&arguments.image)?.or_latest();
    let descriptor = transfer::pull(&session, &reference)?;
    let artifacts = workshop.store.referrers(&descriptor.digest)?.len();
    let name = reference.familiar();
    printer.step(
        Mark::Good,
        "pull",
        &format!("{name} with {artifacts} artifacts; `sealift verify {name}` proves it"),
    );
    printer.data(&reference.at_digest(&descriptor.digest).familiar())?;
    Ok(ExitCode::SUCCESS)
}

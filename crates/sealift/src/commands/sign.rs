//! `sealift sign`

use std::path::Path;
use std::process::ExitCode;

use sealift_pipeline::{open, seal};

use super::request;
use crate::arguments::{Global, Sign};
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;

pub(crate) fn run(
    global: &Global,
    arguments: &Sign,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let opened = open::open(&session, &arguments.image)?;
    let name = opened.reference.clone().ok_or_else(|| {
        Usage::error("the image has no name to sign it under", "sign an image of the local store")
    })?;
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    let sealed = seal::seal(&session, &opened, &name, &signer, &[])?;
    let what = if sealed.made == 0 { "was signed already" } else { "signed" };
    let text = format!(
        "{} {what} by key `{}` ({})",
        name.familiar(),
        signer.name,
        signer.key.public().fingerprint()
    );
    printer.step(Mark::Good, "sign", &text);
    printer.data(&name.at_digest(&opened.descriptor.digest).familiar())?;
    Ok(ExitCode::SUCCESS)
}

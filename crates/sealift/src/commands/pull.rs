//! `sealift pull`

use std::path::Path;
use std::process::ExitCode;

use sealift_oci::Reference;
use sealift_pipeline::admit::{self, Admission};
use sealift_pipeline::{judge, transfer};

use super::request;
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
    let descriptor = if arguments.policy.policies.is_empty() {
        transfer::pull(&session, &reference)?
    } else {
        let keys = request::trusted(&arguments.keys, &workshop)?;
        let mut policy = request::policy(&arguments.policy, &workshop.settings)?;
        super::policy::resolve(&mut policy, &keys, &workshop)?;
        let scan = super::policy::scan_request(&arguments.scan, &workshop)?;
        let admission = Admission { policy: &policy, scan: &scan, keys: &keys };
        let (descriptor, judged) = admit::pull(&session, &reference, &admission)?;
        printer.data_if_any(&judge::details(&judged))?;
        descriptor
    };
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

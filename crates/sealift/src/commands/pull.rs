//! `sealift pull`

use std::path::Path;
use std::process::ExitCode;

use sealift_custody::policy_file::PolicyFile;
use sealift_custody::{Judged, Trust};
use sealift_oci::{Descriptor, Reference};
use sealift_pipeline::admit::{self, Admission};
use sealift_pipeline::{judge, transfer};

use super::{request, trusting};
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Global, Pull};

pub(crate) fn run(
    global: &Global,
    arguments: &Pull,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let reference = Reference::parse(&arguments.image)?.or_latest();
    let (trust, options) = trusting::choose(&arguments.policy, &arguments.keys, &workshop)?;
    let judged = match &trust {
        Some(file) => Some(fetch(&workshop, file, &reference, arguments, printer)?),
        None => None,
    };
    let digest = judged.as_ref().map(|(descriptor, _)| reference.at_digest(&descriptor.digest));
    let descriptor = if options.policies.is_empty() {
        match &judged {
            Some((descriptor, _)) => descriptor.clone(),
            None => transfer::pull(&session, &reference)?,
        }
    } else {
        let keys = match &judged {
            Some((_, judged)) => judged.keys.clone(),
            None => request::trusted(&arguments.keys, &workshop)?,
        };
        let mut policy = request::policy(&options, &workshop.settings)?;
        super::policy::resolve(&mut policy, &keys, &workshop)?;
        let scan = super::policy::scan_request(&arguments.scan, &workshop)?;
        let admission = Admission { policy: &policy, scan: &scan, keys: &keys };
        // What was judged is what the digest names; the name may stand for something else by now.
        let wanted = digest.as_ref().unwrap_or(&reference);
        let (descriptor, judged) = admit::pull(&session, wanted, &admission)?;
        printer.data_if_any(&judge::details(&judged))?;
        descriptor
    };
    if digest.is_some() && reference.tag().is_some() {
        workshop.store.tag(&reference, &descriptor)?;
    }
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

// The image, if the trust policy admits it. It has no name in the store yet.
fn fetch(
    workshop: &Workshop,
    file: &PolicyFile,
    reference: &Reference,
    arguments: &Pull,
    printer: &Printer,
) -> anyhow::Result<(Descriptor, Judged)> {
    let session = workshop.session();
    let marks = trusting::marks(workshop);
    let revocations = sealift_custody::revocations::of_policy(&session, file, &marks)?;
    let server = trusting::server(workshop, reference, &arguments.server, false)?;
    let trust = Trust {
        file,
        signer: arguments.signer.as_deref(),
        revocations: &revocations,
        marks: &marks,
        server: &server,
    };
    let (descriptor, judged) = sealift_custody::fetch(&session, &trust, reference)?;
    if arguments.explain {
        printer.data(&judged.judgement.proof.to_text())?;
    }
    judged.check()?;
    sealift_custody::check_bytes(&session, &descriptor, reference, &judged)?;
    for warning in &file.policy.warnings {
        printer.warning(warning);
    }
    Ok((descriptor, judged))
}

//! `sealift attest`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use sealift_pipeline::sign;
use sealift_sign::predicate_type;

use super::{request, signing};
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Attest, Global};

pub(crate) fn run(
    global: &Global,
    arguments: &Attest,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let kind = predicate_type::parse(&arguments.kind).ok_or_else(|| {
        let words: Vec<&str> = predicate_type::WORDS.iter().map(|(word, _)| *word).collect();
        Usage::error(
            format!("`{}` is neither a type of attestation nor a URI", arguments.kind),
            format!("known: {}; or a URI", words.join(", ")),
        )
    })?;
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let document = signing::read_document(&arguments.predicate)?;
    let created = sealift_pipeline::seal::timestamp(session.document_secs());
    let predicate = predicate_type::wrap(&arguments.kind, &document, created).ok_or_else(|| {
        Usage::error(
            format!("`{}` is no text", arguments.predicate.display()),
            "attest a text, or JSON under the URI of its type",
        )
    })?;
    let work = signing::open(&session, &arguments.image, &arguments.signing)?;
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    let repository = format!("{}/{}", work.name.registry(), work.name.repository());
    let sealed = sign::attest(
        &session,
        &sign::Signing {
            place: &work.place,
            subjects: &work.subjects,
            name: &repository,
            signer: &signer,
            forms: work.forms,
            annotations: &BTreeMap::new(),
        },
        sign::Statement { predicate_type: kind, predicate: &predicate },
    )?;
    let place = work.deliver(&session)?;
    let text = format!(
        "{}: {} made, {} there already, by key `{}` ({}), {place}",
        predicate_type::noun(kind),
        sealed.made,
        sealed.kept,
        signer.name,
        signer.key.public().fingerprint()
    );
    printer.step(Mark::Good, "attest", &text);
    printer.data(&work.name.at_digest(&work.opened.descriptor.digest).familiar())?;
    Ok(ExitCode::SUCCESS)
}

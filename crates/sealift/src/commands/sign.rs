//! `sealift sign`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use sealift_pipeline::sign;

use super::{request, signing};
use crate::arguments::{Global, Sign};
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;

pub(crate) fn run(
    global: &Global,
    arguments: &Sign,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let annotations = annotations(&arguments.annotations)?;
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let work = signing::open(&session, &arguments.image, &arguments.signing)?;
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    let name = work.name.to_string();
    let sealed = sign::sign(
        &session,
        &sign::Signing {
            place: &work.place,
            subjects: &work.subjects,
            name: &name,
            signer: &signer,
            forms: work.forms,
            annotations: &annotations,
        },
    )?;
    let place = work.deliver(&session)?;
    let what = if sealed.made == 0 { "was signed already" } else { "signed" };
    let text = format!(
        "{} {what} by key `{}` ({}), {place}",
        work.name.familiar(),
        signer.name,
        signer.key.public().fingerprint()
    );
    printer.step(Mark::Good, "sign", &text);
    printer.data(&work.name.at_digest(&work.opened.descriptor.digest).familiar())?;
    Ok(ExitCode::SUCCESS)
}

fn annotations(texts: &[String]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut annotations = BTreeMap::new();
    for text in texts {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Usage::error(
                format!("`{text}` is no annotation"),
                "write it as `--annotation NAME=VALUE`",
            )
        })?;
        if annotations.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Usage::error(
                format!("the annotation `{name}` is given twice"),
                "give each name once",
            ));
        }
    }
    Ok(annotations)
}

//! `sealift sbom attest`: an SBOM of an image, signed and kept beside it.

use std::path::Path;
use std::process::ExitCode;

use sealift_oci::Digest;
use sealift_pipeline::contents;
use sealift_pipeline::seal::{self, Claim};
use sealift_sbom::read::Document;
use sealift_sbom::{Output, present};
use sealift_sign::predicate_type;

use super::{request, sbom, sbom_documents};
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Global, SbomAttest};

// As syft's own attestations name it.
const SYFT: &str = "https://syft.dev/bom";

pub(crate) fn run(
    global: &Global,
    arguments: &SbomAttest,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let (opened, claims) = if let Some(path) = &arguments.sbom {
        let opened = sealift_pipeline::open::open(&session, &arguments.image)?;
        let claim = existing(path, &opened.descriptor.digest, printer)?;
        (opened, vec![claim])
    } else {
        let outputs = outputs(&arguments.output)?;
        let file = &workshop.settings.file;
        let examined =
            sbom::examine(&session, &arguments.image, &arguments.parties, file, printer)?;
        // Nobody should sign that less is inside than there is.
        contents::check_complete(&examined.inventory)?;
        let inventory = present(&examined.inventory, examined.artifact.kind);
        let opened = examined.opened.ok_or_else(|| {
            Usage::error("only images can be attested", "name an image of the local store")
        })?;
        let subject = &examined.subject;
        let claims = outputs.iter().map(|(predicate_type, output)| Claim {
            predicate_type,
            predicate: output.encode(&inventory, subject).into_bytes(),
            is_lasting: false,
        });
        (opened, claims.collect())
    };
    let name = opened.reference.clone().ok_or_else(|| {
        Usage::error(
            "the image has no name to attest it under",
            "attest an image of the local store",
        )
    })?;
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    let sealed = seal::attest(&session, &opened, &name, &signer, &claims)?;
    for claim in &claims {
        printer.detail(&format!("predicate {}", claim.predicate_type));
    }
    let text = format!(
        "{}: {} made, {} there already, by key `{}` ({})",
        name.familiar(),
        sealed.made,
        sealed.kept,
        signer.name,
        signer.key.public().fingerprint()
    );
    printer.step(Mark::Good, "attest", &text);
    printer.data(&name.at_digest(&opened.descriptor.digest).familiar())?;
    Ok(ExitCode::SUCCESS)
}

// A document that is there: its bytes are signed as they are.
fn existing(path: &Path, digest: &Digest, printer: &Printer) -> anyhow::Result<Claim> {
    let (document, bytes) = sbom_documents::open_with_bytes(path, printer)?;
    let Some(predicate_type) = predicate_type_of(document.format) else {
        return Err(Usage::error(
            format!(
                "`{}` is {}, and an attestation holds JSON only",
                path.display(),
                document.format
            ),
            "convert it first: `sealift sbom convert FILE -o spdx-json=NEW`",
        ));
    };
    check_subject(&document, digest, path, printer)?;
    Ok(Claim { predicate_type, predicate: bytes, is_lasting: false })
}

fn check_subject(
    document: &Document,
    digest: &Digest,
    path: &Path,
    printer: &Printer,
) -> anyhow::Result<()> {
    match &document.subject.digest {
        Some(other) if other != digest => Err(Usage::error(
            format!("`{}` is of another image: {other}, not {digest}", path.display()),
            "leave `--sbom` away to have one made of this image",
        )),
        Some(_) => Ok(()),
        None => {
            printer.warning(&format!("{}: it does not say of which image it is", path.display()));
            Ok(())
        }
    }
}

fn predicate_type_of(format: &str) -> Option<&'static str> {
    match format {
        "spdx-json" => Some(predicate_type::SPDX),
        "cyclonedx-json" => Some(predicate_type::CYCLONEDX),
        "syft-json" => Some(SYFT),
        _ => None,
    }
}

fn outputs(formats: &[String]) -> anyhow::Result<Vec<(&'static str, Output)>> {
    let default = ["spdx-json".to_owned(), "cyclonedx-json".to_owned()];
    let formats = if formats.is_empty() { &default } else { formats };
    formats
        .iter()
        .map(|format| {
            let output = Output::parse(format)
                .map_err(|error| Usage::error(error.to_string(), error.hint()))?;
            let predicate_type = predicate_type_of(output.format.name)
                .filter(|_| output.path.is_none())
                .ok_or_else(|| {
                    Usage::error(
                        format!("`{format}` cannot be attested"),
                        "one of spdx-json, cyclonedx-json, syft-json, with a version if need be",
                    )
                })?;
            Ok((predicate_type, output))
        })
        .collect()
}

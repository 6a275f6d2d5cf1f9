//! `sealift sign`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use sealift_custody::tag_maps;
use sealift_oci::Reference;
use sealift_pipeline::keys::Signer;
use sealift_pipeline::seal::Sealed;
use sealift_pipeline::sign;

use super::signing::Work;
use super::{request, sign_notation, signing, trust, trusting};
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{
    Global, Sign, SignatureKind, TextOrJson, TrustChange, TrustSecrets, TrustSign,
};

pub(crate) fn run(
    global: &Global,
    arguments: &Sign,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let annotations = annotations(&arguments.annotations)?;
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let work = signing::open(&session, &arguments.image, &arguments.signing)?;
    let wants_tag_map = wants_tag_map(arguments, &workshop, &work.name)?;
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    let name = work.name.to_string();
    let mut sealed = Sealed::default();
    for kind in &arguments.kinds {
        let more = match kind {
            SignatureKind::Cosign => sign::sign(
                &session,
                &sign::Signing {
                    place: &work.place,
                    subjects: &work.subjects,
                    name: &name,
                    signer: &signer,
                    forms: work.forms,
                    annotations: &annotations,
                },
            )?,
            SignatureKind::Dct => {
                let change = for_content_trust(arguments, &workshop, &work, &signer);
                let is_new = trust::sign_beside(global, &change, printer)?;
                Sealed { made: usize::from(is_new), kept: usize::from(!is_new) }
            }
            SignatureKind::Notation => {
                let options = &arguments.notation;
                sign_notation::run(&workshop, options, &work, &signer, &annotations)?
            }
        };
        sealed.made += more.made;
        sealed.kept += more.kept;
    }
    if wants_tag_map {
        let is_asked = work.is_pushed();
        let (place, opened) = (&work.place, &work.opened);
        let map =
            trusting::attach_tag_map(&workshop, place, opened, &work.name, &signer, is_asked)?;
        printer.step(Mark::Good, "tag map", &trusting::tag_map_text(&map));
    }
    let place = work.deliver(&session)?;
    if wants_tag_map && work.is_pushed() {
        tag_maps::publish_stored(&session, &work.opened.descriptor, &work.name)?;
    }
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

fn wants_tag_map(arguments: &Sign, workshop: &Workshop, name: &Reference) -> anyhow::Result<bool> {
    if arguments.tag_map && name.tag().is_none() {
        return Err(Usage::error(
            "the image has no tag that a map could have",
            "name it by a tag, or give one with `--name`",
        ));
    }
    Ok(arguments.tag_map || trusting::wants_tag_map(workshop, name)?)
}

// The keys are those of the keyring that the repository names, and the one that was named, with the same passphrase.
fn for_content_trust(
    arguments: &Sign,
    workshop: &Workshop,
    work: &Work,
    signer: &Signer,
) -> TrustSign {
    let passphrase_file = arguments.key.passphrase_file.clone();
    let secrets = TrustSecrets {
        private_keys: vec![signer.path.clone()],
        passphrase_file: passphrase_file
            .or_else(|| workshop.settings.file.sign.passphrase_file.clone()),
        passphrase_fd: arguments.key.passphrase_fd,
        root_passphrase_file: None,
    };
    TrustSign {
        image: work.name.to_string(),
        registry: false,
        no_counter: false,
        change: TrustChange { look: arguments.look.clone(), secrets, format: TextOrJson::Text },
    }
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

//! `sealift verify`

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use sealift_model::{Outcome, Severity};
use sealift_pipeline::build::megabytes;
use sealift_pipeline::keys::TrustedKey;
use sealift_pipeline::open::{Opened, open};
use sealift_pipeline::verify::{Proof, Verified, VerifyRequest, key_name, verify};
use sealift_pipeline::{Error, Session};
use sealift_sign::predicate_type;
use serde_json::json;

use super::request;
use crate::arguments::{Global, ScanOptions, TextOrJson, Verify};
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;

pub(crate) fn run(
    global: &Global,
    arguments: &Verify,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let file = &workshop.settings.file;
    let keys = request::trusted(&arguments.keys, &workshop)?;
    let mut policy = request::policy(&arguments.policy, &workshop.settings)?;
    super::policy::resolve(&mut policy, &keys, &workshop)?;
    let request = VerifyRequest {
        keys,
        require: required(&arguments.require, &file.verify.require)?,
        policy,
        fail_on: request::scan(&ScanOptions::default(), file, Some(Severity::High))?.fail_on,
    };
    let opened = open_strictly(&session, &arguments.image)?;
    let verified = verify(&session, &opened, &request)?;
    match arguments.format {
        TextOrJson::Text => printer.data(&tree(&opened, &verified, &request.keys))?,
        TextOrJson::Json => printer.data(&document(&opened, &verified, &request.keys)?)?,
    }
    printer.message(&format!("verified {} in {:.1} s", opened.title, workshop.seconds()));
    Ok(ExitCode::SUCCESS)
}

// Bytes that do not fit their digest are a refusal here, also when that shows while the image is opened.
fn open_strictly(session: &Session<'_>, text: &str) -> Result<Opened, Error> {
    open(session, text).map_err(|error| match error {
        // Nothing is damaged; another platform was asked for.
        Error::Image(sealift_image::Error::Platform { .. }) => error,
        Error::Image(_) | Error::Document(_) => {
            Error::Refused { what: text.to_owned(), why: error.to_string() }
        }
        Error::Store(
            sealift_store::Error::DigestMismatch { .. }
            | sealift_store::Error::MissingBlob(_)
            | sealift_store::Error::DocumentTooLarge(_)
            | sealift_store::Error::Document(_)
            | sealift_store::Error::Image(_),
        ) => Error::Refused { what: text.to_owned(), why: error.to_string() },
        other => other,
    })
}

fn required(flags: &[String], settings: &[String]) -> anyhow::Result<Vec<Proof>> {
    let names = if flags.is_empty() { settings } else { flags };
    if names.is_empty() {
        return Ok(Proof::ALL.to_vec());
    }
    names
        .iter()
        .map(|name| {
            Proof::ALL.into_iter().find(|proof| proof.as_str() == name.trim()).ok_or_else(|| {
                let known: Vec<&str> = Proof::ALL.iter().map(|proof| proof.as_str()).collect();
                Usage::error(
                    format!("`{name}` cannot be required"),
                    format!("known: {}", known.join(", ")),
                )
            })
        })
        .collect()
}

fn tree(opened: &Opened, verified: &Verified, keys: &[TrustedKey]) -> String {
    let mut lines = vec![format!(
        "bytes: {} layers of {}, config and manifest have their digests",
        verified.layers,
        megabytes(verified.layer_bytes)
    )];
    let by = |fingerprint: &str| {
        format!("key `{}` ({})", key_name(keys, fingerprint).unwrap_or("?"), &fingerprint[..16])
    };
    for signature in &verified.verification.signatures {
        let name = signature.name.as_deref().unwrap_or("no name");
        lines.push(format!("signature: for {name} by {}", by(&signature.key)));
    }
    if let Some(note) = other_name(opened, verified) {
        lines.push(note);
    }
    for attestation in &verified.verification.attestations {
        let noun = predicate_type::noun(&attestation.predicate_type);
        lines.push(format!("attestation: {noun} by {}", by(&attestation.key)));
    }
    if let Some(summary) = &verified.attested {
        let count = summary.verdict.policies.len();
        lines.push(format!(
            "policy: {} by {count} policies when it was made",
            word(summary.verdict.outcome)
        ));
    }
    match &verified.judged {
        Some(verdict) => {
            let count = verdict.policies.len();
            lines.push(format!(
                "policy: {} by {count} policies at hand, judged again",
                word(verdict.outcome)
            ));
        }
        None => lines.push("policy: none at hand, so the attested verdict counts".to_owned()),
    }
    for unproved in &verified.verification.unproved {
        lines.push(format!("proves nothing: {unproved}"));
    }
    let mut text = format!("{}@{}\n", opened.title, verified.digest);
    let last = lines.len() - 1;
    for (number, line) in lines.iter().enumerate() {
        let branch = if number == last { "└─" } else { "├─" };
        writeln!(text, "{branch} {line}").expect("a string takes everything");
    }
    text
}

// A signed image may be shown under another name: a mirror's, or one that somebody wants it to be taken for.
fn other_name(opened: &Opened, verified: &Verified) -> Option<String> {
    let name = opened.reference.as_ref().filter(|name| name.tag().is_some())?.to_string();
    let signatures = &verified.verification.signatures;
    let is_signed = signatures.iter().any(|signature| signature.name.as_ref() == Some(&name));
    (!is_signed && !signatures.is_empty())
        .then(|| format!("attention: no signature is for the name {name}"))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "passed",
        Outcome::Warn => "passed with warnings",
        Outcome::Fail => "refused",
    }
}

fn document(opened: &Opened, verified: &Verified, keys: &[TrustedKey]) -> anyhow::Result<String> {
    let key = |fingerprint: &str| json!({ "fingerprint": fingerprint, "name": key_name(keys, fingerprint) });
    let verification = &verified.verification;
    let signatures: Vec<_> = verification
        .signatures
        .iter()
        .map(|signature| {
            json!({
                "key": key(&signature.key),
                "name": signature.name,
                "artifact": signature.artifact.to_string(),
                "created": signature.created.map(|time| time.to_string()),
            })
        })
        .collect();
    let attestations: Vec<_> = verification
        .attestations
        .iter()
        .map(|attestation| {
            json!({
                "predicateType": attestation.predicate_type,
                "key": key(&attestation.key),
                "artifact": attestation.artifact.to_string(),
            })
        })
        .collect();
    let unproved: Vec<_> = verification.unproved.iter().map(ToString::to_string).collect();
    Ok(serde_json::to_string_pretty(&json!({
        "schemaVersion": 1,
        "image": opened.title,
        "digest": verified.digest.to_string(),
        "layers": verified.layers,
        "signatures": signatures,
        "attestations": attestations,
        "attestedPolicy": verified.attested.as_ref().map(|summary| word(summary.verdict.outcome)),
        "judgedPolicy": verified.judged.as_ref().map(|verdict| word(verdict.outcome)),
        "unproved": unproved,
    }))?)
}

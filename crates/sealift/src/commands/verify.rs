//! `sealift verify`

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use sealift_custody::policy_file::PolicyFile;
use sealift_custody::{Judged, Trust, revocations};
use sealift_image::Target;
use sealift_model::{Outcome, Severity};
use sealift_pipeline::build::megabytes;
use sealift_pipeline::keys::TrustedKey;
use sealift_pipeline::open::{self, Opened};
use sealift_pipeline::verify::{Hashing, Proof, Verified, VerifyRequest, key_name, prove, verify};
use sealift_pipeline::{Error, Session};
use sealift_sign::predicate_type;
use sealift_trust::Outcome as JudgedOutcome;
use serde_json::json;

use super::{request, trusting};
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{Global, PolicyOptions, ScanOptions, TextOrJson, Verify};

pub(crate) fn run(
    global: &Global,
    arguments: &Verify,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let (trust, options) = trusting::choose(&arguments.policy, &arguments.keys, &workshop)?;
    let trust = trusting::keyless(&arguments.keyless, &arguments.require)?.or(trust);
    let mut opened = open_strictly(&session, &arguments.image, arguments.offline)?;
    let judged = match &trust {
        Some(file) => Some(judge(&workshop, &opened, file, arguments, printer)?),
        None if arguments.signer.is_some() => {
            return Err(Usage::error(
                "`--signer` names a signer of a trust policy, and there is none",
                "give one with `--policy trust.toml`, or write ~/.config/sealift/trust.toml",
            ));
        }
        None => None,
    };
    let request = prove_request(&workshop, arguments, &options, judged.as_ref(), &mut opened)?;
    let verified = match &judged {
        Some(_) => prove(&session, &opened, &request)?,
        None => verify(&session, &opened, &request)?,
    };
    let proof = judged.as_ref().map(|judged| &judged.judgement.proof);
    match arguments.format {
        TextOrJson::Text => {
            if let Some(proof) = proof.filter(|_| arguments.explain) {
                printer.data(&proof.to_text())?;
            }
            printer.data(&tree(&opened, &verified, &request.keys, judged.as_ref()))?;
        }
        TextOrJson::Json => {
            printer.data(&document(&opened, &verified, &request.keys, judged.as_ref())?)?;
        }
    }
    printer.message(&format!("verified {} in {:.1} s", opened.title, workshop.seconds()));
    Ok(ExitCode::SUCCESS)
}

// The judgement of the trust policy. If it refuses, what was asked for is printed all the same.
fn judge(
    workshop: &Workshop,
    opened: &Opened,
    file: &PolicyFile,
    arguments: &Verify,
    printer: &Printer,
) -> anyhow::Result<Judged> {
    let session = workshop.session();
    let marks = trusting::marks(workshop);
    let revocations = sealift_custody::revocations::of_policy(&session, file, &marks)?;
    let (options, is_offline) = (&arguments.server, arguments.offline);
    let name = opened.reference.clone().ok_or_else(|| {
        Usage::error(
            format!("`{}` has no name, and a trust policy judges names", opened.title),
            "give it one, as in `oci-dir:PATH:registry.example.com/team/app:1.0`",
        )
    })?;
    let server = trusting::server(workshop, &name, options, is_offline)?;
    let trust = Trust {
        file,
        signer: arguments.signer.as_deref(),
        revocations: &revocations,
        marks: &marks,
        server: &server,
    };
    let judged = sealift_custody::judge(&session, &trust, opened)?;
    if let Err(error) = judged.check() {
        match arguments.format {
            TextOrJson::Text if arguments.explain => {
                printer.data(&judged.judgement.proof.to_text())?;
            }
            TextOrJson::Text => {}
            TextOrJson::Json => {
                let document = json!({
                    "schemaVersion": 1,
                    "image": opened.title,
                    "digest": opened.descriptor.digest.to_string(),
                    "trust": trust_document(&judged),
                });
                printer.data(&serde_json::to_string_pretty(&document)?)?;
            }
        }
        return Err(error.into());
    }
    for warning in &file.policy.warnings {
        printer.warning(warning);
    }
    if judged.judgement.outcome == JudgedOutcome::Warned {
        printer.warning("the trust policy admits the image and proves less than it should");
    }
    Ok(judged)
}

fn prove_request(
    workshop: &Workshop,
    arguments: &Verify,
    options: &PolicyOptions,
    judged: Option<&Judged>,
    opened: &mut Opened,
) -> anyhow::Result<VerifyRequest> {
    let file = &workshop.settings.file;
    let keys = if let Some(judged) = judged {
        judged.keys.clone()
    } else {
        let keys = request::trusted(&arguments.keys, workshop)?;
        let marks = trusting::marks(workshop);
        let lists = revocations::of_files(&file.verify.revocations, &keys, &marks)?;
        revocations::hold(opened, &lists)?;
        revocations::still_trusted(keys, &lists)
    };
    let mut policy = request::policy(options, &workshop.settings)?;
    super::policy::resolve(&mut policy, &keys, workshop)?;
    // The policy says what must be there.
    let is_asked = !arguments.require.is_empty() || !file.verify.require.is_empty();
    let require = match judged {
        Some(_) if !is_asked || arguments.keyless.certificate_identity.is_some() => Vec::new(),
        _ => required(&arguments.require, &file.verify.require)?,
    };
    let fail_on = request::scan(&ScanOptions::default(), file, Some(Severity::High))?.fail_on;
    let hashing = if arguments.rehash { Hashing::Again } else { Hashing::Stamps };
    Ok(VerifyRequest { keys, require, policy, fail_on, hashing })
}

// Bytes that do not fit their digest are a refusal here, also when that shows while the image is opened.
fn open_strictly(session: &Session<'_>, text: &str, offline: bool) -> Result<Opened, Error> {
    let target = match (open::target(text)?, offline) {
        (Target::Any(reference), true) => Target::Store(reference),
        (Target::Registry(_), true) => {
            return Err(Error::usage(
                format!("`{text}` is in a registry, and `--offline` asks none"),
                "pull it first, and verify it by its name",
            ));
        }
        (other, _) => other,
    };
    open::open_target(session, &target, text).map_err(|error| match error {
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

fn tree(
    opened: &Opened,
    verified: &Verified,
    keys: &[TrustedKey],
    judged: Option<&Judged>,
) -> String {
    let mut lines = Vec::new();
    if let Some(judged) = judged {
        let rule = judged.judgement.rule.as_ref().map_or("?", |rule| rule.place.as_str());
        let signers = match judged.judgement.signers.as_slice() {
            [] => "nobody has signed".to_owned(),
            names => format!("signed by {}", names.join(", ")),
        };
        lines.push(format!("trust: {rule}: {signers}"));
    }
    let untouched = match verified.stamped {
        0 => String::new(),
        count => format!("; {count} hashed before and not touched since"),
    };
    lines.push(format!(
        "bytes: {} layers of {}, config and manifest have their digests{untouched}",
        verified.layers,
        megabytes(verified.layer_bytes)
    ));
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

fn trust_document(judged: &Judged) -> serde_json::Value {
    let judgement = &judged.judgement;
    json!({
        "outcome": match judgement.outcome {
            JudgedOutcome::Admitted => "admitted",
            JudgedOutcome::Warned => "warned",
            JudgedOutcome::Refused => "refused",
        },
        "rule": judgement.rule.as_ref().map(|rule| rule.pattern.as_str()),
        "signers": judgement.signers,
        "refusal": judgement.refusal.as_ref().map(|refusal| json!({
            "kind": refusal.kind.as_str(),
            "text": refusal.text,
        })),
        "proof": judgement.proof.to_json(),
    })
}

fn document(
    opened: &Opened,
    verified: &Verified,
    keys: &[TrustedKey],
    judged: Option<&Judged>,
) -> anyhow::Result<String> {
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
        "layersHashedBefore": verified.stamped,
        "trust": judged.map(trust_document),
        "signatures": signatures,
        "attestations": attestations,
        "attestedPolicy": verified.attested.as_ref().map(|summary| word(summary.verdict.outcome)),
        "judgedPolicy": verified.judged.as_ref().map(|verdict| word(verdict.outcome)),
        "unproved": unproved,
    }))?)
}

//! `sealift trust policy`, `trust revocation`, `trust tag-map`.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use sealift_crypto::PublicKey;
use sealift_custody::{policy_file, revocations, tag_maps};
use sealift_oci::Reference;
use sealift_pipeline::{open, transfer};
use sealift_trust::revocation::{Revocation, RevocationList, Revoked, read_revoked};
use sealift_trust::tag_map::TagMap;
use serde_json::json;

use super::{request, trusting};
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{
    Global, RevocationAdd, RevocationRenew, RevocationShow, TextOrJson, TrustMap, TrustPin,
    TrustPolicyCheck, TrustPolicyCommand, TrustPolicyImport, TrustRevocation,
};

/// `trust policy`
pub(crate) fn policy(
    global: &Global,
    command: &TrustPolicyCommand,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    match command {
        TrustPolicyCommand::Check(arguments) => return check(global, arguments, printer),
        TrustPolicyCommand::Schema => {
            printer.data(&serde_json::to_string_pretty(&sealift_trust::schema())?)?;
        }
        TrustPolicyCommand::Import(arguments) => return import(global, arguments, printer),
        TrustPolicyCommand::Template => printer.data(sealift_trust::template().trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn import(
    global: &Global,
    arguments: &TrustPolicyImport,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let imported = policy_file::import(&arguments.policy, &workshop.folders.config.join("keys"))?;
    for note in &imported.notes {
        printer.warning(note);
    }
    printer.data(imported.text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

fn check(
    global: &Global,
    arguments: &TrustPolicyCheck,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let file = policy_file::open(&arguments.policy, &workshop.folders.config.join("keys"))?;
    for warning in &file.policy.warnings {
        printer.warning(warning);
    }
    let mut text = String::new();
    let (rules, signers) = (file.policy.rules.len(), file.policy.signers.len());
    writeln!(text, "{}: {rules} rules, {signers} signers", file.path.display())?;
    let mut is_covered = true;
    for image in &arguments.images {
        let reference = Reference::parse(image).map_err(sealift_pipeline::Error::from)?;
        let rule = file.policy.rule(&reference);
        is_covered &= matches!(rule, Ok(Some(_)));
        match rule {
            Ok(Some(rule)) => {
                let voices = file.policy.voices(&rule).map(|signer| signer.name.as_str());
                let voices = voices.collect::<Vec<_>>().join(", ");
                writeln!(text, "{image}: {} ({voices})", rule.place)?;
            }
            Ok(None) => writeln!(text, "{image}: no rule, so it is refused")?,
            Err(error) => writeln!(text, "{image}: {error}")?,
        }
    }
    printer.data(text.trim_end())?;
    Ok(if is_covered { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// `trust revocation`
pub(crate) fn revocation(
    global: &Global,
    command: &TrustRevocation,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    match command {
        TrustRevocation::Add(arguments) => add(&workshop, arguments, printer)?,
        TrustRevocation::Show(arguments) => show(&workshop, arguments, printer)?,
        TrustRevocation::Renew(arguments) => renew(&workshop, arguments, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn add(workshop: &Workshop, arguments: &RevocationAdd, printer: &Printer) -> anyhow::Result<()> {
    let what = what(&arguments.what)?;
    let since_secs = match &arguments.since {
        None => workshop.now_secs(),
        Some(text) => {
            let time: jiff::Timestamp = text.parse().map_err(|_| {
                Usage::error(
                    format!("`{text}` is not a time"),
                    "as in `--since 2026-05-01T00:00:00Z`",
                )
            })?;
            time.as_second()
        }
    };
    let signer = request::signer(&arguments.key, workshop, printer)?;
    let keys = request::trusted(&[], workshop)?;
    let entry = Revocation { what, since_secs, reason: arguments.reason.clone() };
    let list = revocations::add(&arguments.list, entry, &signer, &keys, workshop.now_secs())?;
    report(&arguments.list, &list, printer)
}

// A public key's file stands for its fingerprint.
fn what(text: &str) -> anyhow::Result<Revoked> {
    if Path::new(text).is_file() {
        let pem = sealift_pipeline::policies::read_text(Path::new(text), 1 << 20)?;
        let key = PublicKey::from_pem(&pem)
            .map_err(|source| sealift_pipeline::Error::Key { path: text.into(), source })?;
        return Ok(Revoked::Key(key.fingerprint()));
    }
    read_revoked(text)
        .map_err(|reason| Usage::error(reason, "or name the file of a public key that is here"))
}

fn renew(
    workshop: &Workshop,
    arguments: &RevocationRenew,
    printer: &Printer,
) -> anyhow::Result<()> {
    let signer = request::signer(&arguments.key, workshop, printer)?;
    let keys = request::trusted(&[], workshop)?;
    let list = revocations::renew(&arguments.list, &signer, &keys, workshop.now_secs())?;
    report(&arguments.list, &list, printer)
}

fn report(path: &Path, list: &RevocationList, printer: &Printer) -> anyhow::Result<()> {
    let text = format!(
        "{} is number {} with {} entries, signed",
        path.display(),
        list.counter,
        list.entries.len()
    );
    printer.step(Mark::Good, "revocation", &text);
    printer.data(&path.display().to_string())?;
    Ok(())
}

fn show(workshop: &Workshop, arguments: &RevocationShow, printer: &Printer) -> anyhow::Result<()> {
    let keys = request::trusted(&arguments.keys, workshop)?;
    let keys: Vec<PublicKey> = keys.into_iter().map(|trusted| trusted.key).collect();
    let list = revocations::read(&arguments.list, &keys, &trusting::marks(workshop))?;
    let time = |secs: i64| jiff::Timestamp::from_second(secs).unwrap_or_default().to_string();
    let name = |revoked: &Revoked| match revoked {
        Revoked::Digest(digest) => digest.to_string(),
        Revoked::Key(key) => format!("key {key}"),
    };
    let entries = &list.entries;
    if arguments.format == TextOrJson::Json {
        let entries: Vec<_> = entries
            .iter()
            .map(|entry| {
                json!({ "revoked": name(&entry.what), "since": time(entry.since_secs), "reason": entry.reason })
            })
            .collect();
        let document = json!({
            "schemaVersion": 1,
            "counter": list.counter,
            "issued": time(list.issued_secs),
            "entries": entries,
        });
        printer.data(&serde_json::to_string_pretty(&document)?)?;
        return Ok(());
    }
    let mut text = format!("number {} of {}\n", list.counter, time(list.issued_secs));
    for entry in entries {
        writeln!(text, "{} since {}: {}", name(&entry.what), time(entry.since_secs), entry.reason)?;
    }
    printer.data(text.trim_end())?;
    Ok(())
}

/// `trust tag-map`
pub(crate) fn tag_map(
    global: &Global,
    arguments: &TrustMap,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let opened = open::open(&session, &arguments.image)?;
    let name = opened.reference.clone().filter(|name| name.tag().is_some()).ok_or_else(|| {
        Usage::error("the image has no tag that a map could have", "name it by a tag")
    })?;
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    let (place, is_asked) = (session.store, arguments.push);
    let map = trusting::attach_tag_map(&workshop, place, &opened, &name, &signer, is_asked)?;
    if arguments.push {
        let opened = open::open_descriptor(&session, &opened.descriptor, &name)?;
        transfer::push(&session, &opened, &name)?;
        tag_maps::publish(&session, &opened, &name)?;
    }
    printer.step(Mark::Good, "tag map", &trusting::tag_map_text(&map));
    printer.data(&name.at_digest(&opened.descriptor.digest).familiar())?;
    Ok(ExitCode::SUCCESS)
}

/// `trust pin --tag-map`: how new the map of a repository is, as a policy says it.
pub(crate) fn pin_tag_map(
    global: &Global,
    arguments: &TrustPin,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let name = Reference::parse(&arguments.repository).map_err(sealift_pipeline::Error::from)?;
    let repository = sealift_trust::tag_map::repository(&name);
    let keys = trusting::map_keys(&workshop)?;
    let is_trusted = |map: &TagMap| keys.iter().any(|key| key.fingerprint() == map.key);
    let seen = trusting::marks(&workshop).tag_map(&repository)?.filter(is_trusted);
    let published = match tag_maps::remote(&workshop.session(), &name, &keys) {
        Ok(found) => found.map(|(map, _)| map),
        Err(error) if seen.is_some() => {
            printer.warning(&format!("the number is the last that was seen here: {error}"));
            None
        }
        Err(error) => return Err(error.into()),
    };
    let number = seen.iter().chain(&published).map(|map| map.counter).max();
    let number = number.ok_or_else(|| sealift_pipeline::Error::Refused {
        what: repository.clone(),
        why: "it has no tag map by a trusted key".to_owned(),
    })?;
    printer.data(&format!("[[tag_map]]\nrepository = \"{repository}\"\nat_least = {number}"))?;
    printer.message("next: put it into the trust policy, and give that to whoever verifies");
    Ok(ExitCode::SUCCESS)
}

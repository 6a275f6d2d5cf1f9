//! `sealift trust migrate`

use std::path::Path;
use std::process::ExitCode;

use sealift_crypto::Certificate;
use sealift_custody::migration::{Migrated, Migration, State, migrate};
use sealift_custody::tag_maps::Making;
use sealift_notary::{Client, Look, name_of};
use sealift_oci::Reference;
use serde_json::json;

use super::{request, trusting};
use crate::columns::columns;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Global, TextOrJson, TrustMigrate};

/// Signs every trusted tag of a repository again, for cosign and, with certificates, for notation.
pub(crate) fn run(
    global: &Global,
    arguments: &TrustMigrate,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let repository =
        Reference::parse(&arguments.repository).map_err(sealift_pipeline::Error::from)?;
    let tags = tags(&workshop, &repository, arguments)?;
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    let chain = match &arguments.certificate_chain {
        Some(path) => {
            let text = sealift_pipeline::policies::read_text(path, 1 << 20)?;
            Certificate::chain_from_pem(&text)
                .map_err(|source| sealift_pipeline::Error::Key { path: path.clone(), source })?
        }
        None => Vec::new(),
    };
    let trusted = request::trusted(&[], &workshop)?;
    let keys: Vec<_> = trusted.into_iter().map(|trusted| trusted.key).collect();
    let marks = trusting::marks(&workshop);
    let lifetime_secs = trusting::tag_map_lifetime(&workshop)?;
    let making = Making { marks: &marks, keys: &keys, lifetime_secs, asks_registry: true };
    let migration = Migration {
        signer: &signer,
        chain: &chain,
        making: &making,
        is_rehearsal: arguments.dry_run,
    };
    let (report, map) = migrate(&session, &repository, &tags, &migration)?;
    match arguments.format {
        TextOrJson::Text => printer.data(text(&report).trim_end())?,
        TextOrJson::Json => {
            let rows: Vec<_> = report
                .iter()
                .map(|line| {
                    json!({
                        "tag": line.tag,
                        "digest": line.digest,
                        "signers": line.signers,
                        "state": word(&line.state),
                        "formats": formats(&line.state),
                        "reason": reason(&line.state),
                    })
                })
                .collect();
            let document = json!({
                "schemaVersion": 1,
                "repository": repository.familiar_name(),
                "tags": rows,
                "tagMap": map.as_ref().map(|map| map.counter),
            });
            printer.data(&serde_json::to_string_pretty(&document)?)?;
        }
    }
    if let Some(map) = &map {
        printer.step(Mark::Good, "tag map", &trusting::tag_map_text(map));
    }
    let has_failed = report.iter().any(|line| matches!(line.state, State::Failed(_)));
    Ok(if has_failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn tags(
    workshop: &Workshop,
    repository: &Reference,
    arguments: &TrustMigrate,
) -> anyhow::Result<Vec<sealift_notary::SignedTag>> {
    let server = trusting::server(workshop, repository, &arguments.server, false)?;
    let (gun, _) = name_of(repository)?;
    let pins = arguments
        .pins
        .iter()
        .map(|pin| sealift_notary::parse_pin(pin))
        .collect::<Result<Vec<_>, _>>()?;
    let trust_first_use = server.trust_first_use;
    let look = Look { pins, trust_first_use, max_staleness: None, is_offline: false };
    let tags = server.place.ask(&gun, |reached| {
        let client = Client {
            server: reached,
            states: &server.states,
            pins: &server.pins,
            now: jiff::Timestamp::from_second(workshop.now_secs()).unwrap_or_default(),
        };
        client.list(&gun, &look)
    });
    Ok(tags?)
}

fn text(report: &[Migrated]) -> String {
    let row = |line: &Migrated| {
        let formats = formats(&line.state).join(", ");
        let more = reason(&line.state).unwrap_or(&formats);
        let now = format!("{} {more}", word(&line.state));
        let digest = line.digest.get(..19).unwrap_or(&line.digest).to_owned();
        vec![line.tag.clone(), digest, line.signers.join(", "), now.trim_end().to_owned()]
    };
    columns(&["TAG", "DIGEST", "SIGNED BY", "NOW"], report.iter().map(row))
}

fn word(state: &State) -> &'static str {
    match state {
        State::Signed(_) => "signed",
        State::Already => "signed before",
        State::Would(_) => "would be signed",
        State::Failed(_) => "failed",
    }
}

fn formats(state: &State) -> Vec<&'static str> {
    match state {
        State::Signed(formats) | State::Would(formats) => formats.clone(),
        State::Already | State::Failed(_) => Vec::new(),
    }
}

fn reason(state: &State) -> Option<&str> {
    match state {
        State::Failed(reason) => Some(reason),
        _ => None,
    }
}

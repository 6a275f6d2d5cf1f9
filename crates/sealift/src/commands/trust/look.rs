//! Looking at repositories: signed tags, delegations, pins.

use std::process::ExitCode;

use sealift_notary::{Inspection, Look, parse_pin};
use sealift_tuf::{Role, Trusted};
use serde_json::json;

use super::desk::{Desk, staleness};
use crate::printer::{Mark, Printer};
use sealift_arguments::{Global, TextOrJson, TrustDelegateList, TrustInspect, TrustPin};

pub(super) fn inspect(
    global: &Global,
    arguments: &TrustInspect,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(global, printer)?;
    let mut found = Vec::new();
    for image in &arguments.images {
        let place = desk.place(image, &arguments.look)?;
        let server = place.server();
        let look = Look {
            max_staleness: staleness(arguments.max_staleness),
            is_offline: arguments.offline,
            ..place.look().clone()
        };
        let client = desk.client(&server);
        let trusted = client.look(&place.gun, &look)?;
        warn(&trusted, printer);
        let inspection = Inspection::of(&trusted, image, place.tag.as_deref());
        if let (Some(tag), false) = (&place.tag, inspection.has_tags()) {
            // Why it is not there is worth more than an empty list.
            client.lookup(&place.gun, tag, &look)?;
        }
        found.push(inspection);
    }
    if arguments.pretty {
        for inspection in &found {
            printer.data(&inspection.pretty())?;
        }
    } else {
        printer.data(&Inspection::json(&found))?;
    }
    Ok(ExitCode::SUCCESS)
}

// Roles and tags that cannot be used: others may still be good.
fn warn(trusted: &Trusted, printer: &Printer) {
    for refusal in trusted.refusals() {
        printer.warning(&refusal.to_string());
    }
}

pub(super) fn delegations(
    global: &Global,
    arguments: &TrustDelegateList,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(global, printer)?;
    let place = desk.place(&arguments.repository, &arguments.look)?;
    let server = place.server();
    let trusted = desk.client(&server).look(&place.gun, place.look())?;
    warn(&trusted, printer);
    if arguments.format == TextOrJson::Text {
        printer.data(&sealift_notary::delegations(&trusted, &place.gun))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut list = Vec::new();
    for targets in trusted.roles.values().filter_map(|role| role.content.as_ref().ok()) {
        for delegation in &targets.delegations {
            list.push(json!({
                "role": delegation.name,
                "paths": delegation.paths,
                "keyIds": delegation.key_ids,
                "threshold": delegation.threshold,
            }));
        }
    }
    printer.data(&serde_json::to_string_pretty(&list)?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn pin(
    global: &Global,
    arguments: &TrustPin,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(global, printer)?;
    let place = desk.place(&arguments.repository, &arguments.look)?;
    if !arguments.ids.is_empty() {
        let pins = arguments.ids.iter().map(|id| parse_pin(id)).collect::<Result<Vec<_>, _>>()?;
        desk.pins.set(&place.gun, &pins)?;
        let text = format!("{} pins of {} are kept", pins.len(), place.repository());
        printer.step(Mark::Good, "pin", &text);
        printer.message(&format!("next: sealift trust inspect --pretty {}", place.repository()));
        return Ok(ExitCode::SUCCESS);
    }
    let server = place.server();
    let trusted = desk.client(&server).look(&place.gun, place.look())?;
    let ids: Vec<String> = trusted.root.authority(&Role::ROOT).keys.into_keys().collect();
    printer.data(&ids.join("\n"))?;
    printer.message(&format!("next: sealift trust pin {} {}", place.repository(), ids.join(" ")));
    Ok(ExitCode::SUCCESS)
}

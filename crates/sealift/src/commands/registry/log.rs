//! `sealift registry log`

use std::process::ExitCode;

use jiff::Timestamp;
use sealift_keeping::Request;
use sealift_keeping::audit::{Mark, Wanted};
use serde_json::{Map, Value};

use super::keeping::done;
use super::users::text_of;
use crate::failure::REFUSED;
use crate::printer::Printer;
use sealift_arguments::{RegistryLog, Since, TextOrJson};

pub(super) fn run(arguments: &RegistryLog, printer: &Printer) -> anyhow::Result<ExitCode> {
    if arguments.verify {
        return verify(arguments, printer);
    }
    let since_secs = arguments.since.map(|since| match since {
        Since::At(second) => second,
        Since::Ago(seconds) => Timestamp::now().as_second().saturating_sub(seconds),
    });
    let wanted = Wanted { since_secs, is_denied: arguments.denied };
    let newest = since_secs.is_none().then_some(arguments.limit);
    let is_json = arguments.storage.format == TextOrJson::Json;
    let mut from = None;
    let mut n_shown = 0_usize;
    loop {
        let answer = done(&arguments.storage, &Request::Log { wanted, from, newest })?;
        let mut text = String::new();
        for event in &answer.rows {
            if is_json {
                text += if n_shown == 0 { "[\n" } else { ",\n" };
                text += &serde_json::to_string(event)?;
            } else {
                text += &line(event);
                text.push('\n');
            }
            n_shown += 1;
        }
        printer.exactly(&text)?;
        from = answer.summary.get("next").and_then(Value::as_u64);
        if from.is_none() {
            break;
        }
    }
    if is_json {
        printer.exactly(if n_shown == 0 { "[]\n" } else { "\n]\n" })?;
    }
    Ok(ExitCode::SUCCESS)
}

// Time, event, who, what, from where, why.
fn line(event: &Map<String, Value>) -> String {
    let text = |name: &str| match text_of(event, name) {
        text if text.is_empty() => "-".to_owned(),
        text => text,
    };
    let (repository, tag, digest) = (text("repository"), text("tag"), text("digest"));
    let place = match (tag.as_str(), digest.as_str()) {
        ("-", "-") => repository,
        ("-", digest) => format!("{repository}@{digest}"),
        (tag, _) => format!("{repository}:{tag}"),
    };
    let reason = text_of(event, "reason");
    let (time, kind, user, peer) = (text("time"), text("event"), text("user"), text("peer"));
    // What clients sent is in it.
    let line = format!("{time}  {kind}  {user}  {place}  {peer}  {reason}");
    line.trim_end().chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn verify(arguments: &RegistryLog, printer: &Printer) -> anyhow::Result<ExitCode> {
    let known = arguments.known.clone().map(|(number, digest)| Mark { number, digest });
    let answer = done(&arguments.storage, &Request::CheckLog { known })?;
    let summary = &answer.summary;
    let number = |name: &str| summary.get(name).and_then(Value::as_u64);
    let broken = number("broken");
    if arguments.storage.format == TextOrJson::Json {
        printer.data(&format!("{:#}\n", Value::Object(summary.clone())))?;
    } else if broken.is_none() {
        let (lines, events) = (number("lines").unwrap_or(0), number("events").unwrap_or(0));
        let lost = match number("lost").unwrap_or(0) {
            0 => String::new(),
            lost => format!("; {lost} events came too fast to be written down"),
        };
        printer.data(&format!("{lines} lines follow each other, with {events} events{lost}\n"))?;
        let last = text_of(summary, "last");
        if !last.is_empty() {
            printer
                .message(&format!("the last line is {last}; a later --known holds the log to it"));
        }
    }
    let Some(broken) = broken else { return Ok(ExitCode::SUCCESS) };
    printer.error(&format!("line {broken} of the audit log: {}", text_of(summary, "reason")));
    printer.hint("compare the database with a backup: somebody changed the log, or the disk did");
    Ok(ExitCode::from(REFUSED))
}

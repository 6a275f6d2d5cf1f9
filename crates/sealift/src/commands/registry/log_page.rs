//! A page of the audit log as the registry's pages show it.

use jiff::Timestamp;
use sealift_depot::Depot;
use sealift_gate::event_names;
use sealift_keeping::browse::{Asked, Begin, Place, browse};
use sealift_keeping::{Error, audit};
use sealift_web::{LogAsked, LogBegin, LogEvent, LogPart, LogPlace};
use serde_json::{Map, Value};

/// The kinds of events that may be in the log.
pub(super) fn kinds() -> Vec<&'static str> {
    event_names().into_iter().chain([audit::LOST, audit::UNREADABLE]).collect()
}

/// Reads a page.
pub(super) async fn read(depot: &Depot, asked: LogAsked) -> Result<LogPart, Error> {
    let LogAsked { begin, event, user, repository, is_denied, count } = asked;
    let inner = |place: LogPlace| Place { line: place.line, event: place.event };
    let outer = |place: Place| LogPlace { line: place.line, event: place.event };
    let begin = match begin {
        LogBegin::Newest => Begin::Newest,
        LogBegin::Before(place) => Begin::Before(inner(place)),
        LogBegin::From(place) => Begin::From(inner(place)),
    };
    let asked = Asked { event, user, repository, is_denied, count };
    let part = browse(depot, begin, &asked).await?;
    let fault = part.fault.as_ref().map(audit::Fault::told);
    Ok(LogPart {
        lines: part.lines,
        read: part.read,
        fault: fault.map(|(line, reason)| (line, reason.to_owned())),
        events: part.events.iter().map(|(place, event)| of_event(place.line, event)).collect(),
        newer: part.newer.map(outer),
        older: part.older.map(outer),
    })
}

fn of_event(line: u64, event: &Map<String, Value>) -> LogEvent {
    let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
    LogEvent {
        line,
        time: text("time").and_then(|time| time.parse::<Timestamp>().ok()),
        event: text("event").unwrap_or_default(),
        user: text("user"),
        address: text("peer"),
        repository: text("repository"),
        tag: text("tag"),
        digest: text("digest"),
        reason: text("reason"),
    }
}

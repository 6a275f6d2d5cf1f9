//! The audit log: what happened, newest first, and whether its lines follow each other.

use maud::{Markup, html};
use sealift_oci::Digest;

use crate::layout::{badge, count, empty, marked, moment, plain};
use crate::office::{LogAsked, LogBegin, LogEvent, LogPart, LogPlace};
use crate::query::encode;
use crate::table::{numbers, short, table, words};

const ADDRESS: &str = "/-/admin/log";
const DENIED: &str = "request.denied";

/// A page of the log, what it was asked for, and where the images in it are.
pub(crate) struct Log<'a> {
    pub(crate) asked: &'a LogAsked,
    pub(crate) part: &'a LogPart,
    pub(crate) kinds: &'a [&'static str],
    /// The page of the image that an event is about, if that is there.
    pub(crate) address_of: &'a dyn Fn(&LogEvent) -> Option<String>,
}

/// The text of a place in an address.
fn place(place: LogPlace) -> String {
    format!("{}.{}", place.line, place.event)
}

/// Reads a place.
pub(crate) fn parse_place(text: &str) -> Option<LogPlace> {
    let (line, event) = text.split_once('.')?;
    Some(LogPlace { line: line.parse().ok()?, event: event.parse().ok()? })
}

pub(crate) fn body(log: &Log<'_>) -> Markup {
    let Log { asked, part, kinds, .. } = log;
    html! {
        h2 { "Audit log" }
        @if part.lines == 0 {
            (empty("Nothing is written down yet.", &html! {
                "Pushes, pulls, deletions, refusals, logins and what administrators do will be."
            }))
        } @else {
            (state(part))
            (form(asked, kinds))
            (events(log))
            (more(asked, part))
        }
    }
}

// How long the log is, and whether what was read of it is as it was written.
fn state(part: &LogPart) -> Markup {
    let lines = count(usize::try_from(part.lines).unwrap_or(usize::MAX), "line", "lines");
    let is_all = part.read == Some((1, part.lines));
    let read = match part.read {
        Some((first, last)) if first == last => format!("Line {last}, read for this page,"),
        Some((first, last)) => format!("Lines {first} to {last}, read for this page,"),
        None => "No line".to_owned(),
    };
    let follows = match part.read {
        Some((first, last)) if first == last => "follows the one before.",
        Some(_) => "follow each other.",
        None => "was read for this page.",
    };
    html! {
        @match &part.fault {
            Some((line, reason)) => div .panel .no role="alert" {
                p { strong { "The log is not as it was written: line " (line) ": " (plain(reason)) "." } }
                p {
                    "The log has " (lines) ". " (read) " should have followed each other. Somebody changed \
                     them, or the disk did: compare the database with a backup. "
                    code { "sealift registry log --verify" } " reads all."
                }
            },
            None => p role="status" {
                "The log has " (lines) ". "
                @if is_all { "All of it was read for this page; each line follows the one before." }
                @else {
                    (read) " " (follows) " "
                    span .soft { code { "sealift registry log --verify" } " reads all." }
                }
            },
        }
    }
}

fn form(asked: &LogAsked, kinds: &[&'static str]) -> Markup {
    let text = |id: &'static str, label: &str, value: &str| {
        html! {
            div {
                label for=(id) { (label) }
                input id=(id) name=(id) type="search" value=(value) maxlength="255" autocapitalize="none" spellcheck="false";
            }
        }
    };
    html! {
        form .filter method="get" action=(ADDRESS) role="search" {
            div {
                label for="event" { "Event" }
                select #event name="event" {
                    option value="" { "all" }
                    @for kind in kinds { option value=(kind) selected[asked.event == *kind] { (kind) } }
                }
            }
            (text("user", "User contains", &asked.user))
            (text("repository", "Repository contains", &asked.repository))
            div {
                label for="denied" { "Show" }
                select #denied name="denied" {
                    option value="" { "all" }
                    option value="yes" selected[asked.is_denied] { "only refusals" }
                }
            }
            button { "Filter" }
            @if is_filtered(asked) { a .button href=(ADDRESS) { "Show all" } }
        }
    }
}

fn is_filtered(asked: &LogAsked) -> bool {
    let texts = [&asked.event, &asked.user, &asked.repository];
    asked.is_denied || texts.iter().any(|text| !text.is_empty())
}

fn events(log: &Log<'_>) -> Markup {
    let part = log.part;
    if part.events.is_empty() {
        return empty(
            "No event of these lines fits.",
            &html! {
                @if part.older.is_some() { "Older lines may have some." }
                @else { "Leave out a part of the filter." }
            },
        );
    }
    let columns = [
        words("Time"),
        words("Event"),
        short("User"),
        short("Address"),
        short("Repository"),
        words("Reason"),
        numbers("Line"),
    ];
    let rows: Vec<_> = part.events.iter().map(|event| cells(log, event)).collect();
    table("Events", &columns, &rows)
}

fn cells(log: &Log<'_>, event: &LogEvent) -> Vec<Markup> {
    // What the log says of itself nobody did.
    let is_of_log = event.event.starts_with("log.");
    vec![
        html! { @match event.time { Some(time) => (moment(time)), None => span .soft { "unknown" } } },
        html! {
            @if event.event == DENIED || is_of_log { (badge("bad", &plain(&event.event))) }
            @else { span .nowrap { (plain(&event.event)) } }
        },
        html! {
            @match &event.user {
                Some(user) => (plain(user)),
                None => @if !is_of_log { span .soft { "nobody" } },
            }
        },
        html! { @if let Some(address) = &event.address { (host_and_port(address)) } },
        subject(event, (log.address_of)(event).as_deref()),
        html! { @if let Some(reason) = &event.reason { (marked(reason)) } },
        html! { (event.line) },
    ]
}

// Where there is no room for both, the port stands below.
fn host_and_port(address: &str) -> Markup {
    let address = plain(address);
    let (host, port) = address.split_at(address.rfind(':').unwrap_or(address.len()));
    html! { (host) wbr; (port) }
}

// Repository, tag and digest; what is the surest name of the image leads to it, if it is there.
fn subject(event: &LogEvent, address: Option<&str>) -> Markup {
    let linked = |text: &Markup| html! { @if let Some(address) = address { a href=(address) { (text) } } @else { (text) } };
    html! {
        @if let Some(repository) = &event.repository {
            @match &event.tag {
                Some(tag) => {
                    @let name = html! { (plain(repository)) ":" (plain(tag)) };
                    @if event.digest.is_none() { (linked(&name)) } @else { (name) }
                }
                None => (plain(repository)),
            }
        }
        @if let Some(digest) = &event.digest {
            " "
            @let short = digest.parse::<Digest>().map(|digest| digest.short().to_owned());
            @let short = short.unwrap_or_else(|_| plain(digest));
            (linked(&html! { span .digest { (short) } }))
        }
    }
}

fn more(asked: &LogAsked, part: &LogPart) -> Markup {
    let denied = if asked.is_denied { "yes" } else { "" };
    let base = format!(
        "{ADDRESS}?event={}&user={}&repository={}&denied={denied}",
        encode(&asked.event),
        encode(&asked.user),
        encode(&asked.repository),
    );
    // A page that is not full and has an end is where one stopped to look.
    let is_cut = part.older.is_some() && part.events.len() < asked.count;
    html! {
        @if let Some((first, last)) = part.read.filter(|_| is_cut) {
            p .soft { "Lines " (first) " to " (last) " were looked at for this page. Others may have more." }
        }
        @if part.newer.is_some() || part.older.is_some() || asked.begin != LogBegin::Newest {
            nav .more aria-label="Pages" {
                @if part.newer.is_some() { a href=(base) { "Newest" } }
                @if let Some(newer) = part.newer {
                    a rel="prev" href={ (base) "&from=" (place(newer)) } { "Newer" }
                }
                @if let Some(older) = part.older {
                    a rel="next" href={ (base) "&before=" (place(older)) } { "Older" }
                }
            }
        }
    }
}

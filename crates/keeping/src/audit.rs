//! The audit log: what happened, in the order in which it was written down, each line with the hash of the one before.
//!
//! Whoever can write to the storage can write a new log; whoever kept the hash of one line ([`Mark`]) can tell.

use jiff::Timestamp;
use sealift_depot::{Depot, Error};
use sealift_oci::Digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) const LOG: &str = "audit";
const PAGE: usize = 500;
// Of one answer; who wants more asks on from where it ended.
const EVENTS_MAX: usize = 2_000;
pub(crate) const DENIED: &str = "request.denied";
/// The event that stands for those that came too fast to be written down.
pub const LOST: &str = "log.lost";
/// The event that stands for a line that cannot be read.
pub const UNREADABLE: &str = "log.unreadable";

/// A line of the log: what happened since the line before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// The digest of the line before; the first has none.
    pub previous: Option<Digest>,
    /// Events, as JSON.
    pub events: Vec<Value>,
    /// Events that could not be written down, because there were too many at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Adds a line.
pub async fn append(depot: &Depot, events: Vec<Value>, lost: u64) -> Result<u64, Error> {
    let line = move |number: u64, before: Option<&[u8]>| {
        let line = Line { number, previous: before.map(Digest::sha256), events, lost };
        serde_json::to_vec(&line).unwrap_or_default()
    };
    depot.log_append(LOG, line).await
}

/// A line that somebody kept the hash of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub digest: Digest,
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A line cannot be read.
    Unreadable(u64),
    /// A line does not follow the one before: one of the two was changed.
    Broken(u64),
    /// A line is gone.
    Missing(u64),
    /// A line is another than the one whose hash was kept.
    Replaced(u64),
}

impl Fault {
    /// The line, and what is wrong with it.
    pub fn told(&self) -> (u64, &'static str) {
        match self {
            Self::Unreadable(number) => (*number, "it cannot be read"),
            Self::Broken(number) => (*number, "it or the line before was changed"),
            Self::Missing(number) => (*number, "it is gone"),
            Self::Replaced(number) => (*number, "its hash is not the one that was kept"),
        }
    }
}

/// What a look at the whole log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// Lines that follow each other.
    pub lines: u64,
    /// Events in them.
    pub events: u64,
    /// Events that were not written down.
    pub lost: u64,
    /// The last line of them.
    pub last: Option<Mark>,
    /// The first fault.
    pub fault: Option<Fault>,
}

/// Reads the whole log and checks that each line follows the one before, and that a marked one is as it was.
pub async fn check(depot: &Depot, known: Option<&Mark>) -> Result<Check, Error> {
    let mut check = Check::default();
    loop {
        let lines = depot.log_lines(LOG, check.lines + 1, PAGE).await?;
        if lines.is_empty() {
            // Lines that were cut off at the end leave a chain.
            let is_seen = known.is_none_or(|mark| mark.number <= check.lines);
            check.fault = (!is_seen).then_some(Fault::Missing(check.lines + 1));
            return Ok(check);
        }
        for (number, bytes) in &lines {
            if let Err(fault) = check.take(&Row::read(*number, bytes), known) {
                check.fault = Some(fault);
                return Ok(check);
            }
        }
    }
}

impl Check {
    /// A look that begins after a line, whatever that says.
    pub(crate) fn after(row: &Row) -> Self {
        Self { lines: row.mark.number, last: Some(row.mark.clone()), ..Self::default() }
    }

    /// Takes the next line, if it is that.
    pub(crate) fn take(&mut self, row: &Row, known: Option<&Mark>) -> Result<(), Fault> {
        let (due, number) = (self.lines + 1, row.mark.number);
        if number != due {
            return Err(Fault::Missing(due));
        }
        let line = row.line.as_ref().ok_or(Fault::Unreadable(number))?;
        let before = self.last.as_ref().map(|mark| &mark.digest);
        if line.number != number || line.previous.as_ref() != before {
            return Err(Fault::Broken(number));
        }
        if known.is_some_and(|mark| mark.number == number && *mark != row.mark) {
            return Err(Fault::Replaced(number));
        }
        self.lines = number;
        self.events += line.events.len() as u64;
        self.lost += line.lost;
        self.last = Some(row.mark.clone());
        Ok(())
    }
}

/// A line as it is stored: its number and hash, and what it says if that can be read.
pub(crate) struct Row {
    pub(crate) mark: Mark,
    pub(crate) line: Option<Line>,
}

impl Row {
    pub(crate) fn read(number: u64, bytes: &[u8]) -> Self {
        let mark = Mark { number, digest: Digest::sha256(bytes) };
        Self { mark, line: serde_json::from_slice(bytes).ok() }
    }

    /// All its events in their order; what was not written down, and what cannot be read, is an event too.
    pub(crate) fn events(self) -> Vec<Map<String, Value>> {
        let number = self.mark.number;
        let unreadable = |what: &str| of_log(number, UNREADABLE, &format!("{what} cannot be read"));
        let Some(line) = self.line else { return vec![unreadable("the line")] };
        let mut events: Vec<_> = line
            .events
            .into_iter()
            .map(|event| match event {
                Value::Object(mut event) => {
                    event.insert("line".to_owned(), json!(number));
                    event
                }
                _ => unreadable("the event"),
            })
            .collect();
        if line.lost > 0 {
            events.push(of_log(number, LOST, &format!("{} events", line.lost)));
        }
        events
    }
}

/// Whether an event is about the log itself: what it stands for may be what somebody looks for.
pub(crate) fn is_of_log(event: &Map<String, Value>) -> bool {
    matches!(event.get("event").and_then(Value::as_str), Some(LOST | UNREADABLE))
}

/// Which events somebody wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// From when on, in seconds since 1970.
    pub since_secs: Option<i64>,
    /// Only what was refused.
    pub is_denied: bool,
}

impl Wanted {
    fn fits(self, event: &Map<String, Value>) -> bool {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        if self.is_denied && text("event") != Some(DENIED) {
            return false;
        }
        let Some(since) = self.since_secs else { return true };
        let time = text("time").and_then(|time| time.parse::<Timestamp>().ok());
        // What has no time is shown rather than hidden.
        time.is_none_or(|time| time.as_second() >= since)
    }
}

/// Events, and where the rest of them begins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Events {
    /// Events in their order, each with the number of its line.
    pub events: Vec<Map<String, Value>>,
    /// The line to go on from, if there may be more.
    pub next: Option<u64>,
}

/// Events from a line on; without one from where those that are wanted begin. What was not written down, and what cannot be
/// read, is an event too.
pub async fn events(depot: &Depot, from: Option<u64>, wanted: Wanted) -> Result<Events, Error> {
    let mut from = match (from, wanted.since_secs) {
        (Some(from), _) => from.max(1),
        (None, Some(since)) => first_since(depot, since).await?,
        (None, None) => 1,
    };
    let mut events = Vec::new();
    loop {
        let lines = depot.log_lines(LOG, from, PAGE).await?;
        if lines.is_empty() {
            return Ok(Events { events, next: None });
        }
        for (number, bytes) in &lines {
            events.extend(events_of(*number, bytes, wanted));
            from = number.saturating_add(1);
            if events.len() >= EVENTS_MAX {
                return Ok(Events { events, next: Some(from) });
            }
        }
    }
}

/// The newest events.
pub async fn newest(depot: &Depot, count: usize, wanted: Wanted) -> Result<Events, Error> {
    let count = count.min(EVENTS_MAX);
    let mut before = depot.log_last(LOG).await?.saturating_add(1);
    let mut found: Vec<Map<String, Value>> = Vec::new();
    while before > 1 && found.len() < count {
        let from = before.saturating_sub(PAGE as u64).max(1);
        let limit = usize::try_from(before - from).unwrap_or(PAGE);
        let lines = depot.log_lines(LOG, from, limit).await?;
        let mut page: Vec<_> = lines
            .iter()
            .filter(|(number, _)| *number < before)
            .flat_map(|(number, bytes)| events_of(*number, bytes, wanted))
            .collect();
        page.append(&mut found);
        found = page;
        before = from;
    }
    let events = found.split_off(found.len().saturating_sub(count));
    Ok(Events { events, next: None })
}

fn events_of(number: u64, bytes: &[u8], wanted: Wanted) -> Vec<Map<String, Value>> {
    let mut events = Row::read(number, bytes).events();
    events.retain(|event| is_of_log(event) || wanted.fits(event));
    events
}

fn of_log(number: u64, event: &str, reason: &str) -> Map<String, Value> {
    let pairs = [("event", json!(event)), ("reason", json!(reason)), ("line", json!(number))];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

// The first line that may have something of that time: times grow with the lines, as far as the clock does.
async fn first_since(depot: &Depot, since_secs: i64) -> Result<u64, Error> {
    let (mut low, mut high) = (1, depot.log_last(LOG).await?.saturating_add(1));
    while low < high {
        let middle = low + (high - low) / 2;
        let lines = depot.log_lines(LOG, middle, 1).await?;
        let time = lines.first().and_then(|(_, bytes)| last_time(bytes));
        if time.is_some_and(|time| time < since_secs) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn last_time(bytes: &[u8]) -> Option<i64> {
    let line: Line = serde_json::from_slice(bytes).ok()?;
    let times = line.events.iter().filter_map(|event| event["time"].as_str()?.parse().ok());
    times.map(|time: Timestamp| time.as_second()).max()
}

#[cfg(test)]
mod tests {
    use sealift_depot::Settings;

    use super::*;

    fn event(second: i64, kind: &str) -> Value {
        json!({ "time": Timestamp::from_second(second).unwrap().to_string(), "event": kind })
    }

    async fn log(folder: &std::path::Path, lines: i64) -> Depot {
        let depot = Depot::open_folder(folder, &Settings::default()).unwrap();
        for number in 0..lines {
            let kind = if number % 10 == 0 { DENIED } else { "manifest.pulled" };
            append(&depot, vec![event(number * 60, kind)], 0).await.unwrap();
        }
        depot
    }

    fn lines_of(events: &Events) -> Vec<u64> {
        events.events.iter().map(|event| event["line"].as_u64().unwrap()).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn events_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let depot = log(folder.path(), 40).await;
        let all = events(&depot, None, Wanted::default()).await.unwrap();
        assert_eq!((all.events.len(), all.next), (40, None));
        let denied = Wanted { is_denied: true, ..Wanted::default() };
        assert_eq!(lines_of(&events(&depot, None, denied).await.unwrap()), [1, 11, 21, 31]);
        assert_eq!(lines_of(&newest(&depot, 2, denied).await.unwrap()), [21, 31]);
        for (since, expected) in [(0, 40), (60, 39), (61, 38), (39 * 60, 1), (40 * 60, 0)] {
            let wanted = Wanted { since_secs: Some(since), is_denied: false };
            let found = events(&depot, None, wanted).await.unwrap();
            assert_eq!(found.events.len(), expected, "{since}");
        }
        append(&depot, vec![], 7).await.unwrap();
        let last = newest(&depot, 1, Wanted::default()).await.unwrap();
        assert_eq!(last.events[0]["reason"], "7 events");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_events_are_pages() {
        let folder = tempfile::tempdir().unwrap();
        let depot = Depot::open_folder(folder.path(), &Settings::default()).unwrap();
        for _ in 0..3 {
            append(&depot, vec![event(0, "login"); 1_500], 0).await.unwrap();
        }
        let first = events(&depot, None, Wanted::default()).await.unwrap();
        assert_eq!((first.events.len(), first.next), (3_000, Some(3)));
        let rest = events(&depot, first.next, Wanted::default()).await.unwrap();
        assert_eq!((rest.events.len(), rest.next), (1_500, None));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_whole_log() {
        let folder = tempfile::tempdir().unwrap();
        let depot = log(folder.path(), 3).await;
        let whole = check(&depot, None).await.unwrap();
        assert_eq!((whole.lines, whole.events, whole.fault.clone()), (3, 3, None));
        let mark = whole.last.unwrap();
        assert_eq!(check(&depot, Some(&mark)).await.unwrap().fault, None);
        append(&depot, Vec::new(), 2).await.unwrap();
        let more = check(&depot, Some(&mark)).await.unwrap();
        assert_eq!((more.lines, more.lost, more.fault), (4, 2, None));
        let other = Mark { digest: Digest::sha256(b"x"), ..mark.clone() };
        let fault = check(&depot, Some(&other)).await.unwrap().fault;
        assert_eq!(fault, Some(Fault::Replaced(3)));
        // Somebody who kept the hash of a later line notices that the end was cut off.
        let later = Mark { number: 9, ..mark };
        assert_eq!(check(&depot, Some(&later)).await.unwrap().fault, Some(Fault::Missing(5)));
    }

    // What somebody with the database at hand can do to it.
    #[tokio::test(flavor = "multi_thread")]
    async fn changed_lines_show() {
        for (sql, expected) in [
            ("DELETE FROM log WHERE number = 1", Fault::Missing(1)),
            ("DELETE FROM log WHERE number = 3", Fault::Missing(3)),
            ("UPDATE log SET line = X'7B' WHERE number = 2", Fault::Unreadable(2)),
            (
                "UPDATE log SET line = CAST(REPLACE(CAST(line AS TEXT), 'pulled', 'pushed') AS BLOB) WHERE number = 3",
                Fault::Broken(4),
            ),
            ("UPDATE log SET number = number + 10 WHERE number = 5", Fault::Missing(5)),
        ] {
            let folder = tempfile::tempdir().unwrap();
            drop(log(folder.path(), 5).await);
            let database = rusqlite::Connection::open(folder.path().join("meta.db")).unwrap();
            database.execute(sql, []).unwrap();
            drop(database);
            let depot = Depot::open_folder(folder.path(), &Settings::default()).unwrap();
            assert_eq!(check(&depot, None).await.unwrap().fault, Some(expected), "{sql}");
        }
    }
}

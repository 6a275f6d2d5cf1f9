//! A page of the audit log: events newest first, and whether the lines that were read for it follow each other.
//!
//! A page begins at a [`Place`], so that it costs what it shows, however long the log is.

use sealift_depot::Depot;
use serde_json::{Map, Value};
use tokio::task::spawn_blocking;

use crate::Error;
use crate::audit::{Check, DENIED, Fault, LOG, Row, is_of_log};

// So many lines are read at once, more the more do not fit.
const CHUNK_MIN: u64 = 32;
const CHUNK_MAX: u64 = 256;
// Of one page; who looks for something rare goes on from where it ended.
const LINES_READ_MAX: u64 = 20_000;
const BYTES_READ_MAX: usize = 64 << 20;

/// Where an event stands: its line, and the how-manieth of it, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the line.
    pub line: u64,
    /// The event of it.
    pub event: usize,
}

/// Where a page is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Begin {
    /// At the end of the log.
    #[default]
    Newest,
    /// It has what stands before a place.
    Before(Place),
    /// It has what stands at a place and after it.
    From(Place),
}

/// Which events a page has. What is empty does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The kind of event.
    pub event: String,
    /// What the name of the user contains, in any letter case.
    pub user: String,
    /// What the name of the repository contains, in any letter case.
    pub repository: String,
    /// Only what was refused.
    pub is_denied: bool,
    /// At most so many.
    pub count: usize,
}

impl Asked {
    // The texts are in small letters. What is not known is shown rather than hidden: it may be what somebody looks for.
    fn fits(&self, event: &Map<String, Value>) -> bool {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let kind = text("event");
        if is_of_log(event) {
            return true;
        }
        let has =
            |name: &str, part: &str| part.is_empty() || text(name).to_lowercase().contains(part);
        (self.event.is_empty() || kind == self.event)
            && (!self.is_denied || kind == DENIED)
            && has("user", &self.user)
            && has("repository", &self.repository)
    }
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// The number of the last line of the log.
    pub lines: u64,
    /// The first and the last line that were read.
    pub read: Option<(u64, u64)>,
    /// The first fault in them.
    pub fault: Option<Fault>,
    /// Events, newest first.
    pub events: Vec<(Place, Map<String, Value>)>,
    /// From where on newer ones are, if this is not the end of the log.
    pub newer: Option<Place>,
    /// Before what older ones are, if there may be some.
    pub older: Option<Place>,
}

/// Reads a page.
pub async fn browse(depot: &Depot, begin: Begin, asked: &Asked) -> Result<Part, Error> {
    let reader = Reader::new(depot, asked).await?;
    match begin {
        Begin::Newest => reader.backward(None).await,
        Begin::Before(place) => reader.backward(Some(place)).await,
        Begin::From(place) => match reader.forward(place).await? {
            Some(part) => Ok(part),
            // There are no more than a page of them: the newest page has them all.
            None => Reader::new(depot, asked).await?.backward(None).await,
        },
    }
}

struct Reader<'a> {
    depot: &'a Depot,
    asked: Asked,
    part: Part,
    // The next one reads so many lines.
    chunk: u64,
    lines_left: u64,
    bytes_left: usize,
}

impl<'a> Reader<'a> {
    async fn new(depot: &'a Depot, asked: &Asked) -> Result<Self, Error> {
        let (user, repository) = (asked.user.to_lowercase(), asked.repository.to_lowercase());
        let asked = Asked { user, repository, ..asked.clone() };
        let part = Part { lines: depot.log_last(LOG).await?, ..Part::default() };
        let (lines_left, bytes_left) = (LINES_READ_MAX, BYTES_READ_MAX);
        Ok(Self { depot, asked, part, chunk: CHUNK_MIN, lines_left, bytes_left })
    }

    async fn backward(mut self, before: Option<Place>) -> Result<Part, Error> {
        let end = self.part.lines.saturating_add(1);
        let before = before.unwrap_or(Place { line: end, event: 0 });
        // Of the line in which the page begins there may be events before that.
        let mut high = before.line.saturating_add(u64::from(before.event > 0)).min(end);
        while high > 1 && !self.is_enough() {
            let low = high.saturating_sub(self.chunk).max(1);
            let mut found = self.read(low, high).await?;
            found.retain(|(place, _)| *place < before);
            self.part.events.extend(found.into_iter().rev());
            high = low;
        }
        let Self { mut part, asked, .. } = self;
        part.newer = (before.line < end).then(|| match part.events.first() {
            Some((place, _)) => after(*place),
            None => before,
        });
        let has_more = part.events.len() > asked.count;
        part.events.truncate(asked.count);
        part.older = match part.events.last() {
            Some((place, _)) if has_more => Some(*place),
            _ => (high > 1).then_some(Place { line: high, event: 0 }),
        };
        Ok(part)
    }

    // Nothing if the log ends before the page is full.
    async fn forward(mut self, from: Place) -> Result<Option<Part>, Error> {
        let end = self.part.lines.saturating_add(1);
        let mut low = from.line.max(1);
        while low < end && !self.is_enough() {
            let high = low.saturating_add(self.chunk).min(end);
            let mut found = self.read(low, high).await?;
            found.retain(|(place, _)| *place >= from);
            self.part.events.extend(found);
            low = high;
        }
        let Self { mut part, asked, .. } = self;
        let is_full = part.events.len() > asked.count;
        if !is_full && low >= end {
            return Ok(None);
        }
        part.events.truncate(asked.count);
        let last = part.events.last().filter(|_| is_full).map(|(place, _)| after(*place));
        part.newer = Some(last.unwrap_or(Place { line: low, event: 0 }));
        part.older = Some(part.events.first().map_or(from, |(place, _)| *place));
        part.events.reverse();
        Ok(Some(part))
    }

    // One more than is shown tells whether there are more.
    fn is_enough(&self) -> bool {
        self.part.events.len() > self.asked.count || self.lines_left == 0 || self.bytes_left == 0
    }

    // What fits of the lines from `low` to before `high`, in their order, after they were checked.
    async fn read(
        &mut self,
        low: u64,
        high: u64,
    ) -> Result<Vec<(Place, Map<String, Value>)>, Error> {
        // With the line before, which the first of them has the hash of.
        let first = low.saturating_sub(1).max(1);
        let limit = usize::try_from(high - first).unwrap_or(usize::MAX);
        let mut lines = self.depot.log_lines(LOG, first, limit).await?;
        // Where lines are gone, later ones come.
        lines.retain(|(number, _)| *number < high);
        let n_bytes: usize = lines.iter().map(|(_, bytes)| bytes.len()).sum();
        self.bytes_left = self.bytes_left.saturating_sub(n_bytes);
        self.lines_left = self.lines_left.saturating_sub(high - low);
        self.chunk = self.chunk.saturating_mul(2).min(CHUNK_MAX);
        let asked = self.asked.clone();
        let looking = spawn_blocking(move || {
            let rows = lines.iter().map(|(number, bytes)| Row::read(*number, bytes));
            let mut rows: Vec<Row> = rows.collect();
            let fault = fault(&rows, low, high);
            rows.retain(|row| row.mark.number >= low);
            let found: Vec<_> = rows.into_iter().flat_map(|row| fitting(row, &asked)).collect();
            (fault, found)
        });
        let (fault, found) = looking
            .await
            .map_err(|error| Error::Refused(format!("the audit log cannot be read: {error}")))?;
        self.note(low, high, fault);
        Ok(found)
    }

    fn note(&mut self, low: u64, high: u64, fault: Option<Fault>) {
        let read = (low, high - 1);
        let (first, last) = self.part.read.unwrap_or(read);
        self.part.read = Some((first.min(read.0), last.max(read.1)));
        let known = self.part.fault.take();
        self.part.fault = known.into_iter().chain(fault).min_by_key(|fault| fault.told().0);
    }
}

fn fitting(row: Row, asked: &Asked) -> Vec<(Place, Map<String, Value>)> {
    let line = row.mark.number;
    let events = row.events().into_iter().enumerate();
    let places = events.map(|(event, it)| (Place { line, event }, it));
    places.filter(|(_, event)| asked.fits(event)).collect()
}

fn after(place: Place) -> Place {
    Place { event: place.event + 1, ..place }
}

// The first fault of the lines from `low` to before `high`; before them there may be the one that they follow.
fn fault(rows: &[Row], low: u64, high: u64) -> Option<Fault> {
    let (mut check, rows) = match rows.split_first() {
        Some((before, rest)) if before.mark.number < low => (Check::after(before), rest),
        _ if low > 1 => return Some(Fault::Missing(low - 1)),
        _ => (Check::default(), rows),
    };
    let found = rows.iter().find_map(|row| check.take(row, None).err());
    found.or((check.lines + 1 < high).then_some(Fault::Missing(check.lines + 1)))
}

#[cfg(test)]
mod tests {
    use sealift_depot::Settings;
    use serde_json::json;

    use super::*;
    use crate::audit::append;

    const COUNT: usize = 50;

    async fn log(folder: &std::path::Path, lines: usize, events: usize) -> Depot {
        let depot = Depot::open_folder(folder, &Settings::default()).unwrap();
        let mut number = 0;
        for _ in 0..lines {
            let event = |number: usize| {
                let kind = if number.is_multiple_of(10) { DENIED } else { "manifest.pulled" };
                let user = if number.is_multiple_of(7) { "Anna" } else { "ben" };
                json!({ "event": kind, "user": user, "repository": "team/app", "reason": number })
            };
            append(&depot, (number..number + events).map(event).collect(), 0).await.unwrap();
            number += events;
        }
        depot
    }

    fn numbers(part: &Part) -> Vec<u64> {
        part.events.iter().map(|(_, event)| event["reason"].as_u64().unwrap()).collect()
    }

    // All pages from the end of the log to its beginning, and back again.
    async fn walk(depot: &Depot, asked: &Asked) -> Vec<Part> {
        let mut parts = vec![browse(depot, Begin::Newest, asked).await.unwrap()];
        while let Some(older) = parts.last().unwrap().older {
            parts.push(browse(depot, Begin::Before(older), asked).await.unwrap());
        }
        let mut back = parts.last().unwrap().clone();
        for part in parts.iter().rev().skip(1) {
            back = browse(depot, Begin::From(back.newer.unwrap()), asked).await.unwrap();
            assert_eq!((numbers(&back), back.older), (numbers(part), part.older));
        }
        assert_eq!(back.newer, None);
        parts
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn pages_have_each_event_once_newest_first() {
        for (lines, events) in [(0, 1), (1, 1), (50, 1), (51, 1), (130, 3), (3, 120), (700, 1)] {
            let folder = tempfile::tempdir().unwrap();
            let depot = log(folder.path(), lines, events).await;
            let all = (lines * events) as u64;
            for (asked, expected) in [
                (Asked::default(), (0..all).rev().collect::<Vec<_>>()),
                (
                    Asked { is_denied: true, ..Asked::default() },
                    (0..all).rev().filter(|n| n % 10 == 0).collect(),
                ),
                (
                    Asked {
                        user: "aNN".to_owned(),
                        repository: "APP".to_owned(),
                        ..Asked::default()
                    },
                    (0..all).rev().filter(|n| n % 7 == 0).collect(),
                ),
                (Asked { event: "login".to_owned(), ..Asked::default() }, Vec::new()),
                (Asked { repository: "other".to_owned(), ..Asked::default() }, Vec::new()),
            ] {
                let asked = Asked { count: COUNT, ..asked };
                let parts = walk(&depot, &asked).await;
                let found: Vec<u64> = parts.iter().flat_map(numbers).collect();
                assert_eq!(found, expected, "{lines} {events} {asked:?}");
                // All pages but the last are full.
                assert_eq!(parts.len(), expected.len().div_ceil(COUNT).max(1));
                assert!(parts.iter().all(|part| part.fault.is_none()));
                assert_eq!(parts[0].lines, lines as u64);
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_page_reads_what_it_shows() {
        let folder = tempfile::tempdir().unwrap();
        let depot = log(folder.path(), 700, 1).await;
        let asked = Asked { count: COUNT, ..Asked::default() };
        let newest = browse(&depot, Begin::Newest, &asked).await.unwrap();
        assert_eq!(newest.read, Some((605, 700)));
        // Places that are none have a page as well.
        let far = Place { line: u64::MAX, event: usize::MAX };
        for begin in [Begin::Before(far), Begin::From(far)] {
            assert_eq!(browse(&depot, begin, &asked).await.unwrap(), newest);
        }
        let first = Place { line: 0, event: 0 };
        let none = browse(&depot, Begin::Before(first), &asked).await.unwrap();
        assert_eq!((none.events.len(), none.newer, none.older), (0, Some(first), None));
        let oldest = browse(&depot, Begin::From(first), &asked).await.unwrap();
        assert_eq!(numbers(&oldest), (0..50).rev().collect::<Vec<_>>());
    }

    // Who looks for what is nowhere does not read all of a long log at once.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_search_ends_and_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let depot = log(folder.path(), 300, 1).await;
        let asked = Asked { event: "login".to_owned(), count: COUNT, ..Asked::default() };
        let mut reader = Reader::new(&depot, &asked).await.unwrap();
        reader.lines_left = 90;
        let part = reader.backward(None).await.unwrap();
        assert_eq!(
            (part.read, part.older),
            (Some((205, 300)), Some(Place { line: 205, event: 0 }))
        );
        let mut reader = Reader::new(&depot, &asked).await.unwrap();
        reader.bytes_left = 1;
        let part = reader.forward(Place { line: 5, event: 0 }).await.unwrap().unwrap();
        assert_eq!((part.read, part.newer), (Some((5, 36)), Some(Place { line: 37, event: 0 })));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_lost_is_shown_whatever_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let depot = log(folder.path(), 1, 1).await;
        append(&depot, vec![json!("no object")], 7).await.unwrap();
        let asked = Asked { user: "nobody".to_owned(), count: COUNT, ..Asked::default() };
        let part = browse(&depot, Begin::Newest, &asked).await.unwrap();
        let kinds: Vec<_> = part.events.iter().map(|(_, event)| event["event"].clone()).collect();
        assert_eq!(kinds, ["log.lost", "log.unreadable"]);
    }

    // What somebody with the database at hand can do to it.
    #[tokio::test(flavor = "multi_thread")]
    async fn changed_lines_show_on_their_page() {
        let page = |line| Begin::Before(Place { line, event: 0 });
        for (sql, begin, expected) in [
            ("DELETE FROM log WHERE number = 180", Begin::Newest, Some(Fault::Missing(180))),
            // Also the line before those of the page.
            ("DELETE FROM log WHERE number = 104", Begin::Newest, Some(Fault::Missing(104))),
            ("DELETE FROM log WHERE number = 103", Begin::Newest, None),
            ("DELETE FROM log WHERE number = 103", page(104), Some(Fault::Missing(103))),
            ("DELETE FROM log WHERE number < 199", Begin::Newest, Some(Fault::Missing(1))),
            ("DELETE FROM log WHERE number = 1", page(20), Some(Fault::Missing(1))),
            (
                "UPDATE log SET line = X'7B' WHERE number = 150",
                Begin::Newest,
                Some(Fault::Unreadable(150)),
            ),
            (
                "UPDATE log SET line = CAST(REPLACE(CAST(line AS TEXT), 'pulled', 'pushed') AS BLOB) WHERE number = 152",
                Begin::Newest,
                Some(Fault::Broken(153)),
            ),
            // Of a line before the page only the hash is known, which is what the page is held to.
            (
                "UPDATE log SET line = CAST(REPLACE(CAST(line AS TEXT), 'pulled', 'pushed') AS BLOB) WHERE number = 104",
                Begin::Newest,
                Some(Fault::Broken(105)),
            ),
            (
                "UPDATE log SET number = number + 10 WHERE number = 200",
                Begin::Newest,
                Some(Fault::Missing(200)),
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            drop(log(folder.path(), 200, 1).await);
            let database = rusqlite::Connection::open(folder.path().join("meta.db")).unwrap();
            database.execute(sql, []).unwrap();
            drop(database);
            let depot = Depot::open_folder(folder.path(), &Settings::default()).unwrap();
            let asked = Asked { count: COUNT, ..Asked::default() };
            let part = browse(&depot, begin, &asked).await.unwrap();
            assert_eq!(part.fault, expected, "{sql}");
        }
    }
}

//! What is said of one package: its versions in order, and rows that speak of them by rank.
//!
//! Versions are read and sorted when the database is made. A match finds the place of the installed version among them,
//! a few comparisons for a package, and the rest is comparing numbers.

use std::cmp::Ordering;

use sealift_model::{
    Affected, Cvss, CvssVersion, Qualifier, QualifierKind, RangeEvent, Rating, RatingBasis,
    Severity, Statement,
};
use sealift_version::{self as version, Event, Range, Scheme, Version};

use crate::file::Damaged;
use crate::number::{Input, push, push_len, push_text};

const SIMPLE: u8 = 1 << 3;
const LISTED: u8 = 1 << 4;
const RATED: u8 = 1 << 5;
const QUALIFIED: u8 = 1 << 6;
const UNREADABLE: u8 = 1 << 7;

const STATEMENTS: [Statement; 6] = [
    Statement::Affected,
    Statement::WillNotFix,
    Statement::Deferred,
    Statement::NotAffected,
    Statement::UnderInvestigation,
    Statement::EndOfLife,
];
const QUALIFIERS: [QualifierKind; 4] = [
    QualifierKind::Module,
    QualifierKind::Architecture,
    QualifierKind::Product,
    QualifierKind::Symbol,
];
const SEVERITIES: [Severity; 6] = Severity::ALL;
const CVSS_VERSIONS: [CvssVersion; 4] =
    [CvssVersion::V2, CvssVersion::V30, CvssVersion::V31, CvssVersion::V4];

/// What is said of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows<'a> {
    /// How its versions are ordered.
    pub scheme: Scheme,
    /// All versions that the rows speak of, in order.
    pub versions: Vec<&'a str>,
    /// In the order of the records.
    pub rows: Vec<Row<'a>>,
}

/// What one record says of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The record: its place among all.
    pub record: u32,
    /// What is said of the affected versions.
    pub statement: Statement,
    /// Which these are.
    pub intervals: Vec<Interval>,
    /// Affected versions outside the intervals, by rank.
    pub listed: Vec<u32>,
    /// How bad it is for this package.
    pub ratings: Vec<Rating>,
    /// For which builds of the package it holds; empty for all.
    pub qualifiers: Vec<Qualifier>,
    /// Why some of it could not be read.
    pub complaint: Option<&'a str>,
}

/// Neighbouring affected versions, by their ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first affected one; none if all from the beginning are.
    pub start: Option<u32>,
    /// Where it ends.
    pub end: End,
}

/// Where an interval ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It does not.
    Never,
    /// At this version, which repairs it.
    Fixed(u32),
    /// After this version.
    LastAffected(u32),
    /// Before this version, of which nothing is said.
    Limit(u32),
}

/// Where a version is among those of a package: twice the rank of the first that is not below it, and one more if it
/// is that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

impl Place {
    /// The place of the version with this rank.
    pub fn of_rank(rank: u32) -> Self {
        Self(u64::from(rank) * 2 + 1)
    }
}

impl Interval {
    /// True if a version at this place is in it.
    pub fn contains(&self, place: Place) -> bool {
        self.start.is_none_or(|start| place >= Place::of_rank(start))
            && match self.end {
                End::Never => true,
                End::Fixed(end) | End::Limit(end) => place < Place::of_rank(end),
                End::LastAffected(last) => place <= Place::of_rank(last),
            }
    }

    /// The rank of the version that repairs it.
    pub fn fixed(&self) -> Option<u32> {
        match self.end {
            End::Fixed(rank) => Some(rank),
            End::Never | End::LastAffected(_) | End::Limit(_) => None,
        }
    }
}

impl Rows<'_> {
    /// Where the installed version is.
    pub fn place(&self, installed: &Version) -> Result<Place, Damaged> {
        let (mut low, mut high) = (0, self.versions.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let known =
                Version::parse(self.scheme, self.versions[middle]).map_err(|_| Damaged::Content)?;
            match known.cmp(installed) {
                Ordering::Equal => return Ok(Place(middle as u64 * 2 + 1)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(Place(low as u64 * 2))
    }

    /// The text of a version.
    pub fn version(&self, rank: u32) -> &str {
        // Ranks were checked when the rows were read.
        self.versions.get(rank as usize).copied().unwrap_or_default()
    }

    /// What a row says, for people.
    pub fn describe_row(&self, row: &Row<'_>) -> String {
        let mut parts: Vec<String> = row.intervals.iter().map(|it| self.describe(it)).collect();
        parts.extend(row.listed.iter().map(|rank| format!("= {}", self.version(*rank))));
        parts.extend(row.complaint.map(|complaint| format!("cannot be judged: {complaint}")));
        let statement = match row.statement {
            Statement::Affected => "affected",
            Statement::WillNotFix => "affected, will not be repaired",
            Statement::Deferred => "affected, will be repaired some time",
            Statement::NotAffected => "not affected",
            Statement::UnderInvestigation => "under investigation",
            Statement::EndOfLife => "affected, no longer looked after",
        };
        if parts.is_empty() {
            statement.to_owned()
        } else {
            format!("{statement}: {}", parts.join("; "))
        }
    }

    /// An interval for people: `>= 2.3.0, < 2.3.2`.
    pub fn describe(&self, interval: &Interval) -> String {
        let start = interval.start.map(|rank| format!(">= {}", self.version(rank)));
        let end = match interval.end {
            End::Never => None,
            End::Fixed(rank) | End::Limit(rank) => Some(format!("< {}", self.version(rank))),
            End::LastAffected(rank) => Some(format!("<= {}", self.version(rank))),
        };
        match (start, end) {
            (None, None) => "all versions".to_owned(),
            (start, end) => [start, end].into_iter().flatten().collect::<Vec<_>>().join(", "),
        }
    }
}

/// Writes the rows of a package: places of records, ascending, with what they say.
pub(crate) fn encode(scheme: Scheme, entries: &[(u32, &Affected)]) -> Vec<u8> {
    let read: Vec<Read> = entries.iter().map(|(_, affected)| read(scheme, affected)).collect();
    let mut versions: Vec<&Version> = read.iter().flat_map(Read::versions).collect();
    versions.sort();
    versions.dedup();
    let mut out = Vec::new();
    push_len(&mut out, versions.len());
    for version in &versions {
        push_text(&mut out, version.as_str());
    }
    push_len(&mut out, entries.len());
    let mut before = 0;
    let rank = |version: &Version| versions.binary_search(&version).unwrap_or_default();
    for ((record, affected), read) in entries.iter().zip(&read) {
        push(&mut out, u64::from(record - before));
        before = *record;
        row(&mut out, affected, read, &rank);
    }
    out
}

// An entry's versions, read.
struct Read {
    intervals: Vec<version::Interval>,
    listed: Vec<Version>,
    complaint: Option<String>,
}

impl Read {
    fn versions(&self) -> impl Iterator<Item = &Version> {
        let ends = self.intervals.iter().flat_map(|interval| {
            let end = match &interval.end {
                version::End::Never => None,
                version::End::Fixed(at)
                | version::End::LastAffected(at)
                | version::End::Limit(at) => Some(at),
            };
            interval.start.iter().chain(end)
        });
        ends.chain(&self.listed)
    }
}

fn read(scheme: Scheme, affected: &Affected) -> Read {
    let mut read = Read { intervals: Vec::new(), listed: Vec::new(), complaint: None };
    for events in &affected.ranges {
        let events: Vec<Event<'_>> = events.iter().map(event).collect();
        match Range::new(scheme, &events) {
            Ok(range) => read.intervals.extend_from_slice(range.intervals()),
            Err(error) => read.complaint = Some(error.to_string()),
        }
    }
    // What is no version cannot be the installed one, which is.
    let listed = affected.versions.iter().filter_map(|text| Version::parse(scheme, text).ok());
    read.listed =
        listed.filter(|it| !read.intervals.iter().any(|known| known.contains(it))).collect();
    read.listed.sort();
    read.listed.dedup();
    read
}

fn event(event: &RangeEvent) -> Event<'_> {
    match event {
        RangeEvent::Introduced(text) => Event::Introduced(text),
        RangeEvent::Fixed(text) => Event::Fixed(text),
        RangeEvent::LastAffected(text) => Event::LastAffected(text),
        RangeEvent::Limit(text) => Event::Limit(text),
    }
}

fn row(out: &mut Vec<u8>, affected: &Affected, read: &Read, rank: &dyn Fn(&Version) -> usize) {
    let number = STATEMENTS.iter().position(|known| *known == affected.statement);
    let mut head = u8::try_from(number.unwrap_or_default()).unwrap_or_default();
    let simple = match &read.intervals[..] {
        [version::Interval { start: None, end: version::End::Fixed(at) }] => Some(at),
        _ => None,
    };
    for (flag, is_there) in [
        (SIMPLE, simple.is_some()),
        (LISTED, !read.listed.is_empty()),
        (RATED, !affected.ratings.is_empty()),
        (QUALIFIED, !affected.qualifiers.is_empty()),
        (UNREADABLE, read.complaint.is_some()),
    ] {
        head |= if is_there { flag } else { 0 };
    }
    out.push(head);
    if let Some(at) = simple {
        push_len(out, rank(at));
    } else {
        push_len(out, read.intervals.len());
        for interval in &read.intervals {
            push_len(out, interval.start.as_ref().map_or(0, |start| rank(start) + 1));
            let (kind, at) = match &interval.end {
                version::End::Never => (0, 0),
                version::End::Fixed(at) => (1, rank(at)),
                version::End::LastAffected(at) => (2, rank(at)),
                version::End::Limit(at) => (3, rank(at)),
            };
            push_len(out, at << 2 | kind);
        }
    }
    if !read.listed.is_empty() {
        push_len(out, read.listed.len());
        read.listed.iter().for_each(|version| push_len(out, rank(version)));
    }
    if !affected.ratings.is_empty() {
        push_ratings(out, &affected.ratings);
    }
    if !affected.qualifiers.is_empty() {
        push_len(out, affected.qualifiers.len());
        for Qualifier { kind, value } in &affected.qualifiers {
            push_len(out, QUALIFIERS.iter().position(|known| known == kind).unwrap_or_default());
            push_text(out, value);
        }
    }
    if let Some(complaint) = &read.complaint {
        push_text(out, complaint);
    }
}

/// Writes ratings.
pub(crate) fn push_ratings(out: &mut Vec<u8>, ratings: &[Rating]) {
    push_len(out, ratings.len());
    for Rating { source, severity, basis } in ratings {
        push_text(out, source);
        let severity = SEVERITIES.iter().position(|known| known == severity).unwrap_or_default();
        let kind = match basis {
            RatingBasis::Distribution => 0,
            RatingBasis::Word => 1,
            RatingBasis::Cvss(_) => 2,
        };
        push_len(out, severity << 2 | kind);
        if let RatingBasis::Cvss(Cvss { version, vector, score_tenths }) = basis {
            push_len(out, CVSS_VERSIONS.iter().position(|it| it == version).unwrap_or_default());
            out.push(*score_tenths);
            push_text(out, vector);
        }
    }
}

/// Reads ratings.
pub(crate) fn ratings(input: &mut Input<'_>) -> Result<Vec<Rating>, Damaged> {
    input.list(|input| {
        let source = input.text()?.to_owned();
        let head = input.place()? as usize;
        let severity = *SEVERITIES.get(head >> 2).ok_or(Damaged::Content)?;
        let basis = match head & 3 {
            0 => RatingBasis::Distribution,
            1 => RatingBasis::Word,
            2 => RatingBasis::Cvss(Cvss {
                version: *CVSS_VERSIONS.get(input.place()? as usize).ok_or(Damaged::Content)?,
                score_tenths: input.byte()?,
                vector: input.text()?.to_owned(),
            }),
            _ => return Err(Damaged::Content),
        };
        Ok(Rating { source, severity, basis })
    })
}

/// Reads the rows of a package.
pub(crate) fn decode(scheme: Scheme, mut input: Input<'_>) -> Result<Rows<'_>, Damaged> {
    let input = &mut input;
    let versions = input.list(Input::text)?;
    let mut record = 0_u32;
    let rows = input.list(|input| {
        record = record.checked_add(input.place()?).ok_or(Damaged::Content)?;
        decode_row(record, versions.len(), input)
    })?;
    Ok(Rows { scheme, versions, rows })
}

fn decode_row<'a>(record: u32, count: usize, input: &mut Input<'a>) -> Result<Row<'a>, Damaged> {
    let head = input.byte()?;
    let statement = *STATEMENTS.get(usize::from(head & 7)).ok_or(Damaged::Content)?;
    let rank = |number: u32| {
        if (number as usize) < count { Ok(number) } else { Err(Damaged::Content) }
    };
    let intervals = if head & SIMPLE != 0 {
        vec![Interval { start: None, end: End::Fixed(rank(input.place()?)?) }]
    } else {
        input.list(|input| {
            let start = input.place()?.checked_sub(1).map(rank).transpose()?;
            let end = input.place()?;
            let end = match end & 3 {
                0 => End::Never,
                1 => End::Fixed(rank(end >> 2)?),
                2 => End::LastAffected(rank(end >> 2)?),
                _ => End::Limit(rank(end >> 2)?),
            };
            Ok(Interval { start, end })
        })?
    };
    let listed =
        if head & LISTED != 0 { input.list(|input| rank(input.place()?))? } else { Vec::new() };
    let ratings = if head & RATED != 0 { ratings(input)? } else { Vec::new() };
    let qualifiers = if head & QUALIFIED != 0 {
        input.list(|input| {
            let kind = *QUALIFIERS.get(input.place()? as usize).ok_or(Damaged::Content)?;
            Ok(Qualifier { kind, value: input.text()?.to_owned() })
        })?
    } else {
        Vec::new()
    };
    let complaint = if head & UNREADABLE != 0 { Some(input.text()?) } else { None };
    Ok(Row { record, statement, intervals, listed, ratings, qualifiers, complaint })
}

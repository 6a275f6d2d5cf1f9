//! Affected ranges as OSV writes them (OSV schema 1.7, §affected[].ranges[].events).
//!
//! Events come in any order. They are sorted and folded into intervals once; a lookup then is a comparison or two.

use std::fmt;

use crate::{InvalidVersion, Scheme, Version};

/// One event of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// From this version on, it included; `0` is before all versions.
    Introduced(&'a str),
    /// Up to this version, it excluded.
    Fixed(&'a str),
    /// Up to this version, it included.
    LastAffected(&'a str),
    /// The range says nothing about this version and later ones; `*` is no limit.
    Limit(&'a str),
}

/// The affected versions of one range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    intervals: Vec<Interval>,
}

/// Neighbouring affected versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first affected one; none if all from the beginning are.
    pub start: Option<Version>,
    /// Where it ends.
    pub end: End,
}

/// Where an interval ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It does not.
    Never,
    /// At this version, which repairs it.
    Fixed(Version),
    /// After this version.
    LastAffected(Version),
    /// Before this version, of which nothing is said.
    Limit(Version),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

impl Range {
    /// Folds events into intervals. A range without an `introduced` event starts at the beginning: an advisory that
    /// forgot it must not hide a finding.
    pub fn new(scheme: Scheme, events: &[Event<'_>]) -> Result<Self, InvalidVersion> {
        // None is the version before all others.
        let mut points: Vec<(Option<Version>, Kind)> = Vec::with_capacity(events.len() + 1);
        let mut limits = Vec::new();
        let mut is_unlimited = false;
        for event in events {
            match event {
                Event::Introduced("0") => points.push((None, Kind::Introduced)),
                Event::Introduced(text) => {
                    points.push((Some(Version::parse(scheme, text)?), Kind::Introduced));
                }
                Event::Fixed("0") => points.push((None, Kind::Fixed)),
                Event::Fixed(text) => {
                    points.push((Some(Version::parse(scheme, text)?), Kind::Fixed));
                }
                Event::LastAffected(text) => {
                    points.push((Some(Version::parse(scheme, text)?), Kind::LastAffected));
                }
                Event::Limit("*") => is_unlimited = true,
                Event::Limit(text) => limits.push(Version::parse(scheme, text)?),
            }
        }
        if !events.is_empty() && !points.iter().any(|(_, kind)| *kind == Kind::Introduced) {
            points.push((None, Kind::Introduced));
        }
        points.sort_by(|left, right| left.0.cmp(&right.0));
        let mut intervals = fold(&points);
        if let (false, Some(limit)) = (is_unlimited, limits.iter().max()) {
            cut(&mut intervals, limit);
        }
        Ok(Self { intervals })
    }

    /// True if the version is affected.
    pub fn contains(&self, version: &Version) -> bool {
        self.interval_of(version).is_some()
    }

    /// The interval that a version is in.
    pub fn interval_of(&self, version: &Version) -> Option<&Interval> {
        self.intervals.iter().find(|interval| interval.contains(version))
    }

    /// All intervals, in order.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }
}

impl Interval {
    /// True if the version is in it.
    pub fn contains(&self, version: &Version) -> bool {
        self.start.as_ref().is_none_or(|start| version >= start)
            && match &self.end {
                End::Never => true,
                End::Fixed(end) | End::Limit(end) => version < end,
                End::LastAffected(last) => version <= last,
            }
    }

    /// The version that repairs it.
    pub fn fixed(&self) -> Option<&Version> {
        match &self.end {
            End::Fixed(version) => Some(version),
            End::Never | End::LastAffected(_) | End::Limit(_) => None,
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = match &self.start {
            Some(start) => {
                write!(out, ">= {start}")?;
                ", "
            }
            None => "",
        };
        match &self.end {
            End::Never if self.start.is_none() => out.write_str("all versions"),
            End::Never => Ok(()),
            End::Fixed(end) | End::Limit(end) => write!(out, "{separator}< {end}"),
            End::LastAffected(last) => write!(out, "{separator}<= {last}"),
        }
    }
}

// Events of one version are taken so that they make sense: what closes goes first while an interval is open (one ends
// and the next begins there), what opens goes first while none is (`introduced` and `fixed` at one version is empty).
fn fold(points: &[(Option<Version>, Kind)]) -> Vec<Interval> {
    let mut intervals = Vec::new();
    let mut open: Option<Option<Version>> = None;
    for group in points.chunk_by(|left, right| left.0 == right.0) {
        let opens_first = open.is_none();
        for opens in [opens_first, !opens_first] {
            for (version, kind) in group.iter().filter(|(_, k)| (*k == Kind::Introduced) == opens) {
                if *kind == Kind::Introduced {
                    open.get_or_insert_with(|| version.clone());
                } else if let Some(start) = open.take() {
                    intervals.extend(close(start, version.clone(), *kind));
                }
            }
        }
    }
    if let Some(start) = open {
        intervals.push(Interval { start, end: End::Never });
    }
    intervals
}

fn close(start: Option<Version>, at: Option<Version>, kind: Kind) -> Option<Interval> {
    // Nothing comes before the version before all others.
    let at = at?;
    if kind == Kind::LastAffected {
        return Some(Interval { start, end: End::LastAffected(at) });
    }
    (start.as_ref() != Some(&at)).then_some(Interval { start, end: End::Fixed(at) })
}

fn cut(intervals: &mut Vec<Interval>, limit: &Version) {
    intervals.retain(|interval| interval.start.as_ref().is_none_or(|start| start < limit));
    for interval in intervals {
        let ends_later = match &interval.end {
            End::Never => true,
            End::Fixed(end) | End::Limit(end) => end > limit,
            End::LastAffected(last) => last >= limit,
        };
        if ends_later {
            interval.end = End::Limit(limit.clone());
        }
    }
}

//! An advisory's entry that an installed version falls into.

use sealift_advisory::Hit;
use sealift_model::{Affected, Note, RangeEvent, Reason};
use sealift_version::{Event, Range, Scheme, Version};

use crate::ecosystem::Question;

/// An advisory's entry for a package, its ranges read.
pub(crate) struct Entry<'a> {
    pub(crate) hit: Hit<'a>,
    pub(crate) ranges: Vec<Range>,
}

/// An advisory's entry that an installed version falls into, and why.
pub(crate) struct Candidate<'a> {
    pub(crate) hit: Hit<'a>,
    /// The version that repairs it, by this entry.
    pub(crate) fixed: Option<Version>,
    pub(crate) reason: Reason,
}

/// Reads the ranges of an entry. One that cannot be read is noted; the others and the list of versions still count.
pub(crate) fn entry<'a>(hit: Hit<'a>, scheme: Scheme, notes: &mut Vec<Note>) -> Entry<'a> {
    Entry { hit, ranges: ranges(hit, scheme, notes) }
}

/// Judges one entry.
pub(crate) fn candidate<'a>(
    entry: &Entry<'a>,
    question: &Question<'_>,
    installed: &Version,
) -> Option<Candidate<'a>> {
    let Entry { hit, ranges } = entry;
    let interval = ranges.iter().find_map(|range| range.interval_of(installed));
    let (range, fixed) = match interval {
        Some(interval) => {
            // Another range may know a remedy that the first one does not.
            let fixes = ranges.iter().filter_map(|range| range.interval_of(installed)?.fixed());
            (interval.to_string(), fixes.max().cloned())
        }
        None if is_listed(hit.affected, installed) => {
            ("its list of versions".to_owned(), next_fix(ranges, installed))
        }
        None => return None,
    };
    let reason = Reason {
        advisory: hit.advisory.id.clone(),
        ecosystem: hit.affected.ecosystem.clone(),
        matched_name: hit.affected.name.clone(),
        installed: installed.to_string(),
        comparator: question.scheme.as_str(),
        range,
    };
    Some(Candidate { hit: *hit, fixed, reason })
}

/// The lowest version that all candidates of one flaw call repaired. The fix of one branch may lie in the affected
/// range of another; then the search goes on from that one's end.
pub(crate) fn fixed_version(candidates: &[Candidate<'_>], ranges: &[&Range]) -> Option<Version> {
    let fixes = candidates.iter().filter_map(|candidate| candidate.fixed.as_ref());
    let mut fixed = fixes.max()?.clone();
    // Each turn moves up past at least one interval.
    let turns_max: usize = ranges.iter().map(|range| range.intervals().len()).sum();
    for _ in 0..turns_max {
        match ranges.iter().find_map(|range| range.interval_of(&fixed)) {
            None => break,
            Some(interval) => fixed = interval.fixed()?.clone(),
        }
    }
    Some(fixed)
}

fn ranges(hit: Hit<'_>, scheme: Scheme, notes: &mut Vec<Note>) -> Vec<Range> {
    let mut ranges = Vec::with_capacity(hit.affected.ranges.len());
    for events in &hit.affected.ranges {
        let events: Vec<Event<'_>> = events.iter().map(event).collect();
        match Range::new(scheme, &events) {
            Ok(range) => ranges.push(range),
            Err(error) => notes.push(Note {
                subject: hit.advisory.id.clone(),
                message: format!("a range for `{}` cannot be judged: {error}", hit.affected.name),
            }),
        }
    }
    ranges
}

fn event(event: &RangeEvent) -> Event<'_> {
    match event {
        RangeEvent::Introduced(text) => Event::Introduced(text),
        RangeEvent::Fixed(text) => Event::Fixed(text),
        RangeEvent::LastAffected(text) => Event::LastAffected(text),
        RangeEvent::Limit(text) => Event::Limit(text),
    }
}

// What is no version cannot be the installed one, which is.
fn is_listed(affected: &Affected, installed: &Version) -> bool {
    affected.versions.iter().any(|text| {
        text == installed.as_str()
            || Version::parse(installed.scheme(), text).is_ok_and(|version| version == *installed)
    })
}

fn next_fix(ranges: &[Range], installed: &Version) -> Option<Version> {
    let intervals = ranges.iter().flat_map(Range::intervals);
    intervals
        .filter_map(sealift_version::Interval::fixed)
        .filter(|fixed| *fixed > installed)
        .min()
        .cloned()
}

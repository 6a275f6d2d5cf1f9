//! Holding exceptions against findings.

use std::collections::HashMap;

use sealift_model::{Finding, StaleIgnore, Suppression};

use crate::condition::ids;
use crate::{Exception, Exceptions, Subject, vex};

/// What the exceptions say of some findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Of each finding, in their order, what suppresses it.
    pub suppressions: Vec<Option<Suppression>>,
    /// Entries of ignore files without effect.
    pub stale: Vec<StaleIgnore>,
}

/// What the exceptions say of findings at a time. Of several entries that cover a finding the first counts; an ignore
/// file goes before VEX.
pub fn answer<'a>(
    exceptions: &Exceptions,
    findings: impl Iterator<Item = &'a Finding>,
    subject: &Subject,
    now_secs: i64,
) -> Answers {
    let is_over =
        |entry: &Exception| entry.expiry.as_ref().is_some_and(|expiry| expiry.is_over(now_secs));
    let (by_flaw, of_any) = index(&exceptions.entries);
    let statements = vex::index(&exceptions.statements);
    let mut is_used = vec![false; exceptions.entries.len()];
    let mut suppressions = Vec::new();
    for finding in findings {
        let named = ids(finding).filter_map(|id| by_flaw.get(id.as_str())).flatten();
        let mut places: Vec<usize> = named.chain(&of_any).copied().collect();
        places.sort_unstable();
        places.dedup();
        places.retain(|place| {
            let entry = &exceptions.entries[*place];
            !is_over(entry) && entry.covers(finding, subject)
        });
        for place in &places {
            is_used[*place] = true;
        }
        let ignored = places.first().map(|place| exceptions.entries[*place].suppression());
        suppressions.push(ignored.or_else(|| vex::suppression(&statements, finding, subject)));
    }
    let stale = exceptions.entries.iter().zip(is_used).filter(|(_, is_used)| !is_used);
    let stale = stale.map(|(entry, _)| StaleIgnore {
        place: entry.place.clone(),
        id: entry.id.clone(),
        expired: entry.expiry.as_ref().filter(|_| is_over(entry)).map(|it| it.day.clone()),
    });
    Answers { suppressions, stale: stale.collect() }
}

// Entries by the flaw that they are about, and those that are about any.
fn index(entries: &[Exception]) -> (HashMap<&str, Vec<usize>>, Vec<usize>) {
    let mut by_flaw: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut of_any = Vec::new();
    for (place, entry) in entries.iter().enumerate() {
        match entry.flaw() {
            Some(id) => by_flaw.entry(id).or_default().push(place),
            None => of_any.push(place),
        }
    }
    (by_flaw, of_any)
}

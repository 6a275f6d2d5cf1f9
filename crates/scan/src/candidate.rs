//! What the database says of a package, and what of it the installed version falls into.

use sealift_database::{Damaged, Database, Interval, Place, Record, RecordId, Row, Rows};
use sealift_model::{Ecosystem, Note, Reason, Statement};
use sealift_version::Version;

use crate::ecosystem::Question;

/// What is said of a package for its very release, or for all releases.
pub(crate) struct Table<'a> {
    ecosystem: Ecosystem,
    rows: Rows<'a>,
    /// Where the installed version is.
    place: Place,
}

/// What one record says of the package.
pub(crate) struct Saying<'a> {
    pub(crate) table: &'a Table<'a>,
    pub(crate) row: &'a Row<'a>,
    pub(crate) record: Record,
    /// Why the installed version has the flaw, if this row says so.
    pub(crate) hit: Option<Hit>,
}

/// Why an installed version has a flaw.
pub(crate) struct Hit {
    pub(crate) reason: Reason,
    /// Rank of the version that repairs it, by this row.
    fixed: Option<u32>,
}

/// What the database says of a package.
pub(crate) fn tables<'a>(
    database: &'a Database,
    question: &Question<'_>,
    installed: &Version,
) -> Result<Vec<Table<'a>>, Damaged> {
    let mut ecosystems = vec![question.ecosystem.clone()];
    if question.ecosystem.release.is_some() {
        ecosystems.push(Ecosystem { name: question.ecosystem.name.clone(), release: None });
    }
    let mut tables = Vec::new();
    for ecosystem in ecosystems {
        if let Some(rows) = database.rows(&ecosystem, &question.name)? {
            let place = rows.place(installed)?;
            tables.push(Table { ecosystem, rows, place });
        }
    }
    Ok(tables)
}

/// All that is said. What of a row could not be read is noted; the rest of it still counts.
pub(crate) fn sayings<'a>(
    database: &Database,
    tables: &'a [Table<'a>],
    question: &Question<'_>,
    installed: &Version,
    notes: &mut Vec<Note>,
) -> Result<Vec<Saying<'a>>, Damaged> {
    let mut sayings = Vec::new();
    for table in tables {
        for row in &table.rows.rows {
            let record = database.record(RecordId(row.record))?;
            if let Some(complaint) = row.complaint {
                let message =
                    format!("a range for `{}` cannot be judged: {complaint}", question.name);
                notes.push(Note { subject: record.id.clone(), message });
            }
            let hit = table.judge(row).map(|(range, fixed)| Hit {
                fixed,
                reason: Reason {
                    advisory: record.id.clone(),
                    ecosystem: table.ecosystem.clone(),
                    matched_name: question.name.clone(),
                    installed: installed.to_string(),
                    comparator: question.scheme.as_str(),
                    range,
                },
            });
            sayings.push(Saying { table, row, record, hit });
        }
    }
    Ok(sayings)
}

impl Table<'_> {
    // Which versions are meant that the installed one is among, and what repairs it.
    fn judge(&self, row: &Row<'_>) -> Option<(String, Option<u32>)> {
        if row.statement == Statement::NotAffected {
            return None;
        }
        let mut around = row.intervals.iter().filter(|it| it.contains(self.place));
        if let Some(first) = around.next() {
            // Another range may know a remedy that the first one does not.
            let fixed = around.chain([first]).filter_map(Interval::fixed).max();
            return Some((self.rows.describe(first), fixed));
        }
        let is_listed = row.listed.iter().any(|rank| Place::of_rank(*rank) == self.place);
        is_listed.then(|| ("its list of versions".to_owned(), self.next_fix(row)))
    }

    fn next_fix(&self, row: &Row<'_>) -> Option<u32> {
        let fixes = row.intervals.iter().filter_map(Interval::fixed);
        fixes.filter(|rank| Place::of_rank(*rank) > self.place).min()
    }
}

/// The lowest version that all that is said of one flaw calls repaired. The fix of one branch may lie in the affected
/// range of another; then the search goes on from that one's end.
pub(crate) fn fixed_version(sayings: &[&Saying<'_>]) -> Option<Version> {
    let mut highest: Option<Version> = None;
    for table in sayings.chunk_by(|left, right| std::ptr::eq(left.table, right.table)) {
        let fixes = table.iter().filter_map(|it| it.hit.as_ref()?.fixed);
        let Some(first) = fixes.max() else { continue };
        let rank = beyond(first, table)?;
        let rows = &table[0].table.rows;
        let version = Version::parse(rows.scheme, rows.version(rank)).ok()?;
        highest = highest.max(Some(version));
    }
    highest
}

fn beyond(mut fixed: u32, sayings: &[&Saying<'_>]) -> Option<u32> {
    let said = sayings.iter().filter(|it| it.row.statement != Statement::NotAffected);
    let intervals: Vec<&Interval> = said.flat_map(|it| &it.row.intervals).collect();
    // Each turn moves up past at least one interval.
    for _ in 0..intervals.len() {
        match intervals.iter().find(|it| it.contains(Place::of_rank(fixed))) {
            None => break,
            Some(interval) => fixed = interval.fixed()?,
        }
    }
    Some(fixed)
}

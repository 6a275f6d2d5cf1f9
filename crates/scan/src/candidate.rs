//! What the database says of a package, and what of it the installed version falls into.

use sealift_database::{Damaged, Database, Interval, Place, Record, RecordId, Row, Rows};
use sealift_model::{Ecosystem, Note, Package, QualifierKind, Reason, Statement};
use sealift_version::{Scheme, Version};

use crate::condition::{Answer, holds};
use crate::ecosystem::{Question, subscriptions};

/// What is said of a package for its very release, or for all releases.
pub(crate) struct Table<'a> {
    pub(crate) ecosystem: Ecosystem,
    /// Under which name.
    pub(crate) name: String,
    pub(crate) rows: Rows<'a>,
    /// Where the installed version is.
    place: Place,
    /// True if its repairs are only for those who pay.
    pub(crate) is_subscription: bool,
}

/// What one record says of the package.
pub(crate) struct Saying<'a> {
    pub(crate) table: &'a Table<'a>,
    pub(crate) row: &'a Row<'a>,
    pub(crate) record: Record,
    /// Why the installed version has the flaw, if this row says so.
    pub(crate) hit: Option<Hit>,
    /// True if this row says that the installed version does not have it.
    pub(crate) denies: bool,
    /// False if this row speaks of other builds.
    pub(crate) applies: bool,
    /// True if this row is on the repair of the minor release that the build is of, and the build has it.
    pub(crate) is_repaired: bool,
}

/// Why an installed version has a flaw.
pub(crate) struct Hit {
    pub(crate) reason: Reason,
    /// Rank of the version that repairs it, by this row.
    fixed: Option<u32>,
    /// True if it lacks a repair of the minor release that it is of.
    is_of_minor: bool,
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
    let plain = ecosystems.len();
    ecosystems.extend(subscriptions(&question.ecosystem).into_iter().filter(|it| {
        // Certified builds are apart from the others, which need not be replaced by them.
        !it.to_string().contains("FIPS") || is_certified(installed)
    }));
    let mut tables = Vec::new();
    for (index, ecosystem) in ecosystems.into_iter().enumerate() {
        for name in std::iter::once(&question.name).chain(&question.group_name) {
            if let Some(rows) = database.rows(&ecosystem, name)? {
                let (ecosystem, name) = (ecosystem.clone(), name.clone());
                let place = rows.place(installed)?;
                tables.push(Table {
                    ecosystem,
                    name,
                    rows,
                    place,
                    is_subscription: index >= plain,
                });
            }
        }
    }
    Ok(tables)
}

/// True if there is any advisory that could judge the package.
pub(crate) fn is_known(database: &Database, ecosystem: &Ecosystem) -> bool {
    database.knows(ecosystem) || subscriptions(ecosystem).iter().any(|it| database.knows(it))
}

fn is_certified(version: &Version) -> bool {
    version.as_str().to_ascii_lowercase().contains("fips")
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
        let own_minor = minor_release(installed.as_str()).filter(|_| table.is_of_red_hat());
        for row in &table.rows.rows {
            let record = database.record(RecordId(row.record))?;
            if let Some(complaint) = row.complaint {
                let message =
                    format!("a range for `{}` cannot be judged: {complaint}", question.name);
                notes.push(Note { subject: record.id.clone(), message });
            }
            let judged = table.judge(row, installed);
            let answer = holds(row, question);
            if let (Answer::Unknown(condition), true) = (&answer, judged.is_some()) {
                let message = format!(
                    "it holds for some builds of `{}` only, and whether for this one is not known: {condition}",
                    question.name
                );
                notes.push(Note { subject: record.id.clone(), message });
            }
            // Where it is not known, a warning counts and an all-clear does not.
            let is_denial = row.statement == Statement::NotAffected;
            let denies = match judged {
                // Other records on the flaw name the whole package; this one knows more.
                Some(_) if answer == Answer::No => names_functions(row) && !is_denial,
                Some(_) => is_denial && answer == Answer::Yes,
                None => table.is_repaired_by_subscription(row, installed),
            };
            let judged = judged.filter(|_| !is_denial && answer != Answer::No);
            let hit = judged.map(|(range, fixed)| Hit {
                fixed,
                is_of_minor: own_minor.is_some_and(|own| table.lacks_minor_repair(row, own)),
                reason: Reason {
                    advisory: record.id.clone(),
                    ecosystem: table.ecosystem.clone(),
                    matched_name: table.name.clone(),
                    installed: installed.to_string(),
                    comparator: question.scheme.as_str(),
                    range,
                },
            });
            let applies = answer != Answer::No;
            let is_repaired =
                own_minor.is_some_and(|own| table.is_repaired_in_minor(row, question, own));
            sayings.push(Saying { table, row, record, hit, denies, applies, is_repaired });
        }
    }
    Ok(sayings)
}

/// False if nothing is to be said of a version. So it is for most packages, and the records that say it need not be read.
pub(crate) fn is_of_interest(tables: &[Table<'_>], installed: &Version) -> bool {
    tables.iter().any(|table| {
        let says = |row: &Row<'_>| row.complaint.is_some() || table.judge(row, installed).is_some();
        table.rows.rows.iter().any(says)
    })
}

impl Table<'_> {
    // Which versions are meant that the installed one is among, and what repairs it.
    fn judge(&self, row: &Row<'_>, installed: &Version) -> Option<(String, Option<u32>)> {
        let mut around = row
            .intervals
            .iter()
            .filter(|it| it.contains(self.place) && !self.is_apart(row, it, installed))
            .filter(|it| !self.is_rebuilt(it, installed));
        if let Some(first) = around.next() {
            // Another range may know a remedy that the first one does not.
            let fixed = around.chain([first]).filter_map(Interval::fixed).max();
            return Some((self.rows.describe(first), fixed));
        }
        let is_listed = row.listed.iter().any(|rank| Place::of_rank(*rank) == self.place);
        is_listed.then(|| ("its list of versions".to_owned(), self.next_fix(row)))
    }

    // A build of those who pay has the repair, whatever is said of the plain ones.
    fn is_repaired_by_subscription(&self, row: &Row<'_>, installed: &Version) -> bool {
        let is_build = installed.as_str().contains("esm") || is_certified(installed);
        let is_past = |it: &Interval| it.fixed().is_some_and(|at| Place::of_rank(at) <= self.place);
        self.is_subscription && is_build && row.intervals.iter().any(is_past)
    }

    // RPM marks builds of a module in their release. They and the others are repaired apart, so that comparing one with
    // the other says nothing, unless the row names the module.
    fn is_apart(&self, row: &Row<'_>, interval: &Interval, installed: &Version) -> bool {
        // Oracle's builds for a running kernel or library, and certified ones, are repaired apart too.
        let marks = |version: &str| ["ksplice", "_fips"].map(|mark| version.contains(mark));
        let is_marked_apart = |rank| marks(self.rows.version(rank)) != marks(installed.as_str());
        if self.rows.scheme == Scheme::Rpm && interval.fixed().is_some_and(is_marked_apart) {
            return true;
        }
        let is_of_module = |version: &str| version.contains(".module");
        let is_other =
            |rank| is_of_module(self.rows.version(rank)) != is_of_module(installed.as_str());
        // Red Hat names the module in all that it says of one.
        let is_all_apart = self.is_of_red_hat() && is_of_module(installed.as_str());
        self.rows.scheme == Scheme::Rpm
            && row.qualifiers.iter().all(|it| it.kind != QualifierKind::Module)
            && interval.fixed().map_or(is_all_apart, is_other)
    }

    // Red Hat repairs each minor release on its own, `-23.el9_2.4` and `-26.el9_3.2`. A build of the older one that has
    // its repair is below that of the younger one and needs it not, whichever product this is said of.
    fn is_repaired_in_minor(&self, row: &Row<'_>, question: &Question<'_>, own: &str) -> bool {
        let is_repair = |it: &Interval| {
            let at = it.fixed().filter(|at| Place::of_rank(*at) <= self.place);
            at.is_some_and(|at| minor_release(self.rows.version(at)) == Some(own))
        };
        row.intervals.iter().any(is_repair) && is_of_same_module(row, question.package)
    }

    fn lacks_minor_repair(&self, row: &Row<'_>, own: &str) -> bool {
        row.intervals.iter().any(|it| {
            let is_own = |at| minor_release(self.rows.version(at)) == Some(own);
            it.contains(self.place) && it.fixed().is_some_and(is_own)
        })
    }

    fn is_of_red_hat(&self) -> bool {
        self.ecosystem.name == "Red Hat"
    }

    // What was made for a newer release and built again for an older one, or as a backport, is below it in order, and
    // has all that it has: `1.2-3~deb12u1` is `1.2-3` and more (Debian's Developer's Reference, uploads to stable).
    fn is_rebuilt(&self, interval: &Interval, installed: &Version) -> bool {
        let Some(fixed) = interval.fixed().filter(|_| self.rows.scheme == Scheme::Dpkg) else {
            return false;
        };
        let rest = installed.as_str().strip_prefix(self.rows.version(fixed));
        rest.is_some_and(|rest| {
            ["~deb", "~bpo"].iter().any(|mark| {
                let release = rest.strip_prefix(mark).unwrap_or_default();
                release.starts_with(|digit: char| digit.is_ascii_digit())
            })
        })
    }

    fn next_fix(&self, row: &Row<'_>) -> Option<u32> {
        let fixes = row.intervals.iter().filter_map(Interval::fixed);
        fixes.filter(|rank| Place::of_rank(*rank) > self.place).min()
    }
}

// `el9_2` of `1.2-3.el9_2.4`, `el8.9.0` of `1.2-3.module+el8.9.0+1+a`.
fn minor_release(version: &str) -> Option<&str> {
    let is_end = |c: char| matches!(c, '.' | '+');
    if let Some((_, label)) = version.split_once(".module+") {
        return label.split('+').next().filter(|label| label.starts_with("el"));
    }
    version.split(is_end).find(|part| part.starts_with("el") && part.contains('_'))
}

// Streams of a module are repaired apart even within a minor release.
fn is_of_same_module(row: &Row<'_>, package: &Package) -> bool {
    let mut modules = row.qualifiers.iter().filter(|it| it.kind == QualifierKind::Module);
    match package.purl.qualifiers.get("rpmmod") {
        Some(label) => modules.any(|it| {
            label
                .strip_prefix(&it.value)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        }),
        None => modules.next().is_none(),
    }
}

fn names_functions(row: &Row<'_>) -> bool {
    row.qualifiers.iter().any(|it| it.kind == QualifierKind::Symbol)
}

/// True if some row says that the package has the flaw, and none that speaks for as few releases that it does not.
pub(crate) fn is_found(sayings: &[&Saying<'_>]) -> bool {
    let is_specific = |saying: &Saying<'_>| saying.table.ecosystem.release.is_some();
    // That a function is not there says nothing against another that is.
    if sayings.iter().any(|it| it.hit.is_some() && names_functions(it.row)) {
        return true;
    }
    let denials: Vec<bool> =
        sayings.iter().filter(|it| it.denies).map(|it| is_specific(it)).collect();
    let is_repaired = sayings.iter().any(|it| it.is_repaired);
    let counts = |hit: &Hit| !is_repaired || hit.is_of_minor;
    let hits = sayings.iter().filter(|it| it.hit.as_ref().is_some_and(counts));
    hits.map(|it| is_specific(it)).any(|hit| denials.iter().all(|denial| hit && !denial))
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
    let said = sayings.iter().filter(|it| it.applies && it.row.statement != Statement::NotAffected);
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

//! Matching an inventory against advisories, and the gate that holds the report against thresholds.

use std::path::PathBuf;

use sealift_database::{CORE_NAME, Database};
use sealift_exception::Exceptions;
use sealift_model::{Artifact, Inventory, Note, Report, Severity, StaleIgnore};
pub use sealift_scan::{ExplainedPackage, Explanation, Expression, Outcome, Told, Verdict};
use sealift_scan::{Options, Thresholds};

use crate::{Error, Gate, Session};

// Entries named in one failure.
const NAMED_MAX: usize = 5;
// A database that is older is worth a word.
const OLD_SECS: i64 = 7 * 86_400;

/// What to match against, and how to judge it.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// Advisories: the folder of a database, or OSV documents as a folder, a zip, or a mirror of the OSV bucket.
    pub advisories: Option<PathBuf>,
    /// Severities to report; empty means all.
    pub severities: Vec<Severity>,
    /// Leave out what has no fix.
    pub ignore_unfixed: bool,
    /// Which findings fail.
    pub fail_on: Option<Expression>,
    /// Fail if something could not be judged.
    pub fail_on_incomplete: bool,
    /// Put what is most urgent first.
    pub sort_by_risk: bool,
    /// Refuse a database that was made longer ago.
    pub database_age_secs_max: Option<i64>,
    /// Leave out what has these words for what is said of a repair.
    pub ignore_statuses: Vec<String>,
    /// Report on packages of which nothing ever runs.
    pub include_not_running: bool,
    /// Judge packages too that a lock file or a manifest only names.
    pub include_declared: bool,
    /// What people say of findings.
    pub exceptions: Exceptions,
    /// Fail if an entry of an ignore file is over, or no finding asks for it.
    pub strict_ignores: bool,
}

// Clocks of machines that are looked after differ by less.
const CLOCKS_DIFFER_SECS_MAX: i64 = 24 * 3600;

/// Matches an inventory against the advisories.
pub fn scan(
    session: &Session<'_>,
    inventory: &Inventory,
    artifact: Artifact,
    request: &ScanRequest,
) -> Result<Report, Error> {
    let (database, path) = open(session, inventory, request)?;
    session.check()?;
    let age_secs = session.now_secs.saturating_sub(database.made_secs());
    let ahead_secs = age_secs.saturating_neg();
    let is_ahead = ahead_secs > CLOCKS_DIFFER_SECS_MAX;
    match request.database_age_secs_max {
        // Without an age it would be fresh for ever.
        Some(_) if is_ahead => return Err(Error::FutureDatabase { path, ahead_secs }),
        Some(limit) if age_secs > limit => {
            return Err(Error::StaleDatabase { path, age_secs, limit });
        }
        _ => {}
    }
    if let Some(missing) = request.fail_on.as_ref().and_then(|it| missing_source(it, &database)) {
        return Err(missing);
    }
    let lists_declared = inventory.lists_declared(artifact.kind);
    let options = options(session, request, lists_declared);
    let now = session.document_secs();
    let damaged = |source| sealift_database::Error::Damaged { path: path.clone(), source };
    let mut report =
        sealift_scan::scan(inventory, &database, &options, artifact, now).map_err(damaged)?;
    if request.sort_by_risk {
        sealift_scan::sort_by_risk(&mut report);
    }
    if is_ahead {
        let hours = ahead_secs / 3600;
        report.notes.push(Note {
            subject: "the advisory database".to_owned(),
            message: format!(
                "it was made {hours} hours from now by this machine's clock, so its age is not known"
            ),
        });
    }
    if request.database_age_secs_max.is_none() && age_secs > OLD_SECS {
        report.notes.push(Note {
            subject: "the advisory database".to_owned(),
            message: format!(
                "it was made {} days ago and does not know what became known since; `sealift db update` brings it up to \
                 date, `--db-max-age` refuses an old one",
                age_secs / 86_400
            ),
        });
    }
    let notes = database.notes().map_err(damaged)?;
    if path.join(CORE_NAME).is_file() && !notes.is_empty() {
        let things = if notes.len() == 1 { "thing" } else { "things" };
        let message = format!(
            "{} {things} could not be read when it was made; `sealift db status` has them",
            notes.len()
        );
        report.notes.push(Note { subject: "the advisory database".to_owned(), message });
    } else {
        report.notes.extend(notes);
    }
    Ok(report)
}

/// A report of something that was held against no advisories.
pub fn without_advisories(
    session: &Session<'_>,
    inventory: &Inventory,
    artifact: Artifact,
) -> Report {
    Report {
        artifact,
        created_secs: session.document_secs(),
        distro: inventory.distro.clone(),
        notes: inventory.notes.clone(),
        secrets: Some(Vec::new()),
        ..Report::default()
    }
}

/// What is told of a document in which nobody can look for secrets.
pub fn not_searched() -> Note {
    Note {
        subject: "secrets".to_owned(),
        message: "an SBOM lists packages; there is nothing in which to look for secrets".to_owned(),
    }
}

/// Why a flaw is reported for some packages of an inventory and not for others; with a name, of packages of that name only.
pub fn explain(
    session: &Session<'_>,
    inventory: &Inventory,
    report: &Report,
    request: &ScanRequest,
    asked: (&str, Option<&str>),
) -> Result<Vec<Explanation>, Error> {
    let (database, path) = open(session, inventory, request)?;
    let lists_declared = inventory.lists_declared(report.artifact.kind);
    let options = options(session, request, lists_declared);
    sealift_scan::explain(inventory, &database, &options, report, asked)
        .map_err(|source| sealift_database::Error::Damaged { path, source }.into())
}

fn open(
    session: &Session<'_>,
    inventory: &Inventory,
    request: &ScanRequest,
) -> Result<(Database, PathBuf), Error> {
    let own = crate::database::folder(session);
    let own = Some(&own).filter(|own| own.is_dir());
    let path = request.advisories.as_ref().or(own).ok_or_else(|| {
        Error::usage(
            "no advisories are named, so nothing can be matched",
            "fetch a database with `sealift db update`, make one with `sealift db build --from PATH`, or name a folder or \
             zip of advisories with `--advisories PATH` or as `advisories` under [scan] in sealift.toml",
        )
    })?;
    let wanted = sealift_scan::wanted(inventory);
    let database = crate::advisories::open(session, path, &wanted)?;
    Ok((database, path.to_owned()))
}

fn options(session: &Session<'_>, request: &ScanRequest, lists_declared: bool) -> Options {
    Options {
        severities: request.severities.clone(),
        ignore_unfixed: request.ignore_unfixed,
        ignore_statuses: request.ignore_statuses.clone(),
        include_not_running: request.include_not_running,
        include_declared: request.include_declared || lists_declared,
        exceptions: request.exceptions.clone(),
        now_secs: session.now_secs,
        without_texts: false,
    }
}

/// Holds the report against the threshold. Severities that were left out of the report do not count; what nobody rated
/// may be of any severity and so counts as the worst.
pub fn gate(report: &Report, request: &ScanRequest) -> Result<(), Error> {
    if request.strict_ignores && !report.stale_ignores.is_empty() {
        return Err(stale(&report.stale_ignores));
    }
    let thresholds = Thresholds {
        fail_on: request.fail_on.clone(),
        fail_on_unjudged: request.fail_on_incomplete,
        ..Thresholds::default()
    };
    let result = sealift_scan::gate(report, &thresholds);
    let Some(first) = result.failures.first() else { return Ok(()) };
    let findings: Vec<String> =
        result.failures.iter().map(|failure| failure.describe(report)).collect();
    Err(Error::Gate {
        gate: Gate::Scan,
        finding: findings.join("; "),
        remedy: first.hint(report).unwrap_or_else(|| {
            "the notes say why: `sealift scan -v` prints them, and every report has them".to_owned()
        }),
    })
}

// A gate that asks what nobody knows here would be open for all that it asks for.
fn missing_source(expression: &Expression, database: &Database) -> Option<Error> {
    let sources = database.sources().unwrap_or_default();
    let has = |id: &str| sources.iter().any(|source| source.id == id);
    let (kev, epss) = expression.asks_for_exploits();
    let missing = [(kev, "kev"), (epss, "epss")].into_iter().filter(|(asks, id)| *asks && !has(id));
    let missing: Vec<&str> = missing.map(|(_, id)| id).collect();
    (!missing.is_empty()).then(|| {
        Error::usage(
            format!(
                "the gate `{expression}` asks for {}, which the advisory database does not have",
                missing.join(" and ")
            ),
            "`sealift db update` fetches both; `sealift db build --from` reads them beside the advisories",
        )
    })
}

fn stale(entries: &[StaleIgnore]) -> Error {
    let describe = |entry: &StaleIgnore| match &entry.expired {
        Some(day) => format!("{} at {} is over since {day}", entry.id, entry.place),
        None => format!("no finding asks for {} at {}", entry.id, entry.place),
    };
    let mut lines: Vec<String> = entries.iter().take(NAMED_MAX).map(describe).collect();
    if entries.len() > NAMED_MAX {
        lines.push(format!("and {} more", entries.len() - NAMED_MAX));
    }
    Error::Gate {
        gate: Gate::Scan,
        finding: format!("ignore files have entries without effect: {}", lines.join("; ")),
        remedy: "remove these entries, or judge the findings anew and set another day".to_owned(),
    }
}

/// One line: how many of each severity.
pub fn summary(report: &Report) -> String {
    let counts: Vec<String> = Severity::ALL
        .iter()
        .filter(|severity| report.count(**severity) > 0)
        .map(|severity| format!("{} {}", report.count(*severity), severity.as_str().to_lowercase()))
        .collect();
    let packages: usize = report.scanned.iter().map(|scanned| scanned.packages).sum();
    let found =
        if counts.is_empty() { "no known vulnerability".to_owned() } else { counts.join(", ") };
    let example = if report.database.example_only { ", judged by EXAMPLE DATA ONLY" } else { "" };
    let count = |count: usize, one: &str, more: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    };
    format!(
        "{found} in {}, {}{example}",
        count(packages, "package", "packages"),
        count(report.database.records, "advisory", "advisories")
    )
}

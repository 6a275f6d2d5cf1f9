//! The matching.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sealift_database::{Damaged, Database, FlawId};
use sealift_exception::Subject;
use sealift_model::{
    Artifact, DatabaseInfo, Finding, Inventory, Note, Package, PackageId, Report, Scanned, Scope,
    Suppressed,
};
use sealift_version::Version;

use crate::Options;
use crate::candidate::{Saying, is_found, is_known, is_of_interest, sayings, tables};
use crate::ecosystem::question;
use crate::finding::{Draft, draft, found};
use crate::life::life;
use crate::product::{Products, products};
use crate::remedy::remedies;
use crate::selection::sort_out;

// Packages named in one note.
const NAMED_MAX: usize = 5;

/// Judges every package of an inventory that is a component of its own: what a distribution's package brought is judged
/// by the distribution's advisories, with that package. A database that turns out to be damaged is an error.
pub fn scan(
    inventory: &Inventory,
    database: &Database,
    options: &Options,
    artifact: Artifact,
    created_secs: i64,
) -> Result<Report, Damaged> {
    let mut report = Report {
        artifact,
        created_secs,
        distro: inventory.distro.clone(),
        database: info(database)?,
        life: life(inventory, database, created_secs)?,
        notes: inventory.notes.clone(),
        ..Report::default()
    };
    let products = products(inventory, database, &mut report.notes)?;
    let mut scanned: BTreeMap<_, Scanned> = BTreeMap::new();
    let mut unjudged: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut drafts = Vec::new();
    report.notes.extend(declared_note(inventory, options));
    let judged = inventory.components().filter(|(_, package)| is_judged(package, options));
    for (id, package) in judged {
        let entry = scanned.entry(package.kind).or_insert(Scanned {
            kind: package.kind,
            packages: 0,
            judged: 0,
        });
        entry.packages += 1;
        match judge((id, package), inventory, &products, database, &mut report.notes) {
            Ok(mut found) => {
                entry.judged += 1;
                drafts.append(&mut found);
            }
            Err(Stop::Unjudged(reason)) => unjudged.entry(reason).or_default().push(&package.name),
            Err(Stop::Damaged(damage)) => return Err(damage),
        }
    }
    report.scanned = scanned.into_values().collect();
    report.notes.extend(unjudged.into_iter().map(unjudged_note));
    report.notes.sort();
    report.notes.dedup();
    drafts.sort_by(|left, right| order(&left.finding).cmp(&order(&right.finding)));
    let subject = Subject::new(&report.artifact, report.distro.as_ref());
    let sorted = sort_out(drafts, inventory, &subject, options);
    report.hidden = sorted.hidden;
    report.stale_ignores = sorted.stale;
    report.notes.extend(options.exceptions.notes.iter().cloned());
    let texts = Some(database).filter(|_| !options.without_texts);
    report.findings =
        sorted.shown.into_iter().map(|it| it.finish(texts)).collect::<Result<_, Damaged>>()?;
    for (draft, by) in sorted.suppressed {
        report.suppressed.push(Suppressed { finding: draft.finish(texts)?, by });
    }
    report.remedies = remedies(&report.findings, |layer| {
        inventory.layers.get(layer.index).and_then(|layer| layer.instruction.clone())
    });
    Ok(report)
}

/// False for a test's data, which never runs, and for what a lock file merely names, unless that is wanted: it may not
/// be there at all.
pub(crate) fn is_judged(package: &Package, options: &Options) -> bool {
    match package.scope {
        Scope::TestData => false,
        Scope::Declared => options.include_declared,
        Scope::Installed | Scope::Embedded | Scope::BuiltFrom => true,
    }
}

fn declared_note(inventory: &Inventory, options: &Options) -> Option<Note> {
    let is_declared = |(_, package): &(_, &Package)| package.scope == Scope::Declared;
    let count = inventory.components().filter(is_declared).count();
    let named = if count == 1 {
        "1 package that is named and not installed is not judged".to_owned()
    } else {
        format!("{count} packages that are named and not installed are not judged")
    };
    (count > 0 && !options.include_declared).then(|| Note {
        subject: "lock files and manifests".to_owned(),
        message: format!("{named}; `--declared` judges them"),
    })
}

// Where the advisories come from, and how fresh they are.
fn info(database: &Database) -> Result<DatabaseInfo, Damaged> {
    let sources = database.sources()?;
    let places: Vec<&str> = sources.iter().map(|source| source.location.as_str()).collect();
    Ok(DatabaseInfo {
        source: places.join(", "),
        records: database.records(),
        newest_modified: sources.iter().filter_map(|source| source.newest.clone()).max(),
        made_secs: database.made_secs(),
        example_only: !sources.is_empty() && sources.iter().all(|source| source.is_example),
    })
}

// Why a package is not judged.
enum Stop {
    Unjudged(String),
    Damaged(Damaged),
}

impl From<Damaged> for Stop {
    fn from(damage: Damaged) -> Self {
        Self::Damaged(damage)
    }
}

fn judge(
    (id, package): (PackageId, &Package),
    inventory: &Inventory,
    products: &Products,
    database: &Database,
    notes: &mut Vec<Note>,
) -> Result<Vec<Draft>, Stop> {
    let question =
        question(package, inventory.distro.as_ref(), products).map_err(Stop::Unjudged)?;
    if !is_known(database, &question.ecosystem) {
        let reason = format!("there are no advisories for {}", question.ecosystem);
        return Err(Stop::Unjudged(reason));
    }
    let installed = Version::parse(question.scheme, question.version)
        .map_err(|error| Stop::Unjudged(error.to_string()))?;
    let tables = tables(database, &question, &installed)?;
    if !is_of_interest(&tables, &installed) {
        return Ok(Vec::new());
    }
    let sayings = sayings(database, &tables, &question, &installed, notes)?;
    let mut flaws: BTreeMap<FlawId, Vec<&Saying<'_>>> = BTreeMap::new();
    for saying in &sayings {
        for flaw in &saying.record.flaws {
            flaws.entry(*flaw).or_default().push(saying);
        }
    }
    let found = found(id, package, &question);
    let hit = flaws.into_iter().filter(|(_, sayings)| is_found(sayings));
    let drafts = hit.map(|(flaw, sayings)| {
        draft(database, flaw, &sayings, found.clone(), &question).map_err(Stop::Damaged)
    });
    drafts.collect()
}

fn unjudged_note((reason, names): (String, Vec<&str>)) -> Note {
    let named = names[..names.len().min(NAMED_MAX)].join(", ");
    let subject = match names.len() {
        n if n > NAMED_MAX => format!("{named} and {} more packages", n - NAMED_MAX),
        _ => named,
    };
    Note { subject, message: format!("not judged: {reason}") }
}

fn order(finding: &Finding) -> impl Ord + '_ {
    let package = &finding.package;
    (
        package.kind,
        &package.name,
        &package.version,
        Reverse(finding.severity),
        &finding.id,
        &package.path,
        package.id,
    )
}

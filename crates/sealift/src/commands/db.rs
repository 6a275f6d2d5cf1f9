//! `sealift db`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use sealift_database::{Damaged, Database, FlawId};
use sealift_model::Note;
use sealift_oci::Reference;
use sealift_pipeline::build::megabytes;
use sealift_pipeline::update::{self, Updated};
use sealift_pipeline::{database, publish, transfer};
use serde::Serialize;

use super::request;
use crate::columns::columns;
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{
    Db, DbBuild, DbExplain, DbExport, DbFolder, DbImport, DbPush, DbSearch, DbStatus, DbUpdate,
    Global, TextOrJson,
};

const FOUND_MAX: usize = 200;
const DAY_SECS: i64 = 86_400;

pub(crate) fn run(global: &Global, db: &Db, printer: &Printer) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    match db {
        Db::Update(arguments) => update(&workshop, arguments, printer)?,
        Db::Build(arguments) => build(&workshop, arguments, printer)?,
        Db::Status(arguments) => status(&workshop, arguments, printer)?,
        Db::Explain(arguments) => return explain(&workshop, arguments, printer),
        Db::Search(arguments) => return search(&workshop, arguments, printer),
        Db::Export(arguments) => export(&workshop, arguments, printer)?,
        Db::Import(arguments) => import(&workshop, arguments, printer)?,
        Db::Push(arguments) => push(&workshop, arguments, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn folder(workshop: &Workshop, folder: &DbFolder) -> PathBuf {
    folder.database.clone().unwrap_or_else(|| database::folder(&workshop.session()))
}

fn open(workshop: &Workshop, named: &DbFolder) -> anyhow::Result<Database> {
    let folder = folder(workshop, named);
    if !folder.is_dir() {
        return Err(Usage::error(
            format!("there is no advisory database in `{}`", folder.display()),
            "make one with `sealift db build --from PATH`, or take one with `sealift db import FILE`",
        ));
    }
    Ok(Database::open(&folder).map_err(sealift_pipeline::Error::from)?)
}

fn build(workshop: &Workshop, arguments: &DbBuild, printer: &Printer) -> anyhow::Result<()> {
    let session = workshop.session();
    let folder = folder(workshop, &arguments.folder);
    let from = arguments.from.iter().map(|place| match place.to_str() {
        Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
            update::copy(&session, url)
        }
        _ => Ok(place.clone()),
    });
    let from: Vec<PathBuf> = from.collect::<Result<_, _>>()?;
    let database = database::build(&session, &from, &[], &folder)?;
    built(workshop, &folder, &database, printer)
}

fn update(workshop: &Workshop, arguments: &DbUpdate, printer: &Printer) -> anyhow::Result<()> {
    let session = workshop.session();
    let folder = folder(workshop, &arguments.folder);
    if let Some(name) = registry_name(&arguments.source)? {
        return take(workshop, &name, arguments, printer);
    }
    let (database, updated) = update::update(&session, &arguments.source, &folder)?;
    for Note { subject, message } in &updated.failed {
        printer.warning(&format!("{subject}: {message}"));
    }
    printer.message(&told(&updated));
    built(workshop, &folder, &database, printer)
}

// A database of a registry is whole: nothing else can be beside it.
fn registry_name(sources: &[String]) -> anyhow::Result<Option<Reference>> {
    let names: Vec<&str> =
        sources.iter().filter_map(|source| source.strip_prefix("oci://")).collect();
    match names[..] {
        [] => Ok(None),
        [name] if sources.len() == 1 => {
            Ok(Some(Reference::parse(name).map_err(sealift_pipeline::Error::from)?))
        }
        _ => Err(Usage::error(
            "a database of a registry is whole, and another source is named beside it",
            "name `oci://…` alone",
        )),
    }
}

fn take(
    workshop: &Workshop,
    name: &Reference,
    arguments: &DbUpdate,
    printer: &Printer,
) -> anyhow::Result<()> {
    let keys = request::trusted(&arguments.keys, workshop)?;
    let folder = folder(workshop, &arguments.folder);
    let (database, taken) = publish::take(&workshop.session(), name, keys, &folder)?;
    printer.message(&format!(
        "{} is {}: fetched {} of {} pieces; {} flaws in {} records",
        name.familiar(),
        taken.digest,
        taken.fetched,
        taken.pieces,
        database.flaws(),
        database.records()
    ));
    Ok(())
}

fn push(workshop: &Workshop, arguments: &DbPush, printer: &Printer) -> anyhow::Result<()> {
    let name = Reference::parse(&arguments.name).map_err(sealift_pipeline::Error::from)?;
    // Before the key is asked for.
    open(workshop, &arguments.folder)?;
    let folder = folder(workshop, &arguments.folder);
    let signer = request::signer(&arguments.key, workshop, printer)?;
    let delivery = publish::push(&workshop.session(), &folder, &name, &signer)?;
    printer.message(&format!("sent {}", transfer::summary(&delivery)));
    printer.data(&delivery.reference.familiar())?;
    Ok(())
}

fn told(updated: &Updated) -> String {
    let names = updated.changed.iter().map(|(name, records)| match records {
        None => name.clone(),
        Some(1) => format!("{name} (1 record)"),
        Some(records) => format!("{name} ({records} records)"),
    });
    match names.collect::<Vec<_>>().join(", ") {
        names if names.is_empty() => "nothing has changed".to_owned(),
        names => format!("fetched {names}; {} had not changed", updated.unchanged),
    }
}

fn built(
    workshop: &Workshop,
    folder: &Path,
    database: &Database,
    printer: &Printer,
) -> anyhow::Result<()> {
    for note in database.notes()? {
        printer.detail(&format!("  {}: {}", note.subject, note.message));
    }
    let compressed = database::compressed_core(folder)?;
    let entries = database.entries()?;
    let (core, texts) = database.sizes();
    printer.message(&format!(
        "built {}: {} flaws in {} records, {entries} entries on packages; core {} ({} compressed, {:.1} bytes an entry), texts {}; {:.1} s",
        folder.display(),
        database.flaws(),
        database.records(),
        megabytes(core as u64),
        megabytes(compressed as u64),
        ratio(compressed, entries),
        megabytes(texts as u64),
        workshop.seconds(),
    ));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn ratio(bytes: usize, entries: usize) -> f64 {
    bytes as f64 / entries.max(1) as f64
}

/// The state of the database, as `--format json` shows it.
#[derive(Serialize)]
struct Status {
    folder: PathBuf,
    made: String,
    age_days: i64,
    flaws: usize,
    records: usize,
    sources: Vec<sealift_database::Source>,
    ecosystems: Vec<Count>,
    notes: usize,
}

#[derive(Serialize)]
struct Count {
    ecosystem: String,
    packages: usize,
}

fn status(workshop: &Workshop, arguments: &DbStatus, printer: &Printer) -> anyhow::Result<()> {
    let database = open(workshop, &arguments.folder)?;
    let made = jiff::Timestamp::from_second(database.made_secs()).context("its time is none")?;
    let age_secs = workshop.now_secs().saturating_sub(database.made_secs());
    let status = Status {
        folder: folder(workshop, &arguments.folder),
        made: made.to_string(),
        age_days: age_secs.div_euclid(DAY_SECS),
        flaws: database.flaws(),
        records: database.records(),
        sources: database.sources()?,
        ecosystems: database
            .ecosystems()
            .map(|(ecosystem, packages)| Count { ecosystem: ecosystem.to_string(), packages })
            .collect(),
        notes: database.notes()?.len(),
    };
    if arguments.format == TextOrJson::Json {
        printer.data(&serde_json::to_string_pretty(&status)?)?;
        return Ok(());
    }
    let mut text = String::new();
    for source in &status.sources {
        let newest = source.newest.as_deref().unwrap_or("unknown");
        write!(
            text,
            "{}: {} records from {}, newest {newest}",
            source.id, source.records, source.location
        )?;
        let license = Some(&source.license).filter(|license| !license.is_empty());
        writeln!(text, "{}", license.map_or(String::new(), |it| format!("; {it}")))?;
    }
    let rows =
        status.ecosystems.iter().map(|it| vec![it.ecosystem.clone(), it.packages.to_string()]);
    for note in database.notes()? {
        printer.detail(&format!("  {}: {}", note.subject, note.message));
    }
    text.push_str(&columns(&["ECOSYSTEM", "PACKAGES"], rows));
    printer.data(&text)?;
    let age = match status.age_days {
        days if days < -1 => format!("{} days from now by this machine's clock", days.abs()),
        days => format!("{} days ago", days.max(0)),
    };
    printer.message(&format!(
        "made {}, {age}: {} flaws in {} records; {} things could not be read (`-v` lists them)",
        status.made, status.flaws, status.records, status.notes
    ));
    Ok(())
}

fn explain(
    workshop: &Workshop,
    arguments: &DbExplain,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let database = open(workshop, &arguments.folder)?;
    let flaws = database.find(&arguments.id)?;
    if flaws.is_empty() {
        printer.message(&format!(
            "nothing is known of {}; `sealift db status` says how old the database is",
            arguments.id
        ));
        return Ok(ExitCode::from(1));
    }
    for id in flaws {
        printer.data(&describe(&database, id)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(database: &Database, id: FlawId) -> Result<String, Damaged> {
    let flaw = database.flaw(id)?;
    let mut lines = vec![flaw.id.clone()];
    if !flaw.aliases.is_empty() {
        lines.push(format!("  also {}", flaw.aliases.join(", ")));
    }
    if let Some(kev) = &flaw.kev {
        let extortion = if kev.is_used_by_ransomware { ", used to extort" } else { "" };
        lines.push(format!("  known to be exploited since {}{extortion}", kev.added));
    }
    if let Some(epss) = flaw.epss {
        let percent = f64::from(epss.score_millionths) / 10_000.0;
        lines.push(format!("  exploited within 30 days: {percent:.2} % likely"));
    }
    for id in flaw.records {
        let (record, text) = (database.record(id)?, database.text(id)?);
        let summary = text.summary.unwrap_or_default();
        lines.push(format!("  {} {summary}", record.id).trim_end().to_owned());
        for rating in record.ratings {
            lines.push(format!("    {} says {}", rating.source, rating.severity));
        }
        for (ecosystem, name, what) in database.said_by(id)? {
            lines.push(format!("    {ecosystem} {name}: {what}"));
        }
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn search(
    workshop: &Workshop,
    arguments: &DbSearch,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let database = open(workshop, &arguments.folder)?;
    let found = database.search_packages(&arguments.text, FOUND_MAX)?;
    let count = found.len();
    let rows = found
        .into_iter()
        .map(|(ecosystem, name, records)| vec![ecosystem.to_string(), name, records.to_string()]);
    if count == 0 {
        printer.message(&format!("no package has `{}` in its name", arguments.text));
        return Ok(ExitCode::from(1));
    }
    printer.data(&columns(&["ECOSYSTEM", "PACKAGE", "RECORDS"], rows))?;
    if count == FOUND_MAX {
        printer.message(&format!("the first {FOUND_MAX}; there may be more"));
    }
    Ok(ExitCode::SUCCESS)
}

fn export(workshop: &Workshop, arguments: &DbExport, printer: &Printer) -> anyhow::Result<()> {
    open(workshop, &arguments.folder)?;
    let bytes = database::export(&folder(workshop, &arguments.folder), &arguments.file)?;
    printer.message(&format!(
        "wrote {}, {}; `sealift db import` takes it",
        arguments.file.display(),
        megabytes(bytes)
    ));
    Ok(())
}

fn import(workshop: &Workshop, arguments: &DbImport, printer: &Printer) -> anyhow::Result<()> {
    let folder = folder(workshop, &arguments.folder);
    let database = database::import(&arguments.file, &folder)?;
    printer.message(&format!(
        "took {} into {}: {} flaws in {} records",
        arguments.file.display(),
        folder.display(),
        database.flaws(),
        database.records()
    ));
    Ok(())
}

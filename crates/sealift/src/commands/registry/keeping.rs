//! `sealift registry gc|retain|scrub|backup|rebuild|history|undelete|statistics`: a server that has the folder open is
//! asked; without one the folder is opened here.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use sealift_depot::{
    Copies, Depot, Error as DepotError, Pattern, Retention, Rules, Settings as DepotSettings,
};
use sealift_keeping::{Answer, Error as DeskError, Request, ask, perform};
use sealift_mirror::{Settings as MirrorSettings, WRITER as MIRROR_WRITER};
use sealift_oci::{Digest, RepositoryName, Tag};
use sealift_registry::configuration::{Configuration, StoragePlace};
use serde_json::{Map, Value, json};

use super::assembly::depot_settings;
use super::config::read_file;
use super::shared;
use crate::columns::columns;
use crate::failure::{FINDINGS, Usage};
use crate::printer::Printer;
use crate::settings::Folders;
use sealift_arguments::{
    RegistryBackup, RegistryGc, RegistryHistory, RegistryRebuild, RegistryRetain, RegistryScrub,
    RegistryStatistics, RegistryUndelete, StorageOptions, TextOrJson,
};

/// Immutable tags, quotas and retention of a configuration.
pub(super) fn rules(configuration: &Configuration) -> anyhow::Result<Rules> {
    let own = &configuration.own;
    let unusable = |finding: sealift_registry::configuration::Finding| {
        let hint = "docs/registry-configuration.md lists the keys";
        Usage::error(finding.line("configuration"), hint)
    };
    let mut retention: Vec<Retention> = own.section("retention").map_err(unusable)?;
    // Of the rules that fit a repository the first decides: what is said of it counts more than what is said of all.
    let mirrors: MirrorSettings = own.section("mirrors").map_err(unusable)?;
    retention.extend(mirrors.upstreams.iter().filter_map(|upstream| {
        let (prefix, keep) = (upstream.prefix.trim_matches('/'), upstream.keep.0);
        let pattern = if prefix.is_empty() { "**".to_owned() } else { format!("{prefix}/**") };
        let rule = || Some((Pattern::parse(&pattern).ok()?, keep));
        (!keep.is_zero()).then(rule)?.map(unused)
    }));
    let keep = configuration.proxy.as_ref().and_then(|proxy| proxy.keep);
    retention.extend(keep.map(|keep| unused((Pattern::all(), keep))));
    Ok(Rules {
        immutable: own.section("immutable").map_err(unusable)?,
        quotas: own.section("quotas").map_err(unusable)?,
        retention,
    })
}

fn unused((repositories, keep): (Pattern, Duration)) -> Retention {
    let copies = Copies { author: MIRROR_WRITER.to_owned(), used_within: keep };
    Retention { repositories, copies: Some(copies), ..Retention::default() }
}

/// The folder that options name, and rules if they name a configuration.
fn storage(options: &StorageOptions) -> anyhow::Result<(PathBuf, Rules)> {
    if let Some(path) = &options.configuration {
        let reading = read_file(path)?;
        let name = path.display();
        let Some(configuration) = reading.configuration else {
            return Err(Usage::error(
                format!("the configuration `{name}` cannot be used"),
                format!("`sealift registry config check {name}` shows all findings"),
            ));
        };
        let StoragePlace::Folder(folder) = &configuration.storage.place else {
            return Err(Usage::error(
                format!("the configuration `{name}` names no folder, and this is done in one only"),
                "of a bucket and its database, keep copies by their own means",
            ));
        };
        return Ok((folder.clone(), rules(&configuration)?));
    }
    let folder = match &options.data {
        Some(folder) => folder.clone(),
        None => Folders::from_environment()?.data.join("registry"),
    };
    Ok((folder, Rules::default()))
}

/// Opens a folder for work of its operator.
fn open(folder: &Path, rules: Rules) -> anyhow::Result<Depot> {
    let depot = Depot::open_folder(folder, &DepotSettings::default());
    let depot = depot.map_err(|error| unopened(error, folder))?;
    depot.set_rules(rules);
    Ok(depot)
}

fn unopened(error: DepotError, folder: &Path) -> anyhow::Error {
    match error {
        DepotError::InUse => Usage::error(
            format!("a server has `{}` open", folder.display()),
            "stop it, or give another folder with --data",
        ),
        error => anyhow::Error::new(error)
            .context(format!("cannot open the registry's folder `{}`", folder.display())),
    }
}

fn exists(folder: &Path) -> anyhow::Result<()> {
    if folder.join("meta.db").exists() {
        return Ok(());
    }
    Err(Usage::error(
        format!("there is no registry in `{}`", folder.display()),
        "name its folder with --data, or its configuration with --registry-config",
    ))
}

// The configuration of a replica, if it is one.
fn replica(options: &StorageOptions) -> anyhow::Result<Option<Configuration>> {
    let Some(path) = &options.configuration else { return Ok(None) };
    let configuration = read_file(path)?.configuration;
    Ok(configuration.filter(|it| matches!(it.storage.place, StoragePlace::Bucket(_))))
}

/// Opens the storage of options for work of its operator. It must be called within a runtime.
pub(super) async fn open_storage(options: &StorageOptions) -> anyhow::Result<Depot> {
    if let Some(configuration) = replica(options)?
        && let StoragePlace::Bucket(bucket) = &configuration.storage.place
    {
        let depot = shared::open(&configuration, bucket, &depot_settings(&configuration)?).await?;
        depot.set_rules(rules(&configuration)?);
        return Ok(depot);
    }
    let (folder, rules) = storage(options)?;
    open(&folder, rules)
}

/// Does what is asked, by the server that has the folder open, or here.
pub(super) fn done(options: &StorageOptions, request: &Request) -> anyhow::Result<Answer> {
    if let Some(configuration) = replica(options)? {
        // Servers that run on it are no matter.
        let folder = shared::folder(&configuration)?;
        let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
        return runtime.block_on(async {
            Ok(perform(&open_storage(options).await?, &folder, request).await?)
        });
    }
    let (folder, rules) = storage(options)?;
    exists(&folder)?;
    done_in(&folder, rules, request)
}

/// The same, in a folder.
pub(super) fn done_in(folder: &Path, rules: Rules, request: &Request) -> anyhow::Result<Answer> {
    match ask(folder, request) {
        Err(DeskError::NoServer { .. }) => {}
        result => return Ok(result?),
    }
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(async { Ok(perform(&open(folder, rules)?, folder, request).await?) })
}

fn show(answer: &Answer, format: TextOrJson, printer: &Printer) -> anyhow::Result<()> {
    if format == TextOrJson::Json {
        printer.data(&(serde_json::to_string_pretty(answer)? + "\n"))?;
        return Ok(());
    }
    if let Some(first) = answer.rows.first() {
        let header: Vec<&str> = first.keys().map(String::as_str).collect();
        let row = |row: &Map<String, Value>| row.values().map(text).collect::<Vec<_>>();
        printer.data(&(columns(&header, answer.rows.iter().map(row)) + "\n"))?;
    }
    let pairs: Vec<String> =
        answer.summary.iter().map(|(name, value)| format!("{name} {}", text(value))).collect();
    printer.message(&pairs.join(", "));
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn run(options: &StorageOptions, request: &Request, printer: &Printer) -> anyhow::Result<ExitCode> {
    show(&done(options, request)?, options.format, printer)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn collect(arguments: &RegistryGc, printer: &Printer) -> anyhow::Result<ExitCode> {
    let (dry_run, ignore_leases) = (arguments.dry_run, arguments.all);
    run(&arguments.storage, &Request::Collect { dry_run, ignore_leases }, printer)
}

pub(super) fn retain(arguments: &RegistryRetain, printer: &Printer) -> anyhow::Result<ExitCode> {
    run(&arguments.storage, &Request::Retain { dry_run: arguments.dry_run }, printer)
}

pub(super) fn scrub(arguments: &RegistryScrub, printer: &Printer) -> anyhow::Result<ExitCode> {
    let request = Request::Scrub { bytes_per_second: arguments.bytes_per_second };
    let answer = done(&arguments.storage, &request)?;
    show(&answer, arguments.storage.format, printer)?;
    Ok(if answer.rows.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

pub(super) fn backup(arguments: &RegistryBackup, printer: &Printer) -> anyhow::Result<ExitCode> {
    // The server has another working folder.
    let folder = std::path::absolute(&arguments.folder)
        .with_context(|| format!("cannot find `{}`", arguments.folder.display()))?;
    run(&arguments.storage, &Request::Backup { folder }, printer)
}

pub(super) fn rebuild(arguments: &RegistryRebuild, printer: &Printer) -> anyhow::Result<ExitCode> {
    let (folder, _) = storage(&arguments.storage)?;
    let rebuilt = Depot::rebuild(&folder, &DepotSettings::default());
    let rebuilt = rebuilt.map_err(|error| unopened(error, &folder))?;
    let summary = json!({
        "blobs": rebuilt.blobs, "manifests": rebuilt.manifests, "tags": rebuilt.tags,
        "unreadable": rebuilt.unreadable, "missing": rebuilt.missing,
    });
    let summary = summary.as_object().cloned().unwrap_or_default();
    show(&Answer { summary, rows: Vec::new() }, arguments.storage.format, printer)?;
    let is_whole = rebuilt.unreadable == 0 && rebuilt.missing == 0;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

pub(super) fn history(arguments: &RegistryHistory, printer: &Printer) -> anyhow::Result<ExitCode> {
    let (repository, tag) = name(&arguments.name)?;
    run(&arguments.storage, &Request::History { repository, tag }, printer)
}

pub(super) fn undelete(
    arguments: &RegistryUndelete,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let (repository, tag) = name(&arguments.name)?;
    let digest: Digest = arguments.digest.parse().map_err(|error| {
        let hint = "copy it from `sealift registry history`";
        Usage::error(format!("`{}` is no digest: {error}", arguments.digest), hint)
    })?;
    let by = "operator".to_owned();
    run(&arguments.storage, &Request::Undelete { repository, tag, digest, by }, printer)
}

pub(super) fn statistics(
    arguments: &RegistryStatistics,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    run(&arguments.storage, &Request::Statistics, printer)
}

fn name(text: &str) -> anyhow::Result<(RepositoryName, Tag)> {
    let hint = "write REPOSITORY:TAG, as in `team/app:1.0`";
    let (repository, tag) =
        text.rsplit_once(':').ok_or_else(|| Usage::error(format!("`{text}` has no tag"), hint))?;
    let repository =
        RepositoryName::parse(repository).map_err(|error| Usage::error(error.to_string(), hint))?;
    let tag = Tag::parse(tag).map_err(|error| Usage::error(error.to_string(), hint))?;
    Ok((repository, tag))
}

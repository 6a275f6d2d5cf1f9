//! `sealift secrets`

use std::path::Path;
use std::process::ExitCode;

use sealift_model::Severity;
use sealift_pipeline::history::add_history;
use sealift_pipeline::lint::read_dockerfile;
use sealift_pipeline::{contents, examine, scan, secrets};
use sealift_report::Context;

use super::{reports, request};
use crate::failure::{FINDINGS, Usage};
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Global, ScanOptions, Secrets};

pub(crate) fn run(
    global: &Global,
    arguments: &Secrets,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let outputs = reports::outputs(
        arguments.format.as_deref(),
        &arguments.output,
        arguments.template.as_deref(),
    )?;
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let folder = Path::new(&arguments.target);
    if arguments.git_history && !folder.is_dir() {
        return Err(Usage::error(
            format!("`{}` is no folder, and has no history", arguments.target),
            "leave `--git-history` away, or name a folder with `.git`",
        ));
    }
    let mut wanted = request::secret_rules(&arguments.rules, &workshop.settings.file)?;
    // The words of `scan`, and what they mean there.
    let options = ScanOptions {
        severity: arguments.severity.clone(),
        fail_on: arguments.fail_on.clone(),
        ..ScanOptions::default()
    };
    let judged = request::scan(&options, &workshop.settings.file, Some(Severity::Unknown))?;
    wanted.severities = judged.severities;
    if let Some(path) = &arguments.dockerfile {
        wanted.dockerfile = Some((path.clone(), read_dockerfile(path)?));
    }
    let target = match &arguments.target {
        // What has a history is a folder, and no image that is called so.
        target if arguments.git_history => format!("dir:{target}"),
        target => target.clone(),
    };
    let examined = examine::examine_for_secrets(&session, &target, Some(&wanted))?;
    let Some(mut found) = examined.secrets else {
        return Err(Usage::error(
            format!("`{}` is a document, and has no files", arguments.target),
            "name an image, a folder or an archive",
        ));
    };
    // In an image a repository is a leak; a folder that somebody works in has one.
    let is_own = |path: Option<&str>| path == Some(".git/HEAD") && examined.opened.is_none();
    found.findings.retain(|it| it.rule != "git-folder" || !is_own(it.place.path()));
    if arguments.git_history {
        add_history(&mut found, folder, &wanted)?;
    }
    let mut report = scan::without_advisories(&session, &examined.inventory, examined.artifact);
    report.notes.extend(found.notes);
    report.secrets = Some(found.findings);
    let context = Context {
        inventory: &examined.inventory,
        subject: &examined.subject,
        lists_packages: false,
        variable: &|name| std::env::var(name).ok(),
    };
    for output in &outputs {
        reports::write(output, &report, &context, None, printer)?;
    }
    for note in &report.notes {
        printer.detail(&format!("  {}: {}", note.subject, note.message));
    }
    contents::check_complete(&examined.inventory)?;
    let found = report.secrets.as_deref().unwrap_or_default();
    let threshold = judged.fail_on.as_ref().map(secrets::threshold);
    let is_shut = secrets::gate(found, threshold).is_err();
    let mark = match (is_shut, found.is_empty()) {
        (true, _) => Mark::Bad,
        (false, true) => Mark::Good,
        (false, false) => Mark::Warning,
    };
    printer.step(mark, "secrets", &secrets::summary(found));
    Ok(ExitCode::from(if is_shut { FINDINGS } else { 0 }))
}

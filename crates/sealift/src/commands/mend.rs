//! `sealift lint --fix` and `--diff`

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use sealift_diagnostic::{Applied, Tier};
use sealift_model::Severity;
use sealift_pipeline::base::Bases;
use sealift_pipeline::build::megabytes;
use sealift_pipeline::inputs::{Input, LintKind, STDIN, find};
use sealift_pipeline::lint::Linted;
use sealift_pipeline::mend::{Mended, mend, mend_text};
use sealift_pipeline::rebuild::{Comparison, Measures, compare};

use super::findings::Outputs;
use super::lint::{self, Requests, Tally};
use super::{request, resolve};
use crate::columns::columns;
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::{Workshop, become_builder};
use sealift_arguments::{BuildOptions, FixTier, Global, Lint, ScanOptions};

pub(crate) fn run(
    global: &Global,
    arguments: &Lint,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let tier = match arguments.fix {
        Some(FixTier::Suggested) => Tier::Suggested,
        Some(FixTier::Safe) | None => Tier::Safe,
    };
    if arguments.paths.iter().any(|path| path == Path::new(STDIN)) {
        return mend_stdin(global, arguments, tier, printer);
    }
    let inputs = find(&arguments.paths)?;
    if arguments.verify {
        refuse_what_is_not_built(&inputs)?;
        become_builder(printer)?;
    }
    let outputs = Outputs::read(arguments.format.as_deref(), &arguments.output)?;
    let mut requests = Requests::new(global, arguments)?;
    let mut all = Vec::new();
    let texts: Vec<_> = inputs.iter().map(|input| (input.path.as_path(), None)).collect();
    let packages = resolve::knowledge(global, arguments, &texts, printer)?;
    for Input { path, context, project, .. } in inputs {
        let mut request = requests.of(&context)?;
        request.project = project;
        request.packages.clone_from(&packages);
        let mended = mend(&path, &context, &request, tier)?;
        if arguments.diff {
            printer.data_if_any(&mended.patch())?;
        } else {
            if arguments.verify && mended.is_changed() {
                verify(global, &mended, &context, printer)?;
            }
            let written = mended.write()?;
            tell(&mended, printer);
            for path in written {
                printer.step(Mark::Good, "fix", &format!("{} is written", path.display()));
            }
        }
        all.push(mended);
    }
    let after: Vec<_> = all.iter().map(Mended::after).collect();
    let mut tally = Tally::default();
    for linted in &after {
        tally.add(linted);
    }
    // With `--diff` nothing but the patch is on stdout.
    if !arguments.diff {
        let files: Vec<_> = after.into_iter().map(Linted::into_report).collect();
        outputs.write("lint", &files, printer)?;
    }
    if !arguments.diff && outputs.is_for_people() {
        for mended in &all {
            advise(mended, printer)?;
        }
    }
    Ok(tally.close(printer))
}

/// Only a Dockerfile can be built before and after.
fn refuse_what_is_not_built(inputs: &[Input]) -> anyhow::Result<()> {
    let Some(other) = inputs.iter().find(|input| input.kind != LintKind::Dockerfile) else {
        return Ok(());
    };
    let what = match other.kind {
        LintKind::Compose => "a compose file",
        LintKind::Variables => "a file of variables",
        LintKind::Kubernetes | LintKind::Dockerfile => "a Kubernetes manifest",
    };
    Err(Usage::error(
        format!(
            "`{}` is {what}: nothing is built from it that could be compared",
            other.path.display()
        ),
        "name the Dockerfiles alone, and mend the other files without `--verify`",
    ))
}

/// The mended text goes to stdout, everything else to stderr; an ignore file is only spoken of.
fn mend_stdin(
    global: &Global,
    arguments: &Lint,
    tier: Tier,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    if arguments.paths.len() > 1 || arguments.verify {
        return Err(Usage::error(
            "`-` is mended alone, and cannot be built",
            "give files, or `-` without other paths and without `--verify`",
        ));
    }
    let text = lint::read_stdin()?;
    let context = Path::new(".");
    let mut request = Requests::new(global, arguments)?.of(context)?;
    request.packages =
        resolve::knowledge(global, arguments, &[(context, Some(text.as_str()))], printer)?;
    let mended = mend_text(text, Path::new("Dockerfile"), context, &request, tier)?;
    if arguments.diff {
        printer.data_if_any(&mended.patch())?;
    } else {
        printer.exactly(&mended.fixed.text)?;
        tell(&mended, printer);
        for file in &mended.fixed.files {
            printer.warning(&format!(
                "`{}` would have been changed too; name the file instead of `-` for that",
                file.path
            ));
        }
    }
    let mut tally = Tally::default();
    tally.add(&mended.after());
    Ok(tally.close(printer))
}

/// What was done, rule by rule, and what was tried in vain.
fn tell(mended: &Mended, printer: &Printer) {
    let mut done: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for Applied { rule, title, .. } in &mended.fixed.applied {
        *done.entry((rule, title)).or_default() += 1;
    }
    for ((rule, title), times) in done {
        let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
        printer.step(Mark::Good, "fix", &format!("{rule} {title}{times}"));
    }
    for refused in &mended.fixed.refused {
        let text =
            format!("{} not done: {}; {}", refused.fix.rule, refused.fix.title, refused.refusal);
        printer.step(Mark::Warning, "fix", &text);
    }
}

/// The fixes that were not made, as patches for a person.
fn advise(mended: &Mended, printer: &Printer) -> anyhow::Result<()> {
    for advice in mended.advice() {
        let how = match advice.tier {
            Tier::Manual => "to finish by hand",
            Tier::Suggested => "with `--fix=suggested`",
            Tier::Safe => "left out",
        };
        let heading = format!("# {} {} ({how})", advice.rule, advice.title);
        printer.data(&format!("{heading}\n{}", advice.patch))?;
    }
    Ok(())
}

/// Build before and after; what was changed does not get onto the disk if it does not build.
fn verify(
    global: &Global,
    mended: &Mended,
    context: &Path,
    printer: &Printer,
) -> anyhow::Result<()> {
    let workshop = Workshop::open(global, printer, context)?;
    let session = workshop.session();
    let file = &workshop.settings.file;
    let options =
        BuildOptions { dockerfile: Some(mended.before.path.clone()), ..BuildOptions::default() };
    let build = request::build(&options, context, &workshop)?;
    let scan = request::scan(&ScanOptions::default(), file, None)?;
    let bases = Bases::new(session, &request::recipes(file), request::freshness(&options))?;
    let comparison = compare(&session, &build, mended, &bases, &scan)?;
    printer.message(&table(&comparison));
    Ok(())
}

fn table(comparison: &Comparison) -> String {
    let after = &comparison.after;
    let cells = |of: fn(&Measures) -> String| {
        let before = comparison.before.as_ref().map_or_else(|_| "–".to_owned(), of);
        vec![before, of(after)]
    };
    let row = |name: &str, of: fn(&Measures) -> String| {
        let mut row = vec![name.to_owned()];
        row.extend(cells(of));
        row
    };
    let builds = match &comparison.before {
        Ok(_) => "yes".to_owned(),
        Err(reason) => format!("no: {reason}"),
    };
    let mut rows = vec![
        vec!["builds".to_owned(), builds, "yes".to_owned()],
        row("size", |measures| megabytes(measures.size_bytes)),
        row("layers", |measures| measures.layers.to_string()),
        row("packages", |measures| measures.packages.to_string()),
        row("vulnerabilities", findings),
    ];
    if let Err(reason) = &after.findings {
        rows.push(vec!["why not known".to_owned(), String::new(), reason.clone()]);
    }
    columns(&["", "before", "after"], rows)
}

fn findings(measures: &Measures) -> String {
    let Ok(counts) = &measures.findings else { return "not known".to_owned() };
    let total: usize = counts.values().sum();
    let bad: usize = counts
        .iter()
        .filter(|(severity, _)| **severity >= Severity::High)
        .map(|(_, count)| *count)
        .sum();
    format!("{total}, {bad} high or critical")
}

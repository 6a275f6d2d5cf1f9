//! `sealift audit`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sealift_audit::{BENCHMARKS, Benchmark, Standing, benchmark};
use sealift_diagnostic::Level;
use sealift_lint::Config;
use sealift_pipeline::audit::{AuditFinding, Audited, audit_containers, audit_image, audited_file};
use sealift_pipeline::inputs::find;
use sealift_pipeline::lint::{Job, LintRequest, Linted, lint_each};
use sealift_report::{Findings, LintedFile, Subject, find_finding_format};
use serde_json::{Value, json};

use super::findings::{Outputs, rules};
use super::lint::{Flags, request};
use crate::columns::columns;
use crate::failure::{FINDINGS, Usage};
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Audit, Global};

pub(crate) fn run(
    global: &Global,
    arguments: &Audit,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let wanted = arguments.compliance.as_deref().map(named).transpose()?;
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let flags = Flags {
        fail_on: arguments.fail_on.as_deref(),
        ignore: &arguments.ignore,
        ..Flags::default()
    };
    let outcome = Shown::read(arguments)?;
    let request = request(&flags, &workshop.settings.file, Path::new("."))?;
    check(&request.config)?;
    let mut all = Vec::new();
    let mut reported = Vec::new();
    if arguments.containers {
        let (containers, notes) = audit_containers(&session, &request.config)?;
        for note in notes {
            printer.warning(&format!("{}: {}", note.subject, note.message));
        }
        if containers.is_empty() {
            printer.message("no container runs in Docker or Podman");
        }
        all.extend(containers);
    }
    for target in arguments.targets.iter().filter(|target| !is_file_to_lint(target)) {
        all.push(audit_image(&session, target, &request.config)?);
    }
    reported.extend(all.iter().flat_map(of_audited));
    let paths = arguments.targets.iter().filter(|target| is_file_to_lint(target));
    let paths: Vec<PathBuf> = paths.map(PathBuf::from).collect();
    if !paths.is_empty() {
        let linted = files(&paths, &request)?;
        all.extend(linted.iter().map(audited_file));
        reported.extend(linted.into_iter().map(Linted::into_report));
    }
    if let Some(benchmark) = wanted {
        let standings = stand(benchmark, &all);
        let text = match outcome {
            Shown::Json => document(&reported, benchmark, &standings)?,
            _ => report(benchmark, &standings),
        };
        printer.data_if_any(&text)?;
        return Ok(close_compliance(benchmark, &standings, request.fail_on, printer));
    }
    if let Shown::Findings(outputs) = &outcome {
        outputs.write("audit", &reported, printer)?;
    } else {
        printer.data_if_any(&table(&all))?;
    }
    Ok(close(&all, request.fail_on, printer))
}

/// How findings are shown.
enum Shown {
    Table,
    /// Of a benchmark.
    Json,
    Findings(Outputs),
}

impl Shown {
    /// A table unless something else is asked for; a benchmark's report is a table or JSON.
    fn read(arguments: &Audit) -> anyhow::Result<Self> {
        let format = arguments.format.as_deref().map(str::trim);
        let is_table = format.is_none_or(|it| it.eq_ignore_ascii_case("table"));
        if arguments.compliance.is_some() {
            return match format {
                _ if !arguments.output.is_empty() => Err(Usage::error(
                    "a report control by control goes to standard output",
                    "send it to a file with `> FILE`",
                )),
                Some(name) if name.eq_ignore_ascii_case("json") => Ok(Self::Json),
                Some(name) if !is_table && !name.eq_ignore_ascii_case("text") => Err(Usage::error(
                    format!("a report control by control cannot be written as `{name}`"),
                    "leave `-f` away for a table, or give `-f json`",
                )),
                _ => Ok(Self::Table),
            };
        }
        if is_table && arguments.output.is_empty() {
            return Ok(Self::Table);
        }
        let format = format.filter(|_| !is_table);
        Ok(Self::Findings(Outputs::read(format, &arguments.output)?))
    }
}

/// Findings without lines, as reports have them: those of one place together, in their order.
fn of_audited(audited: &Audited) -> Vec<LintedFile> {
    let name = audited.title.clone();
    let place = |path: String, layer| LintedFile {
        path,
        text: String::new(),
        diagnostics: Vec::new(),
        subject: Some(Subject { name: name.clone(), layer }),
    };
    let mut files: Vec<LintedFile> = Vec::new();
    for AuditFinding { diagnostic, place: path, layer } in &audited.findings {
        let is_here = |it: &&mut LintedFile| {
            it.path == *path && it.subject.as_ref().is_some_and(|subject| subject.layer == *layer)
        };
        match files.iter_mut().find(is_here) {
            Some(file) => file.diagnostics.push(diagnostic.clone()),
            None => files.push(LintedFile {
                diagnostics: vec![diagnostic.clone()],
                ..place(path.clone(), *layer)
            }),
        }
    }
    if files.is_empty() {
        files.push(place(String::new(), None));
    }
    files
}

type Standings = Vec<(&'static sealift_audit::Control, Standing)>;

fn named(name: &str) -> anyhow::Result<&'static Benchmark> {
    benchmark(name).ok_or_else(|| {
        let known: Vec<&str> = BENCHMARKS.iter().map(|benchmark| benchmark.name).collect();
        Usage::error(
            format!("there is no benchmark `{name}`"),
            format!("known ones: {}", known.join(", ")),
        )
    })
}

/// Refuse names that no rule has.
fn check(config: &Config) -> anyhow::Result<()> {
    config
        .check_beside(&|name| sealift_audit::rule(name).is_some())
        .map_err(|error| Usage::error(error.to_string(), error.hint().unwrap_or_default()))
}

/// What lies there as a file or folder and is no image.
fn is_file_to_lint(target: &str) -> bool {
    let path = Path::new(target);
    if path.is_dir() {
        return !path.join("index.json").is_file() && !path.join("oci-layout").is_file();
    }
    let is_archive = ["tar", "gz", "tgz", "zst"]
        .iter()
        .any(|ending| path.extension().is_some_and(|it| it.eq_ignore_ascii_case(ending)));
    path.is_file() && !is_archive
}

fn files(paths: &[PathBuf], request: &LintRequest) -> anyhow::Result<Vec<Linted>> {
    let jobs: Vec<Job> = find(paths)?
        .into_iter()
        .map(|input| Job { input, text: None, request: request.clone() })
        .collect();
    let mut all = Vec::new();
    lint_each(&jobs, |linted| linted.map(|linted| all.push(linted)))?;
    Ok(all)
}

fn stand(benchmark: &Benchmark, all: &[Audited]) -> Standings {
    let own: Vec<&Audited> = all.iter().filter(|it| it.subject == benchmark.subject).collect();
    let found: Vec<&str> = own
        .iter()
        .flat_map(|it| &it.findings)
        .filter_map(|it| it.diagnostic.rule.as_deref())
        .collect();
    benchmark.stand(&found, !own.is_empty())
}

fn table(all: &[Audited]) -> String {
    let mut text = String::new();
    for audited in all.iter().filter(|audited| !audited.findings.is_empty()) {
        let rows = audited.findings.iter().map(|it| {
            let found = &it.diagnostic;
            vec![
                found.level.as_str().to_owned(),
                found.rule.as_deref().unwrap_or_default().to_owned(),
                place(it),
                plain(&found.message),
            ]
        });
        let rows = columns(&["LEVEL", "RULE", "WHERE", "WHAT"], rows);
        let _ = writeln!(text, "{}\n\n{rows}\n", plain(&audited.title));
    }
    text.trim_end().to_owned()
}

fn place(found: &AuditFinding) -> String {
    match (found.place.as_str(), found.layer) {
        ("", None) => "–".to_owned(),
        ("", Some(layer)) => format!("layer {layer}"),
        (place, Some(layer)) => format!("{} (layer {layer})", plain(place)),
        (place, None) => plain(place),
    }
}

/// Words of an image, without what a terminal would take for commands.
fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn report(benchmark: &Benchmark, standings: &Standings) -> String {
    let rows = standings.iter().map(|(control, standing)| {
        let title = control.title.to_owned();
        vec![standing.as_str().to_owned(), control.id.to_owned(), title, control.rules.join(" ")]
    });
    format!("{}\n\n{}", benchmark.title, columns(&["STANDING", "CONTROL", "WHAT", "RULES"], rows))
}

fn document(
    reported: &[LintedFile],
    benchmark: &Benchmark,
    standings: &Standings,
) -> anyhow::Result<String> {
    let rules: Vec<_> = rules().collect();
    let findings = Findings { files: reported, rules: &rules, command: "audit", color: false };
    let json = find_finding_format("json").map(|format| format.encode(&findings))?;
    let mut document: Value = serde_json::from_str(&json)?;
    let controls: Vec<Value> = standings
        .iter()
        .map(|(control, standing)| {
            json!({
                "id": control.id,
                "title": control.title,
                "standing": standing.as_str(),
                "rules": control.rules,
            })
        })
        .collect();
    document["compliance"] =
        json!({ "name": benchmark.name, "title": benchmark.title, "controls": controls });
    Ok(serde_json::to_string_pretty(&document)?)
}

fn close_compliance(
    benchmark: &Benchmark,
    standings: &Standings,
    fail_on: Option<Level>,
    printer: &Printer,
) -> ExitCode {
    let count = |wanted: Standing| standings.iter().filter(|(_, it)| *it == wanted).count();
    let failed = count(Standing::Fail);
    let text = format!(
        "{}: {} pass, {failed} fail, {} manual, {} not applicable",
        benchmark.name,
        count(Standing::Pass),
        count(Standing::Manual),
        count(Standing::NotApplicable)
    );
    let is_bad = failed > 0 && fail_on.is_some();
    printer.step(if failed > 0 { Mark::Bad } else { Mark::Good }, "audit", &text);
    ExitCode::from(if is_bad { FINDINGS } else { 0 })
}

fn close(all: &[Audited], fail_on: Option<Level>, printer: &Printer) -> ExitCode {
    let mut is_shut = false;
    for audited in all {
        let fails = audited.fails(fail_on);
        is_shut |= fails;
        let mark = match (fails, audited.findings.is_empty()) {
            (true, _) => Mark::Bad,
            (false, true) => Mark::Good,
            (false, false) => Mark::Warning,
        };
        printer.step(mark, "audit", &plain(&audited.summary()));
    }
    ExitCode::from(if is_shut { FINDINGS } else { 0 })
}

//! `sealift scan`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sealift_model::Report;
use sealift_pipeline::compare::{self, Before};
use sealift_pipeline::examine::{self, Examined};
use sealift_pipeline::scan::{self, ScanRequest};
use sealift_pipeline::{Error, Session, contents, running};
use sealift_report::{Encode, Format, TableOptions, find_format};

use super::request;
use crate::arguments::{Global, Scan};
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;

const WIDTH_PIPED: u16 = 120;
const DEFAULT_FORMAT: &str = "table";

pub(crate) fn run(
    global: &Global,
    arguments: &Scan,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let outputs = outputs(arguments.format.as_deref(), &arguments.output)?;
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let request = request::scan(&arguments.options, &workshop.settings.file, None)?;
    let job = Job { session: workshop.session(), arguments, request, outputs, printer };
    match &arguments.image {
        Some(image) => job.scan(examine::examine(&job.session, image)?, None),
        None => job.scan_running(),
    }
}

struct Job<'a> {
    session: Session<'a>,
    arguments: &'a Scan,
    request: ScanRequest,
    outputs: Vec<Output>,
    printer: &'a Printer,
}

impl Job<'_> {
    // One thing, whose reports get its name if it is one of several.
    fn scan(&self, examined: Examined, name: Option<&str>) -> anyhow::Result<ExitCode> {
        let Self { session, arguments, request, outputs, printer } = self;
        let mut report = scan::scan(session, &examined.inventory, examined.artifact, request)?;
        if let Some(before) = before(arguments)? {
            compare::compare(session, &mut report, &before, arguments.only_new, request)?;
        }
        for output in outputs {
            write(output, &report, name, printer)?;
        }
        for note in &report.notes {
            printer.detail(&format!("  {}: {}", note.subject, note.message));
        }
        printer.message(&scan::summary(&report));
        contents::check_complete(&examined.inventory)?;
        let is_over = report.life.as_ref().is_some_and(|life| life.is_over);
        if let Some(code) = arguments.exit_on_eol.filter(|code| is_over && *code != 0) {
            return Ok(ExitCode::from(code));
        }
        // As trivy has it: the flag alone makes findings count; a severity list narrows what is a finding.
        if let Some(code) = arguments.exit_code {
            let fail_on = request.fail_on.or(Some(sealift_model::Severity::Unknown));
            let is_shut = scan::gate(&report, &ScanRequest { fail_on, ..request.clone() }).is_err();
            return Ok(if is_shut { ExitCode::from(code) } else { ExitCode::SUCCESS });
        }
        scan::gate(&report, request)?;
        Ok(ExitCode::SUCCESS)
    }

    // Each by itself, so that one that cannot be scanned hides no other. The first failure is that of the command.
    fn scan_running(&self) -> anyhow::Result<ExitCode> {
        let (running, notes) = running::running(&self.session);
        for note in &notes {
            self.printer.warning(&format!("{}: {}", note.subject, note.message));
        }
        let (mut failure, mut code, mut count) = (None, ExitCode::SUCCESS, 0);
        for one in &running {
            let examined = running::examine(&self.session, one).map_err(anyhow::Error::from);
            match examined.and_then(|examined| self.scan(examined, Some(&one.name))) {
                Ok(ExitCode::SUCCESS) => {}
                Ok(other) => code = other,
                Err(error) => {
                    self.printer.warning(&format!("{}: {error:#}", one.title));
                    count += 1;
                    failure = failure.or(Some(error));
                }
            }
        }
        self.printer.message(&match (running.len(), count) {
            (0, _) => "nothing runs here that has a root of its own".to_owned(),
            (all, 0) => format!("scanned {all} of {all} that run"),
            (all, failed) => format!("{failed} of {all} that run failed"),
        });
        failure.map_or(Ok(code), Err)
    }
}

fn before(arguments: &Scan) -> anyhow::Result<Option<Before>> {
    let image = arguments.compare_to.clone().map(Before::Image);
    let before = image.or_else(|| arguments.baseline.clone().map(Before::Report));
    if arguments.only_new && before.is_none() {
        return Err(Usage::error(
            "`--only-new` needs something older",
            "give it with `--baseline REPORT.json` or `--compare-to IMAGE`",
        ));
    }
    Ok(before)
}

struct Output {
    format: &'static Format,
    path: Option<PathBuf>,
}

// `-o` is a file for `-f`, as trivy has it, or FORMAT=FILE, as grype has it. A word that names a format is one, so
// that `-o sarif` means what it says; a file of such a name is `./sarif`.
fn outputs(format: Option<&str>, texts: &[String]) -> anyhow::Result<Vec<Output>> {
    let find = |name: &str| {
        find_format(name).map_err(|error| Usage::error(error.to_string(), error.hint()))
    };
    let mut outputs = Vec::new();
    let mut file = None;
    for text in texts {
        match text.split_once('=').filter(|(name, _)| !name.contains(['/', '.'])) {
            Some((name, path)) => {
                let path = Some(path).filter(|path| !path.is_empty()).map(PathBuf::from);
                outputs.push(Output { format: find(name)?, path });
            }
            None if format.is_none() && find_format(text).is_ok() => {
                outputs.push(Output { format: find(text)?, path: None });
            }
            None if file.is_none() => file = Some(PathBuf::from(text)),
            None => {
                return Err(Usage::error(
                    format!("`-o {text}` is a second file for one format"),
                    "name the format of each: `-o json=a.json -o sarif=b.sarif`",
                ));
            }
        }
    }
    if format.is_some() || file.is_some() || outputs.is_empty() {
        let format = find(format.unwrap_or(DEFAULT_FORMAT))?;
        outputs.insert(0, Output { format, path: file });
    }
    Ok(outputs)
}

// Of several reports each has the name of what it is about before its extension.
fn write(
    output: &Output,
    report: &Report,
    name: Option<&str>,
    printer: &Printer,
) -> anyhow::Result<()> {
    let text = match output.format.encode {
        Encode::Table(table) => {
            let color = printer.color() && output.path.is_none();
            let width = printer.width().unwrap_or(WIDTH_PIPED);
            table(report, TableOptions { width, color })
        }
        Encode::Report(encode) => encode(report),
    };
    match output.path.as_deref().map(|path| named(path, name)) {
        Some(path) => {
            std::fs::write(&path, text).map_err(|source| Error::file("write", &path, source))?;
            printer.message(&format!("wrote {}", path.display()));
        }
        None => printer.data(&text)?,
    }
    Ok(())
}

// `report.json` of the container `web` is `report.web.json`.
fn named(path: &Path, name: Option<&str>) -> PathBuf {
    let Some(name) = name else { return path.to_owned() };
    let plain = |it: char| if it.is_ascii_alphanumeric() || "-_.".contains(it) { it } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match path.extension() {
        Some(end) => path.with_file_name(format!("{stem}.{name}.{}", end.to_string_lossy())),
        None => path.with_file_name(format!("{stem}.{name}")),
    }
}

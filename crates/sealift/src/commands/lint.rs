//! `sealift lint`

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use sealift_diagnostic::Level;
use sealift_lint::{Config, Edition, HadolintConfig, LabelKind, LabelSchema};
use sealift_pipeline::inputs::{STDIN, find};
use sealift_pipeline::lint::{Job, LintRequest, Linted, lint_each};

use super::findings::{Outputs, rules};
use super::{mend, resolve};
use crate::failure::{FINDINGS, Usage, report};
use crate::printer::{Mark, Printer};
use crate::settings::{self, File, Folders, Settings, hadolint};
use sealift_arguments::{Global, Lint};

const STDIN_BYTES_MAX: u64 = 16 << 20;
/// More files than these get one line for all of them.
const SUMMARIES_MAX: usize = 10;

pub(crate) fn run(
    global: &Global,
    arguments: &Lint,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    if arguments.fix.is_some() || arguments.diff {
        return mend::run(global, arguments, printer);
    }
    let outputs = Outputs::read(arguments.format.as_deref(), &arguments.output)?;
    let mut requests = Requests::new(global, arguments)?;
    let mut jobs = Vec::new();
    for input in find(&arguments.paths)? {
        let request = requests.of(&input.context)?;
        let text = (input.path == Path::new(STDIN)).then(read_stdin).transpose()?;
        jobs.push(Job { input, text, request });
    }
    let texts = jobs.iter().map(|job| (job.input.path.as_path(), job.text.as_deref()));
    let packages = resolve::knowledge(global, arguments, &texts.collect::<Vec<_>>(), printer)?;
    for job in &mut jobs {
        job.request.packages.clone_from(&packages);
    }
    let rules = rules().collect::<Vec<_>>();
    let mut writing = outputs.begin("lint", &rules, printer);
    let mut tally = Tally::default();
    let mut failed = None;
    lint_each(&jobs, |linted| {
        match linted {
            Ok(linted) => {
                tally.add(&linted);
                writing.add(&linted.into_report())?;
            }
            Err(error) => {
                // The last one is the command's own.
                if let Some(earlier) = failed.replace(anyhow::Error::new(error)) {
                    report(&earlier, printer);
                }
            }
        }
        anyhow::Ok(())
    })?;
    if tally.files > 0 || failed.is_none() {
        writing.end()?;
    }
    let code = tally.close(printer);
    failed.map_or(Ok(code), Err)
}

/// How to lint the files of each folder: its settings are read once.
pub(crate) struct Requests<'a> {
    global: &'a Global,
    arguments: &'a Lint,
    folders: Folders,
    /// By the bytes of a folder's path: to compare paths part by part takes much longer.
    known: HashMap<OsString, LintRequest>,
}

impl<'a> Requests<'a> {
    pub(crate) fn new(global: &'a Global, arguments: &'a Lint) -> anyhow::Result<Self> {
        let folders = Folders::from_environment()?;
        Ok(Self { global, arguments, folders, known: HashMap::new() })
    }

    /// A folder without settings of its own has those of the folder above it.
    pub(crate) fn of(&mut self, context: &Path) -> anyhow::Result<LintRequest> {
        let folder = context.canonicalize().unwrap_or_else(|_| context.to_owned());
        let deciding = folder
            .ancestors()
            .find(|folder| {
                self.known.contains_key(folder.as_os_str()) || settings::begin_in(folder)
            })
            .or_else(|| folder.ancestors().last())
            .unwrap_or(&folder);
        let request = match self.known.get(deciding.as_os_str()) {
            Some(request) => request.clone(),
            None => self.read(deciding)?,
        };
        for folder in folder.ancestors() {
            self.known.insert(folder.as_os_str().to_owned(), request.clone());
            if folder == deciding {
                break;
            }
        }
        Ok(request)
    }

    fn read(&self, folder: &Path) -> anyhow::Result<LintRequest> {
        let settings = Settings::read(&self.folders, self.global.config.as_deref(), folder)?;
        let flags = Flags {
            fail_on: self.arguments.fail_on.as_deref(),
            ignore: &self.arguments.ignore,
            edition: self.arguments.edition.as_deref(),
        };
        request(&flags, &settings.file, folder)
    }
}

/// The text on stdin.
pub(crate) fn read_stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(STDIN_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > STDIN_BYTES_MAX {
        return Err(Usage::error("stdin has more than 16 MiB", "check that it is a Dockerfile"));
    }
    Ok(text)
}

/// What is said of all files in the end.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    files: usize,
    clean: usize,
    findings: usize,
    failures: usize,
    /// Of the first files.
    summaries: Vec<(Mark, String)>,
}

impl Tally {
    /// One file more.
    pub(crate) fn add(&mut self, linted: &Linted) {
        let (failures, findings) = (linted.failures().len(), linted.diagnostics.len());
        self.files += 1;
        self.clean += usize::from(findings == 0);
        self.findings += findings;
        self.failures += failures;
        if self.summaries.len() < SUMMARIES_MAX {
            self.summaries.push((mark(failures, findings), linted.summary()));
        }
    }

    /// One line for each file, or one for many, and whether one of them fails.
    pub(crate) fn close(&self, printer: &Printer) -> ExitCode {
        let Self { files, clean, findings, failures, summaries } = self;
        if *files > SUMMARIES_MAX {
            let text =
                format!("{files} files, {clean} clean: {findings} findings, {failures} fail");
            printer.step(mark(*failures, *findings), "lint", &text);
        } else {
            for (mark, summary) in summaries {
                printer.step(*mark, "lint", summary);
            }
        }
        ExitCode::from(if *failures > 0 { FINDINGS } else { 0 })
    }
}

fn mark(failures: usize, findings: usize) -> Mark {
    match (failures, findings) {
        (0, 0) => Mark::Good,
        (0, _) => Mark::Warning,
        _ => Mark::Bad,
    }
}

/// What the command line says of rules.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags<'a> {
    pub(crate) fail_on: Option<&'a str>,
    pub(crate) ignore: &'a [String],
    pub(crate) edition: Option<&'a str>,
}

/// How to lint: flags, then settings, then hadolint's configuration, where the folder has one.
pub(crate) fn request(
    flags: &Flags<'_>,
    file: &File,
    context: &Path,
) -> anyhow::Result<LintRequest> {
    let theirs = hadolint(context)?.unwrap_or_default();
    let own = &file.lint;
    let fail_on = match flags.fail_on.or(own.fail_on.as_deref()) {
        Some("never") => None,
        Some(text) => Some(level(text)?),
        None => theirs.fail_on.unwrap_or(Some(Level::Error)),
    };
    let edition = flags.edition.or(own.edition.as_deref());
    let edition = edition.map(Edition::parse).transpose().map_err(|error| wrong(&error))?;
    let mut levels = BTreeMap::new();
    for (name, level) in &theirs.levels {
        levels.extend(ids(name).map(|id| (id, *level)));
    }
    for (name, text) in &own.levels {
        let level = level(text)?;
        levels.extend(ids(name).map(|id| (id, level)));
    }
    let ignore = [&own.ignore, &theirs.ignore].into_iter().flatten().chain(flags.ignore);
    let config = Config {
        ignore: ignore.cloned().collect(),
        levels,
        edition,
        registries: [own.registries.as_slice(), &theirs.registries].concat(),
        labels: labels(file, &theirs)?,
        disregards_hadolint: theirs.disregards_comments,
        // Years, months and days of a time in UTC.
        today: Some(jiff::Timestamp::now().to_string().chars().take(10).collect()),
        ..Config::default()
    };
    Ok(LintRequest { config, fail_on, packages: None, project: None })
}

// One name may be that of several rules; one that no rule has is refused later.
fn ids(name: &str) -> impl Iterator<Item = String> {
    let found: Vec<String> = sealift_lint::rules()
        .filter(|rule| rule.is_called(name))
        .map(|rule| rule.id.to_owned())
        .collect();
    if found.is_empty() { vec![name.to_owned()] } else { found }.into_iter()
}

fn labels(file: &File, theirs: &HadolintConfig) -> anyhow::Result<LabelSchema> {
    let mut schema = theirs.labels.clone();
    for (name, kind) in &file.lint.labels {
        let kind = LabelKind::parse(kind).map_err(|error| wrong(&error))?;
        schema.labels.insert(name.clone(), kind);
    }
    if let Some(is_strict) = file.lint.strict_labels {
        schema.is_strict = is_strict;
    }
    Ok(schema)
}

fn level(text: &str) -> anyhow::Result<Level> {
    text.parse::<Level>().map_err(|error| {
        Usage::error(error.to_string(), "known levels: error, warning, info, style, never")
    })
}

fn wrong(error: &sealift_lint::Error) -> anyhow::Error {
    Usage::error(error.to_string(), error.hint().unwrap_or_default())
}

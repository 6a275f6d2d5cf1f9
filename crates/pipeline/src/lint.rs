//! Linting a Dockerfile with its context, a compose file or a Kubernetes manifest, and the gate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use sealift_audit::FileKind;
use sealift_diagnostic::{Diagnostic, Fixed, Level, Tier};
use sealift_dockerfile::Limits;
use sealift_lint::{Config, Context, PackageIndex, Resolver};
use sealift_report::LintedFile;

use crate::inputs::{Input, LintKind, STDIN};
use crate::package_index::Knowledge;
use crate::project::Membership;
use crate::{Error, Gate};

const DOCKERFILE_BYTES_MAX: u64 = 16 << 20;
const CONTEXT_FILES_MAX: usize = 20_000;
const JOBS_AT_ONCE: usize = 32;

/// How to lint.
#[derive(Clone, Debug, Default)]
pub struct LintRequest {
    /// What the user chose of the rules.
    pub config: Config,
    /// Least level that shuts the gate; none means that it is always open.
    pub fail_on: Option<Level>,
    /// What is known of base images, if the user wants them looked up.
    pub packages: Option<Arc<Knowledge>>,
    /// The compose project that the file belongs to; none if it is to be found beside the file.
    pub project: Option<Arc<Membership>>,
}

/// What was found in a Dockerfile.
#[derive(Clone, Debug)]
pub struct Linted {
    /// The Dockerfile.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What it is.
    pub kind: LintKind,
    /// The findings, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    pub(crate) fail_on: Option<Level>,
}

/// Reads a Dockerfile; every command that wants one says the same about one that it cannot read.
pub fn read_dockerfile(path: &Path) -> Result<String, Error> {
    let fail = |reason: String, hint: &str| {
        Error::usage(format!("cannot read the Dockerfile `{}`: {reason}", path.display()), hint)
    };
    let naming = "name it with `-f FILE`, or give the folder that has it";
    let file = File::open(path).map_err(|error| fail(error.to_string(), naming))?;
    // One byte more than there is, so that the end is seen at the first read.
    let length = file.metadata().map_or(0, |facts| facts.len()).min(DOCKERFILE_BYTES_MAX);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(DOCKERFILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fail(error.to_string(), naming))?;
    if bytes.len() as u64 > DOCKERFILE_BYTES_MAX {
        return Err(fail("it is larger than 16 MiB".to_owned(), "check that it is a Dockerfile"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..good].split(|byte| *byte == b'\n').count();
        fail(format!("line {line} is not UTF-8 text"), "save it as UTF-8")
    })
}

/// Lints a Dockerfile and its context folder.
pub fn lint(path: &Path, context: &Path, request: &LintRequest) -> Result<Linted, Error> {
    let text = read_dockerfile(path)?;
    let diagnostics = lint_text(path, context, &text, request)?;
    let kind = file_kind(path, &text).map_or(LintKind::Dockerfile, LintKind::from);
    let path = path.to_owned();
    Ok(Linted { path, text, kind, diagnostics, fail_on: request.fail_on })
}

/// A file to lint, and how.
#[derive(Clone, Debug)]
pub struct Job {
    /// The file.
    pub input: Input,
    /// Its text, if it does not lie on the disk.
    pub text: Option<String>,
    /// How to lint it.
    pub request: LintRequest,
}

/// Lints many files at once and hands each on, in the order of the jobs; what cannot be read hides nothing of the
/// others. Of many files only some are in memory at a time.
pub fn lint_each<E>(
    jobs: &[Job],
    mut take: impl FnMut(Result<Linted, Error>) -> Result<(), E>,
) -> Result<(), E> {
    let mut known = BTreeMap::new();
    for jobs in jobs.chunks(JOBS_AT_ONCE) {
        known = list_contexts(jobs, &known);
        let one = |job: &Job| lint_job(job, &known);
        // Threads take longer to start than one file to lint.
        let all: Vec<_> =
            if let [job] = jobs { vec![one(job)] } else { jobs.par_iter().map(one).collect() };
        all.into_iter().try_for_each(&mut take)?;
    }
    Ok(())
}

/// The files of each context.
type Contexts<'a> = BTreeMap<&'a Path, Option<Arc<[String]>>>;

/// A context with many Dockerfiles is listed once.
fn list_contexts<'a>(jobs: &'a [Job], known: &Contexts<'a>) -> Contexts<'a> {
    let contexts: BTreeSet<&Path> = jobs.iter().map(|job| job.input.context.as_path()).collect();
    let contexts: Vec<&Path> = contexts.into_iter().collect();
    let list = |context: &&'a Path| {
        let files = known.get(context).cloned().unwrap_or_else(|| context_files(context));
        (*context, files)
    };
    match contexts.as_slice() {
        [context] => [list(context)].into(),
        _ => contexts.par_iter().map(list).collect(),
    }
}

fn lint_job(job: &Job, contexts: &Contexts<'_>) -> Result<Linted, Error> {
    let Input { path, context, kind, project } = &job.input;
    let text = match &job.text {
        Some(text) => text.clone(),
        None => read_dockerfile(path)?,
    };
    let known = contexts.get(context.as_path()).cloned().flatten();
    // The rest of the kinds is known by name and content alone.
    let known = known.filter(|_| *kind == LintKind::Dockerfile);
    let mut scene = Scene::with_files(path, context, &job.request, known)?;
    scene.project.clone_from(project);
    let diagnostics = scene.lint(path, &text);
    let (path, kind) = (path.clone(), scene.kind_of(path, &text));
    Ok(Linted { path, text, kind, diagnostics, fail_on: job.request.fail_on })
}

/// Lints a text as the Dockerfile at `path`, where it need not be saved yet.
pub fn lint_text(
    path: &Path,
    context: &Path,
    text: &str,
    request: &LintRequest,
) -> Result<Vec<Diagnostic>, Error> {
    Ok(Scene::read(path, context, request)?.lint(path, text))
}

/// Mends a text as the Dockerfile at `path`, as far as the tier allows.
pub fn fix_text(
    path: &Path,
    context: &Path,
    text: &str,
    request: &LintRequest,
    tier: Tier,
) -> Result<Fixed, Error> {
    Ok(Scene::read(path, context, request)?.fix(path, text, tier))
}

/// What is known beside a Dockerfile.
pub(crate) struct Scene {
    config: Config,
    packages: Option<Arc<Knowledge>>,
    project: Option<Arc<Membership>>,
    /// Where the ignore file is that the build reads, or would be.
    pub(crate) ignore_path: PathBuf,
    pub(crate) dockerignore: Option<String>,
    files: Option<Arc<[String]>>,
}

impl Scene {
    pub(crate) fn read(path: &Path, context: &Path, request: &LintRequest) -> Result<Self, Error> {
        Self::with_files(path, context, request, context_files(context))
    }

    fn with_files(
        path: &Path,
        context: &Path,
        request: &LintRequest,
        files: Option<Arc<[String]>>,
    ) -> Result<Self, Error> {
        let config = request.config.clone();
        config
            .check_beside(&|name| sealift_audit::rule(name).is_some())
            .map_err(|error| Error::usage(error.to_string(), error.hint().unwrap_or_default()))?;
        let own_ignore = PathBuf::from(format!("{}.dockerignore", path.display()));
        let ignore_path =
            if own_ignore.is_file() { own_ignore } else { context.join(".dockerignore") };
        let dockerignore = std::fs::read_to_string(&ignore_path).ok();
        let (packages, project) = (request.packages.clone(), request.project.clone());
        Ok(Self { config, packages, project, ignore_path, dockerignore, files })
    }

    /// What is found in a text, by the rules for its kind.
    pub(crate) fn lint(&self, path: &Path, text: &str) -> Vec<Diagnostic> {
        if let Some(kind) = self.file_kind(path, text) {
            return self.beside(path, kind, |context| sealift_audit::lint(text, kind, context));
        }
        let parse = sealift_dockerfile::parse(text, &Limits::default());
        sealift_lint::lint(&parse, &self.context())
    }

    /// What mending makes of a text, by the rules for its kind.
    pub(crate) fn fix(&self, path: &Path, text: &str, tier: Tier) -> Fixed {
        if let Some(kind) = self.file_kind(path, text) {
            return self
                .beside(path, kind, |context| sealift_audit::fix(text, kind, context, tier));
        }
        sealift_lint::fix(text, &self.context(), &Limits::default(), tier)
    }

    /// What its project says of a file, or else its name and text.
    fn file_kind(&self, path: &Path, text: &str) -> Option<FileKind> {
        self.project.as_ref().map(|project| project.kind).or_else(|| file_kind(path, text))
    }

    pub(crate) fn kind_of(&self, path: &Path, text: &str) -> LintKind {
        self.file_kind(path, text).map_or(LintKind::Dockerfile, LintKind::from)
    }

    /// Files that another one speaks of are read beside it.
    fn beside<T>(
        &self,
        path: &Path,
        kind: FileKind,
        work: impl FnOnce(&sealift_audit::Context<'_>) -> T,
    ) -> T {
        match &self.project {
            Some(project) => project.with(&self.config, work),
            None => Membership::of(path, kind).with(&self.config, work),
        }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            dockerignore: self.dockerignore.as_deref(),
            context_files: self.files.as_deref(),
            packages: self.packages.as_deref().map(|known| known as &dyn PackageIndex),
            resolver: self.packages.as_deref().map(|known| known as &dyn Resolver),
            ..Context::new(&self.config)
        }
    }
}

/// The kind of a file that is no Dockerfile; only what looks like YAML or JSON by its name is one, and what comes
/// through a pipe, as from `helm template`.
pub fn file_kind(path: &Path, text: &str) -> Option<FileKind> {
    if path == Path::new(STDIN) {
        return sealift_audit::kind("", text);
    }
    let name = path.file_name()?.to_string_lossy();
    let ending = path.extension()?.to_ascii_lowercase();
    let may_be = ["yaml", "yml", "json"].iter().any(|known| ending == *known);
    may_be.then(|| sealift_audit::kind(&name, text)).flatten()
}

impl Linted {
    /// The findings with their source.
    pub fn render(&self, color: bool) -> String {
        sealift_lint::render(&self.diagnostics, &self.path.display().to_string(), &self.text, color)
    }

    /// It as reports have it, with its secrets masked, also in what its fixes insert.
    pub fn into_report(self) -> LintedFile {
        let Self { path, text, mut diagnostics, .. } = self;
        let secrets = sealift_lint::secrets(&text, &diagnostics);
        let hide = |text: &mut String| {
            for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
                if text.contains(*secret) {
                    *text = text.replace(*secret, "********");
                }
            }
        };
        let masked = sealift_lint::mask(&text, &diagnostics);
        for fix in diagnostics.iter_mut().flat_map(|finding| &mut finding.fixes) {
            fix.edits.iter_mut().for_each(|edit| hide(&mut edit.text));
            fix.file.iter_mut().for_each(|file| hide(&mut file.content));
        }
        let path = path.display().to_string();
        LintedFile { path, text: masked, diagnostics, subject: None }
    }

    /// One line: how many of which level.
    pub fn summary(&self) -> String {
        let counts: Vec<String> = Level::ALL
            .iter()
            .map(|level| {
                (level, self.diagnostics.iter().filter(|found| found.level == *level).count())
            })
            .filter(|(_, count)| *count > 0)
            .map(|(level, count)| format!("{count} {}", level.as_str()))
            .collect();
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        if counts.is_empty() {
            format!("{name} is clean")
        } else {
            format!("{name}: {}", counts.join(", "))
        }
    }

    /// The findings that shut the gate.
    pub fn failures(&self) -> Vec<&Diagnostic> {
        self.diagnostics
            .iter()
            .filter(|found| self.fail_on.is_some_and(|least| found.level >= least))
            .collect()
    }

    /// Shuts the gate if a finding is at or above the level.
    pub fn gate(&self) -> Result<(), Error> {
        let failures = self.failures();
        let Some(first) = failures.first() else { return Ok(()) };
        let (line, column) = sealift_diagnostic::line_column(&self.text, first.span.start);
        let rule = first.rule.as_deref().unwrap_or("syntax");
        let more = match failures.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        Err(Error::Gate {
            gate: Gate::Lint,
            finding: format!(
                "{}:{line}:{column}: {} [{rule}]{more}",
                self.path.display(),
                first.message
            ),
            remedy: first.help.as_deref().unwrap_or("mend the Dockerfile").to_owned(),
        })
    }
}

// Names only; what cannot be listed is left to the build, which will say so.
fn context_files(context: &Path) -> Option<Arc<[String]>> {
    if !context.is_dir() {
        return None;
    }
    let mut files = Vec::new();
    let mut folders = vec![context.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).ok()?.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if let Ok(relative) = entry.path().strip_prefix(context) {
                files.push(relative.to_string_lossy().into_owned());
            }
            if files.len() >= CONTEXT_FILES_MAX {
                return None;
            }
        }
    }
    files.sort();
    Some(files.into())
}

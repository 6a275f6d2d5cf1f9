//! Tests of policies: rules whose names begin with `test_`, as `opa test` and conftest run them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use regex::Regex;
use regorus::Value;
use regorus::unstable::Rule;
use serde_json::{Value as Json, json};

use crate::policies::{Loaded, Purpose, check, invalid};
use crate::rules::{interpreter_path, package_of, rule_name};
use crate::worker::Worker;
use crate::{Error, Settings, Source};

/// Which tests are run, and what is recorded.
#[derive(Clone, Debug, Default)]
pub struct TrialOptions {
    /// Only tests whose `package.name` this finds.
    pub filter: Option<Regex>,
    /// Whether to record which lines are evaluated.
    pub with_coverage: bool,
}

/// What the tests of policies gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Trials {
    /// The tests, in the order of the files.
    pub tests: Vec<Trial>,
    /// Lines of the policies that were evaluated, if asked for; the tests' own files are not among them.
    pub coverage: Vec<FileCoverage>,
}

/// One test.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Rego package.
    pub package: String,
    /// Rule.
    pub name: String,
    /// File.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// What came of it.
    pub outcome: TrialOutcome,
    /// How long it took.
    pub duration: Duration,
    /// What it printed.
    pub prints: Vec<String>,
}

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialOutcome {
    /// The rule is true.
    Passed,
    /// The rule is false, or has no value.
    Failed,
    /// It could not be evaluated, and why.
    Broken(String),
    /// Its name begins with `todo_test_`.
    Skipped,
}

/// Which lines of a file were evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileCoverage {
    /// File.
    pub file: String,
    /// Lines that were.
    pub covered: BTreeSet<u32>,
    /// Lines that were not.
    pub missed: BTreeSet<u32>,
}

impl Trials {
    /// Tests that failed or broke.
    pub fn failures(&self) -> impl Iterator<Item = &Trial> {
        let is_failure =
            |it: &&Trial| matches!(it.outcome, TrialOutcome::Failed | TrialOutcome::Broken(_));
        self.tests.iter().filter(is_failure)
    }

    /// How many of a hundred lines were evaluated; all, if there are none.
    pub fn percent(&self) -> f64 {
        let (covered, missed) = self.coverage.iter().fold((0, 0), |(covered, missed), file| {
            (covered + file.covered.len(), missed + file.missed.len())
        });
        percent(covered, missed)
    }
}

impl FileCoverage {
    /// How many of a hundred lines were evaluated.
    pub fn percent(&self) -> f64 {
        percent(self.covered.len(), self.missed.len())
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of lines")]
fn percent(covered: usize, missed: usize) -> f64 {
    if covered + missed == 0 { 100.0 } else { 100.0 * covered as f64 / (covered + missed) as f64 }
}

#[derive(Clone)]
struct Found {
    package: String,
    name: String,
    path: String,
    file: String,
    line: u32,
}

/// Runs the tests. Each has the time limit for itself; one that takes longer is broken.
pub fn run_tests(
    settings: &Settings,
    sources: &[Source],
    data: &Json,
    options: &TrialOptions,
) -> Result<Trials, Error> {
    check(settings, sources, data)?;
    let (owned, texts, data) = (settings.clone(), sources.to_vec(), data.clone());
    let purpose = Purpose::Looking { with_coverage: options.with_coverage };
    let make = move || {
        let mut loaded = Loaded::new(&owned, &texts, data.clone(), &purpose)?;
        let tests = found(&mut loaded)?;
        if let Some(first) = tests.first() {
            loaded
                .engine
                .clone()
                .compile_with_entrypoint(&first.path.as_str().into())
                .map_err(|error| invalid(&error.to_string(), &loaded.files))?;
        }
        Ok((loaded, tests))
    };
    let start = || Worker::start(settings.time_max, make.clone());
    let mut worker = start()?;
    let all = worker.run(|(_, tests)| tests.clone())?;
    let is_wanted = |found: &&Found| {
        let name = format!("{}.{}", found.package, found.name);
        options.filter.as_ref().is_none_or(|filter| filter.is_match(&name))
    };
    let mut tests = Vec::new();
    for found in all.iter().filter(is_wanted) {
        let (trial, is_lost) = run_one(&worker, found);
        tests.push(trial);
        if is_lost {
            // A test that crashes the interpreter, or does not end, is no matter for the next one.
            worker = start()?;
        }
    }
    let coverage = if options.with_coverage {
        let own: BTreeSet<String> = all.iter().map(|found| found.file.clone()).collect();
        worker.run(move |(loaded, _)| coverage(loaded, &own))??
    } else {
        Vec::new()
    };
    Ok(Trials { tests, coverage })
}

fn run_one(worker: &Worker<(Loaded, Vec<Found>)>, found: &Found) -> (Trial, bool) {
    let start = Instant::now();
    let path = found.path.clone();
    let is_skipped = found.name.starts_with("todo_");
    let work = move |(loaded, _): &mut (Loaded, Vec<Found>)| {
        if is_skipped {
            return (TrialOutcome::Skipped, Vec::new());
        }
        let outcome = evaluate(loaded, &path);
        (outcome, loaded.engine.take_prints().unwrap_or_default())
    };
    let result = worker.run(work);
    let is_lost = result.is_err();
    let (outcome, prints) =
        result.unwrap_or_else(|error| (TrialOutcome::Broken(error.to_string()), Vec::new()));
    let trial = Trial {
        package: found.package.clone(),
        name: found.name.clone(),
        file: found.file.clone(),
        line: found.line,
        outcome,
        duration: start.elapsed(),
        prints,
    };
    (trial, is_lost)
}

fn evaluate(loaded: &mut Loaded, path: &str) -> TrialOutcome {
    if let Err(error) = loaded.begin(json!({})) {
        return TrialOutcome::Broken(error.to_string());
    }
    match loaded.value(path, loaded.settings.time_max) {
        Ok(Value::Undefined | Value::Bool(false)) => TrialOutcome::Failed,
        Ok(_) => TrialOutcome::Passed,
        Err(place) => TrialOutcome::Broken(match (&place.file, place.line) {
            (Some(file), line) => format!("{file}:{line}: {}", place.message),
            (None, _) => place.message,
        }),
    }
}

fn found(loaded: &mut Loaded) -> Result<Vec<Found>, Error> {
    let mut tests: Vec<Found> = Vec::new();
    for (file, module) in loaded.files.iter().zip(loaded.engine.get_modules()) {
        let components =
            package_of(module).map_err(|message| Error::Invalid { file: file.clone(), message })?;
        let package = components.join(".");
        for rule in &module.policy {
            let Some(name) = rule_name(rule) else { continue };
            let is_test = name.starts_with("test_") || name.starts_with("todo_test_");
            let is_known = tests.iter().any(|known| known.package == package && known.name == name);
            if !is_test || is_known || matches!(rule.as_ref(), Rule::Default { .. }) {
                continue;
            }
            tests.push(Found {
                path: interpreter_path(&components, &name, file)?,
                package: package.clone(),
                name,
                file: file.clone(),
                line: rule.span().line,
            });
        }
    }
    Ok(tests)
}

fn coverage(loaded: &Loaded, own: &BTreeSet<String>) -> Result<Vec<FileCoverage>, Error> {
    let report = loaded
        .engine
        .get_coverage_report()
        .map_err(|error| invalid(&error.to_string(), &loaded.files))?;
    let files = report.files.into_iter().filter(|file| !own.contains(&file.path));
    Ok(files
        .map(|file| FileCoverage {
            missed: file.not_covered.difference(&file.covered).copied().collect(),
            covered: file.covered,
            file: file.path,
        })
        .collect())
}

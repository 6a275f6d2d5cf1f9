//! `sealift policy test`

use std::process::ExitCode;

use regex::Regex;
use sealift_pipeline::policies::{self, PolicyRequest, Tests};
use sealift_policy::{Settings, Trial, TrialOptions, TrialOutcome, Trials, run_tests};
use serde_json::{Value, json};

use super::junit;
use crate::failure::{FINDINGS, Usage};
use crate::printer::{Mark, Printer};
use sealift_arguments::{PolicyTest, TrialFormat};

pub(super) fn run(arguments: &PolicyTest, printer: &Printer) -> anyhow::Result<ExitCode> {
    let request = PolicyRequest {
        files: arguments.paths.clone(),
        data_files: arguments.data.clone(),
        ..PolicyRequest::default()
    };
    let set = policies::load(&request, Tests::With)?;
    let filter = arguments.run.as_deref().map(Regex::new).transpose().map_err(|error| {
        Usage::error(format!("`--run` cannot be read: {error}"), "as in `--run '^main\\.test_'`")
    })?;
    let options = TrialOptions { filter, with_coverage: arguments.coverage.is_some() };
    let trials = run_tests(&Settings::default(), &set.sources, &set.data, &options)
        .map_err(sealift_pipeline::Error::from)?;
    if trials.tests.is_empty() {
        return Err(Usage::error(
            "there is no test",
            "a test is a rule whose name begins with `test_`; check `--run` and the paths",
        ));
    }
    let failed = trials.failures().count();
    match arguments.format {
        TrialFormat::Json => printer.data(&serde_json::to_string_pretty(&document(&trials))?)?,
        TrialFormat::Junit => printer.data(&junit::of_trials(&trials))?,
        TrialFormat::Text => printer.data(text(&trials).trim_end())?,
    }
    let passed = trials.tests.iter().filter(|it| it.outcome == TrialOutcome::Passed).count();
    let mut summary = format!("{passed} of {} pass", trials.tests.len());
    let mut is_short = false;
    if let Some(least) = arguments.coverage {
        let percent = trials.percent();
        is_short = percent < least;
        summary = format!("{summary}; {percent:.1} % of the lines are covered");
        if is_short {
            summary = format!("{summary}, less than {least:.1} %");
        }
    }
    let is_bad = failed > 0 || is_short;
    printer.step(if is_bad { Mark::Bad } else { Mark::Good }, "tests", &summary);
    Ok(ExitCode::from(if is_bad { FINDINGS } else { 0 }))
}

fn word(trial: &Trial) -> &'static str {
    match trial.outcome {
        TrialOutcome::Passed => "pass",
        TrialOutcome::Failed => "FAIL",
        TrialOutcome::Broken(_) => "ERROR",
        TrialOutcome::Skipped => "skip",
    }
}

fn text(trials: &Trials) -> String {
    let mut lines = Vec::new();
    for trial in &trials.tests {
        lines.push(format!(
            "{:<5} {}:{} {}.{} ({:.1} ms)",
            word(trial),
            trial.file,
            trial.line,
            trial.package,
            trial.name,
            trial.duration.as_secs_f64() * 1000.0
        ));
        if let TrialOutcome::Broken(why) = &trial.outcome {
            lines.push(format!("      {why}"));
        }
        if trial.outcome != TrialOutcome::Passed {
            lines.extend(trial.prints.iter().map(|print| format!("      {print}")));
        }
    }
    for file in &trials.coverage {
        let missed: Vec<String> = file.missed.iter().map(ToString::to_string).collect();
        let missed = match missed.as_slice() {
            [] => String::new(),
            lines => format!(", not lines {}", lines.join(", ")),
        };
        lines.push(format!("{:>5.1} % of {}{missed}", file.percent(), file.file));
    }
    lines.join("\n")
}

fn document(trials: &Trials) -> Value {
    let tests: Vec<Value> = trials
        .tests
        .iter()
        .map(|trial| {
            let mut shown = json!({
                "package": trial.package,
                "name": trial.name,
                "location": {"file": trial.file, "row": trial.line},
                "duration": u64::try_from(trial.duration.as_nanos()).unwrap_or(u64::MAX),
                "result": word(trial).to_ascii_lowercase(),
            });
            if let TrialOutcome::Broken(why) = &trial.outcome {
                shown["error"] = json!(why);
            }
            if !trial.prints.is_empty() {
                shown["output"] = json!(trial.prints);
            }
            shown
        })
        .collect();
    let files: Vec<Value> = trials
        .coverage
        .iter()
        .map(|file| {
            json!({
                "file": file.file,
                "covered": file.covered,
                "not_covered": file.missed,
                "coverage": file.percent(),
            })
        })
        .collect();
    let mut document = json!({ "tests": tests });
    if !files.is_empty() {
        document["coverage"] = json!({"files": files, "coverage": trials.percent()});
    }
    document
}

//! Results of policies and of their tests as JUnit's XML.

use std::fmt::Write as _;

use sealift_pipeline::judge;
use sealift_policy::{TrialOutcome, Trials};

use super::check::Judgement;

/// A suite for each target, a case for each violation, and one for what passed.
pub(super) fn of_judgements(results: &[Judgement]) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for result in results {
        let judgement = &result.judged.judgement;
        let violations = &judgement.verdict.violations;
        let failed = violations.len();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\">",
            escaped(&result.target),
            failed + judgement.passed
        );
        for violation in violations {
            let name = format!("{}.{}", violation.package, violation.rule);
            let _ = writeln!(
                out,
                "    <testcase name=\"{}\" classname=\"{}\"><failure type=\"{}\" message=\"{}\"/></testcase>",
                escaped(&name),
                escaped(&violation.file),
                judge::word(violation.level),
                escaped(&violation.message)
            );
        }
        for number in 0..judgement.passed {
            let _ = writeln!(
                out,
                "    <testcase name=\"passed {}\" classname=\"policy\"/>",
                number + 1
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>");
    out
}

/// One suite of all tests.
pub(super) fn of_trials(trials: &Trials) -> String {
    let failed = trials.failures().count();
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    let _ = writeln!(
        out,
        "  <testsuite name=\"policy test\" tests=\"{}\" failures=\"{failed}\">",
        trials.tests.len()
    );
    for trial in &trials.tests {
        let _ = write!(
            out,
            "    <testcase name=\"{}\" classname=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.6}\"",
            escaped(&trial.name),
            escaped(&trial.package),
            escaped(&trial.file),
            trial.line,
            trial.duration.as_secs_f64()
        );
        let inner = match &trial.outcome {
            TrialOutcome::Passed => "/>".to_owned(),
            TrialOutcome::Skipped => "><skipped/></testcase>".to_owned(),
            TrialOutcome::Failed => {
                format!("><failure message=\"{}\"/></testcase>", escaped(&trial.prints.join("\n")))
            }
            TrialOutcome::Broken(why) => {
                format!("><failure type=\"error\" message=\"{}\"/></testcase>", escaped(why))
            }
        };
        let _ = writeln!(out, "{inner}");
    }
    out.push_str("  </testsuite>\n</testsuites>");
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

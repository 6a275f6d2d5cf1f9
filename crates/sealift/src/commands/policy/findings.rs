//! Violations of policies as findings, for the formats that services read.

use sealift_diagnostic::{Diagnostic, Level, Span};
use sealift_report::{LintedFile, Subject};

use super::check::Judgement;

/// What was said of each target, exempted and excepted violations left out. A policy sees values and not lines: a
/// finding on a file stands on its first one.
pub(super) fn of(results: &[Judgement]) -> Vec<LintedFile> {
    results.iter().map(file).collect()
}

fn file(result: &Judgement) -> LintedFile {
    let judgement = &result.judged.judgement;
    let diagnostics = judgement.verdict.violations.iter().zip(&judgement.metadata);
    let diagnostics = diagnostics.map(|(violation, metadata)| {
        let level = match violation.level {
            sealift_model::Level::Warn => Level::Warning,
            _ => Level::Error,
        };
        let id = metadata.get("id").and_then(|id| id.as_str()).map(str::to_owned);
        let rule = id.unwrap_or_else(|| format!("{}.{}", violation.package, violation.rule));
        let finding =
            Diagnostic::new(level, Span::at(0), violation.message.clone()).with_rule(rule);
        match metadata.get("description").and_then(|text| text.as_str()) {
            Some(why) => finding.with_why(why.to_owned()),
            None => finding,
        }
    });
    let subject = Subject { name: result.target.clone(), layer: None };
    LintedFile {
        path: if result.is_file { result.target.clone() } else { String::new() },
        text: String::new(),
        diagnostics: diagnostics.collect(),
        subject: (!result.is_file).then_some(subject),
    }
}

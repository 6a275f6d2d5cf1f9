//! `scan --explain`: why a flaw is reported for some packages and not for others.

use std::fmt::Write as _;

use sealift_model::{Suppression, SuppressionStatus};
use sealift_pipeline::scan::{ExplainedPackage, Explanation, Outcome, Told, Verdict};
use serde_json::{Value, json};

use crate::failure::Usage;

/// The explanations, for people or for machines.
pub(super) fn write(explained: &[Explanation], format: Option<&str>) -> anyhow::Result<String> {
    match format {
        None | Some("table" | "text") => Ok(explained.iter().map(text).collect()),
        Some("json") => {
            let all: Vec<Value> = explained.iter().map(document).collect();
            Ok(format!("{}\n", serde_json::to_string_pretty(&all)?))
        }
        Some(other) => Err(Usage::error(
            format!("an explanation cannot be written as `{other}`"),
            "leave `-f` away for a text, or give `-f json`",
        )),
    }
}

fn text(explanation: &Explanation) -> String {
    let Explanation { id, aliases, advisories, packages, absent, more_absent } = explanation;
    let mut lines = vec![id.clone()];
    if !aliases.is_empty() {
        lines.push(format!("  also {}", aliases.join(", ")));
    }
    lines.push(format!("  advisories: {}", advisories.join(", ")));
    if packages.is_empty() {
        lines.push("  no advisory on it names a package that is here".to_owned());
    }
    for package in packages {
        let version = package.version.as_deref().unwrap_or("of unknown version");
        let title = format!("{} {version} ({})", package.name, package.kind.purl_type());
        lines.extend([String::new(), format!("  {title}: {}", because(package))]);
        if let Some(path) = &package.path {
            lines.push(format!("    shown by {path}"));
        }
        lines.extend(package.rows.iter().map(|told| format!("    {}", row(told))));
    }
    if !absent.is_empty() {
        lines.extend([String::new(), "  named, but not here:".to_owned()]);
        lines.extend(
            absent.iter().map(|(ecosystem, name, says)| format!("    {ecosystem} {name}: {says}")),
        );
    }
    if *more_absent > 0 {
        lines.push(format!("    and {more_absent} more"));
    }
    lines.push(String::new());
    // Names and versions are foreign text.
    let plain = |line: &String| line.chars().filter(|it| !it.is_control()).collect::<String>();
    lines.iter().map(plain).collect::<Vec<_>>().join("\n")
}

fn because(package: &ExplainedPackage) -> String {
    match &package.verdict {
        Verdict::NotAffected if package.rows.iter().any(|it| it.outcome == Outcome::Denied) => {
            "not reported: an advisory says that it does not have it".to_owned()
        }
        Verdict::Finding { severity, fixed: Some(fixed) } => {
            format!("reported, {severity}, repaired in {fixed}")
        }
        Verdict::Finding { severity, fixed: None } => {
            format!("reported, {severity}, no version is known that repairs it")
        }
        Verdict::Suppressed(by) => format!("suppressed: {}", suppression(by)),
        Verdict::LeftOut(why) => format!("left out: {why}"),
        Verdict::NotAffected => "not reported: nothing that is said holds for it".to_owned(),
        Verdict::Owned(owner) => {
            format!(
                "not reported: the distribution's package `{owner}` brought it and is judged instead"
            )
        }
        Verdict::Unjudged(reason) => format!("not judged: {reason}"),
        Verdict::NotInstalled(why) => format!("not reported: {why}"),
        Verdict::NotNamed => "not reported: no advisory on it names this package".to_owned(),
    }
}

fn suppression(by: &Suppression) -> String {
    let status = match by.status {
        SuppressionStatus::Ignored => "ignored",
        SuppressionStatus::NotAffected => "not affected",
        SuppressionStatus::Fixed => "fixed",
    };
    let mut text = format!("{status} by {}", by.place);
    for more in [&by.justification, &by.reason].into_iter().flatten() {
        let _ = write!(text, ", {more}");
    }
    text
}

fn row(told: &Told) -> String {
    let Told { advisory, ecosystem, name, says, installed, comparator, conditions, outcome } = told;
    let follows = match outcome {
        Outcome::Affected => format!("{installed} is among these ({comparator} order)"),
        Outcome::Denied => format!("so {installed} does not have it ({comparator} order)"),
        Outcome::OtherVersion => format!("{installed} is not among these ({comparator} order)"),
        Outcome::OtherBuild => format!("only with {}, which this has not", conditions.join(" or ")),
    };
    format!("{advisory}: {ecosystem} {name}: {says}; {follows}")
}

fn document(explanation: &Explanation) -> Value {
    let absent = explanation.absent.iter().map(|(ecosystem, name, says)| {
        json!({"ecosystem": ecosystem.to_string(), "name": name, "says": says})
    });
    json!({
        "id": explanation.id,
        "aliases": explanation.aliases,
        "advisories": explanation.advisories,
        "packages": explanation.packages.iter().map(package).collect::<Vec<_>>(),
        "absent": absent.collect::<Vec<_>>(),
        "moreAbsent": explanation.more_absent,
    })
}

fn package(package: &ExplainedPackage) -> Value {
    let word = match &package.verdict {
        Verdict::Finding { .. } => "reported",
        Verdict::Suppressed(_) => "suppressed",
        Verdict::LeftOut(_) => "left-out",
        Verdict::NotAffected => "not-affected",
        Verdict::Owned(_) => "owned",
        Verdict::Unjudged(_) => "unjudged",
        Verdict::NotInstalled(_) => "not-installed",
        Verdict::NotNamed => "not-named",
    };
    let rows = package.rows.iter().map(|told| {
        let outcome = match told.outcome {
            Outcome::Affected => "affected",
            Outcome::Denied => "denied",
            Outcome::OtherBuild => "other-build",
            Outcome::OtherVersion => "other-version",
        };
        json!({
            "advisory": told.advisory,
            "ecosystem": told.ecosystem.to_string(),
            "matchedName": told.name,
            "says": told.says,
            "installed": told.installed,
            "comparator": told.comparator,
            "conditions": told.conditions,
            "outcome": outcome,
        })
    });
    json!({
        "type": package.kind.purl_type(),
        "name": package.name,
        "version": package.version,
        "path": package.path,
        "verdict": word,
        "because": because(package),
        "rows": rows.collect::<Vec<_>>(),
    })
}

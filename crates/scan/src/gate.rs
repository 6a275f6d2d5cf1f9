//! Whether a report is good enough.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sealift_model::{Finding, Report, Severity};

use crate::expression::Expression;

// Findings named in one failure.
const NAMED_MAX: usize = 5;

/// What a report must keep to; the default lets everything pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thresholds {
    /// Fail on any finding that meets this; a severity alone is met by it and worse ones. What nobody rated may be of
    /// any severity and so fails too, unless `allow_unknown` says otherwise.
    pub fail_on: Option<Expression>,
    /// Let findings of unknown severity pass a `fail_on` that is a severity alone.
    pub allow_unknown: bool,
    /// How many findings of a severity are allowed.
    pub maximum: BTreeMap<Severity, usize>,
    /// Fail if a package could not be judged.
    pub fail_on_unjudged: bool,
}

/// What the gate says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateResult {
    /// Why it fails; empty if it passes.
    pub failures: Vec<GateFailure>,
}

impl GateResult {
    /// True if nothing is against the report.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// One reason to fail. Numbers are places in the report's `findings`, worst first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateFailure {
    /// Findings are too severe.
    AtOrAbove {
        /// The threshold.
        threshold: Severity,
        /// Which.
        findings: Vec<usize>,
    },
    /// Nobody rated these findings, so that they cannot be said to be below the threshold.
    Unrated {
        /// The threshold.
        threshold: Severity,
        /// Which.
        findings: Vec<usize>,
    },
    /// These meet the expression.
    Meets {
        /// The expression.
        expression: String,
        /// Which.
        findings: Vec<usize>,
    },
    /// There are too many of one severity.
    TooMany {
        /// The severity.
        severity: Severity,
        /// How many are allowed.
        maximum: usize,
        /// Which.
        findings: Vec<usize>,
    },
    /// Packages could not be judged.
    Unjudged {
        /// How many.
        packages: usize,
    },
}

/// Holds a report against thresholds. Only findings that the report shows count.
pub fn gate(report: &Report, thresholds: &Thresholds) -> GateResult {
    let mut failures = Vec::new();
    let fail_on = thresholds.fail_on.as_ref();
    if let Some(expression) = fail_on.filter(|it| it.severity().is_none()) {
        let findings = select(report, |finding| expression.is_met(finding));
        if !findings.is_empty() {
            failures.push(GateFailure::Meets { expression: expression.to_string(), findings });
        }
    }
    if let Some(threshold) = fail_on.and_then(Expression::severity) {
        // Nothing is below `Unknown`, so with it as threshold everything fails.
        let too_severe = select(report, |finding| finding.severity >= threshold);
        if !too_severe.is_empty() {
            failures.push(GateFailure::AtOrAbove { threshold, findings: too_severe });
        }
        let unrated = select(report, |finding| {
            finding.severity == Severity::Unknown && threshold > Severity::Unknown
        });
        if !unrated.is_empty() && !thresholds.allow_unknown {
            failures.push(GateFailure::Unrated { threshold, findings: unrated });
        }
    }
    for (severity, maximum) in thresholds.maximum.iter().rev() {
        let findings = select(report, |finding| finding.severity == *severity);
        if findings.len() > *maximum {
            let (severity, maximum) = (*severity, *maximum);
            failures.push(GateFailure::TooMany { severity, maximum, findings });
        }
    }
    let unjudged: usize = report.scanned.iter().map(|entry| entry.packages - entry.judged).sum();
    if thresholds.fail_on_unjudged && unjudged > 0 {
        failures.push(GateFailure::Unjudged { packages: unjudged });
    }
    GateResult { failures }
}

impl GateFailure {
    /// The findings that are to blame, as places in the report.
    pub fn findings(&self) -> &[usize] {
        match self {
            Self::AtOrAbove { findings, .. }
            | Self::Unrated { findings, .. }
            | Self::Meets { findings, .. }
            | Self::TooMany { findings, .. } => findings,
            Self::Unjudged { .. } => &[],
        }
    }

    /// One line that names the findings.
    pub fn describe(&self, report: &Report) -> String {
        let mut line = match self {
            Self::AtOrAbove { threshold, findings } => {
                format!("{} at or above {threshold}", count(findings.len()))
            }
            Self::Unrated { findings, .. } => {
                format!("{} of UNKNOWN severity, which may be any", count(findings.len()))
            }
            Self::Meets { expression, findings } => {
                format!("{} where {expression}", count(findings.len()))
            }
            Self::TooMany { severity, maximum, findings } => {
                format!("{} of severity {severity}, {maximum} allowed", count(findings.len()))
            }
            Self::Unjudged { packages: 1 } => "1 package could not be judged".to_owned(),
            Self::Unjudged { packages } => format!("{packages} packages could not be judged"),
        };
        let findings = self.findings();
        for (position, place) in findings.iter().take(NAMED_MAX).enumerate() {
            line.push_str(if position == 0 { ": " } else { ", " });
            if let Some(finding) = report.findings.get(*place) {
                line.push_str(&name(finding));
            }
        }
        if findings.len() > NAMED_MAX {
            let _ = write!(line, " and {} more", findings.len() - NAMED_MAX);
        }
        line
    }

    /// The upgrade that repairs most of what is to blame.
    pub fn hint(&self, report: &Report) -> Option<String> {
        let blamed: Vec<&Finding> =
            self.findings().iter().filter_map(|place| report.findings.get(*place)).collect();
        let concerns = |name: &String, from: &String| {
            let is_it = |finding: &&&Finding| {
                finding.package.name == *name && finding.package.version == *from
            };
            blamed.iter().filter(is_it).count()
        };
        let best = report
            .remedies
            .iter()
            .map(|remedy| {
                let names = remedy.packages.iter();
                (names.map(|name| concerns(name, &remedy.from)).sum::<usize>(), remedy)
            })
            .filter(|(concerned, _)| *concerned > 0)
            // Of equals the first is the best.
            .rev()
            .max_by_key(|(concerned, _)| *concerned);
        match best {
            Some((_, remedy)) => Some(format!(
                "upgrade `{}` from {} to {}: that repairs {}",
                remedy.name,
                remedy.from,
                remedy.to,
                count(remedy.repairs)
            )),
            None if blamed.is_empty() => None,
            None => Some(
                "no version repairs these: remove the package, answer for them in an ignore file, or change `--fail-on`".to_owned(),
            ),
        }
    }
}

// Places of some findings, worst first.
fn select(report: &Report, is_selected: impl Fn(&Finding) -> bool) -> Vec<usize> {
    let findings = report.findings.iter().enumerate();
    let mut places: Vec<usize> =
        findings.filter(|(_, finding)| is_selected(finding)).map(|(place, _)| place).collect();
    places.sort_by_key(|place| std::cmp::Reverse(report.findings[*place].severity));
    places
}

fn name(finding: &Finding) -> String {
    let package = &finding.package;
    let fix = match finding.fix.version() {
        Some(version) => format!("fixed in {version}"),
        None => "no fix known".to_owned(),
    };
    format!("{} in {} {} ({fix})", finding.id, package.name, package.version)
}

fn count(findings: usize) -> String {
    match findings {
        1 => "1 finding".to_owned(),
        n => format!("{n} findings"),
    }
}

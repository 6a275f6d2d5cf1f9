//! What stands beside findings in every format that has a place for words: how urgent a finding is, who answered for it,
//! which answers are stale, and how old the advisories are.

use std::borrow::Cow;
use std::fmt::Write as _;

use sealift_model::{
    Finding, FixState, Origin, ReleaseLife, Remedy, Report, StaleIgnore, Suppression,
    SuppressionStatus,
};

use crate::text;

const DAY_SECS: i64 = 86_400;
// Most flaws are below this likelihood of being exploited; a number that says nothing is left out.
const EPSS_MILLIONTHS_SHOWN: u32 = 10_000;

/// How many whole days before the report its advisories were put together; `None` if that is not known.
pub(crate) fn age_days(report: &Report) -> Option<i64> {
    let made = report.database.made_secs;
    (made > 0).then(|| (report.created_secs - made).div_euclid(DAY_SECS))
}

/// How old the advisories are, `made 3 days ago`.
pub(crate) fn age(report: &Report) -> Option<String> {
    Some(match age_days(report)? {
        0 => "made less than a day ago".to_owned(),
        1 => "made 1 day ago".to_owned(),
        // A clock that is wrong, or a report of a time that was set; an age would be a lie.
        days if days < 0 => format!("made on {}", date(report.database.made_secs)),
        days => format!("made {days} days ago"),
    })
}

fn date(secs: i64) -> String {
    text::time(secs).chars().take(10).collect()
}

/// What the report rests on, in one line.
pub(crate) fn basis(report: &Report) -> String {
    let database = &report.database;
    let mut line = format!("advisories: {}, {} records", database.source, database.records);
    if let Some(age) = age(report) {
        let _ = write!(line, ", {age}");
    }
    if let Some(newest) = &database.newest_modified {
        let _ = write!(line, ", newest of {}", newest.get(..10).unwrap_or(newest));
    }
    line
}

/// What makes a finding urgent, `exploited by ransomware, EPSS 94 %`; empty if nothing does.
pub(crate) fn urgency(finding: &Finding) -> String {
    let mut parts = Vec::new();
    if let Some(kev) = &finding.kev {
        let by = if kev.is_used_by_ransomware { " by ransomware" } else { "" };
        parts.push(format!("exploited{by}"));
    }
    if let Some(epss) = finding.epss.filter(|epss| epss.score_millionths >= EPSS_MILLIONTHS_SHOWN) {
        parts.push(format!("EPSS {:.0} %", epss.score() * 100.0));
    }
    parts.join(", ")
}

/// Whose layer brought the package; empty if that is not known.
pub(crate) fn origin(finding: &Finding) -> &'static str {
    match finding.origin {
        Origin::Unknown => "",
        Origin::Base => "base",
        Origin::Own => "own",
    }
}

/// The word for an answer, as trivy's JSON has it.
pub(crate) fn status(status: SuppressionStatus) -> &'static str {
    match status {
        SuppressionStatus::Ignored => "ignored",
        SuppressionStatus::NotAffected => "not_affected",
        SuppressionStatus::Fixed => "fixed",
    }
}

/// Who answered for a finding, and what they say.
pub(crate) fn answer(by: &Suppression) -> String {
    let mut line = match by.status {
        SuppressionStatus::Ignored => format!("ignored by {}", by.place),
        other => format!("{} according to {}", status(other).replace('_', " "), by.place),
    };
    let reasons = by.reason.iter().chain(&by.justification).map(String::as_str);
    let reasons: Vec<&str> = reasons.filter(|reason| !reason.is_empty()).collect();
    if !reasons.is_empty() {
        let _ = write!(line, ": {}", reasons.join(", "));
    }
    let mut limits: Vec<String> = by.owner.iter().cloned().collect();
    limits.extend(by.expires.as_ref().map(|day| format!("until {day}")));
    if !limits.is_empty() {
        let _ = write!(line, " ({})", limits.join(", "));
    }
    line
}

/// Why an entry of an ignore file has no effect.
pub(crate) fn stale(entry: &StaleIgnore) -> String {
    match &entry.expired {
        Some(day) => format!("{}: {} expired on {day}", entry.place, entry.id),
        None => format!("{}: {} ignores nothing", entry.place, entry.id),
    }
}

/// How long the release is supported.
pub(crate) fn life(life: &ReleaseLife) -> String {
    let extended = life.extended_ends.as_ref();
    let extended = extended.map(|day| format!(" (extended support until {day})"));
    let extended = extended.unwrap_or_default();
    let (release, ends) = (&life.release, &life.ends);
    if life.is_over {
        let warning = "the findings may be incomplete";
        format!("{release} is no longer supported since {ends}{extended}; {warning}")
    } else {
        format!("{release} is supported until {ends}{extended}")
    }
}

/// The version that repairs it, or what its publisher says of that, for a column.
pub(crate) fn fixed(finding: &Finding) -> Cow<'_, str> {
    match &finding.fix {
        FixState::Subscription(version) => Cow::Owned(format!("{version} (subscription)")),
        fix => match fix.version() {
            Some(version) => Cow::Borrowed(version),
            None => Cow::Owned(fix.as_str().replace('_', " ")),
        },
    }
}

/// An upgrade and what it repairs, in one line.
pub(crate) fn remedy(remedy: &Remedy) -> String {
    let mut line = format!("upgrade {} from {} to {}", remedy.name, remedy.from, remedy.to);
    if remedy.packages.len() > 1 {
        let _ = write!(line, " ({})", remedy.packages.join(", "));
    }
    let plural = if remedy.repairs == 1 { "" } else { "s" };
    let _ = write!(line, ": repairs {} finding{plural}, worst {}", remedy.repairs, remedy.severity);
    line
}

/// What the base image brought, and what others would change; a line each.
pub(crate) fn base(report: &Report) -> Vec<String> {
    let Some(base) = &report.base else { return Vec::new() };
    let all = report.findings.len();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let mut lines = vec![format!(
        "base image {}, {} layer{}: {} of {all} finding{}",
        base.name,
        base.layers,
        plural(base.layers),
        base.findings,
        plural(all)
    )];
    lines.extend(base.choices.iter().map(|choice| {
        format!(
            "  with {} in its place: repairs {}, brings {}",
            choice.name, choice.repairs, choice.brings
        )
    }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let check = |made_secs: i64, expected: Option<&str>| {
            let mut report = Report { created_secs: 1_600_000_000, ..Report::default() };
            report.database.made_secs = made_secs;
            assert_eq!(age(&report).as_deref(), expected);
        };
        check(0, None);
        check(1_600_000_000, Some("made less than a day ago"));
        check(1_600_000_000 - DAY_SECS, Some("made 1 day ago"));
        check(1_600_000_000 - 4 * DAY_SECS + 1, Some("made 3 days ago"));
        check(1_600_000_001, Some("made on 2020-09-13"));
    }
}

//! How urgent a finding is, in one number.

use std::cmp::Reverse;

use sealift_model::{Finding, RatingBasis, Report, Severity};

/// How urgent a finding is: a number from 0 to 100, and what goes before that number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Risk {
    /// True if the flaw is known to be exploited.
    is_exploited: bool,
    /// Millionths of the number: how likely an attack is, times how bad it would be.
    pub(crate) millionths: u64,
    severity: Severity,
}

/// How likely an attack is (certain if it is known to happen, else EPSS) times how bad it would be (the level and the CVSS
/// scores, half and half), with a little more for what is exploited and for what is used to extort. Grype counts so too.
pub(crate) fn risk(finding: &Finding) -> Risk {
    let threat_millionths = match (&finding.kev, &finding.epss) {
        (Some(_), _) => 1_000_000,
        (None, Some(epss)) => u64::from(epss.score_millionths),
        (None, None) => 0,
    };
    let level_tenths: u64 = match finding.severity {
        Severity::Critical | Severity::Unknown => 90,
        Severity::High => 75,
        Severity::Medium => 50,
        Severity::Low => 30,
        Severity::Negligible => 5,
    };
    let scores: Vec<u64> = finding
        .ratings
        .iter()
        .filter_map(|rating| match &rating.basis {
            RatingBasis::Cvss(cvss) => Some(u64::from(cvss.score_tenths)),
            _ => None,
        })
        .collect();
    let mean = scores.iter().sum::<u64>().checked_div(scores.len() as u64);
    let bad_tenths = mean.map_or(level_tenths, |mean| u64::midpoint(mean, level_tenths));
    let weight_percent = match &finding.kev {
        Some(kev) if kev.is_used_by_ransomware => 110,
        Some(_) => 105,
        None => 100,
    };
    // Both factors are shares of one: threat in millionths, badness in hundredths.
    let millionths = (threat_millionths * bad_tenths * weight_percent / 100).min(100_000_000);
    let severity = match finding.severity {
        Severity::Unknown => Severity::Critical,
        other => other,
    };
    Risk { is_exploited: finding.kev.is_some(), millionths, severity }
}

/// Puts the findings of a report in the order of their urgency: what is exploited first, then by the number, then by
/// severity; equals stay as they are.
pub fn sort_by_risk(report: &mut Report) {
    report.findings.sort_by_key(|finding| Reverse(risk(finding)));
}

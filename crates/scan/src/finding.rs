//! What a finding says, gathered from all that was read on its flaw.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use sealift_advisory::{Advisories, VulnerabilityId, data_source, primary_url};
use sealift_model::{
    Advisory, Finding, FixState, FoundPackage, Package, PackageId, Rating, RatingBasis,
};
use sealift_version::Range;

use crate::candidate::{Candidate, fixed_version};
use crate::ecosystem::Question;

const TITLE_CHARS_MAX: usize = 120;
const REFERENCES_MAX: usize = 50;

/// The finding on one flaw in one package; `ranges` are all that was read on the flaw and the package.
pub(crate) fn finding(
    advisories: &Advisories,
    id: VulnerabilityId,
    candidates: &[Candidate<'_>],
    ranges: &[&Range],
    package: FoundPackage,
    question: &Question<'_>,
) -> Finding {
    let vulnerability = advisories.vulnerability(id);
    // The matched advisories speak first, the others add to it.
    let mut records: Vec<&Advisory> = Vec::new();
    for record in candidates.iter().map(|candidate| candidate.hit.advisory) {
        if !records.iter().any(|known| std::ptr::eq(*known, record)) {
            records.push(record);
        }
    }
    let matched: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    for record in advisories.records_on(id) {
        if speaks_of_one(record) && !records.iter().any(|known| std::ptr::eq(*known, record)) {
            records.push(record);
        }
    }
    let ratings = ratings(candidates, &records);
    let rating = ratings.first();
    Finding {
        id: vulnerability.id.clone(),
        aliases: vulnerability.aliases.clone(),
        advisories: distinct(matched.iter()),
        fix: fix_state(candidates, ranges),
        severity: rating.map_or_else(Default::default, |rating| rating.severity),
        severity_source: rating.map(|rating| rating.source.clone()),
        title: title(&records, &package.name),
        description: records.iter().find_map(|record| record.details.clone()),
        cwes: distinct(records.iter().flat_map(|record| &record.cwes)),
        primary_url: primary_url(&question.ecosystem.name, &vulnerability.id),
        references: references(&records),
        published: records.iter().filter_map(|record| record.published.clone()).min(),
        modified: records.iter().filter_map(|record| record.modified.clone()).max(),
        data_source: data_source(matched.first().map_or("", String::as_str)),
        reasons: candidates.iter().map(|candidate| candidate.reason.clone()).collect(),
        ratings,
        package,
    }
}

/// The package as a finding names it.
pub(crate) fn found(id: PackageId, package: &Package, question: &Question<'_>) -> FoundPackage {
    FoundPackage {
        id,
        kind: package.kind,
        name: package.name.clone(),
        version: package.version.clone().unwrap_or_else(|| question.version.to_owned()),
        source_name: question.source_name.map(str::to_owned),
        purl: package.purl.to_string(),
        path: package.evidence.first().map(|evidence| evidence.path.clone()),
        layer: package.introduced_by.clone(),
    }
}

// A distribution's advisory with many CVEs says nothing of a single one.
fn speaks_of_one(record: &Advisory) -> bool {
    let cves = std::iter::once(&record.id).chain(&record.aliases).chain(&record.upstream);
    cves.filter(|id| id.starts_with("CVE-")).collect::<BTreeSet<_>>().len() <= 1
}

fn fix_state(candidates: &[Candidate<'_>], ranges: &[&Range]) -> FixState {
    if let Some(fixed) = fixed_version(candidates, ranges) {
        return FixState::Fixed(fixed.to_string());
    }
    if candidates.iter().any(|candidate| candidate.hit.affected.is_end_of_life) {
        return FixState::EndOfLife;
    }
    FixState::Affected
}

// All ratings, the one that counts first: the distribution's word on its own package, then vectors, newest standard
// first, then words; of equals the worst.
fn ratings(candidates: &[Candidate<'_>], records: &[&Advisory]) -> Vec<Rating> {
    let of_package = candidates.iter().flat_map(|candidate| &candidate.hit.affected.ratings);
    let of_flaw = records.iter().flat_map(|record| &record.ratings);
    let mut ratings: Vec<Rating> = of_package.chain(of_flaw).cloned().collect();
    let rank = |rating: &Rating| match &rating.basis {
        RatingBasis::Distribution => (0, None),
        RatingBasis::Cvss(cvss) => (1, Some(cvss.version)),
        RatingBasis::Word => (2, None),
    };
    ratings.sort_by(|left, right| {
        let key = |rating: &Rating| {
            let (class, version) = rank(rating);
            (class, Reverse(version), Reverse(rating.severity))
        };
        (key(left), left).cmp(&(key(right), right))
    });
    ratings.dedup();
    ratings
}

fn title(records: &[&Advisory], package_name: &str) -> String {
    let first_line = |text: &String| {
        let line = text.trim().lines().next().unwrap_or_default().trim();
        (!line.is_empty()).then(|| line.to_owned())
    };
    let summary = records.iter().find_map(|record| record.summary.as_ref().and_then(first_line));
    let sentence = || {
        let line =
            records.iter().find_map(|record| record.details.as_ref().and_then(first_line))?;
        Some(line.split_once(". ").map_or(line.clone(), |(sentence, _)| sentence.to_owned()))
    };
    let title = summary
        .or_else(sentence)
        .unwrap_or_else(|| format!("known vulnerability in {package_name}"));
    if title.chars().count() <= TITLE_CHARS_MAX {
        return title;
    }
    let mut cut: String = title.chars().take(TITLE_CHARS_MAX - 1).collect();
    cut.push('…');
    cut
}

fn references(records: &[&Advisory]) -> Vec<String> {
    let mut references = distinct(records.iter().flat_map(|record| &record.references));
    references.truncate(REFERENCES_MAX);
    references
}

fn distinct<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    let all: BTreeSet<&String> = texts.collect();
    all.into_iter().cloned().collect()
}

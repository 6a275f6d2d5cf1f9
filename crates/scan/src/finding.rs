//! What a finding says, gathered from all that was read on its flaw.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use sealift_advisory::{data_source, primary_url};
use sealift_database::{Damaged, Database, FlawId, Record, RecordId, Text};
use sealift_model::{
    Finding, FixState, FoundPackage, Origin, Package, PackageId, Rating, RatingBasis, Statement,
};

use crate::candidate::{Saying, fixed_version};
use crate::ecosystem::Question;

const TITLE_CHARS_MAX: usize = 120;
const REFERENCES_MAX: usize = 50;

/// A finding without its texts, and the records that have them, those that matched first.
pub(crate) struct Draft {
    pub(crate) finding: Finding,
    records: Vec<RecordId>,
}

/// The finding on one flaw in one package, by all that is said of both.
pub(crate) fn draft(
    database: &Database,
    id: FlawId,
    sayings: &[&Saying<'_>],
    package: FoundPackage,
    question: &Question<'_>,
) -> Result<Draft, Damaged> {
    let flaw = database.flaw(id)?;
    // The matched records speak first, the others add to them.
    let hits = || sayings.iter().filter_map(|saying| Some((saying, saying.hit.as_ref()?)));
    let mut ids: Vec<RecordId> = Vec::new();
    let mut records: Vec<Record> = Vec::new();
    for (saying, _) in hits() {
        let id = RecordId(saying.row.record);
        if !ids.contains(&id) {
            ids.push(id);
            records.push(saying.record.clone());
        }
    }
    let matched: Vec<String> = records.iter().map(|record| record.id.clone()).collect();
    for id in &flaw.records {
        if !ids.contains(id) {
            let record = database.record(*id)?;
            // A record on many flaws says nothing of a single one.
            if record.flaws.len() <= 1 {
                ids.push(*id);
                records.push(record);
            }
        }
    }
    let ratings = ratings(sayings, &records, matched.len());
    let rating = ratings.first();
    let finding = Finding {
        primary_url: primary_url(&question.ecosystem.name, &flaw.id),
        id: flaw.id,
        aliases: flaw.aliases,
        advisories: distinct(matched.iter()),
        fix: fix_state(sayings),
        severity: rating.map_or_else(Default::default, |rating| rating.severity),
        severity_source: rating.map(|rating| rating.source.clone()),
        kev: flaw.kev,
        epss: flaw.epss,
        title: String::new(),
        description: None,
        cwes: Vec::new(),
        references: Vec::new(),
        published: None,
        modified: None,
        data_source: data_source(matched.first().map_or("", String::as_str)),
        reasons: hits().map(|(_, hit)| hit.reason.clone()).collect(),
        origin: Origin::Unknown,
        ratings,
        package,
    };
    Ok(Draft { finding, records: ids })
}

impl Draft {
    /// The finding with its texts, which are read now, if they are wanted.
    pub(crate) fn finish(self, texts: Option<&Database>) -> Result<Finding, Damaged> {
        let Self { mut finding, records } = self;
        let Some(database) = texts else { return Ok(finding) };
        let texts: Vec<Text> =
            records.into_iter().map(|id| database.text(id)).collect::<Result<_, Damaged>>()?;
        finding.title = title(&texts, &finding.package.name);
        finding.description = texts.iter().find_map(|text| text.details.clone());
        finding.cwes = distinct(texts.iter().flat_map(|text| &text.cwes));
        finding.references = distinct(texts.iter().flat_map(|text| &text.references));
        finding.references.truncate(REFERENCES_MAX);
        finding.published = texts.iter().filter_map(|text| text.published.clone()).min();
        finding.modified = texts.iter().filter_map(|text| text.modified.clone()).max();
        Ok(finding)
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

fn fix_state(sayings: &[&Saying<'_>]) -> FixState {
    let (paid, plain): (Vec<&Saying<'_>>, Vec<&Saying<'_>>) =
        sayings.iter().partition(|saying| saying.table.is_subscription);
    if let Some(fixed) = fixed_version(&plain) {
        return FixState::Fixed(fixed.to_string());
    }
    if let Some(fixed) = fixed_version(&paid) {
        return FixState::Subscription(fixed.to_string());
    }
    let hits = sayings.iter().filter(|saying| saying.hit.is_some());
    let said: BTreeSet<Statement> = hits.map(|saying| saying.row.statement).collect();
    let states = [
        (Statement::EndOfLife, FixState::EndOfLife),
        (Statement::WillNotFix, FixState::WillNotFix),
        (Statement::Deferred, FixState::Deferred),
        (Statement::Affected, FixState::Affected),
        (Statement::UnderInvestigation, FixState::UnderInvestigation),
    ];
    let found = states.into_iter().find(|(statement, _)| said.contains(statement));
    found.map_or(FixState::Affected, |(_, state)| state)
}

// All ratings, the one that counts first: the distribution's word on its own package, then vectors, newest standard
// first, then words; of equals the worst.
fn ratings(sayings: &[&Saying<'_>], records: &[Record], n_matched: usize) -> Vec<Rating> {
    let hits = sayings.iter().filter(|saying| saying.hit.is_some());
    let of_package = hits.flat_map(|saying| &saying.row.ratings);
    let (matched, others) = records.split_at(n_matched.min(records.len()));
    let of_flaw = matched.iter().flat_map(|record| &record.ratings);
    // What one distribution says of its packages says nothing of another's.
    let of_others = others.iter().flat_map(|record| &record.ratings);
    let of_others = of_others.filter(|rating| rating.basis != RatingBasis::Distribution);
    let mut ratings: Vec<Rating> = of_package.chain(of_flaw).chain(of_others).cloned().collect();
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

fn title(texts: &[Text], package_name: &str) -> String {
    let first_line = |text: &String| {
        let line = text.trim().lines().next().unwrap_or_default().trim();
        (!line.is_empty()).then(|| line.to_owned())
    };
    let summary = texts.iter().find_map(|text| text.summary.as_ref().and_then(first_line));
    let sentence = || {
        let line = texts.iter().find_map(|text| text.details.as_ref().and_then(first_line))?;
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

fn distinct<'a>(texts: impl Iterator<Item = &'a String>) -> Vec<String> {
    let all: BTreeSet<&String> = texts.collect();
    all.into_iter().cloned().collect()
}

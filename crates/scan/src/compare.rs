//! What has changed since an older image, or since an older report.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{Comparison, Finding, Inventory, Novelty, PackageKind, Report};

/// What was found before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// What it was found in.
    pub name: String,
    /// When, in seconds since 1970.
    pub created_secs: i64,
    /// The findings.
    pub findings: Vec<Finding>,
    /// All packages with their versions, if they are known and not only those that have findings.
    pub packages: Option<BTreeSet<(PackageKind, String, String)>>,
}

impl Earlier {
    /// An older image, judged by the same advisories.
    pub fn of_image(inventory: &Inventory, report: Report) -> Self {
        let versioned = |(_, package): (_, &sealift_model::Package)| {
            let version = package.version.clone()?;
            Some((package.kind, package.name.clone(), version))
        };
        Self {
            name: report.artifact.name,
            created_secs: report.created_secs,
            findings: report.findings,
            packages: Some(inventory.components().filter_map(versioned).collect()),
        }
    }

    // A flaw that became known later did not come with the package. A report that does not list all packages still has
    // those with findings, and the day on which it was made.
    fn novelty(&self, finding: &Finding) -> Novelty {
        let package = &finding.package;
        let is_known = self.packages.as_ref().map(|packages| {
            packages.contains(&(package.kind, package.name.clone(), package.version.clone()))
        });
        let is_it = |old: &Finding| {
            (&old.package.name, &old.package.version) == (&package.name, &package.version)
        };
        let is_younger = || {
            let published = finding.published.as_deref().and_then(seconds);
            published.is_some_and(|published| published > self.created_secs)
        };
        let had_it = is_known.unwrap_or_else(|| self.findings.iter().any(is_it) || is_younger());
        if had_it { Novelty::Disclosed } else { Novelty::Introduced }
    }
}

fn seconds(date: &str) -> Option<i64> {
    date.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

/// Fills `Report::comparison`. A flaw is the same by any of its ids, in the same package of whatever version, wherever it
/// lies; of several packages of one name as many are left as both have.
pub fn compare(report: &mut Report, earlier: &Earlier) {
    let mut before: BTreeMap<(PackageKind, &str, &str), Vec<usize>> = BTreeMap::new();
    for (place, old) in earlier.findings.iter().enumerate() {
        for id in std::iter::once(&old.id).chain(&old.aliases) {
            let package = &old.package;
            before.entry((package.kind, &package.name, id)).or_default().push(place);
        }
    }
    let mut is_left = vec![false; earlier.findings.len()];
    let mut comparison = Comparison { old_name: earlier.name.clone(), ..Comparison::default() };
    for (place, finding) in report.findings.iter().enumerate() {
        let package = &finding.package;
        let ids = std::iter::once(&finding.id).chain(&finding.aliases);
        let same: Vec<usize> = ids
            .filter_map(|id| before.get(&(package.kind, package.name.as_str(), id.as_str())))
            .flatten()
            .copied()
            .collect();
        if same.is_empty() {
            comparison.new.push((place, earlier.novelty(finding)));
        } else {
            comparison.left.push(place);
            // An older image may have the package twice; both are gone only if none is left.
            for old in same {
                is_left[old] = true;
            }
        }
    }
    let gone = earlier.findings.iter().zip(is_left).filter(|(_, is_left)| !is_left);
    comparison.fixed = gone.map(|(old, _)| old.clone()).collect();
    report.comparison = Some(comparison);
}

/// Leaves out of a report that was compared what is not new; it is counted.
pub fn only_new(report: &mut Report) {
    let Some(comparison) = &mut report.comparison else { return };
    let places: BTreeSet<usize> = comparison.new.iter().map(|(place, _)| *place).collect();
    let mut place = 0;
    let before = report.findings.len();
    report.findings.retain(|_| {
        place += 1;
        places.contains(&(place - 1))
    });
    report.hidden.known += before - report.findings.len();
    comparison.left.clear();
    for (place, (new, _)) in comparison.new.iter_mut().enumerate() {
        *new = place;
    }
    let known: Vec<_> = std::mem::take(&mut report.remedies)
        .into_iter()
        .filter_map(|remedy| Some((remedy.layer?, remedy.instruction?)))
        .collect();
    report.remedies = crate::remedy::remedies(&report.findings, |layer| {
        let same = known.iter().find(|(known, _)| known == layer);
        same.map(|(_, instruction)| instruction.clone())
    });
}

//! The matching.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use sealift_advisory::{Advisories, VulnerabilityId};
use sealift_model::{
    Artifact, Finding, Hidden, Inventory, Note, Package, PackageId, Report, Scanned, Scope,
    Severity,
};
use sealift_version::{Range, Version};

use crate::Options;
use crate::candidate::{Candidate, Entry, candidate, entry};
use crate::ecosystem::question;
use crate::finding::{finding, found};
use crate::remedy::remedies;

// Packages named in one note.
const NAMED_MAX: usize = 5;

/// Judges every package of an inventory that is a component of its own: what a distribution's package brought is judged
/// by the distribution's advisories, with that package.
pub fn scan(
    inventory: &Inventory,
    advisories: &Advisories,
    options: &Options,
    artifact: Artifact,
    created_secs: i64,
) -> Report {
    let mut report = Report {
        artifact,
        created_secs,
        distro: inventory.distro.clone(),
        database: advisories.info().clone(),
        notes: inventory.notes.clone(),
        ..Report::default()
    };
    let mut scanned: BTreeMap<_, Scanned> = BTreeMap::new();
    let mut unjudged: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    // A test's data never runs, and what a lock file merely names may not be there at all.
    let judged = inventory
        .components()
        .filter(|(_, package)| !matches!(package.scope, Scope::TestData | Scope::Declared));
    for (id, package) in judged {
        let entry = scanned.entry(package.kind).or_insert(Scanned {
            kind: package.kind,
            packages: 0,
            judged: 0,
        });
        entry.packages += 1;
        match judge(id, package, inventory, advisories, &mut report.notes) {
            Ok(mut findings) => {
                entry.judged += 1;
                report.findings.append(&mut findings);
            }
            Err(reason) => unjudged.entry(reason).or_default().push(&package.name),
        }
    }
    report.scanned = scanned.into_values().collect();
    report.notes.extend(unjudged.into_iter().map(unjudged_note));
    report.notes.sort();
    report.notes.dedup();
    report.hidden = hide(&mut report.findings, options);
    report.findings.sort_by(|left, right| order(left).cmp(&order(right)));
    report.remedies = remedies(&report.findings);
    report
}

fn judge(
    id: PackageId,
    package: &Package,
    inventory: &Inventory,
    advisories: &Advisories,
    notes: &mut Vec<Note>,
) -> Result<Vec<Finding>, String> {
    let question = question(package, inventory.distro.as_ref())?;
    if !advisories.knows(&question.ecosystem) {
        return Err(format!("there are no advisories for {}", question.ecosystem));
    }
    let installed =
        Version::parse(question.scheme, question.version).map_err(|error| error.to_string())?;
    let entries: Vec<Entry<'_>> = advisories
        .lookup(&question.ecosystem, &question.name)
        .into_iter()
        .map(|hit| entry(hit, question.scheme, notes))
        .collect();
    let mut flaws: BTreeMap<VulnerabilityId, Vec<Candidate<'_>>> = BTreeMap::new();
    for entry in &entries {
        for flaw in entry.hit.vulnerabilities {
            if let Some(candidate) = candidate(entry, &question, &installed) {
                flaws.entry(*flaw).or_default().push(candidate);
            }
        }
    }
    let found = found(id, package, &question);
    let finding = |(flaw, candidates): (VulnerabilityId, Vec<Candidate<'_>>)| {
        let concerned = entries.iter().filter(|entry| entry.hit.vulnerabilities.contains(&flaw));
        let ranges: Vec<&Range> = concerned.flat_map(|entry| &entry.ranges).collect();
        finding(advisories, flaw, &candidates, &ranges, found.clone(), &question)
    };
    Ok(flaws.into_iter().map(finding).collect())
}

fn unjudged_note((reason, names): (String, Vec<&str>)) -> Note {
    let named = names[..names.len().min(NAMED_MAX)].join(", ");
    let subject = match names.len() {
        n if n > NAMED_MAX => format!("{named} and {} more packages", n - NAMED_MAX),
        _ => named,
    };
    Note { subject, message: format!("not judged: {reason}") }
}

fn hide(findings: &mut Vec<Finding>, options: &Options) -> Hidden {
    let mut by_severity: BTreeMap<Reverse<Severity>, usize> = BTreeMap::new();
    let mut unfixed = 0;
    findings.retain(|finding| {
        if !options.severities.is_empty() && !options.severities.contains(&finding.severity) {
            *by_severity.entry(Reverse(finding.severity)).or_default() += 1;
            return false;
        }
        if options.ignore_unfixed && finding.fix.version().is_none() {
            unfixed += 1;
            return false;
        }
        true
    });
    let by_severity =
        by_severity.into_iter().map(|(severity, count)| (severity.0, count)).collect();
    Hidden { by_severity, unfixed }
}

fn order(finding: &Finding) -> impl Ord + '_ {
    let package = &finding.package;
    (
        package.kind,
        &package.name,
        &package.version,
        Reverse(finding.severity),
        &finding.id,
        &package.path,
        package.id,
    )
}

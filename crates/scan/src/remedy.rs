//! Upgrades that repair something.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{Finding, PackageKind, Remedy};
use sealift_version::Version;

/// The upgrades that the findings call for: what repairs the worst first, then what repairs most.
pub(crate) fn remedies(findings: &[Finding]) -> Vec<Remedy> {
    let mut groups: BTreeMap<(PackageKind, &str, &str), Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| finding.fix.version().is_some()) {
        let package = &finding.package;
        let name = package.source_name.as_deref().unwrap_or(&package.name);
        groups.entry((package.kind, name, &package.version)).or_default().push(finding);
    }
    let mut remedies: Vec<Remedy> = groups
        .into_iter()
        .filter_map(|((kind, name, from), findings)| {
            let packages: BTreeSet<&String> =
                findings.iter().map(|finding| &finding.package.name).collect();
            Some(Remedy {
                kind,
                name: name.to_owned(),
                packages: packages.into_iter().cloned().collect(),
                from: from.to_owned(),
                to: highest(&findings)?,
                repairs: findings.len(),
                severity: findings.iter().map(|finding| finding.severity).max()?,
            })
        })
        .collect();
    // A stable sort: equals stay in the order of kind and name.
    remedies.sort_by_key(|remedy| (Reverse(remedy.severity), Reverse(remedy.repairs)));
    remedies
}

fn highest(findings: &[&Finding]) -> Option<String> {
    let reason = findings.iter().find_map(|finding| finding.reasons.first())?;
    let scheme = sealift_database::scheme(&reason.ecosystem.name)?;
    let fixes = findings.iter().filter_map(|finding| finding.fix.version());
    let highest = fixes.filter_map(|text| Version::parse(scheme, text).ok()).max()?;
    Some(highest.to_string())
}

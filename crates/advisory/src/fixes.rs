//! Repairs that a publisher names for each processor, as entries.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{Affected, Ecosystem, Qualifier, QualifierKind, RangeEvent, Rating};

/// A repaired package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fix {
    pub(crate) ecosystem: Ecosystem,
    pub(crate) name: String,
    /// The module that it is part of.
    pub(crate) module: Option<String>,
    /// The version that has the repair.
    pub(crate) version: String,
    /// The processor, if the repair is for one.
    pub(crate) architecture: Option<String>,
}

/// The entries on these repairs. A condition on the processor is only where processors differ.
pub(crate) fn affected(fixes: Vec<Fix>, rating: Option<&Rating>) -> Vec<Affected> {
    type Key = (Ecosystem, String, Option<String>);
    let mut packages: BTreeMap<Key, BTreeMap<Option<String>, BTreeSet<String>>> = BTreeMap::new();
    for fix in fixes {
        let versions = packages.entry((fix.ecosystem, fix.name, fix.module)).or_default();
        versions.entry(fix.architecture).or_default().insert(plain_epoch(fix.version));
    }
    let mut entries = Vec::new();
    for ((ecosystem, name, module), versions) in packages {
        let mut same: BTreeMap<BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
        let is_one = versions.values().collect::<BTreeSet<_>>().len() == 1;
        for (architecture, versions) in versions {
            same.entry(versions).or_default().extend(architecture.filter(|_| !is_one));
        }
        for (versions, architectures) in same {
            let module = module.iter().map(|value| (QualifierKind::Module, value.clone()));
            let architectures = architectures
                .into_iter()
                .filter(|it| it != "noarch")
                .map(|value| (QualifierKind::Architecture, value));
            let qualifiers = module.chain(architectures);
            entries.push(Affected {
                ecosystem: ecosystem.clone(),
                name: name.clone(),
                ranges: versions.into_iter().map(below).collect(),
                ratings: rating.cloned().into_iter().collect(),
                qualifiers: qualifiers.map(|(kind, value)| Qualifier { kind, value }).collect(),
                ..Affected::default()
            });
        }
    }
    entries
}

/// All versions below this one.
pub(crate) fn below(version: String) -> Vec<RangeEvent> {
    vec![RangeEvent::Introduced("0".to_owned()), RangeEvent::Fixed(version)]
}

/// Without the epoch that is left out elsewhere.
pub(crate) fn plain_epoch(version: String) -> String {
    version.strip_prefix("0:").map(str::to_owned).unwrap_or(version)
}

/// A day as RFC 3339 has it; nothing if it is none.
pub(crate) fn time_of_day(day: &str) -> Option<String> {
    let day = day.get(..10)?;
    crate::kind::is_date(day).then(|| format!("{day}T00:00:00Z"))
}

//! What an exception asks of a finding.

use sealift_model::{Finding, FixState, PackageKind, Purl};

use crate::pattern::Pattern;
use crate::subject::Subject;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The flaw: by any of its ids, or by an advisory on it.
    Id(String),
    /// The installed package's name.
    Name(Pattern),
    /// The name of what the package was built from.
    SourceName(Pattern),
    /// The name as advisories have it: of a distribution, the source package's.
    AdvisoryName(Pattern),
    /// The installed version.
    Version(String),
    /// What installs it.
    Kinds(Vec<PackageKind>),
    /// Whose advisory it is, `Debian` or `Debian:12`.
    Ecosystem(String),
    /// The same as grype names it, `debian:distro:debian:12`.
    Namespace(String),
    /// What is said of a repair, in grype's word.
    FixState(&'static str),
    /// Whether the name that matched is that of the source package.
    Indirect(bool),
    /// One of these package URLs.
    Purls(Vec<Purl>),
    /// Trivy's target or path.
    Path(Pattern),
    /// The path of the file that shows the package.
    Location(Pattern),
}

impl Condition {
    /// Whether it is met.
    pub(crate) fn is_met(&self, finding: &Finding, subject: &Subject) -> bool {
        let package = &finding.package;
        match self {
            Self::Id(id) => ids(finding).any(|known| known == id),
            Self::Name(pattern) => pattern.matches(&package.name),
            Self::SourceName(pattern) => {
                package.source_name.as_ref().is_some_and(|name| pattern.matches(name))
            }
            Self::AdvisoryName(pattern) => {
                finding.reasons.iter().any(|reason| pattern.matches(&reason.matched_name))
            }
            Self::Version(version) => package.version == *version,
            Self::Kinds(kinds) => kinds.contains(&package.kind),
            Self::Ecosystem(text) => finding.reasons.iter().any(|reason| {
                reason.ecosystem.name == *text || reason.ecosystem.to_string() == *text
            }),
            Self::Namespace(text) => {
                finding.reasons.iter().any(|it| namespace(package.kind, &it.ecosystem) == *text)
            }
            Self::FixState(word) => fix_state(&finding.fix) == *word,
            Self::Indirect(expected) => {
                let is_indirect =
                    package.source_name.as_ref().is_some_and(|source| *source != package.name);
                is_indirect == *expected
            }
            Self::Purls(purls) => Purl::parse(&package.purl)
                .is_some_and(|own| purls.iter().any(|purl| covers(purl, &own))),
            Self::Path(pattern) => {
                subject.places(finding).iter().any(|place| pattern.matches(place))
            }
            Self::Location(pattern) => package.path.as_deref().is_some_and(|path| {
                pattern.matches(path) || pattern.matches(path.trim_start_matches('/'))
            }),
        }
    }
}

/// All ids that a finding goes by.
pub(crate) fn ids(finding: &Finding) -> impl Iterator<Item = &String> {
    std::iter::once(&finding.id).chain(&finding.aliases).chain(&finding.advisories)
}

/// Whether a package URL means a package: what it leaves away may be anything, what it has must be the same.
pub(crate) fn covers(purl: &Purl, own: &Purl) -> bool {
    let name = |purl: &Purl| match purl.kind.as_str() {
        "pypi" => purl.name.to_lowercase().replace('_', "-"),
        _ => purl.name.clone(),
    };
    let fits = |wanted: &Option<String>, own: &Option<String>| wanted.is_none() || wanted == own;
    purl.kind == own.kind
        && purl.namespace == own.namespace
        && name(purl) == name(own)
        && fits(&purl.version, &own.version)
        && fits(&purl.subpath, &own.subpath)
        && purl.qualifiers.iter().all(|(key, value)| own.qualifiers.get(key) == Some(value))
}

fn fix_state(fix: &FixState) -> &'static str {
    match fix {
        FixState::Fixed(_) => "fixed",
        FixState::WillNotFix => "wont-fix",
        FixState::UnderInvestigation => "unknown",
        _ => "not-fixed",
    }
}

fn namespace(kind: PackageKind, ecosystem: &sealift_model::Ecosystem) -> String {
    if !kind.is_os() {
        return format!("github:language:{}", crate::grype::language(kind).unwrap_or_default());
    }
    let lower = ecosystem.name.to_lowercase();
    let id = lower.split(' ').next().unwrap_or_default();
    let release = ecosystem.release.as_deref().unwrap_or("rolling");
    let release = release.trim_start_matches('v').split(':').next().unwrap_or_default();
    format!("{id}:distro:{id}:{release}")
}

//! A known flaw in an installed package, and why we say so.

use crate::{Ecosystem, Epss, Kev, LayerRef, PackageId, PackageKind, Rating, Severity};

/// A known flaw in an installed package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The flaw: its CVE id, else its GHSA id, else the advisory's own.
    pub id: String,
    /// Other ids of the flaw.
    pub aliases: Vec<String>,
    /// Advisories that say so.
    pub advisories: Vec<String>,
    /// The package.
    pub package: FoundPackage,
    /// Whether there is a remedy.
    pub fix: FixState,
    /// The level that counts.
    pub severity: Severity,
    /// Who gave that level.
    pub severity_source: Option<String>,
    /// All that was said on how bad it is.
    pub ratings: Vec<Rating>,
    /// That it is known to be exploited.
    pub kev: Option<Kev>,
    /// How likely it is that it will be.
    pub epss: Option<Epss>,
    /// One line.
    pub title: String,
    /// The whole text.
    pub description: Option<String>,
    /// Kinds of weakness.
    pub cwes: Vec<String>,
    /// The page to read first.
    pub primary_url: Option<String>,
    /// Links.
    pub references: Vec<String>,
    /// When the flaw was published, RFC 3339.
    pub published: Option<String>,
    /// When the advisory last changed, RFC 3339.
    pub modified: Option<String>,
    /// Whose advisory it is.
    pub data_source: DataSource,
    /// Why it is a finding, one entry an advisory.
    pub reasons: Vec<Reason>,
    /// Whose layer brought the package.
    pub origin: Origin,
}

/// Whose layer brought a package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// It is not known which layers are the base image's.
    #[default]
    Unknown,
    /// The base image's.
    Base,
    /// One that was built upon it.
    Own,
}

/// A finding that somebody answered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// The finding.
    pub finding: Finding,
    /// The answer.
    pub by: Suppression,
}

/// What somebody says of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// Where it is said: the file, with its line where it has lines, or the document's id.
    pub place: String,
    /// What is said.
    pub status: SuppressionStatus,
    /// Why, in words.
    pub reason: Option<String>,
    /// Why, as VEX has it: `vulnerable_code_not_present`.
    pub justification: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The first day on which it no longer counts.
    pub expires: Option<String>,
}

/// What is said of a suppressed finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SuppressionStatus {
    /// Somebody accepts it: an ignore file.
    Ignored,
    /// The package does not have the flaw, or cannot be attacked through it (VEX).
    NotAffected,
    /// It is repaired there (VEX).
    Fixed,
}

/// The package that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundPackage {
    /// Its place in the inventory.
    pub id: PackageId,
    /// What installs it.
    pub kind: PackageKind,
    /// Name.
    pub name: String,
    /// Installed version.
    pub version: String,
    /// Its source package, where the advisory is about that.
    pub source_name: Option<String>,
    /// Package URL.
    pub purl: String,
    /// The file that shows it.
    pub path: Option<String>,
    /// The layer that brought it.
    pub layer: Option<LayerRef>,
}

/// Whether there is a remedy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FixState {
    /// This version repairs it.
    Fixed(String),
    /// This version repairs it, and only those who pay for longer support get it.
    Subscription(String),
    /// No version is known that repairs it.
    Affected,
    /// Nobody looks after this package any more.
    EndOfLife,
    /// Its distribution will not repair it.
    WillNotFix,
    /// Its distribution will repair it some time.
    Deferred,
    /// It is not known yet whether the package has the flaw.
    UnderInvestigation,
}

impl FixState {
    /// The version that repairs it, for everybody.
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::Fixed(version) => Some(version),
            _ => None,
        }
    }

    /// The word for it, as trivy's JSON has it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Fixed(_) => "fixed",
            // Trivy has no word of its own for what is repaired for some.
            Self::Affected | Self::Subscription(_) => "affected",
            Self::EndOfLife => "end_of_life",
            Self::WillNotFix => "will_not_fix",
            Self::Deferred => "fix_deferred",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

/// Whose advisory it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataSource {
    /// Short name, `debian`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Its page.
    pub url: String,
}

/// Why an advisory makes a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The advisory.
    pub advisory: String,
    /// The ecosystem it speaks for.
    pub ecosystem: Ecosystem,
    /// The name that matched: the package's own, or its source package's.
    pub matched_name: String,
    /// The version that was compared.
    pub installed: String,
    /// How versions were ordered, `dpkg`.
    pub comparator: &'static str,
    /// The affected versions, `>= 2.3.0, < 2.3.2`.
    pub range: String,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{} says that {} {} is affected in {}; installed is {} ({} order)",
            self.advisory,
            self.ecosystem,
            self.matched_name,
            self.range,
            self.installed,
            self.comparator
        )
    }
}

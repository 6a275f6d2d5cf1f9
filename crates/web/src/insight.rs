//! What is known of an image besides its bytes. The pages show it and do not find it out: who does is plugged in.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use sealift_depot::Target;
use sealift_oci::{Digest, RepositoryName};

/// Somebody who knows more of images.
pub trait Insight: Send + Sync {
    /// What came of examining an image; `None` if it was not examined.
    fn summary<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Option<Summary>>;

    /// How its findings changed, oldest first.
    fn history<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Vec<(Timestamp, Counts)>>;

    /// Its packages and findings.
    fn details<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Option<Details>>;

    /// Who signed it, as far as that can be proved here.
    fn signatures<'a>(
        &'a self,
        repository: &'a RepositoryName,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Vec<Signature>>;

    /// What a pull of it would be told now.
    fn verdict<'a>(
        &'a self,
        repository: &'a RepositoryName,
        target: &'a Target,
    ) -> BoxFuture<'a, Option<Verdict>>;
}

/// How many findings of each severity there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Critical ones.
    pub critical: usize,
    /// High ones.
    pub high: usize,
    /// Medium ones.
    pub medium: usize,
    /// Low ones.
    pub low: usize,
    /// Ones that nobody rated.
    pub unknown: usize,
    /// Secrets.
    pub secrets: usize,
}

impl Counts {
    pub(crate) fn all(&self) -> usize {
        self.critical + self.high + self.medium + self.low + self.unknown
    }

    /// Severities, worst first, with their counts.
    pub(crate) fn by_severity(&self) -> [(&'static str, usize); 5] {
        [
            ("critical", self.critical),
            ("high", self.high),
            ("medium", self.medium),
            ("low", self.low),
            ("unknown", self.unknown),
        ]
    }

    /// The larger of each.
    pub(crate) fn worse(&self, other: &Self) -> Self {
        Self {
            critical: self.critical.max(other.critical),
            high: self.high.max(other.high),
            medium: self.medium.max(other.medium),
            low: self.low.max(other.low),
            unknown: self.unknown.max(other.unknown),
            secrets: self.secrets.max(other.secrets),
        }
    }
}

/// What came of examining an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// When.
    pub examined: Timestamp,
    /// One word: `passed`, `failed`, `listed`, `unreadable`.
    pub status: &'static str,
    /// Why, if it did not pass.
    pub reason: Option<String>,
    /// Findings.
    pub counts: Counts,
    /// Packages.
    pub packages: usize,
}

/// Packages and findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// Packages, by kind and name.
    pub packages: Vec<Package>,
    /// Findings, worst first.
    pub findings: Vec<Finding>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Kind, as in its purl.
    pub kind: String,
    /// Licence.
    pub license: String,
    /// The layer that brought it, from 1.
    pub layer: Option<usize>,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub id: String,
    /// `critical`, `high`, `medium`, `low`, `unknown`.
    pub severity: String,
    /// The package that has it.
    pub package: String,
    /// The version of it that is there.
    pub version: String,
    /// The version that repairs it.
    pub fixed: Option<String>,
    /// One line.
    pub title: String,
    /// The page to read about it.
    pub url: Option<String>,
    /// Whether it is known to be exploited.
    pub is_exploited: bool,
    /// How likely it is that it will be, in thousandths.
    pub likelihood: Option<u16>,
}

/// A signature or an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `signature`, or what is attested.
    pub what: String,
    /// By whom: the name of a key, an identity.
    pub by: String,
    /// When, if it says so.
    pub at: Option<Timestamp>,
    /// Whether it was proved by a key that is trusted here.
    pub is_proved: bool,
}

/// What a pull would be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused: gate, message, remedy.
    pub reasons: Vec<(String, String, String)>,
    /// What is said beside.
    pub warnings: Vec<String>,
    /// Whether refusals are only written down.
    pub is_dry_run: bool,
}

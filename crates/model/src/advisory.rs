//! An advisory as its publisher wrote it, in parts (OSV schema 1.7 is the model).

use std::fmt;

use crate::Severity;

/// One advisory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advisory {
    /// Its id, in its publisher's series: `PYSEC-2018-66`, `DSA-5532-1`.
    pub id: String,
    /// Other ids of the same flaw.
    pub aliases: Vec<String>,
    /// Flaws in other software that this one repairs: a Debian advisory's CVEs.
    pub upstream: Vec<String>,
    /// One line.
    pub summary: Option<String>,
    /// The whole text.
    pub details: Option<String>,
    /// When it was published, RFC 3339.
    pub published: Option<String>,
    /// When it last changed, RFC 3339.
    pub modified: Option<String>,
    /// How bad, as said of the flaw itself.
    pub ratings: Vec<Rating>,
    /// Kinds of weakness, `CWE-79`.
    pub cwes: Vec<String>,
    /// Links.
    pub references: Vec<String>,
    /// Packages that have the flaw.
    pub affected: Vec<Affected>,
    /// True if it is from its publisher's own feed: where a copy of it in another form says otherwise, this one is right.
    pub is_original: bool,
}

/// A package that has a flaw, and in which versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// Whose package.
    pub ecosystem: Ecosystem,
    /// Its name, in the normal form of its ecosystem.
    pub name: String,
    /// Ranges of affected versions, each a list of events in any order.
    pub ranges: Vec<Vec<RangeEvent>>,
    /// Affected versions by name.
    pub versions: Vec<String>,
    /// How bad, as said for this package.
    pub ratings: Vec<Rating>,
    /// What is said of the affected versions.
    pub statement: Statement,
    /// For which builds of the package it holds; empty for all.
    pub qualifiers: Vec<Qualifier>,
}

/// What a publisher says of the versions in an entry's ranges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statement {
    /// They have the flaw.
    #[default]
    Affected,
    /// They have it, and the publisher will not repair it.
    WillNotFix,
    /// They have it, and the publisher will repair it some time.
    Deferred,
    /// They do not have it.
    NotAffected,
    /// It is not known yet.
    UnderInvestigation,
    /// They have it, and the publisher no longer looks after this package.
    EndOfLife,
}

/// A condition on a build of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Qualifier {
    /// What it is about.
    pub kind: QualifierKind,
    /// What that must be; of several of one kind any will do.
    pub value: String,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QualifierKind {
    /// The module of a distribution with such, `nodejs:18`.
    Module,
    /// The processor, as the package's record writes it.
    Architecture,
    /// The product that it was built for, as a CPE.
    Product,
    /// A package of which some functions must be there, `net/http:Get,Client.Do`, or any, `net/http`.
    Symbol,
}

/// That a flaw is known to be exploited (CISA's catalogue).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kev {
    /// When it was added to the catalogue, `2021-12-10`.
    pub added: String,
    /// When agencies must have repaired it.
    pub due: Option<String>,
    /// True if it was used to extort.
    pub is_used_by_ransomware: bool,
}

/// How likely it is that a flaw is exploited within thirty days (FIRST, EPSS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epss {
    /// The likelihood.
    pub score_millionths: u32,
    /// The share of all flaws that are less likely.
    pub percentile_millionths: u32,
}

impl Epss {
    /// The likelihood, from 0 to 1.
    pub fn score(&self) -> f64 {
        f64::from(self.score_millionths) / 1_000_000.0
    }

    /// The share of all flaws that are less likely, from 0 to 1.
    pub fn percentile(&self) -> f64 {
        f64::from(self.percentile_millionths) / 1_000_000.0
    }
}

/// How long a release is looked after; days, `2024-06-30`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    /// Its last day with support for everybody, a longer one by the same people with less included.
    pub ends: String,
    /// The last day of longer support, if that costs.
    pub extended_ends: Option<String>,
}

/// One event of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeEvent {
    /// Affected from this version on; `0` is from the beginning.
    Introduced(String),
    /// Not affected from this version on.
    Fixed(String),
    /// Not affected after this version.
    LastAffected(String),
    /// Nothing is said from this version on.
    Limit(String),
}

/// Whose packages and versions: `PyPI`, `Debian:12`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ecosystem {
    /// Name, `Debian`.
    pub name: String,
    /// Release, `12`.
    pub release: Option<String>,
}

impl Ecosystem {
    /// Splits OSV's text at the first colon.
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some((name, release)) if !release.is_empty() => {
                Self { name: name.to_owned(), release: Some(release.to_owned()) }
            }
            _ => Self { name: text.trim_end_matches(':').to_owned(), release: None },
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        match &self.release {
            Some(release) => write!(out, ":{release}"),
            None => Ok(()),
        }
    }
}

/// How bad somebody says it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rating {
    /// Who says so: `ghsa`, `debian`.
    pub source: String,
    /// The level.
    pub severity: Severity,
    /// What the level comes from.
    pub basis: RatingBasis,
}

/// What a level comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RatingBasis {
    /// The package's own distribution said so, for this very package.
    Distribution,
    /// A CVSS vector.
    Cvss(Cvss),
    /// A word.
    Word,
}

/// A CVSS vector and its base score.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cvss {
    /// Version of the standard.
    pub version: CvssVersion,
    /// The vector as written.
    pub vector: String,
    /// Ten times the base score.
    pub score_tenths: u8,
}

impl Cvss {
    /// The base score.
    pub fn score(&self) -> f64 {
        f64::from(self.score_tenths) / 10.0
    }
}

/// Versions of CVSS, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CvssVersion {
    /// 2.0.
    V2,
    /// 3.0.
    V30,
    /// 3.1.
    V31,
    /// 4.0.
    V4,
}

/// Where advisories come from, and how fresh they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseInfo {
    /// Folder or file.
    pub source: String,
    /// How many advisories were read for the wanted ecosystems.
    pub records: usize,
    /// The newest change among them, RFC 3339.
    pub newest_modified: Option<String>,
    /// When the database was put together, in seconds since 1970.
    pub made_secs: i64,
    /// True if all of them are example data: enough to try things out, never to judge an image.
    pub example_only: bool,
}

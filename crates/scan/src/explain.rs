//! Why a flaw is found in some packages and not in others.

use std::collections::BTreeSet;

use sealift_database::{Damaged, Database, FlawId, RecordId};
use sealift_model::{
    Ecosystem, Finding, Inventory, Package, PackageId, PackageKind, Report, Scope, Severity,
    Suppression,
};
use sealift_version::Version;

use crate::candidate::{Saying, is_found, is_known, sayings, tables};
use crate::ecosystem::{question, wanted};
use crate::finding::{draft, found};
use crate::product::Products;
use crate::scan::is_judged;
use crate::selection::why_hidden;
use crate::{Options, product};

// Names that an advisory has and the image has not, as many as are listed.
const ABSENT_MAX: usize = 20;

/// What is known of one flaw in an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The flaw's preferred id.
    pub id: String,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// The advisories on it.
    pub advisories: Vec<String>,
    /// Packages that these name, or that were asked for, in the order of the inventory.
    pub packages: Vec<ExplainedPackage>,
    /// Names for which there is no package here, each with what is said of it.
    pub absent: Vec<(Ecosystem, String, String)>,
    /// How many more of them there are.
    pub more_absent: usize,
}

/// A package, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedPackage {
    /// What installs it.
    pub kind: PackageKind,
    /// Name.
    pub name: String,
    /// Version, if it is known.
    pub version: Option<String>,
    /// The file that shows it.
    pub path: Option<String>,
    /// What follows.
    pub verdict: Verdict,
    /// What it follows from.
    pub rows: Vec<Told>,
}

/// Whether the flaw is reported for a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Finding {
        /// How bad it is.
        severity: Severity,
        /// The version that repairs it.
        fixed: Option<String>,
    },
    /// It would be, but somebody answered for it.
    Suppressed(Suppression),
    /// It would be, but the options leave it out; this is why.
    LeftOut(&'static str),
    /// What is said of it does not hold for the installed version.
    NotAffected,
    /// This package of the distribution brought it, and is judged instead.
    Owned(String),
    /// It cannot be judged.
    Unjudged(String),
    /// It is not installed.
    NotInstalled(&'static str),
    /// No advisory on the flaw names it.
    NotNamed,
}

/// What one row of one advisory says of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The advisory.
    pub advisory: String,
    /// Whose packages it speaks of.
    pub ecosystem: Ecosystem,
    /// The name that matched.
    pub name: String,
    /// The versions, and what is said of them.
    pub says: String,
    /// The version that was compared.
    pub installed: String,
    /// How versions were ordered.
    pub comparator: &'static str,
    /// For which builds it holds; empty for all.
    pub conditions: Vec<String>,
    /// What it means for the installed version.
    pub outcome: Outcome,
}

/// What a row means for an installed version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has the flaw.
    Affected,
    /// It does not have it, by this row's own word.
    Denied,
    /// The row is about other builds.
    OtherBuild,
    /// The row is about other versions.
    OtherVersion,
}

/// Explains a flaw, by any of its ids; several flaws if the id is that of an advisory on several, none if nothing is
/// known of it. With a name only packages of that name, or built from a source of that name, are told of.
pub fn explain(
    inventory: &Inventory,
    database: &Database,
    options: &Options,
    report: &Report,
    (id, name): (&str, Option<&str>),
) -> Result<Vec<Explanation>, Damaged> {
    let products = product::products(inventory, database, &mut Vec::new())?;
    let work = Work { inventory, database, options, report, name, products };
    database.find(id)?.into_iter().map(|flaw| work.explain(flaw)).collect()
}

struct Work<'a> {
    inventory: &'a Inventory,
    database: &'a Database,
    options: &'a Options,
    report: &'a Report,
    name: Option<&'a str>,
    products: Products,
}

// A look at one package.
struct Look {
    verdict: Verdict,
    rows: Vec<Told>,
    /// The ecosystem and the names under which advisories have it.
    names: Vec<(String, String)>,
}

impl Work<'_> {
    fn explain(&self, id: FlawId) -> Result<Explanation, Damaged> {
        let flaw = self.database.flaw(id)?;
        let mut advisories = Vec::new();
        for record in &flaw.records {
            advisories.push(self.database.record(*record)?.id);
        }
        let named = self.named(&flaw.records)?;
        let mut packages = Vec::new();
        let mut known = BTreeSet::new();
        for (place, package) in self.inventory.packages.iter().enumerate() {
            let is_asked = self.name.is_none_or(|name| has_name(package, name));
            let Look { verdict, rows, names } =
                self.package(id, PackageId(place), package, &named)?;
            known.extend(names);
            // What no advisory names is told of only if somebody asks.
            if is_asked && (verdict != Verdict::NotNamed || self.name.is_some()) {
                packages.push(ExplainedPackage {
                    kind: package.kind,
                    name: package.name.clone(),
                    version: package.version.clone(),
                    path: package.evidence.first().map(|evidence| evidence.path.clone()),
                    verdict,
                    rows,
                });
            }
        }
        let is_absent = |(ecosystem, name, _): &(Ecosystem, String, String)| {
            !known.contains(&(ecosystem.name.clone(), name.clone()))
                && self.name.is_none_or(|asked| asked == name)
        };
        let mut absent: Vec<_> = named.into_iter().filter(is_absent).collect();
        let more_absent = absent.len().saturating_sub(ABSENT_MAX);
        absent.truncate(ABSENT_MAX);
        let (id, aliases) = (flaw.id, flaw.aliases);
        Ok(Explanation { id, aliases, advisories, packages, absent, more_absent })
    }

    // Whom the advisories name, of those whose packages are here.
    fn named(&self, records: &[RecordId]) -> Result<Vec<(Ecosystem, String, String)>, Damaged> {
        let wanted = wanted(self.inventory);
        let said = self.database.said_by_any(records)?;
        let mut named: Vec<_> = said
            .into_iter()
            .map(|(_, ecosystem, name, says)| (ecosystem, name, says))
            .filter(|(ecosystem, ..)| {
                wanted.contains(ecosystem)
                    || (ecosystem.release.is_none()
                        && wanted.iter().any(|it| it.name == ecosystem.name))
            })
            .collect();
        named.sort();
        named.dedup();
        Ok(named)
    }

    fn package(
        &self,
        flaw: FlawId,
        id: PackageId,
        package: &Package,
        named: &[(Ecosystem, String, String)],
    ) -> Result<Look, Damaged> {
        let unjudged = |reason: String| {
            let is_named = named.iter().any(|(_, name, _)| has_name(package, name));
            let verdict = if is_named { Verdict::Unjudged(reason) } else { Verdict::NotNamed };
            Look { verdict, rows: Vec::new(), names: Vec::new() }
        };
        let question = match question(package, self.inventory.distro.as_ref(), &self.products) {
            Ok(question) => question,
            Err(reason) => return Ok(unjudged(reason)),
        };
        let ecosystem = question.ecosystem.name.clone();
        let names = std::iter::once(&question.name).chain(&question.group_name);
        let names: Vec<_> = names.map(|name| (ecosystem.clone(), name.clone())).collect();
        if !is_known(self.database, &question.ecosystem) {
            return Ok(unjudged(format!("there are no advisories for {}", question.ecosystem)));
        }
        let installed = match Version::parse(question.scheme, question.version) {
            Ok(version) => version,
            Err(error) => return Ok(unjudged(error.to_string())),
        };
        let tables = tables(self.database, &question, &installed)?;
        let all = sayings(self.database, &tables, &question, &installed, &mut Vec::new())?;
        let about: Vec<&Saying<'_>> =
            all.iter().filter(|saying| saying.record.flaws.contains(&flaw)).collect();
        let comparator = question.scheme.as_str();
        let rows = about.iter().map(|saying| told(saying, &installed, comparator)).collect();
        if about.is_empty() {
            return Ok(Look { verdict: Verdict::NotNamed, rows, names });
        }
        let verdict = if let Some(owner) = package.owner {
            let owner = self.inventory.package(owner);
            Verdict::Owned(owner.map_or_else(String::new, |owner| owner.name.clone()))
        } else if package.scope == Scope::TestData {
            Verdict::NotInstalled("it is a test's data")
        } else if !is_judged(package, self.options) {
            Verdict::NotInstalled("a file merely names it")
        } else if is_found(&about) {
            let found = found(id, package, &question);
            let draft = draft(self.database, flaw, &about, found, &question)?;
            self.of_finding(&draft.finding)
        } else {
            Verdict::NotAffected
        };
        Ok(Look { verdict, rows, names })
    }

    fn of_finding(&self, finding: &Finding) -> Verdict {
        let is_it =
            |other: &Finding| other.id == finding.id && other.package.id == finding.package.id;
        if let Some(it) = self.report.suppressed.iter().find(|it| is_it(&it.finding)) {
            return Verdict::Suppressed(it.by.clone());
        }
        if let Some(it) = self.report.findings.iter().find(|it| is_it(it)) {
            let fixed = it.fix.version().map(str::to_owned);
            return Verdict::Finding { severity: it.severity, fixed };
        }
        let why = why_hidden(finding, self.inventory, self.options);
        // What is hidden and answered for stands in neither list.
        Verdict::LeftOut(why.map_or("the options leave it out", |why| why.describe()))
    }
}

fn told(saying: &Saying<'_>, installed: &Version, comparator: &'static str) -> Told {
    let outcome = match saying {
        Saying { hit: Some(_), .. } => Outcome::Affected,
        Saying { is_repaired: true, .. } => Outcome::Denied,
        Saying { applies: false, .. } => Outcome::OtherBuild,
        Saying { denies: true, .. } => Outcome::Denied,
        _ => Outcome::OtherVersion,
    };
    let conditions = saying.row.qualifiers.iter();
    Told {
        advisory: saying.record.id.clone(),
        ecosystem: saying.table.ecosystem.clone(),
        name: saying.table.name.clone(),
        says: saying.table.rows.describe_row(saying.row),
        installed: installed.to_string(),
        comparator,
        conditions: conditions
            .map(|it| format!("{} {}", crate::condition::word(it.kind), it.value))
            .collect(),
        outcome,
    }
}

fn has_name(package: &Package, name: &str) -> bool {
    let source = package.source.as_ref().map(|source| &source.name);
    std::iter::once(&package.name).chain(source).any(|known| known.eq_ignore_ascii_case(name))
}

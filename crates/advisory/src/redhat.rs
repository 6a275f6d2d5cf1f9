//! Red Hat: its products by CPE, and which release of its distribution each is for.
//!
//! OSV's ecosystem is `Red Hat:<product>`. One package of a release may be in hundreds of products, so the release is the
//! ecosystem here, `Red Hat:9`, and the product a condition. That makes a package one entry, whoever speaks of it.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{
    Affected, Ecosystem, Purl, Qualifier, QualifierKind, RangeEvent, Rating, RatingBasis, Statement,
};

use crate::csaf::{Answer, Said};
use crate::rating;

/// Short name of the source of its ratings.
pub(crate) const SOURCE: &str = "redhat";
/// What its record on a CVE is called, so that it is not taken for the CVE's own.
pub(crate) const PREFIX: &str = "REDHAT-";
/// Name of its ecosystem.
pub(crate) const ECOSYSTEM: &str = "Red Hat";

// Products whose version is that of the distribution.
const STREAMS: [&str; 10] = [
    "enterprise_linux",
    "enterprise_linux_eus",
    "rhel_aus",
    "rhel_e4s",
    "rhel_els",
    "rhel_eus",
    "rhel_eus_long_life",
    "rhel_extras",
    "rhel_mission_critical",
    "rhel_tus",
];

/// A product's CPE without what all have in common: `enterprise_linux:9::baseos`.
pub fn product_of(cpe: &str) -> &str {
    let rest = cpe.strip_prefix("cpe:/").and_then(|rest| rest.split_once(':'));
    let plain = rest.map_or(cpe, |(_, rest)| rest);
    plain.strip_prefix("redhat:").unwrap_or(plain)
}

/// The release of the distribution that a product is for, if its name says so.
pub(crate) fn release_of(product: &str) -> Option<String> {
    let parts: Vec<&str> = product.split(':').collect();
    let edition = parts.iter().skip(2).find_map(|part| part.strip_prefix("el").and_then(number));
    let is_stream = parts.first().is_some_and(|name| STREAMS.contains(name));
    edition.or_else(|| parts.get(1).filter(|_| is_stream).and_then(|version| number(version)))
}

/// Moves OSV's product from the ecosystem to a condition.
pub(crate) fn split_ecosystem(ecosystem: &Ecosystem) -> Option<(Ecosystem, Qualifier)> {
    let product = ecosystem.release.as_deref().filter(|_| ecosystem.name == ECOSYSTEM)?;
    let place = Ecosystem { name: ECOSYSTEM.to_owned(), release: release_of(product) };
    Some((place, Qualifier { kind: QualifierKind::Product, value: product.to_owned() }))
}

// The number that a text begins with.
fn number(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (1..=3).contains(&end).then(|| text[..end].to_owned())
}

// The release that a version was built for: its `.el9` says so.
fn release_of_version(version: &str) -> Option<String> {
    version.split(['.', '+', '_', '-']).find_map(|part| part.strip_prefix("el").and_then(number))
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    release: Option<String>,
    name: String,
    module: Option<String>,
    product: String,
}

#[derive(Default)]
struct Answers {
    fixed: BTreeSet<String>,
    others: BTreeSet<Statement>,
    rating: Option<Rating>,
}

type Meaning = (Statement, BTreeSet<String>, Option<Rating>);
// Release, name and module of a package, and what is said of it.
type Entry = (Option<String>, String, Option<String>, Meaning);

/// The entries of a document: one for all products of which the same is said.
pub(crate) fn affected(said: Vec<Said>) -> Vec<Affected> {
    let mut places: BTreeMap<Place, Answers> = BTreeMap::new();
    for one in said {
        let Some((place, version)) = place(&one) else { continue };
        let answers = places.entry(place).or_default();
        let word = one.word.as_deref();
        let rating = word.and_then(|it| rating::from_word(SOURCE, it, RatingBasis::Distribution));
        answers.rating = answers.rating.take().max(rating);
        match (one.answer, version) {
            (Answer::Fixed, Some(version)) => {
                answers.fixed.insert(version);
            }
            (Answer::Fixed, None) => {}
            (Answer::All(statement), _) => {
                answers.others.insert(statement);
            }
        }
    }
    let mut entries: BTreeMap<Entry, Vec<String>> = BTreeMap::new();
    for (place, answers) in places {
        let Place { release, name, module, product } = place;
        for meaning in meanings(answers) {
            let key = (release.clone(), name.clone(), module.clone(), meaning);
            entries.entry(key).or_default().push(product.clone());
        }
    }
    entries
        .into_iter()
        .map(|((release, name, module, meaning), products)| {
            entry(
                Ecosystem { name: ECOSYSTEM.to_owned(), release },
                name,
                module,
                meaning,
                products,
            )
        })
        .collect()
}

// What is said of a build for one processor and of one for another is rarely different. Then the worse counts.
fn meanings(answers: Answers) -> Vec<Meaning> {
    let Answers { fixed, mut others, rating } = answers;
    if !fixed.is_empty() || others.len() > 1 {
        others.remove(&Statement::NotAffected);
    }
    let repaired = (!fixed.is_empty()).then(|| (Statement::Affected, fixed, rating.clone()));
    let rest = others.into_iter().map(|it| {
        let rating = rating.clone().filter(|_| it != Statement::NotAffected);
        (it, BTreeSet::new(), rating)
    });
    repaired.into_iter().chain(rest).collect()
}

fn entry(
    ecosystem: Ecosystem,
    name: String,
    module: Option<String>,
    (statement, fixed, rating): Meaning,
    products: Vec<String>,
) -> Affected {
    let start = || RangeEvent::Introduced("0".to_owned());
    let ranges: Vec<Vec<RangeEvent>> = if fixed.is_empty() {
        vec![vec![start()]]
    } else {
        fixed.into_iter().map(|version| vec![start(), RangeEvent::Fixed(version)]).collect()
    };
    let module = module.map(|value| Qualifier { kind: QualifierKind::Module, value });
    let products =
        products.into_iter().map(|value| Qualifier { kind: QualifierKind::Product, value });
    Affected {
        ecosystem,
        name,
        ranges,
        statement,
        ratings: rating.into_iter().collect(),
        qualifiers: module.into_iter().chain(products).collect(),
        ..Affected::default()
    }
}

// Where a statement belongs, and the repaired version if it names one.
fn place(said: &Said) -> Option<(Place, Option<String>)> {
    let Said { package, answer, .. } = said;
    let is_source = package.qualifiers.get("arch").is_some_and(|it| it == "src");
    // The packages of a repair are all named, and debug symbols never run.
    let is_debug = ["-debuginfo", "-debugsource"].iter().any(|end| package.name.ends_with(end));
    if package.kind != "rpm"
        || package.name.is_empty()
        || is_debug
        || (is_source && *answer == Answer::Fixed)
    {
        return None;
    }
    let epoch = package.qualifiers.get("epoch").filter(|epoch| *epoch != "0");
    let version = package.version.as_ref().map(|version| match epoch {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version.clone(),
    });
    let product = product_of(&said.cpe).to_owned();
    let from_version = || release_of_version(version.as_deref()?);
    let release = release_of(&product).or_else(from_version);
    let name = if is_source { source_name(&package.name) } else { package.name.clone() };
    Some((Place { release, name, module: module(said), product }, version))
}

// `nodejs:18`, of a label that may go on with a version and a context, or of the module as a product of its own.
fn module(said: &Said) -> Option<String> {
    if let Some(label) = said.package.qualifiers.get("rpmmod") {
        let mut parts = label.split(':');
        let (name, stream) = (parts.next()?, parts.next()?);
        return Some(format!("{name}:{stream}"));
    }
    let Purl { name, version, .. } = said.module.as_ref()?;
    let stream = version.as_deref()?.split(':').next()?;
    Some(format!("{name}:{stream}"))
}

/// What is said of all packages of a source is filed under its name with this end, as Red Hat writes it itself: a source
/// and a package of one name are two things.
pub fn source_name(name: &str) -> String {
    format!("{name}.src")
}

//! Red Hat: its products by CPE, and which release of its distribution each is for.
//!
//! OSV's ecosystem is `Red Hat:<product>`. One package of a release may be in hundreds of products, so the release is the
//! ecosystem here, `Red Hat:9`, and the product a condition. That makes a package one entry, whoever speaks of it.

use sealift_model::{Affected, Ecosystem, Purl, Qualifier, QualifierKind};

use crate::csaf::{Answer, Said};
use crate::statements::{Place, Placed, entries};

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

/// The entries of a document: one for all products of which the same is said.
pub(crate) fn affected(said: &[Said]) -> Vec<Affected> {
    entries(SOURCE, said.iter().filter_map(placed).collect())
}

// A statement in its place; nothing for what is no package that could be installed.
fn placed(said: &Said) -> Option<Placed<'_>> {
    let (package, cpe) = (said.package.as_ref()?, said.cpe.as_deref()?);
    let is_source = package.qualifiers.get("arch").is_some_and(|it| it == "src");
    // The packages of a repair are all named, and debug symbols never run.
    let is_debug = ["-debuginfo", "-debugsource"].iter().any(|end| package.name.ends_with(end));
    let is_repaired_source = is_source && said.answer == Answer::Fixed;
    if package.kind != "rpm" || package.name.is_empty() || is_debug || is_repaired_source {
        return None;
    }
    let epoch = package.qualifiers.get("epoch").filter(|epoch| *epoch != "0");
    let version = package.version.as_ref().map(|version| match epoch {
        Some(epoch) => format!("{epoch}:{version}"),
        None => version.clone(),
    });
    let product = product_of(cpe).to_owned();
    let from_version = || release_of_version(version.as_deref()?);
    let release = release_of(&product).or_else(from_version);
    let place = Place {
        ecosystem: Ecosystem { name: ECOSYSTEM.to_owned(), release },
        name: if is_source { source_name(&package.name) } else { package.name.clone() },
        module: module(said, package),
        product: Some(product),
    };
    Some(Placed { place, answer: said.answer, version, word: said.word.as_deref() })
}

// `nodejs:18`, of a label that may go on with a version and a context, or of the module as a product of its own.
fn module(said: &Said, package: &Purl) -> Option<String> {
    if let Some(label) = package.qualifiers.get("rpmmod") {
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

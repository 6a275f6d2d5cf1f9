//! What all readers gather: packages by the document's own names, and edges between those names.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{
    Coverage, Distro, Evidence, Hash, Inventory, Layer, LayerRef, License, LicenseSource, Method,
    Note, Package, PackageId, PackageKind, Purl, Relation, RelationKind, Scope, SourcePackage,
    Supplier,
};
use sealift_oci::{Digest, Reference};
use spdx::Expression;

use super::{Document, Error, Limits};
use crate::license::UNKNOWN_LICENSE_TEXT;
use crate::{Subject, facts, registry, text};

/// A document half read.
pub(super) struct Draft {
    pub(super) subject: Subject,
    pub(super) distro: Option<Distro>,
    pub(super) packages: Vec<(String, Package)>,
    /// The first needs the second.
    pub(super) needs: Vec<(String, String)>,
    /// The first has code of the second.
    pub(super) built_from: Vec<(String, String)>,
    /// What the document says of the layers.
    pub(super) layers: Vec<Layer>,
    /// What it says of the files.
    pub(super) coverage: Option<Coverage>,
    /// Names of what is no package and yet may be named: the subject, the distribution.
    pub(super) others: BTreeSet<String>,
    pub(super) notes: Vec<Note>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            subject: Subject::default(),
            distro: None,
            packages: Vec::new(),
            needs: Vec::new(),
            built_from: Vec::new(),
            layers: Vec::new(),
            coverage: None,
            others: BTreeSet::new(),
            notes: Vec::new(),
        }
    }

    /// Puts packages in order and resolves names.
    pub(super) fn finish(
        mut self,
        format: &'static str,
        version: &str,
        limits: &Limits,
    ) -> Result<Document, Error> {
        if self.packages.len() > limits.packages_max {
            return Err(Error::TooMany { what: "packages", max: limits.packages_max });
        }
        if self.needs.len() + self.built_from.len() > limits.relations_max {
            return Err(Error::TooMany { what: "relations", max: limits.relations_max });
        }
        self.packages.sort_by(|(_, a), (_, b)| {
            (a.kind, &a.name, &a.version, &a.purl).cmp(&(b.kind, &b.name, &b.version, &b.purl))
        });
        let mut places: BTreeMap<&str, PackageId> = BTreeMap::new();
        for (place, (name, _)) in self.packages.iter().enumerate() {
            places.entry(name).or_insert(PackageId(place));
        }
        let mut relations = BTreeSet::new();
        let mut unknown = 0_usize;
        let needs = self.needs.iter().map(|edge| (RelationKind::DependsOn, edge));
        let built_from = self.built_from.iter().map(|edge| (RelationKind::BuiltFrom, edge));
        for (kind, (from, to)) in needs.chain(built_from) {
            match (places.get(from.as_str()), places.get(to.as_str())) {
                (Some(from), Some(to)) if from != to => {
                    // Formats that know one kind of edge have the other under its name.
                    let is_source = self.packages[to.0].1.scope == Scope::BuiltFrom;
                    let kind = if is_source { RelationKind::BuiltFrom } else { kind };
                    relations.insert(Relation { from: *from, kind, to: *to });
                }
                (Some(_), Some(_)) => {}
                _ if self.others.contains(from) || self.others.contains(to) => {}
                _ => unknown += 1,
            }
        }
        if unknown > 0 {
            self.notes.push(Note {
                subject: format.to_owned(),
                message: format!("{unknown} relations name no package of the document"),
            });
        }
        if self.subject.name.trim().is_empty() {
            super::NAME_UNKNOWN.clone_into(&mut self.subject.name);
        }
        Ok(Document {
            format,
            version: version.to_owned(),
            subject: self.subject,
            inventory: Inventory {
                distro: self.distro,
                packages: self.packages.into_iter().map(|(_, package)| settled(package)).collect(),
                relations: relations.into_iter().collect(),
                notes: self.notes,
                layers: self.layers,
                coverage: self.coverage,
                ..Inventory::default()
            },
        })
    }

    /// Reads a time, RFC 3339.
    pub(super) fn set_created(&mut self, text: Option<&str>) {
        let time = text.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        self.subject.created_secs = time.map_or(0, jiff::Timestamp::as_second);
    }

    /// What the package URL of an image tells of it (purl-spec, type `oci`).
    pub(super) fn set_subject_purl(&mut self, purl: Option<&str>) {
        let Some(purl) = purl.and_then(Purl::parse).filter(|purl| purl.kind == "oci") else {
            return;
        };
        self.subject.architecture = purl.qualifiers.get("arch").cloned();
        let Some(repository) = purl.qualifiers.get("repository_url") else { return };
        let text = match purl.qualifiers.get("tag") {
            Some(tag) => format!("{repository}:{tag}"),
            None => repository.clone(),
        };
        self.subject.reference = Reference::parse(&text).ok();
    }

    /// A digest, if the version of the subject is one.
    pub(super) fn set_subject_version(&mut self, version: Option<&str>) {
        self.subject.digest = version.and_then(|text| text.parse::<Digest>().ok());
    }

    /// What our own encoders say of the subject where its format has no place for it.
    pub(super) fn set_facts<'a>(&mut self, facts: impl Iterator<Item = (&'a str, &'a str)>) {
        let facts = facts::read_subject(facts);
        self.subject.config_digest = facts.config_digest;
        self.subject.manifest_sha512 = facts.manifest_sha512;
        self.layers = facts.layers;
        self.coverage = facts.coverage;
    }

    /// Who answers for the document; the makers of a tool do not.
    pub(super) fn set_creator(&mut self, name: String) {
        if !name.is_empty() && !name.starts_with("Sealift") {
            self.subject.creator.get_or_insert(name);
        }
    }

    /// Who supplies the subject.
    pub(super) fn set_supplier(&mut self, name: Option<String>) {
        self.subject.supplier = name;
    }

    /// A note as our own encoders write it.
    pub(super) fn add_note(&mut self, line: &str) {
        let (subject, message) = line.split_once(": ").unwrap_or((line, ""));
        self.notes.push(Note { subject: subject.to_owned(), message: message.to_owned() });
    }
}

// Without a supplier that says no more than the package URL.
fn settled(mut package: Package) -> Package {
    let name = package.supplier.as_ref().map(|supplier| match supplier {
        Supplier::Person(name) | Supplier::Organization(name) => {
            name.split(" <").next().unwrap_or(name)
        }
    });
    let is_registry =
        |name: &str| registry::of(&package).is_some_and(|registry| registry.host == name);
    if name.is_some_and(is_registry) {
        package.supplier = None;
    }
    package.licenses.retain(|license| license.declared != UNKNOWN_LICENSE_TEXT);
    package
}

/// Licences of which the record says some and others were concluded.
pub(super) fn declared_and_concluded(
    declared: Vec<License>,
    concluded: Vec<License>,
) -> Vec<License> {
    let mut all = declared;
    for license in concluded {
        if !all.iter().any(|known| known.declared == license.declared) {
            all.push(License { source: LicenseSource::Detected, ..license });
        }
    }
    all
}

/// A hash, if it is one.
pub(super) fn hash(algorithm: &str, value: &str) -> Option<Hash> {
    let hash =
        Hash { algorithm: text::hash_algorithm(algorithm)?, hex: value.to_ascii_lowercase() };
    text::is_hash(&hash).then_some(hash)
}

/// A package of this name, version and package URL.
pub(super) fn package(name: &str, version: Option<String>, purl: Option<&str>) -> Package {
    let purl = purl.and_then(Purl::parse).unwrap_or_else(|| Purl::new("generic", ""));
    let kind = PackageKind::from_purl_type(&purl.kind);
    let version = version.filter(|version| version != "UNKNOWN");
    let upstream = purl.qualifiers.get("upstream").map(|upstream| {
        let (name, of) = upstream.split_once('@').unwrap_or((upstream, ""));
        let of = if of.is_empty() { version.as_deref().unwrap_or_default() } else { of };
        SourcePackage { name: name.to_owned(), version: of.to_owned() }
    });
    Package {
        name: name.to_owned(),
        version,
        architecture: purl.qualifiers.get("arch").cloned(),
        source: upstream,
        purl,
        ..Package::new(kind, "")
    }
}

/// Evidence at a path.
pub(super) fn evidence(kind: PackageKind, path: &str, layer: Option<LayerRef>) -> Evidence {
    let method = if kind.is_os() { Method::Database } else { Method::Manifest };
    Evidence { path: path.to_owned(), layer, method, confidence: method.confidence() }
}

/// A licence by a name; the name may be an expression.
pub(super) fn license(name: &str) -> License {
    let name = name.trim();
    let is_expression = Expression::parse(name).is_ok()
        && (name.contains(' ') || !name.contains("Ref-"))
        && !matches!(name, "NOASSERTION" | "NONE");
    License::declared(name.to_owned(), is_expression.then(|| name.to_owned()))
}

/// The licences of an expression: the parts of an `AND`, each with its text if it is a reference to one.
pub(super) fn licenses(expression: &str, texts: &BTreeMap<String, String>) -> Vec<License> {
    if matches!(expression.trim(), "" | "NOASSERTION" | "NONE") {
        return Vec::new();
    }
    conjuncts(expression)
        .into_iter()
        .map(|part| match texts.get(part) {
            Some(text) => License::declared(text.clone(), None),
            None => license(&with_names(part, texts)),
        })
        .collect()
}

// With the names back that our own references stand for; a longer text is no part of an expression.
fn with_names(expression: &str, texts: &BTreeMap<String, String>) -> String {
    let mut written = String::new();
    for part in expression.split_inclusive([' ', '(', ')']) {
        let word = part.trim_end_matches([' ', '(', ')']);
        let name =
            texts.get(word).filter(|name| Expression::parse(name).is_ok() && !name.contains(' '));
        written.push_str(name.map_or(word, String::as_str));
        written.push_str(&part[word.len()..]);
    }
    written
}

// The parts between the `AND`s that are in no parentheses; one part if there is an `OR` there too.
fn conjuncts(expression: &str) -> Vec<&str> {
    let expression = expression.trim();
    let bytes = expression.as_bytes();
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (place, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b' ' if depth == 0 && bytes[place..].starts_with(b" OR ") => return vec![expression],
            b' ' if depth == 0 && bytes[place..].starts_with(b" AND ") && place >= start => {
                parts.push(&expression[start..place]);
                start = place + " AND ".len();
            }
            _ => {}
        }
    }
    parts.push(&expression[start..]);
    parts.into_iter().map(|part| unwrapped(part.trim())).filter(|part| !part.is_empty()).collect()
}

// Without the parentheses around the whole, if the first closes with the last.
fn unwrapped(part: &str) -> &str {
    let inner = part.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match inner {
        Some(inner) if !inner.contains(['(', ')']) => inner,
        _ => part,
    }
}

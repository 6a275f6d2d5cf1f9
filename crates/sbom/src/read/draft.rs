//! What all readers gather: packages by the document's own names, and edges between those names.

use std::collections::{BTreeMap, BTreeSet};

use sealift_model::{
    Distro, Evidence, Inventory, LayerRef, License, Method, Note, Package, PackageId, PackageKind,
    Purl, Relation, RelationKind, SourcePackage,
};
use sealift_oci::{Digest, Reference};
use spdx::Expression;

use super::{Document, Error, Limits};
use crate::Subject;

/// A document half read.
pub(super) struct Draft {
    pub(super) subject: Subject,
    pub(super) distro: Option<Distro>,
    pub(super) packages: Vec<(String, Package)>,
    /// The first needs the second.
    pub(super) needs: Vec<(String, String)>,
    /// Names of what is no package and yet may be named: the subject, the distribution.
    pub(super) others: BTreeSet<String>,
    pub(super) notes: Vec<Note>,
}

impl Draft {
    pub(super) fn new() -> Self {
        let subject = Subject {
            name: String::new(),
            reference: None,
            digest: None,
            architecture: None,
            supplier: None,
            created_secs: 0,
        };
        Self {
            subject,
            distro: None,
            packages: Vec::new(),
            needs: Vec::new(),
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
        if self.needs.len() > limits.relations_max {
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
        for (from, to) in &self.needs {
            match (places.get(from.as_str()), places.get(to.as_str())) {
                (Some(from), Some(to)) if from != to => {
                    let kind = RelationKind::DependsOn;
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
            "unknown".clone_into(&mut self.subject.name);
        }
        Ok(Document {
            format,
            version: version.to_owned(),
            subject: self.subject,
            inventory: Inventory {
                distro: self.distro,
                packages: self.packages.into_iter().map(|(_, package)| package).collect(),
                relations: relations.into_iter().collect(),
                notes: self.notes,
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

    /// A note as our own encoders write it.
    pub(super) fn add_note(&mut self, line: &str) {
        let (subject, message) = line.split_once(": ").unwrap_or((line, ""));
        self.notes.push(Note { subject: subject.to_owned(), message: message.to_owned() });
    }
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
        && !name.contains("Ref-")
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
            None => license(part),
        })
        .collect()
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

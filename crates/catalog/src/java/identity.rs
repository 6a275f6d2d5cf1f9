//! Which of Maven's packages an archive is.

use std::collections::BTreeMap;

use sealift_model::{Confidence, Method};

use super::classes::Classes;
use super::groups;
use crate::component::NAME_BYTES_MAX;

/// Maven's coordinates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) group: Option<String>,
    pub(super) artifact: String,
    pub(super) version: Option<String>,
}

impl Identity {
    /// Takes over what it does not know itself.
    pub(super) fn complete(&mut self, other: &Self) {
        if self.group.is_none() {
            self.group.clone_from(&other.group);
        }
        if self.version.is_none() {
            self.version.clone_from(&other.version);
        }
    }
}

/// Coordinates, and how they are known.
pub(super) struct Identified {
    pub(super) identity: Identity,
    pub(super) method: Method,
    pub(super) confidence: Confidence,
}

impl Identified {
    /// By Maven's own files.
    pub(super) fn by_project(identity: Identity) -> Self {
        Self { identity, method: Method::Manifest, confidence: Confidence::High }
    }
}

// Prefixes of names that many have, and that are the group of hardly anything.
const BROAD: [&str; 14] = [
    "com.android",
    "com.github",
    "com.google",
    "com.ibm",
    "com.oracle",
    "com.sun",
    "io.github",
    "java.lang",
    "javax.xml",
    "net.java",
    "net.sf",
    "org.apache",
    "org.eclipse",
    "org.objectweb",
];

/// A text of a manifest or project, if it says something.
pub(super) fn known(text: &str) -> Option<String> {
    let text = text.trim();
    let is_known = !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.contains("${");
    is_known.then(|| text.to_owned())
}

/// What a `pom.properties` says.
pub(super) fn by_properties(text: &str) -> Option<Identity> {
    let value = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        known(lines.find(|(name, _)| name.trim() == key)?.1)
    };
    Some(Identity {
        group: value("groupId"),
        artifact: value("artifactId")?,
        version: value("version"),
    })
}

/// Which package an archive is. If one of the projects in it is its own, that is taken out of them; the others were put
/// into it.
pub(super) fn identify(
    path: &str,
    poms: &mut Vec<Identity>,
    manifest: &BTreeMap<String, String>,
    classes: &Classes,
) -> Identified {
    let file = path.rsplit('/').next().unwrap_or("");
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if let Some(place) = own_pom(stem, poms, manifest, classes) {
        return Identified::by_project(poms.remove(place));
    }
    if let Some(identity) = by_folders(path) {
        return Identified { identity, method: Method::FileName, confidence: Confidence::High };
    }
    by_manifest(stem, manifest, classes)
}

// The archive's own one is the one that its name begins with, else the only one that fits what else it says.
fn own_pom(
    stem: &str,
    poms: &[Identity],
    manifest: &BTreeMap<String, String>,
    classes: &Classes,
) -> Option<usize> {
    let places = || 0..poms.len();
    let named = places().filter(|place| is_named(stem, &poms[*place].artifact));
    if let Some(place) = named.max_by_key(|place| poms[*place].artifact.len()) {
        return Some(place);
    }
    let meant: Vec<usize> = places().filter(|it| is_meant(&poms[*it].artifact, manifest)).collect();
    if let [place] = meant[..] {
        return Some(place);
    }
    let [only] = poms else { return None };
    let group = only.group.as_deref().unwrap_or_default();
    let is_alike = stem.contains(&only.artifact) || only.artifact.contains(stem);
    (is_alike || classes.is_empty() || classes.are_of(group)).then_some(0)
}

fn is_named(stem: &str, artifact: &str) -> bool {
    stem.strip_prefix(artifact).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

// True if the manifest speaks of this artifact.
fn is_meant(artifact: &str, manifest: &BTreeMap<String, String>) -> bool {
    const KEYS: [&str; 5] = [
        "implementation-title",
        "specification-title",
        "bundle-name",
        "automatic-module-name",
        "bundle-symbolicname",
    ];
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], ".");
    let artifact = plain(artifact);
    KEYS.iter().filter_map(|key| manifest.get(*key)).any(|text| {
        let text = plain(text.split(';').next().unwrap_or_default());
        text.strip_suffix(&artifact).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

// The folders of Maven's and Gradle's caches.
fn by_folders(path: &str) -> Option<Identity> {
    let path = path.split("!/").next().filter(|outer| outer.len() == path.len())?;
    if let Some((_, rest)) = path.rsplit_once("/files-2.1/") {
        let mut parts = rest.split('/');
        let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
        let [Some(group), Some(artifact), Some(version), Some(_), Some(_)] = parts else {
            return None;
        };
        return Some(Identity {
            group: Some(group.to_owned()),
            artifact: artifact.to_owned(),
            version: Some(version.to_owned()),
        });
    }
    let (_, rest) = path.split_once("/repository/")?;
    let mut parts = rest.rsplitn(4, '/');
    let (file, version, artifact) = (parts.next()?, parts.next()?, parts.next()?);
    let group = parts.next()?;
    let is_its = file.strip_prefix(artifact)?.strip_prefix('-')?.starts_with(version);
    is_its.then(|| Identity {
        group: Some(group.replace('/', ".")),
        artifact: artifact.to_owned(),
        version: Some(version.to_owned()),
    })
}

fn has_two_versions(text: &str) -> bool {
    let is_version =
        |part: &str| part.starts_with(|c: char| c.is_ascii_digit()) && part.contains('.');
    text.split('-').filter(|part| is_version(part)).count() > 1
}

fn by_manifest(stem: &str, manifest: &BTreeMap<String, String>, classes: &Classes) -> Identified {
    // A version begins with a digit behind a hyphen.
    let split = stem
        .match_indices('-')
        .find(|(at, _)| stem[at + 1..].starts_with(|c: char| c.is_ascii_digit()));
    let (artifact, version) = match split {
        Some((at, _)) if at > 0 => (&stem[..at], Some(stem[at + 1..].to_owned())),
        _ => (stem, None),
    };
    let attribute = |key: &str| manifest.get(key).cloned();
    let version = version
        .or_else(|| attribute("implementation-version"))
        .or_else(|| attribute("bundle-version"));
    // `log4j-1.2-api-2.20.0`: where the version begins is not sure, so neither is whose it is.
    let is_sure = !split.is_some_and(|(at, _)| has_two_versions(&stem[at + 1..]));
    let group = groups::group(artifact, version.as_deref(), classes)
        .map(str::to_owned)
        .or_else(|| by_symbolic_name(artifact, manifest, classes))
        .or_else(|| by_shortened_name(artifact, manifest, classes))
        .or_else(|| by_module_name(artifact, manifest, classes))
        .or_else(|| by_vendor(manifest, classes))
        .filter(|_| is_sure);
    let is_told = group.is_some();
    Identified {
        identity: Identity { group, artifact: artifact.to_owned(), version },
        method: if is_told { Method::Manifest } else { Method::FileName },
        confidence: if is_told { Confidence::Medium } else { Confidence::Low },
    }
}

// Maven's bundle plugin names a bundle after group and artifact, or after the group if that ends with the artifact.
fn by_symbolic_name(
    artifact: &str,
    manifest: &BTreeMap<String, String>,
    classes: &Classes,
) -> Option<String> {
    let name = manifest.get("bundle-symbolicname")?.split(';').next()?.trim();
    let rest = name.strip_suffix(artifact)?.strip_suffix('.')?;
    let is_name = |group: &str| {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        group.contains('.') && group.chars().all(is_letter)
    };
    // A short name that is the classes' package too may as well be the group itself.
    let is_package =
        rest.split('.').count() < 3 && !classes.is_empty() && classes.has(&name.replace('.', "/"));
    if is_name(rest) && is_package {
        return None;
    }
    if is_name(rest) && !BROAD.contains(&rest) {
        return Some(rest.to_owned());
    }
    (is_name(name) && !artifact.contains(['-', '.'])).then(|| name.to_owned())
}

// It also leaves out the end of the group where the artifact begins with it: `org.eclipse.jetty` and `jetty-util`
// are `org.eclipse.jetty.util`. Short groups are too often another one's: `joda-time` is no `org.joda`.
fn by_shortened_name(
    artifact: &str,
    manifest: &BTreeMap<String, String>,
    classes: &Classes,
) -> Option<String> {
    // Makers who call their bundles so, and publish some of them in other groups.
    const OTHERS: [&str; 2] = ["org.apache.commons", "org.hibernate"];
    let name = manifest.get("bundle-symbolicname")?.split(';').next()?.trim();
    let (group, rest) = name
        .match_indices('.')
        .map(|(at, _)| (&name[..at], &name[at + 1..]))
        .find(|(group, rest)| {
            let last = group.rsplit('.').next().unwrap_or_default();
            let shortened = artifact.strip_prefix(last).and_then(|it| it.strip_prefix('-'));
            shortened == Some(*rest)
        })?;
    let is_its = group.split('.').count() >= 3 && !rest.is_empty() && classes.are_of(group);
    (is_its && !BROAD.contains(&group) && !OTHERS.contains(&group)).then(|| group.to_owned())
}

// Modules are called after packages rather than groups; only a long name that ends with the artifact tells.
fn by_module_name(
    artifact: &str,
    manifest: &BTreeMap<String, String>,
    classes: &Classes,
) -> Option<String> {
    let name = manifest.get("automatic-module-name")?.trim();
    let group = name.strip_suffix(artifact)?.strip_suffix('.')?;
    let is_its = group.split('.').count() >= 3 && classes.are_of(group);
    (is_its && !BROAD.contains(&group)).then(|| group.to_owned())
}

fn by_vendor(manifest: &BTreeMap<String, String>, classes: &Classes) -> Option<String> {
    let vendor = manifest.get("implementation-vendor-id")?;
    let is_group = vendor.contains('.') && !vendor.contains([' ', '/', ':']);
    let is_its = classes.is_empty() || classes.are_of(vendor);
    (is_group && is_its && !BROAD.contains(&vendor.as_str())).then(|| vendor.clone())
}

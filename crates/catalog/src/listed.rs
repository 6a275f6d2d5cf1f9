//! From what a lock file or manifest lists to drafts.

use std::collections::HashMap;

use sealift_lockfile::{Entry, HashAlgorithm, Listing};
use sealift_model::{Hash, Method, PackageKind, Scope};

use crate::cataloger::{Context, Draft, Found};
use crate::component::{component, is_test_data, license};
use crate::supplier::supplier;

/// What a lock file names; its entries need each other only.
pub(crate) fn declared(listing: Listing, kind: PackageKind, context: &Context<'_>) -> Found {
    let path = context.path();
    let mut found = notes(&listing.complaints, context);
    for entry in &listing.entries {
        let mut draft = draft(entry, kind, Method::LockFile, context);
        draft.package.scope = Scope::Declared;
        let key = |key: &str| format!("{path}#{key}");
        draft.provides = vec![key(entry.key.as_deref().unwrap_or(&entry.name))];
        draft.requires = entry.needs.iter().map(|need| vec![key(need)]).collect();
        found.drafts.push(draft);
    }
    mark_test_data(&mut found, &path);
    found
}

/// What is installed, with needs that others of the same surroundings satisfy.
pub(crate) fn installed(
    entry: &Entry,
    kind: PackageKind,
    surroundings: &str,
    context: &Context<'_>,
) -> Draft {
    let mut draft = draft(entry, kind, Method::Database, context);
    surroundings.clone_into(&mut draft.surroundings);
    draft.provides = vec![entry.key.clone().unwrap_or_else(|| entry.name.clone())];
    draft.requires = entry.needs.iter().map(|need| vec![need.clone()]).collect();
    if is_test_data(&context.path()) {
        draft.package.scope = Scope::TestData;
    }
    draft
}

fn mark_test_data(found: &mut Found, path: &str) {
    if is_test_data(path) {
        found.drafts.iter_mut().for_each(|draft| draft.package.scope = Scope::TestData);
    }
}

/// The complaints as notes.
pub(crate) fn notes(complaints: &[String], context: &Context<'_>) -> Found {
    let notes = complaints.iter().map(|complaint| context.note(complaint)).collect();
    Found { notes, ..Found::default() }
}

/// A package as an entry describes it.
pub(crate) fn draft(
    entry: &Entry,
    kind: PackageKind,
    method: Method,
    context: &Context<'_>,
) -> Draft {
    let version = entry.version.as_deref();
    let mut draft = component(kind, &entry.name, version, context.evidence(method), context);
    let package = &mut draft.package;
    if kind == PackageKind::Maven
        && let Some((group, artifact)) = entry.name.split_once(':')
    {
        package.purl.namespace = Some(group.to_owned());
        artifact.clone_into(&mut package.purl.name);
    }
    package.licenses = entry.license.as_deref().and_then(license).into_iter().collect();
    package.homepage.clone_from(&entry.homepage);
    package.summary.clone_from(&entry.summary);
    package.supplier = entry.author.as_deref().and_then(supplier);
    package.hashes = entry
        .hashes
        .iter()
        .map(|hash| Hash {
            algorithm: match hash.algorithm {
                HashAlgorithm::Sha1 => sealift_model::HashAlgorithm::Sha1,
                HashAlgorithm::Sha256 => sealift_model::HashAlgorithm::Sha256,
                HashAlgorithm::Sha512 => sealift_model::HashAlgorithm::Sha512,
            },
            hex: hash.hex.clone(),
        })
        .collect();
    for (key, value) in &entry.qualifiers {
        package.purl.qualifiers.insert((*key).to_owned(), value.clone());
    }
    draft
}

// Kinds whose lock files this module reads.
const KINDS: [PackageKind; 12] = [
    PackageKind::Maven,
    PackageKind::Nuget,
    PackageKind::LuaRocks,
    PackageKind::Hex,
    PackageKind::Pub,
    PackageKind::Swift,
    PackageKind::CocoaPods,
    PackageKind::Conan,
    PackageKind::Vcpkg,
    PackageKind::Hackage,
    PackageKind::Julia,
    PackageKind::Opam,
];

/// What is declared and there in the same version is one package; what the lock file says of its needs stays.
pub(crate) fn settle(drafts: &mut Vec<Draft>) {
    let key = |draft: &Draft| {
        let package = &draft.package;
        (package.kind, package.name.to_ascii_lowercase(), package.version.clone())
    };
    let is_ours = |draft: &Draft| KINDS.contains(&draft.package.kind);
    let is_there = |draft: &Draft| {
        matches!(draft.package.scope, Scope::Installed | Scope::Embedded) && is_ours(draft)
    };
    let mut there = HashMap::new();
    for (place, draft) in drafts.iter().enumerate().filter(|(_, draft)| is_there(draft)) {
        there.entry(key(draft)).or_insert(place);
    }
    if there.is_empty() {
        return;
    }
    let mut needs = Vec::new();
    let mut is_kept = Vec::with_capacity(drafts.len());
    for draft in drafts.iter_mut() {
        let is_declared = draft.package.scope == Scope::Declared && is_ours(draft);
        let place = is_declared.then(|| there.get(&key(draft)).copied()).flatten();
        is_kept.push(place.is_none());
        if let Some(place) = place {
            let provides = std::mem::take(&mut draft.provides);
            needs.push((place, provides, std::mem::take(&mut draft.requires)));
        }
    }
    for (place, provides, requires) in needs {
        drafts[place].provides.extend(provides);
        drafts[place].requires.extend(requires);
    }
    let mut is_kept = is_kept.into_iter();
    drafts.retain(|_| is_kept.next().unwrap_or(true));
}

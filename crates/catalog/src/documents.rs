//! SBOMs that are inside the image: they say what is in the files beside them.
//!
//! A package that another cataloger found, too, is one component, with the document as more evidence. The rest is part of
//! other files. A document that tells of packages which the image's own package manager does not know is of another
//! image or out of date, and is not believed there.

use std::collections::{BTreeMap, HashMap, HashSet};

use sealift_model::{Evidence, Method, Note, Package, PackageId, PackageKind, Purl, Scope};
use sealift_sbom::read::{Error, Limits, read as read_document};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, is_test_data};

/// `*.cdx.json`, `*.spdx`, and what is in the folders of SBOMs.
pub(crate) const DOCUMENTS: Cataloger = Cataloger {
    name: "sbom",
    what: "Packages that an SBOM inside the image lists",
    evidence: &[
        Pattern::Ending(".cdx.json"),
        Pattern::Ending(".cdx.xml"),
        Pattern::Ending(".spdx.json"),
        Pattern::Ending(".spdx"),
        Pattern::Ending(".syft.json"),
        Pattern::Ending(".sbom"),
        Pattern::Ending(".sbom.json"),
        Pattern::Named("", "bom.json"),
        // PEP 770.
        Pattern::InAny("sboms", ".json"),
        Pattern::InAny("usr/share/sbom", ".json"),
        Pattern::InAny("usr/share/sbom", ".xml"),
        Pattern::InAny("var/lib/db/sbom", ".json"),
    ],
    companions: &[],
    read,
};

const LIMITS: Limits = Limits {
    bytes_max: 64 << 20,
    depth_max: 64,
    elements_max: 1_000_000,
    packages_max: 50_000,
    relations_max: 500_000,
};
// Here apk's packages name the sources they were made from (melange).
const SOURCES: &str = "/var/lib/db/sbom/";

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let path = context.path();
    let document = match read_document(bytes, &LIMITS) {
        Ok(document) => document,
        // Other things have parts lists, too.
        Err(Error::UnknownFormat) if path.ends_with("/bom.json") => return found,
        Err(error) => {
            found.notes.push(context.note(error.to_string()));
            return found;
        }
    };
    let inventory = document.inventory;
    let names: Vec<String> =
        (0..inventory.packages.len()).map(|place| format!("{path}#{place}")).collect();
    let mut needs: BTreeMap<PackageId, Vec<Vec<String>>> = BTreeMap::new();
    for relation in &inventory.relations {
        if let Some(name) = names.get(relation.to.0) {
            needs.entry(relation.from).or_default().push(vec![name.clone()]);
        }
    }
    let scope = match () {
        () if is_test_data(&path) => Scope::TestData,
        () if path.starts_with(SOURCES) => Scope::BuiltFrom,
        () => Scope::Embedded,
    };
    let mut n_others = 0_usize;
    for (place, package) in inventory.packages.into_iter().enumerate() {
        let Some(package) = listed(package, scope, context) else {
            n_others += 1;
            continue;
        };
        found.drafts.push(Draft {
            built_from: Vec::new(),
            surroundings: path.clone(),
            provides: vec![names[place].clone()],
            requires: needs.remove(&PackageId(place)).unwrap_or_default(),
            package,
        });
    }
    if n_others > 0 {
        let message = format!("{n_others} entries are no packages with a package URL or a version");
        found.notes.push(context.note(message));
    }
    found
}

// A document's package as one of the image's.
fn listed(package: Package, scope: Scope, context: &Context<'_>) -> Option<Package> {
    let mut package = package;
    if package.name.is_empty() || package.name.len() > NAME_BYTES_MAX {
        return None;
    }
    if package.purl.name.is_empty() {
        package.version.as_ref()?;
        package.purl = Purl::new("generic", &package.name);
        package.purl.version.clone_from(&package.version);
    }
    // In a document it is a repository of sources.
    if package.kind == PackageKind::GithubAction {
        package.kind = PackageKind::Other;
    }
    package.evidence = vec![context.evidence(Method::Sbom)];
    package.introduced_by = context.introduced();
    package.scope = scope;
    package.owner = None;
    package.files = Vec::new();
    Some(package)
}

// What makes two packages the same, whoever shows them.
type Key = (String, Option<String>, String, Option<String>);

fn key(package: &Package) -> Key {
    let purl = &package.purl;
    (purl.kind.clone(), purl.namespace.clone(), purl.name.clone(), purl.version.clone())
}

fn is_of_document(draft: &Draft) -> bool {
    draft.package.evidence.first().is_some_and(|evidence| evidence.method == Method::Sbom)
}

/// Gives what documents say to the packages that are known already, and leaves out what is out of date.
pub(crate) fn settle(drafts: &mut Vec<Draft>, notes: &mut Vec<Note>) {
    if !drafts.iter().any(is_of_document) {
        return;
    }
    let (of_documents, mut others): (Vec<Draft>, Vec<Draft>) =
        std::mem::take(drafts).into_iter().partition(is_of_document);
    let managers: HashSet<PackageKind> =
        others.iter().map(|draft| draft.package.kind).filter(|kind| kind.is_os()).collect();
    let mut places: HashMap<Key, Vec<usize>> = HashMap::new();
    for (place, draft) in others.iter().enumerate() {
        places.entry(key(&draft.package)).or_default().push(place);
    }
    let mut out_of_date: BTreeMap<String, usize> = BTreeMap::new();
    for draft in of_documents {
        let key = key(&draft.package);
        let known = places.get(&key).and_then(|places| nearest(places, &others, &draft));
        if let Some(place) = known {
            merge(&mut others[place], draft);
        } else if managers.contains(&draft.package.kind) {
            let path = draft.package.evidence.first().map(|evidence| evidence.path.clone());
            *out_of_date.entry(path.unwrap_or_default()).or_default() += 1;
        } else {
            places.entry(key).or_default().push(others.len());
            others.push(draft);
        }
    }
    notes.extend(out_of_date.into_iter().map(|(subject, count)| {
        let message = format!("{count} packages are not installed here, by the image's own record");
        Note { subject, message }
    }));
    *drafts = others;
}

// The one with the longest beginning of its path in common with the document's.
fn nearest(places: &[usize], drafts: &[Draft], document: &Draft) -> Option<usize> {
    let path = |draft: &Draft| -> Vec<String> {
        let evidence = draft.package.evidence.first();
        let path = evidence.map(|evidence| evidence.path.as_str()).unwrap_or_default();
        path.split('/').map(str::to_owned).collect()
    };
    let own = path(document);
    let in_common = |place: &&usize| {
        path(&drafts[**place]).iter().zip(&own).take_while(|(a, b)| a == b).count()
    };
    // The first of several that are as near.
    places.iter().rev().max_by_key(in_common).copied()
}

fn merge(known: &mut Draft, other: Draft) {
    known.provides.extend(other.provides);
    known.requires.extend(other.requires);
    let (known, other) = (&mut known.package, other.package);
    let is_new = |evidence: &Evidence| !known.evidence.contains(evidence);
    let evidence: Vec<Evidence> = other.evidence.into_iter().filter(is_new).collect();
    known.evidence.extend(evidence);
    if known.licenses.is_empty() {
        known.licenses = other.licenses;
    }
    if known.hashes.is_empty() {
        known.hashes = other.hashes;
    }
    known.supplier = known.supplier.take().or(other.supplier);
    known.homepage = known.homepage.take().or(other.homepage);
    known.summary = known.summary.take().or(other.summary);
    known.download_url = known.download_url.take().or(other.download_url);
}

//! What lock files and requirements name, and what of that is there.
//!
//! A lock file's entry that is installed is no second component: what the file knows of it (its needs, its hash, where it
//! came from) goes to the installed one. What is not there stays, declared.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sealift_model::{Hash, HashAlgorithm, Method, Package, PackageKind, Scope};

use crate::cataloger::{Context, Draft, Found};
use crate::component::{component, is_test_data};

const HASHES_MAX: usize = 8;
const EVIDENCE_MAX: usize = 20;
// So many places of a package are compared.
const PLACES_MAX: usize = 100;

/// A package that a lock file names. One without a name is a project: it has needs, and is known by its place only.
pub(crate) fn declared(
    kind: PackageKind,
    name: &str,
    version: Option<&str>,
    context: &Context<'_>,
) -> Draft {
    let evidence = context.evidence(Method::LockFile);
    let mut draft = component(kind, name, version, evidence, context);
    let is_test = is_test_data(&context.path());
    draft.package.scope = if is_test { Scope::TestData } else { Scope::Declared };
    draft
}

/// Longest lock file.
const LOCK_BYTES_MAX: usize = 32 << 20;

/// Nothing to read if a lock file is one that an installed package brought, or too large for one.
pub(crate) fn admit(bytes: &[u8], context: &Context<'_>) -> Result<(), Found> {
    if is_of_package(&context.path()) { Err(Found::default()) } else { fit(bytes, context) }
}

/// Nothing to read if a file is too large for a lock file.
pub(crate) fn fit(bytes: &[u8], context: &Context<'_>) -> Result<(), Found> {
    if bytes.len() <= LOCK_BYTES_MAX {
        return Ok(());
    }
    Err(noted(context, "it is too large for a lock file".to_owned()))
}

/// What is found in a file that turned out to be no lock file.
pub(crate) fn no_lock(context: &Context<'_>, error: &dyn std::fmt::Display) -> Found {
    noted(context, format!("it is no lock file: {error}"))
}

fn noted(context: &Context<'_>, message: String) -> Found {
    Found { notes: vec![context.note(message)], ..Found::default() }
}

/// True for a lock file in a package's own folder, which says how that package was developed and not what it needs; and in
/// documentation.
pub(crate) fn is_of_package(path: &str) -> bool {
    const FOLDERS: [&str; 9] = [
        "/node_modules/",
        "/site-packages/",
        "/dist-packages/",
        "/usr/share/nodejs/",
        "/usr/share/doc/",
        "/usr/share/gems/",
        "/.pnpm-store/",
        "/registry/src/",
        "/pkg/mod/",
    ];
    let is_gem = || path.contains("/gems/") && path.contains("/ruby");
    FOLDERS.iter().any(|folder| path.contains(folder)) || is_gem()
}

/// An address that something can be downloaded from.
pub(crate) fn download_url(text: &str) -> Option<String> {
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    (is_address && text.len() <= 2_000 && !text.contains(char::is_whitespace))
        .then(|| text.to_owned())
}

/// The hashes of `sha512-…` texts (W3C, Subresource Integrity).
pub(crate) fn integrity(text: &str) -> Vec<Hash> {
    let one = |text: &str| {
        let (name, value) = text.split_once('-')?;
        let bytes = BASE64_STANDARD.decode(value.split('?').next()?).ok()?;
        let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a text cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        hash(name, &hex)
    };
    text.split_ascii_whitespace().take(HASHES_MAX).filter_map(one).collect()
}

/// A hash by the function's name and its value in hexadecimal.
pub(crate) fn hash(name: &str, hex: &str) -> Option<Hash> {
    let (algorithm, length) = match name {
        "md5" => (HashAlgorithm::Md5, 32),
        "sha1" => (HashAlgorithm::Sha1, 40),
        "sha256" => (HashAlgorithm::Sha256, 64),
        "sha384" => (HashAlgorithm::Sha384, 96),
        "sha512" => (HashAlgorithm::Sha512, 128),
        _ => return None,
    };
    let is_hex = hex.len() == length && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| Hash { algorithm, hex: hex.to_ascii_lowercase() })
}

/// Collects the entries of a lock file in which a package is there once a version, whatever asks for it.
pub(crate) struct Entries {
    drafts: Vec<Draft>,
    places: BTreeMap<(String, Option<String>), usize>,
}

impl Entries {
    pub(crate) fn new() -> Self {
        Self { drafts: Vec::new(), places: BTreeMap::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Adds one, or what it has to the one of the same name and version.
    pub(crate) fn add(&mut self, draft: Draft) {
        let key = (draft.package.name.clone(), draft.package.version.clone());
        match self.places.get(&key).and_then(|place| self.drafts.get_mut(*place)) {
            Some(known) if !draft.package.name.is_empty() => add_to(known, draft),
            _ => {
                self.places.insert(key, self.drafts.len());
                self.drafts.push(draft);
            }
        }
    }

    pub(crate) fn has(&self, name: &str, version: &str) -> bool {
        self.places.contains_key(&(name.to_owned(), Some(version.to_owned())))
    }

    /// Adds what there is.
    pub(crate) fn extend(&mut self, drafts: impl IntoIterator<Item = Draft>) {
        drafts.into_iter().for_each(|draft| self.add(draft));
    }

    pub(crate) fn into_drafts(self) -> Vec<Draft> {
        self.drafts
    }
}

fn add_to(known: &mut Draft, other: Draft) {
    known.provides.extend(other.provides);
    known.requires.extend(other.requires);
    for hash in other.package.hashes {
        if known.package.hashes.len() < HASHES_MAX && !known.package.hashes.contains(&hash) {
            known.package.hashes.push(hash);
        }
    }
    if known.package.download_url.is_none() {
        known.package.download_url = other.package.download_url;
    }
    if known.package.licenses.is_empty() {
        known.package.licenses = other.package.licenses;
    }
}

/// Gives what lock files know to what is installed.
pub(crate) fn settle(drafts: Vec<Draft>) -> Vec<Draft> {
    let is_ours = |draft: &Draft| {
        let package = &draft.package;
        matches!(package.kind, PackageKind::Python | PackageKind::Npm | PackageKind::Gem)
            && package.evidence.first().is_some_and(|it| it.method == Method::LockFile)
    };
    let (locked, mut installed): (Vec<Draft>, Vec<Draft>) = drafts.into_iter().partition(is_ours);
    let index = Index::of(&installed);
    let mut kept = Vec::new();
    let mut changes = Vec::new();
    for draft in locked {
        match index.find(&draft) {
            Match::There(place) => changes.push((place, draft)),
            Match::Missing if !draft.package.name.is_empty() => kept.push(draft),
            Match::Other | Match::Missing => {}
        }
    }
    for (place, mut draft) in changes {
        let known = &mut installed[place];
        let is_same_place = draft.provides.first() == known.provides.first();
        // Node finds what a package needs by folders, which is more exact; of an archive only the lock file knows.
        if known.package.kind == PackageKind::Npm && !is_same_place && !is_archived(known) {
            draft.requires.clear();
        }
        if is_same_place {
            draft.provides.clear();
        }
        add_to(known, draft);
    }
    installed.extend(once(kept));
    installed
}

// What several lock files name is one package.
fn once(locked: Vec<Draft>) -> Vec<Draft> {
    let mut kept: Vec<Draft> = Vec::new();
    let mut places: HashMap<(PackageKind, String), usize> = HashMap::new();
    for draft in locked {
        let package = &draft.package;
        if package.scope != Scope::Declared {
            kept.push(draft);
            continue;
        }
        let key = (package.kind, package.purl.to_string());
        let Some(known) = places.get(&key).and_then(|place| kept.get_mut(*place)) else {
            places.insert(key, kept.len());
            kept.push(draft);
            continue;
        };
        let evidence = &draft.package.evidence;
        let is_new = known.package.evidence.last() != evidence.last();
        if is_new && known.package.evidence.len() < EVIDENCE_MAX {
            known.package.evidence.extend(evidence.iter().cloned());
        }
        add_to(known, draft);
    }
    kept
}

fn is_archived(draft: &Draft) -> bool {
    draft.package.evidence.first().is_some_and(|it| it.path.contains(".zip!/"))
}

fn path(draft: &Draft) -> &str {
    draft.package.evidence.first().map_or("", |evidence| evidence.path.as_str())
}

// What of the installed is an entry of a lock file.
enum Match {
    There(usize),
    /// Another version of it is at this place.
    Other,
    Missing,
}

/// What is installed.
struct Index<'a> {
    installed: &'a [Draft],
    by_place: HashMap<(PackageKind, &'a str), usize>,
    by_name: HashMap<(PackageKind, Option<&'a str>, &'a str), Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(installed: &'a [Draft]) -> Self {
        let mut index = Self { installed, by_place: HashMap::new(), by_name: HashMap::new() };
        for (place, draft) in installed.iter().enumerate() {
            let Package { kind, scope, purl, .. } = &draft.package;
            if *scope == Scope::Installed || is_archived(draft) {
                let name = (*kind, purl.namespace.as_deref(), purl.name.as_str());
                index.by_name.entry(name).or_default().push(place);
            }
            if let Some(own) = draft.provides.first() {
                index.by_place.entry((*kind, own)).or_insert(place);
            }
        }
        index
    }

    fn find(&self, locked: &Draft) -> Match {
        let Package { kind, version, purl, scope, .. } = &locked.package;
        if *scope != Scope::Declared {
            return Match::Missing;
        }
        let at_place = locked.provides.first().and_then(|own| self.by_place.get(&(*kind, own)));
        if let Some(place) = at_place {
            let is_same = version.is_none() || self.installed[*place].package.version == *version;
            return if is_same { Match::There(*place) } else { Match::Other };
        }
        let name = (*kind, purl.namespace.as_deref(), purl.name.as_str());
        let named = self.by_name.get(&name).map_or(&[][..], Vec::as_slice);
        // A requirement without a version is met by any.
        let is_same = |place: &&usize| {
            version.is_none() || self.installed[**place].package.version == *version
        };
        let own_path = path(locked);
        let common = |place: &usize| {
            let other = path(&self.installed[*place]).bytes();
            own_path.bytes().zip(other).take_while(|(left, right)| left == right).count()
        };
        let nearest =
            named.iter().rev().filter(is_same).take(PLACES_MAX).max_by_key(|place| common(place));
        nearest.map_or(Match::Missing, |place| Match::There(*place))
    }
}

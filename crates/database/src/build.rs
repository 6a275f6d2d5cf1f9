//! Making a database of advisories.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use rayon::prelude::*;
use sealift_model::{Advisory, Affected, Ecosystem, Epss, Kev, Life, Note, Rating};

use crate::database::{
    ALIASES, CORE_MAGIC, FLAW_ENDS, FLAWS, LIVES, NOTES, PACKAGE_ENDS, PACKAGES, RECORD_ENDS,
    RECORDS, REPOSITORIES, SCOPES, SOURCES, Source,
};
use crate::identity::{self, Group};
use crate::number::{push, push_len, push_text};
use crate::rows::{self, push_ratings};
use crate::{order, text};

// No record has this id.
const ABSORBED: &str = "";

/// What a database is made of.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Advisories, of all sources.
    pub advisories: Vec<Advisory>,
    /// What is known to be exploited, by CVE.
    pub kev: HashMap<String, Kev>,
    /// How likely it is to be exploited, by CVE.
    pub epss: HashMap<String, Epss>,
    /// How long releases are looked after.
    pub lives: BTreeMap<Ecosystem, Life>,
    /// The products that a repository of Red Hat is for.
    pub repositories: BTreeMap<String, Vec<String>>,
    /// Where all of it comes from.
    pub sources: Vec<Source>,
    /// What could not be read.
    pub notes: Vec<Note>,
    /// When it was put together, in seconds since 1970.
    pub made_secs: i64,
}

/// A database's two files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// To match against.
    pub core: Vec<u8>,
    /// To show.
    pub texts: Vec<u8>,
}

/// Makes a database.
pub fn build(contents: Contents) -> Built {
    let Contents { mut advisories, kev, epss, lives, repositories, sources, mut notes, made_secs } =
        contents;
    merge_copies(&mut advisories);
    let (groups, groups_of) = named_only(&mut advisories);
    let mut packages: BTreeMap<(&Ecosystem, &str), Vec<(u32, &Affected)>> = BTreeMap::new();
    let mut without_order: BTreeSet<&str> = BTreeSet::new();
    for (record, advisory) in (0..u32::MAX).zip(&advisories) {
        for affected in &advisory.affected {
            if order::scheme(&affected.ecosystem.name).is_none() {
                without_order.insert(&affected.ecosystem.name);
                continue;
            }
            let key = (&affected.ecosystem, affected.name.as_str());
            packages.entry(key).or_default().push((record, affected));
        }
    }
    let mut sections = Vec::new();
    let (scopes, ends, bytes) = encode_packages(&packages);
    sections.extend([(SCOPES, scopes), (PACKAGE_ENDS, ends), (PACKAGES, bytes)]);
    let flaws: Vec<Vec<u8>> = groups.iter().map(|group| flaw(group, &kev, &epss)).collect();
    let (ends, bytes) = joined(flaws);
    sections.extend([(FLAW_ENDS, ends), (FLAWS, bytes), (ALIASES, aliases(&groups))]);
    let records = advisories.par_iter().zip(&groups_of).map(|(it, flaws)| record(it, flaws));
    let (ends, bytes) = joined(records.collect());
    sections.extend([(RECORD_ENDS, ends), (RECORDS, bytes)]);
    let without_order = without_order.into_iter().map(|name| Note {
        subject: name.to_owned(),
        message: "left out: it is not known how its versions are ordered".to_owned(),
    });
    notes.extend(without_order);
    sections.push((LIVES, encode_lives(&lives)));
    sections.push((REPOSITORIES, encode_repositories(&repositories)));
    sections.push((SOURCES, postcard::to_stdvec(&sources).unwrap_or_default()));
    sections.push((NOTES, postcard::to_stdvec(&notes).unwrap_or_default()));
    let core = crate::file::assemble(CORE_MAGIC, made_secs, &sections);
    let digest = crate::file::digest(&core);
    let texts = text::encode(digest, made_secs, &advisories);
    Built { core, texts }
}

// The same record may come from two places. The publisher's own is right on the packages that it names, and has what else
// the copy knows; beyond these the one that says most comes first.
fn merge_copies(advisories: &mut Vec<Advisory>) {
    advisories.sort_by(|left, right| {
        let key = |it: &Advisory| (Reverse(it.is_original), Reverse(it.affected.len()));
        (&left.id, key(left)).cmp(&(&right.id, key(right)))
    });
    for same in advisories.chunk_by_mut(|left, right| left.id == right.id) {
        let (originals, copies) = same.split_at_mut(same.partition_point(|it| it.is_original));
        let affected = originals.iter().flat_map(|it| &it.affected);
        let known: HashSet<(Ecosystem, String)> =
            affected.map(|it| (it.ecosystem.clone(), it.name.clone())).collect();
        for copy in copies.iter_mut().filter(|it| !it.affected.is_empty()) {
            copy.affected.retain(|it| !known.contains(&(it.ecosystem.clone(), it.name.clone())));
            if let (true, Some(original)) = (copy.affected.is_empty(), originals.first_mut()) {
                absorb(original, copy);
            }
        }
    }
    advisories.retain(|it| it.id != ABSORBED);
    advisories.dedup_by(|later, first| later.id == first.id && later.affected == first.affected);
}

fn absorb(original: &mut Advisory, copy: &mut Advisory) {
    let copy = std::mem::replace(copy, Advisory { id: ABSORBED.to_owned(), ..Advisory::default() });
    for (texts, more) in [
        (&mut original.aliases, copy.aliases),
        (&mut original.upstream, copy.upstream),
        (&mut original.cwes, copy.cwes),
        (&mut original.references, copy.references),
    ] {
        let new: Vec<String> = more.into_iter().filter(|text| !texts.contains(text)).collect();
        texts.extend(new);
    }
    let ratings = copy.ratings.into_iter().filter(|it| !original.ratings.contains(it));
    let ratings: Vec<Rating> = ratings.collect();
    original.ratings.extend(ratings);
    original.summary = original.summary.take().or(copy.summary);
    original.details = original.details.take().or(copy.details);
    original.published = original.published.take().or(copy.published);
    original.modified = original.modified.take().or(copy.modified);
}

// Records that name no package may rate a flaw that others name. What nobody names can never be found, and of that there
// is far more.
fn named_only(advisories: &mut Vec<Advisory>) -> (Vec<Group>, Vec<Vec<usize>>) {
    let (groups, groups_of) = identity::group(advisories);
    let has_packages = |place: &usize| !advisories[*place].affected.is_empty();
    let is_named: Vec<bool> =
        groups.iter().map(|group| group.records.iter().any(has_packages)).collect();
    let is_kept: Vec<bool> =
        groups_of.iter().map(|groups| groups.iter().any(|group| is_named[*group])).collect();
    if is_kept.iter().all(|is_kept| *is_kept) {
        return (groups, groups_of);
    }
    let mut is_kept = is_kept.into_iter();
    advisories.retain(|_| is_kept.next().unwrap_or_default());
    identity::group(advisories)
}

type Packages<'a> = BTreeMap<(&'a Ecosystem, &'a str), Vec<(u32, &'a Affected)>>;

// Scopes are runs of packages: name, release and count of each.
fn encode_packages(packages: &Packages<'_>) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let mut scopes = Vec::new();
    let all: Vec<_> = packages.iter().collect();
    for scope in all.chunk_by(|left, right| left.0.0 == right.0.0) {
        let ecosystem = scope[0].0.0;
        push_text(&mut scopes, &ecosystem.name);
        push_text(&mut scopes, ecosystem.release.as_deref().unwrap_or_default());
        push_len(&mut scopes, scope.len());
    }
    let entries: Vec<Vec<u8>> = all
        .par_iter()
        .map(|((ecosystem, name), entries)| {
            let mut entry = Vec::new();
            push_text(&mut entry, name);
            if let Some(scheme) = order::scheme(&ecosystem.name) {
                entry.append(&mut rows::encode(scheme, entries));
            }
            entry
        })
        .collect();
    let (ends, bytes) = joined(entries);
    (scopes, ends, bytes)
}

fn flaw(group: &Group, kev: &HashMap<String, Kev>, epss: &HashMap<String, Epss>) -> Vec<u8> {
    let mut out = Vec::new();
    push_text(&mut out, &group.id);
    push_len(&mut out, group.aliases.len());
    group.aliases.iter().for_each(|alias| push_text(&mut out, alias));
    push_places(&mut out, &group.records);
    match kev.get(&group.id) {
        Some(Kev { added, due, is_used_by_ransomware }) => {
            out.push(1 + u8::from(*is_used_by_ransomware));
            push_text(&mut out, added);
            push_text(&mut out, due.as_deref().unwrap_or_default());
        }
        None => out.push(0),
    }
    match epss.get(&group.id) {
        Some(Epss { score_millionths, percentile_millionths }) => {
            push(&mut out, u64::from(*score_millionths) + 1);
            push(&mut out, u64::from(*percentile_millionths));
        }
        None => push(&mut out, 0),
    }
    out
}

fn encode_lives(lives: &BTreeMap<Ecosystem, Life>) -> Vec<u8> {
    let mut out = Vec::new();
    push_len(&mut out, lives.len());
    for (ecosystem, life) in lives {
        push_text(&mut out, &ecosystem.to_string());
        push_text(&mut out, &life.ends);
        push_text(&mut out, life.extended_ends.as_deref().unwrap_or_default());
    }
    out
}

fn encode_repositories(repositories: &BTreeMap<String, Vec<String>>) -> Vec<u8> {
    let mut out = Vec::new();
    push_len(&mut out, repositories.len());
    for (name, products) in repositories {
        push_text(&mut out, name);
        push_len(&mut out, products.len());
        for product in products {
            push_text(&mut out, product);
        }
    }
    out
}

// Aliases with their flaws, sorted by alias.
fn aliases(groups: &[Group]) -> Vec<u8> {
    let mut all: Vec<(&str, usize)> = groups
        .iter()
        .enumerate()
        .flat_map(|(place, group)| group.aliases.iter().map(move |it| (it.as_str(), place)))
        .collect();
    all.sort_unstable();
    let mut out = Vec::new();
    push_len(&mut out, all.len());
    for (alias, place) in all {
        push_text(&mut out, alias);
        push_len(&mut out, place);
    }
    out
}

fn record(advisory: &Advisory, flaws: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    push_text(&mut out, &advisory.id);
    push_places(&mut out, flaws);
    push_ratings(&mut out, &advisory.ratings);
    out
}

// Places, ascending, as steps.
fn push_places(out: &mut Vec<u8>, places: &[usize]) {
    push_len(out, places.len());
    let mut before = 0;
    for place in places {
        push_len(out, place - before);
        before = *place;
    }
}

/// Entries behind each other, and where each ends.
pub(crate) fn joined(entries: Vec<Vec<u8>>) -> (Vec<u8>, Vec<u8>) {
    let mut ends = Vec::with_capacity(entries.len() * 4);
    let mut bytes = Vec::with_capacity(entries.iter().map(Vec::len).sum());
    for entry in entries {
        bytes.extend_from_slice(&entry);
        // A list of more than four gigabytes would be refused when it is read.
        ends.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    (ends, bytes)
}

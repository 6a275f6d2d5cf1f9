//! The advisories, indexed by package.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use sealift_model::{Advisory, Affected, DatabaseInfo, Ecosystem, Note};

use crate::identity::{self, Group};
use crate::load::{self, Loaded};
use crate::{Error, Limits, sources};

// Notes of one kind beyond these are counted, not listed.
const NOTES_OF_A_KIND_MAX: usize = 20;

/// The advisories on the wanted ecosystems, indexed by package.
#[derive(Debug, Default)]
pub struct Advisories {
    records: Vec<Advisory>,
    vulnerabilities: Vec<Vulnerability>,
    // For each record, the vulnerabilities it speaks of.
    vulnerabilities_of: Vec<Vec<VulnerabilityId>>,
    // Record and place in its `affected`.
    index: HashMap<Ecosystem, HashMap<String, Vec<(usize, usize)>>>,
    info: DatabaseInfo,
}

/// Place of a vulnerability among the [`Advisories`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VulnerabilityId(usize);

/// One flaw, by whatever ids it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vulnerability {
    /// The preferred id: CVE, else GHSA, else the advisory's own.
    pub id: String,
    /// Other ids, sorted.
    pub aliases: Vec<String>,
    records: Vec<usize>,
}

/// An advisory's entry for a package.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    /// The advisory.
    pub advisory: &'a Advisory,
    /// Its entry for the package.
    pub affected: &'a Affected,
    /// The flaws that it speaks of.
    pub vulnerabilities: &'a [VulnerabilityId],
}

impl Advisories {
    /// Reads OSV documents from a file, a folder, a zip or a copy of the OSV bucket. A wanted ecosystem without a
    /// release stands for all releases. Notes tell what was not understood.
    pub fn open(path: &Path, wanted: &[Ecosystem]) -> Result<(Self, Vec<Note>), Error> {
        Self::open_within(path, wanted, &Limits::default())
    }

    /// [`Advisories::open`] with limits of one's own.
    pub fn open_within(
        path: &Path,
        wanted: &[Ecosystem],
        limits: &Limits,
    ) -> Result<(Self, Vec<Note>), Error> {
        let sources = sources::find(path, wanted, limits)?;
        let loaded = load::load(path, &sources, wanted, limits)?;
        if loaded.seen == 0 && !wanted.is_empty() {
            return Err(Error::Empty { path: path.to_owned() });
        }
        let Loaded { parsed, mut notes, .. } = loaded;
        notes.extend(sources.notes);
        let example_only = sources.is_example
            || (!parsed.is_empty() && parsed.iter().all(|parsed| parsed.is_example));
        let records: Vec<Advisory> = parsed.into_iter().map(|parsed| parsed.advisory).collect();
        let mut advisories = Self::new(records);
        advisories.info.source = path.display().to_string();
        advisories.info.example_only = example_only;
        Ok((advisories, condensed(notes)))
    }

    /// Indexes advisories that are already in memory.
    pub fn new(mut records: Vec<Advisory>) -> Self {
        records.sort_by(|left, right| left.id.cmp(&right.id));
        let (groups, groups_of) = identity::group(&records);
        let mut index: HashMap<Ecosystem, HashMap<String, Vec<(usize, usize)>>> = HashMap::new();
        for (record, advisory) in records.iter().enumerate() {
            for (place, affected) in advisory.affected.iter().enumerate() {
                let packages = match index.get_mut(&affected.ecosystem) {
                    Some(packages) => packages,
                    None => index.entry(affected.ecosystem.clone()).or_default(),
                };
                match packages.get_mut(&affected.name) {
                    Some(entries) => entries.push((record, place)),
                    None => {
                        packages.insert(affected.name.clone(), vec![(record, place)]);
                    }
                }
            }
        }
        let relevant = || records.iter().filter(|advisory| !advisory.affected.is_empty());
        let newest =
            relevant().filter_map(|advisory| advisory.modified.as_ref()).max_by_key(|date| {
                // Seconds are enough; fractions and zones differ in length.
                date.get(..19).unwrap_or(date)
            });
        let info = DatabaseInfo {
            source: String::new(),
            records: relevant().count(),
            newest_modified: newest.cloned(),
            example_only: false,
        };
        Self {
            info,
            vulnerabilities: groups
                .into_iter()
                .map(|Group { id, aliases, records }| Vulnerability { id, aliases, records })
                .collect(),
            vulnerabilities_of: groups_of
                .into_iter()
                .map(|list| list.into_iter().map(VulnerabilityId).collect())
                .collect(),
            index,
            records,
        }
    }

    /// Where they come from.
    pub fn info(&self) -> &DatabaseInfo {
        &self.info
    }

    /// True if there is any advisory for an ecosystem, or for all its releases.
    pub fn knows(&self, ecosystem: &Ecosystem) -> bool {
        self.index.contains_key(ecosystem) || self.index.contains_key(&without_release(ecosystem))
    }

    /// Entries for a package, by its normal name (see [`crate::normalize`]): those for the release and those for all
    /// releases, in the order of the advisories' ids.
    pub fn lookup(&self, ecosystem: &Ecosystem, name: &str) -> Vec<Hit<'_>> {
        let entries = |ecosystem: &Ecosystem| -> &[(usize, usize)] {
            self.index
                .get(ecosystem)
                .and_then(|packages| packages.get(name))
                .map_or(&[], Vec::as_slice)
        };
        let mut places = entries(ecosystem).to_vec();
        if ecosystem.release.is_some() {
            places.extend_from_slice(entries(&without_release(ecosystem)));
            places.sort_unstable();
        }
        let hit = |(record, place): (usize, usize)| Hit {
            advisory: &self.records[record],
            affected: &self.records[record].affected[place],
            vulnerabilities: &self.vulnerabilities_of[record],
        };
        places.into_iter().map(hit).collect()
    }

    /// A flaw by its place.
    pub fn vulnerability(&self, id: VulnerabilityId) -> &Vulnerability {
        &self.vulnerabilities[id.0]
    }

    /// Everything that was read on a flaw, whatever package it is about.
    pub fn records_on(&self, id: VulnerabilityId) -> impl Iterator<Item = &Advisory> {
        self.vulnerabilities[id.0].records.iter().map(|record| &self.records[*record])
    }
}

fn without_release(ecosystem: &Ecosystem) -> Ecosystem {
    Ecosystem { name: ecosystem.name.clone(), release: None }
}

// A feed with a bad habit has it ten thousand times.
fn condensed(mut notes: Vec<Note>) -> Vec<Note> {
    notes.sort_by(|left, right| {
        (&left.message, &left.subject).cmp(&(&right.message, &right.subject))
    });
    notes.dedup();
    let mut kinds: BTreeMap<String, Vec<Note>> = BTreeMap::new();
    for note in notes {
        kinds.entry(note.message.clone()).or_default().push(note);
    }
    let mut condensed = Vec::new();
    for (message, mut notes) in kinds {
        let more = notes.len().saturating_sub(NOTES_OF_A_KIND_MAX);
        notes.truncate(NOTES_OF_A_KIND_MAX);
        condensed.append(&mut notes);
        if more > 0 {
            condensed.push(Note { subject: format!("{more} more advisories"), message });
        }
    }
    condensed
}

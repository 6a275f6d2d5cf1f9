//! What a feed says.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use sealift_model::{Advisory, DatabaseInfo, Ecosystem, Epss, Kev, Life, Note};

use crate::kind::{FeedKind, Found};
use crate::load::{self, Loaded};
use crate::merge::Merged;
use crate::{Error, Limits, Wanted, sources};

// Notes of one kind beyond these are counted, not listed.
const NOTES_OF_A_KIND_MAX: usize = 20;

/// The advisories of one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// The advisories, sorted by id; of each the packages of the wanted ecosystems.
    pub advisories: Vec<Advisory>,
    /// Where they come from, and how fresh they are.
    pub info: DatabaseInfo,
    /// What is known to be exploited, by CVE.
    pub kev: HashMap<String, Kev>,
    /// How likely it is to be exploited, by CVE.
    pub epss: HashMap<String, Epss>,
    /// How long releases are looked after.
    pub lives: BTreeMap<Ecosystem, Life>,
    /// The products that a repository of Red Hat is for.
    pub repositories: BTreeMap<String, Vec<String>>,
    /// Where what is not in OSV's form comes from.
    pub sources: Vec<FeedSource>,
    /// What was not understood.
    pub notes: Vec<Note>,
}

/// A feed that is not made of OSV documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedSource {
    /// Short name.
    pub id: String,
    /// Its file.
    pub location: String,
    /// Records that were taken.
    pub records: usize,
    /// As of when, RFC 3339 or a date.
    pub newest: Option<String>,
    /// Who is to be named, and under which terms it may be used.
    pub license: String,
}

impl Feed {
    /// Reads feeds from a file, a folder, a zip or a copy of the OSV bucket. What is only about exploits will do if all
    /// is wanted; to match images against it will not.
    pub fn read(path: &Path, wanted: Wanted<'_>) -> Result<Self, Error> {
        Self::read_within(path, wanted, &Limits::default())
    }

    /// The files that [`Feed::read`] would read, sorted.
    pub fn files(path: &Path, wanted: Wanted<'_>) -> Result<Vec<PathBuf>, Error> {
        let found = sources::find(path, wanted, &Limits::default())?;
        Ok(found.files.into_iter().chain(found.zips).chain(found.tars).collect())
    }

    /// [`Feed::read`] with limits of one's own.
    pub fn read_within(path: &Path, wanted: Wanted<'_>, limits: &Limits) -> Result<Self, Error> {
        let sources = sources::find(path, wanted, limits)?;
        let loaded = load::load(path, &sources, wanted, limits)?;
        let mut others = loaded.others.iter();
        let has_advisories =
            others.any(|(_, kind, found)| kind.is_complete() && !found.advisories.is_empty());
        let is_enough = has_advisories || (wanted == Wanted::All && !loaded.others.is_empty());
        if loaded.seen == 0 && !wanted.is_empty() && !is_enough {
            return Err(Error::Empty { path: path.to_owned() });
        }
        let Loaded { parsed, mut notes, others, .. } = loaded;
        notes.extend(sources.notes);
        let example_only = sources.is_example
            || (!parsed.is_empty() && parsed.iter().all(|parsed| parsed.is_example));
        let advisories: Vec<Advisory> = parsed.into_iter().map(|parsed| parsed.advisory).collect();
        let relevant = || advisories.iter().filter(|advisory| !advisory.affected.is_empty());
        let newest =
            relevant().filter_map(|advisory| advisory.modified.as_ref()).max_by_key(|date| {
                // Seconds are enough; fractions and zones differ in length.
                date.get(..19).unwrap_or(date)
            });
        let info = DatabaseInfo {
            source: path.display().to_string(),
            records: relevant().count(),
            newest_modified: newest.cloned(),
            made_secs: 0,
            example_only,
        };
        let mut feed = Self { info, notes: condensed(notes), advisories, ..Self::default() };
        feed.take(others, wanted);
        feed.advisories.sort_by(|left, right| left.id.cmp(&right.id));
        Ok(feed)
    }
}

impl Feed {
    // Where two files speak of one flaw the newer is right.
    fn take(&mut self, mut others: Vec<(PathBuf, FeedKind, Found)>, wanted: Wanted<'_>) {
        others.sort_by(|(left_file, _, left), (right_file, _, right)| {
            (&left.newest, left_file).cmp(&(&right.newest, right_file))
        });
        let mut merged = Merged::default();
        for (file, kind, found) in others {
            let records = found.advisories.len()
                + found.kev.len()
                + found.epss.len()
                + found.lives.len()
                + found.repositories.len();
            // A publisher with a file for each flaw is one source.
            let is_part = kind.is_one_of_many();
            let known = self.sources.iter_mut().find(|it| is_part && it.id == kind.id());
            if let Some(known) = known {
                known.records += records;
                known.newest = found.newest.max(known.newest.take());
            } else {
                let whole = self.info.source.clone();
                self.sources.push(FeedSource {
                    id: kind.id().to_owned(),
                    location: if is_part { whole } else { file.display().to_string() },
                    records,
                    newest: found.newest,
                    license: kind.license().to_owned(),
                });
            }
            merged.take(found.advisories, wanted);
            self.lives.extend(found.lives);
            self.repositories.extend(found.repositories);
            self.kev.extend(found.kev);
            self.epss.extend(found.epss);
        }
        self.advisories.extend(merged.advisories);
        self.sources
            .sort_by(|left, right| (&left.id, &left.location).cmp(&(&right.id, &right.location)));
    }
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

//! Which packages go into the image: the closure of the recipe's wishes under `Depends` and `Pre-Depends`.
//!
//! Greedy, as apt does it: newest version first, first alternative that can be had, else a provider. What is chosen
//! stays chosen; if it then does not fit together, that is an error which names the chain, never a silent guess.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt::Write as _;

use crate::index::{Candidate, Index, provided};
use crate::relation::{self, Group, Relation, group_text};
use crate::{Error, PackageRequest};

/// What is wanted.
pub(crate) struct Wanted<'r> {
    pub packages: &'r [PackageRequest],
    pub exclude: &'r BTreeSet<String>,
    pub recommends: bool,
    pub essential: bool,
    pub architecture: &'r str,
}

/// What was chosen.
#[derive(Debug, Default)]
pub(crate) struct Resolution {
    /// Places of the candidates, sorted by name.
    pub candidates: Vec<usize>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Chooses the packages.
pub(crate) fn resolve(index: &Index<'_>, wanted: &Wanted<'_>) -> Result<Resolution, Error> {
    let mut selection = Selection::new(index, wanted);
    if wanted.essential {
        selection.add_essential()?;
    }
    for request in wanted.packages {
        selection.add_request(request)?;
    }
    let mut recommended = Vec::new();
    while let Some(place) = selection.queue.pop_front() {
        let candidate = &index.candidates[place];
        for field in [candidate.pre_depends, candidate.depends] {
            for group in selection.groups(candidate, field)? {
                selection.satisfy(&group, place)?;
            }
        }
        if wanted.recommends {
            for group in selection.groups(candidate, candidate.recommends)? {
                recommended.push((group, place));
            }
        }
        // Recommendations come when nothing that is needed is open, so that they never steer a choice.
        if selection.queue.is_empty() {
            for (group, place) in std::mem::take(&mut recommended) {
                selection.recommend(&group, place);
            }
        }
    }
    selection.check()?;
    let warnings = selection.warnings;
    Ok(Resolution { candidates: selection.by_name.into_values().collect(), warnings })
}

struct Selection<'i, 'r> {
    index: &'i Index<'i>,
    wanted: &'r Wanted<'r>,
    by_name: BTreeMap<&'i str, usize>,
    provided: HashMap<&'i str, Vec<(usize, Option<&'i str>)>>,
    // Conflicts and breaks of what is selected, by the name they are against.
    against: HashMap<&'i str, Vec<(usize, Relation<'i>)>>,
    // Who brought a package in; absent for the recipe's own wishes.
    parents: HashMap<usize, usize>,
    queue: VecDeque<usize>,
    warnings: Vec<String>,
}

impl<'i, 'r> Selection<'i, 'r> {
    fn new(index: &'i Index<'i>, wanted: &'r Wanted<'r>) -> Self {
        Self {
            index,
            wanted,
            by_name: BTreeMap::new(),
            provided: HashMap::new(),
            against: HashMap::new(),
            parents: HashMap::new(),
            queue: VecDeque::new(),
            warnings: Vec::new(),
        }
    }

    fn add_essential(&mut self) -> Result<(), Error> {
        let mut names: Vec<&str> = self
            .index
            .candidates
            .iter()
            .filter(|candidate| candidate.essential)
            .map(|candidate| candidate.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let place = self.index.versions(name)[0];
            // An older suite's mark does not count if the newest version is not essential any more.
            if self.index.candidates[place].essential && !self.wanted.exclude.contains(name) {
                self.select(place, None)?;
            }
        }
        Ok(())
    }

    fn add_request(&mut self, request: &PackageRequest) -> Result<(), Error> {
        let unsatisfiable = |reason: String| Error::Unsatisfiable {
            relation: request.to_string(),
            reason,
            chain: Vec::new(),
        };
        let versions = self.index.versions(&request.name);
        let place = match &request.version {
            None => versions.first(),
            Some(version) => {
                versions.iter().find(|place| self.index.candidates[**place].version == version)
            }
        };
        match place {
            Some(place) => match self.by_name.get(self.index.candidates[*place].name) {
                Some(selected) if selected != place => {
                    Err(unsatisfiable("another version was asked for before".to_owned()))
                }
                Some(_) => Ok(()),
                None => self.select(*place, None),
            },
            None if versions.is_empty() && !self.index.providers(&request.name).is_empty() => {
                Err(unsatisfiable(format!(
                    "it is virtual; name one of its providers: {}",
                    self.provider_names(&request.name)
                )))
            }
            None => Err(unsatisfiable(self.why_no_version(&request.name))),
        }
    }

    // Sees to it that one of the alternatives is selected.
    fn satisfy(&mut self, group: &[Relation<'i>], needed_by: usize) -> Result<(), Error> {
        if group.iter().any(|relation| self.is_satisfied(relation)) {
            return Ok(());
        }
        match self.choose(group) {
            Choice::Place(place) => self.select(place, Some(needed_by)),
            Choice::Excluded => Ok(()),
            Choice::None(reason) => Err(Error::Unsatisfiable {
                relation: group_text(group),
                reason,
                chain: self.chain(needed_by),
            }),
        }
    }

    fn recommend(&mut self, group: &[Relation<'i>], needed_by: usize) {
        if group.iter().any(|relation| self.is_satisfied(relation)) {
            return;
        }
        let name = self.index.candidates[needed_by].name;
        match self.choose(group) {
            Choice::Place(place) if self.conflict_of(place).is_none() => {
                if self.select(place, Some(needed_by)).is_err() {
                    self.warnings.push(format!(
                        "`{}`, recommended by `{name}`, is left out",
                        group_text(group)
                    ));
                }
            }
            Choice::Excluded => {}
            _ => self
                .warnings
                .push(format!("`{}`, recommended by `{name}`, is left out", group_text(group))),
        }
    }

    fn is_satisfied(&self, relation: &Relation<'_>) -> bool {
        let real = self
            .by_name
            .get(relation.name)
            .is_some_and(|place| relation.admits_version(self.index.candidates[*place].version));
        real || self.provided.get(relation.name).is_some_and(|provided| {
            provided.iter().any(|(_, version)| relation.admits_provided(*version))
        })
    }

    // The first candidate without a conflict; if all have one, the first, and the final check names the conflict.
    fn choose(&self, group: &[Relation<'i>]) -> Choice {
        let mut fallback = None;
        let mut is_excluded = false;
        for relation in group {
            is_excluded |= self.wanted.exclude.contains(relation.name);
            for place in self.candidates_for(relation) {
                if self.conflict_of(place).is_none() {
                    return Choice::Place(place);
                }
                fallback.get_or_insert(place);
            }
        }
        match fallback {
            _ if is_excluded => Choice::Excluded,
            Some(place) => Choice::Place(place),
            None => Choice::None(self.why_nothing(group)),
        }
    }

    // Real packages newest first, then providers by priority; none of a name that is selected in another version.
    fn candidates_for(&self, relation: &Relation<'i>) -> Vec<usize> {
        // An excluded virtual package excludes its providers here.
        if self.wanted.exclude.contains(relation.name) {
            return Vec::new();
        }
        let candidates = &self.index.candidates;
        let is_open = |place: &usize| {
            let name = candidates[*place].name;
            !self.by_name.contains_key(name) && !self.wanted.exclude.contains(name)
        };
        let real = self
            .index
            .versions(relation.name)
            .iter()
            .copied()
            .filter(|place| relation.admits_version(candidates[*place].version));
        let providers = self
            .index
            .providers(relation.name)
            .iter()
            .filter(|provider| relation.admits_provided(provider.version))
            // A provider in an old version only, while a newer one does not provide it, would not be current.
            .filter(|provider| {
                self.index.versions(candidates[provider.candidate].name).first()
                    == Some(&provider.candidate)
            })
            .map(|provider| provider.candidate);
        real.chain(providers).filter(is_open).collect()
    }

    fn select(&mut self, place: usize, parent: Option<usize>) -> Result<(), Error> {
        let candidate = &self.index.candidates[place];
        if let Some(parent) = parent {
            self.parents.insert(place, parent);
        }
        self.by_name.insert(candidate.name, place);
        for (name, version) in provided(candidate, self.wanted.architecture)? {
            self.provided.entry(name).or_default().push((place, version));
        }
        for field in [candidate.conflicts, candidate.breaks] {
            for relation in self.groups(candidate, field)?.into_iter().flatten() {
                self.against.entry(relation.name).or_default().push((place, relation));
            }
        }
        self.queue.push_back(place);
        Ok(())
    }

    // What speaks against a candidate: who declares it, whom it hits, and the relation.
    fn conflict_of(&self, place: usize) -> Option<(usize, usize, Relation<'i>)> {
        let candidate = &self.index.candidates[place];
        let provides = provided(candidate, self.wanted.architecture).unwrap_or_default();
        let hits = |name: &str| {
            self.against.get(name).into_iter().flatten().filter(move |(owner, _)| *owner != place)
        };
        let by_name =
            hits(candidate.name).find(|(_, relation)| relation.admits_version(candidate.version));
        let by_provided = || {
            provides.iter().find_map(|(name, version)| {
                hits(name).find(|(_, relation)| relation.admits_provided(*version))
            })
        };
        if let Some((owner, relation)) = by_name.or_else(by_provided) {
            return Some((*owner, place, *relation));
        }
        for field in [candidate.conflicts, candidate.breaks] {
            for relation in self.groups(candidate, field).unwrap_or_default().into_iter().flatten()
            {
                if let Some(other) = self.hit_by(&relation, place) {
                    return Some((place, other, relation));
                }
            }
        }
        None
    }

    // Which selected package, other than the one that declares it, a conflict hits.
    fn hit_by(&self, relation: &Relation<'_>, owner: usize) -> Option<usize> {
        let real = self.by_name.get(relation.name).copied().filter(|other| {
            *other != owner && relation.admits_version(self.index.candidates[*other].version)
        });
        real.or_else(|| {
            let provided = self.provided.get(relation.name)?;
            let hit = provided
                .iter()
                .find(|(other, version)| *other != owner && relation.admits_provided(*version))?;
            Some(hit.0)
        })
    }

    // Everything together: all dependencies hold, nothing conflicts.
    fn check(&self) -> Result<(), Error> {
        for place in self.by_name.values().copied() {
            let candidate = &self.index.candidates[place];
            if let Some((owner, other, relation)) = self.conflict_of(place) {
                return Err(Error::Conflict {
                    package: self.index.candidates[owner].name.to_owned(),
                    other: self.index.candidates[other].name.to_owned(),
                    relation: relation.to_string(),
                    chain: self.chain(owner).split_off(1),
                });
            }
            for field in [candidate.pre_depends, candidate.depends] {
                for group in self.groups(candidate, field)? {
                    let holds = group.iter().any(|relation| {
                        self.is_satisfied(relation) || self.wanted.exclude.contains(relation.name)
                    });
                    if !holds {
                        return Err(Error::Unsatisfiable {
                            relation: group_text(&group),
                            reason: self.why_nothing(&group),
                            chain: self.chain(place),
                        });
                    }
                }
            }
        }
        Ok(())
    }

    fn groups(&self, candidate: &Candidate<'i>, field: &'i str) -> Result<Vec<Group<'i>>, Error> {
        relation::parse(field, self.wanted.architecture).map_err(|message| Error::Malformed {
            what: format!("relations of {}", candidate.name),
            line: 0,
            message,
        })
    }

    // The package and those that brought it in, nearest first. Parents are set once, at selection, so there is no circle.
    fn chain(&self, place: usize) -> Vec<String> {
        let mut chain = vec![self.index.candidates[place].name.to_owned()];
        let mut current = place;
        while let Some(parent) = self.parents.get(&current) {
            chain.push(self.index.candidates[*parent].name.to_owned());
            current = *parent;
        }
        chain
    }

    fn why_nothing(&self, group: &[Relation<'_>]) -> String {
        let reasons: Vec<String> = group
            .iter()
            .map(|relation| match self.by_name.get(relation.name) {
                Some(place) => format!(
                    "`{}` is chosen in version {}",
                    relation.name, self.index.candidates[*place].version
                ),
                None => self.why_no_version(relation.name),
            })
            .collect();
        reasons.join("; ")
    }

    fn why_no_version(&self, name: &str) -> String {
        let versions: Vec<&str> = self
            .index
            .versions(name)
            .iter()
            .map(|place| self.index.candidates[*place].version)
            .collect();
        match (versions.is_empty(), self.index.providers(name).is_empty()) {
            (true, true) => format!("no suite has `{name}`"),
            (true, false) => format!("no provider of `{name}` fits: {}", self.provider_names(name)),
            (false, _) => format!("the suites have `{name}` in {}", versions.join(", ")),
        }
    }

    fn provider_names(&self, name: &str) -> String {
        let mut names: Vec<&str> = self
            .index
            .providers(name)
            .iter()
            .map(|provider| self.index.candidates[provider.candidate].name)
            .collect();
        names.dedup();
        let rest = names.len().saturating_sub(10);
        names.truncate(10);
        let mut text = names.join(", ");
        if rest > 0 {
            let _ = write!(text, " and {rest} more");
        }
        text
    }
}

enum Choice {
    Place(usize),
    Excluded,
    None(String),
}

#[cfg(test)]
mod tests;

//! Advisories of publishers' own feeds, of which one may be in several files: a release or a repository each.

use std::collections::{HashMap, HashSet};

use sealift_model::{Advisory, Affected, Ecosystem};

use crate::Wanted;

/// What was merged.
#[derive(Default)]
pub(crate) struct Merged {
    /// One of each id, in the order in which they came.
    pub(crate) advisories: Vec<Advisory>,
    places: HashMap<String, usize>,
}

impl Merged {
    /// Takes the advisories of a file. What it says of a package takes the place of what an earlier file said of it.
    pub(crate) fn take(&mut self, advisories: Vec<Advisory>, wanted: Wanted<'_>) {
        let mut of_file: HashSet<usize> = HashSet::new();
        for mut new in advisories {
            let had_packages = !new.affected.is_empty();
            new.affected.retain(|affected| wanted.has(&affected.ecosystem));
            if had_packages && new.affected.is_empty() && new.ratings.is_empty() {
                continue;
            }
            new.is_original = true;
            let Some(place) = self.places.get(&new.id).copied() else {
                of_file.insert(self.advisories.len());
                self.places.insert(new.id.clone(), self.advisories.len());
                self.advisories.push(new);
                continue;
            };
            let known = &mut self.advisories[place];
            let is_first = of_file.insert(place);
            // What names no package is about the flaw as a whole.
            if is_first && known.affected.is_empty() && new.affected.is_empty() {
                *known = new;
                continue;
            }
            if is_first {
                forget(&mut known.affected, &new.affected);
            }
            join(known, new);
        }
    }
}

fn forget(old: &mut Vec<Affected>, new: &[Affected]) {
    let key = |it: &Affected| -> (Ecosystem, String) { (it.ecosystem.clone(), it.name.clone()) };
    let named: HashSet<(Ecosystem, String)> = new.iter().map(key).collect();
    old.retain(|it| !named.contains(&key(it)));
}

fn join(known: &mut Advisory, new: Advisory) {
    for (old, more) in [
        (&mut known.aliases, new.aliases),
        (&mut known.upstream, new.upstream),
        (&mut known.cwes, new.cwes),
        (&mut known.references, new.references),
    ] {
        for text in more {
            if !old.contains(&text) {
                old.push(text);
            }
        }
    }
    known.summary = new.summary.or(known.summary.take());
    known.details = new.details.or(known.details.take());
    known.published = new.published.or(known.published.take());
    known.modified = new.modified.or(known.modified.take());
    for rating in new.ratings {
        if !known.ratings.contains(&rating) {
            known.ratings.push(rating);
        }
    }
    known.affected.extend(new.affected);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory(id: &str, packages: &[(&str, &str)]) -> Advisory {
        let affected = packages.iter().map(|(ecosystem, name)| Affected {
            ecosystem: Ecosystem::parse(ecosystem),
            name: (*name).to_owned(),
            versions: vec![(*name).to_uppercase()],
            ..Affected::default()
        });
        Advisory { id: id.to_owned(), affected: affected.collect(), ..Advisory::default() }
    }

    #[test]
    fn files() {
        let mut merged = Merged::default();
        let wanted = [Ecosystem::parse("Alpine")];
        let wanted = Wanted::Only(&wanted);
        merged.take(vec![advisory("A", &[("Alpine:v3.1", "x"), ("Alpine:v3.1", "y")])], wanted);
        let newer =
            vec![advisory("A", &[("Alpine:v3.1", "x")]), advisory("A", &[("Alpine:v3.2", "x")])];
        merged.take(newer, wanted);
        merged.take(vec![advisory("B", &[("Wolfi", "x")]), advisory("C", &[])], wanted);
        let said: Vec<String> = merged
            .advisories
            .iter()
            .flat_map(|it| {
                it.affected.iter().map(|to| format!("{} {} {}", it.id, to.ecosystem, to.name))
            })
            .collect();
        assert_eq!(said, ["A Alpine:v3.1 y", "A Alpine:v3.1 x", "A Alpine:v3.2 x"]);
        assert!(merged.advisories.iter().all(|it| it.is_original));
        assert_eq!(merged.advisories.len(), 2);
    }
}

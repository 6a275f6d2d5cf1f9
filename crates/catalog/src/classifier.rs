//! One automaton over the patterns of all catalogers: what a path is, found from its end.
//!
//! Nearly every file of an image is of no interest, and its last bytes tell: the automaton reads a path backwards for as
//! long as some pattern may still end so, and only what remains is compared in full.

use std::sync::LazyLock;

use crate::cataloger::Pattern;
use crate::catalogers;

/// For all of [`catalogers`].
pub(crate) static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| {
    let mut classifier = Classifier::default();
    for (number, cataloger) in catalogers().enumerate() {
        for pattern in cataloger.evidence {
            classifier.add(*pattern, Use::Evidence(number));
        }
        for pattern in cataloger.companions {
            classifier.add(*pattern, Use::Companion);
        }
    }
    for path in crate::distro::PATHS {
        classifier.add(Pattern::Exact(path), Use::Companion);
    }
    for pattern in crate::buildinfo::PATTERNS {
        classifier.add(pattern, Use::Companion);
    }
    classifier
});

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    /// It shows packages, to the cataloger at this place.
    Evidence(usize),
    /// It tells more.
    Companion,
}

/// The automaton: a tree of bytes, the last of a path first.
pub(crate) struct Classifier {
    states: Vec<State>,
}

#[derive(Default)]
struct State {
    /// By byte, sorted.
    next: Vec<(u8, usize)>,
    /// Patterns whose ending has been read.
    ended: Vec<(Pattern, Use)>,
}

impl Default for Classifier {
    fn default() -> Self {
        Self { states: vec![State::default()] }
    }
}

impl Classifier {
    fn add(&mut self, pattern: Pattern, purpose: Use) {
        let mut here = 0;
        for byte in pattern.ending().bytes().rev() {
            let next = &self.states[here].next;
            here = match next.binary_search_by_key(&byte, |(known, _)| *known) {
                Ok(place) => next[place].1,
                Err(place) => {
                    let state = self.states.len();
                    self.states[here].next.insert(place, (byte, state));
                    self.states.push(State::default());
                    state
                }
            };
        }
        self.states[here].ended.push((pattern, purpose));
    }

    /// What a path is for, in no order; one use may come more than once.
    pub(crate) fn uses<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = Use> + 'a {
        let mut rest = path.iter().rev();
        let mut here = Some(&self.states[0]);
        let states = std::iter::from_fn(move || {
            let state = here?;
            here = rest.next().and_then(|byte| {
                let place = state.next.binary_search_by_key(byte, |(known, _)| *known).ok()?;
                Some(&self.states[state.next[place].1])
            });
            Some(state)
        });
        let ended = states.flat_map(|state| state.ended.iter());
        ended.filter(move |(pattern, _)| pattern.matches(path)).map(|(_, purpose)| *purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERNS: &[Pattern] = &[
        Pattern::Exact("a/b"),
        Pattern::In("a", ".list"),
        Pattern::In("d", ""),
        Pattern::OneBelow("x", "copyright"),
        Pattern::TwoBelow("x", "C"),
        Pattern::Named(".info", "b"),
        Pattern::Ending(".list"),
        Pattern::Ending("t"),
        Pattern::InAny("d", ".list"),
        Pattern::OneBelowAny("x", ""),
    ];

    #[test]
    fn it_finds_what_each_pattern_finds() {
        let mut classifier = Classifier::default();
        for (number, pattern) in PATTERNS.iter().enumerate() {
            classifier.add(*pattern, Use::Evidence(number));
        }
        let paths =
            "a/b|b|a/c.list|a/d/c.list|d/x|d/x/y|x/y/copyright|x/y/z/C|y.info/b|a/list|t||.list";
        for path in paths.split('|') {
            let mut found: Vec<Use> = classifier.uses(path.as_bytes()).collect();
            found.sort_unstable();
            let expected: Vec<Use> = (0..PATTERNS.len())
                .filter(|number| PATTERNS[*number].matches(path.as_bytes()))
                .map(Use::Evidence)
                .collect();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn companions_are_wanted_too() {
        let uses = |path: &str| CLASSIFIER.uses(path.as_bytes()).collect::<Vec<_>>();
        assert!(uses("usr/share/doc/bash/copyright").contains(&Use::Companion));
        assert!(matches!(uses("app/node_modules/a/package.json")[..], [Use::Evidence(_)]));
        assert_eq!(uses("etc/os-release"), [Use::Companion]);
        assert_eq!(uses("etc/passwd"), []);
    }
}

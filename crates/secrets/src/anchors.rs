//! Everything that may begin a secret or name one, found in one pass, and what to try there.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

use crate::formats::{self, Format};
use crate::heads::Heads;
use crate::shape::Shape;

/// What to try at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A shape of a format, around its anchor.
    Shape { format: u16, shape: u16 },
    /// The shapes of a format in what is assigned here.
    Near { format: u16 },
    /// A word that names secrets of any kind.
    Word,
    /// The `://` of a URL.
    Url,
    /// The command `curl`.
    Curl,
    /// `-----BEGIN`.
    PrivateKey,
    /// The first line of PuTTY's key files.
    PuttyKey,
    /// A JSON object in base64.
    WebToken,
    /// The same, in base64 once more.
    WebTokenTwice,
}

/// A format with its shapes read.
pub(crate) struct Reading {
    pub(crate) format: &'static Format,
    pub(crate) shapes: Vec<Shape>,
}

/// What is searched for, and what belongs to it.
pub(crate) struct Anchors {
    patterns: Vec<String>,
    /// By pattern.
    pub(crate) actions: Vec<Vec<Action>>,
    pub(crate) readings: Vec<Reading>,
}

// The search wants so many letters. What is shorter gets each letter that can follow.
const ANCHOR_MIN: usize = 3;

// So many letters of a shape's literal are searched for; the shape has them all.
const SHAPE_ANCHOR_MAX: usize = 8;

// How many patterns there are, about.
const PATTERNS: usize = 600;

// Shortest that are in many texts stand last; their order means nothing else.
const WORDS: [&str; 9] =
    ["key", "token", "secret", "passw", "passphrase", "auth", "cred", "api", "access"];

/// Those of all formats, made when the first text comes.
pub(crate) static ANCHORS: LazyLock<Anchors> = LazyLock::new(build);

static HEADS: LazyLock<Heads> = LazyLock::new(|| Heads::of(&ANCHORS.patterns));

/// Goes to each anchor in a text until it is told to stop, in the order of their ends, the longest first.
pub(crate) fn each_anchor(text: &[u8], mut stop: impl FnMut(&[Action], Range<usize>) -> bool) {
    HEADS.search(text, &ANCHORS.patterns, |pattern, range| stop(&ANCHORS.actions[pattern], range));
}

fn build() -> Anchors {
    let mut list = List {
        places: HashMap::with_capacity(PATTERNS),
        patterns: Vec::with_capacity(PATTERNS),
        actions: Vec::with_capacity(PATTERNS),
    };
    let mut readings = Vec::new();
    for format in formats::all() {
        let number = index(readings.len());
        let shapes: Vec<Shape> =
            format.shapes.iter().filter_map(|shape| Shape::read(shape)).collect();
        if format.near.is_empty() {
            for (place, shape) in shapes.iter().enumerate() {
                if let Some(anchor) = shape.anchor() {
                    let anchor = &anchor[..anchor.floor_char_boundary(SHAPE_ANCHOR_MAX)];
                    let action = Action::Shape { format: number, shape: index(place) };
                    if anchor.len() >= ANCHOR_MIN {
                        list.add(anchor, action);
                        continue;
                    }
                    for letter in shape.letters_behind_anchor() {
                        list.add(&format!("{anchor}{letter}"), action);
                    }
                }
            }
        }
        for word in format.near {
            list.add(word, Action::Near { format: number });
        }
        readings.push(Reading { format, shapes });
    }
    for word in WORDS {
        list.add(word, Action::Word);
    }
    for (anchor, action) in [
        ("://", Action::Url),
        ("curl", Action::Curl),
        ("-----BEGIN", Action::PrivateKey),
        ("PuTTY-User-Key-File-", Action::PuttyKey),
        ("eyJ", Action::WebToken),
        ("eyA", Action::WebToken),
        ("ewog", Action::WebToken),
        ("ZXlK", Action::WebTokenTwice),
    ] {
        list.add(anchor, action);
    }
    Anchors { patterns: list.patterns, actions: list.actions, readings }
}

fn index(number: usize) -> u16 {
    u16::try_from(number).expect("there are a few hundred formats")
}

struct List {
    places: HashMap<String, usize>,
    patterns: Vec<String>,
    actions: Vec<Vec<Action>>,
}

impl List {
    fn add(&mut self, anchor: &str, action: Action) {
        let small = anchor.to_ascii_lowercase();
        let place = *self.places.entry(small).or_insert_with_key(|small| {
            self.patterns.push(small.clone());
            self.actions.push(Vec::new());
            self.patterns.len() - 1
        });
        if !self.actions[place].contains(&action) {
            self.actions[place].push(action);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Stops = Vec<(usize, Range<usize>)>;

    // Every pattern at every place.
    fn slow(text: &[u8]) -> Stops {
        let patterns = ANCHORS.patterns.iter().map(String::as_bytes).enumerate();
        let mut stops: Stops = patterns
            .flat_map(|(number, pattern)| {
                let places = text.windows(pattern.len()).enumerate();
                let hits = places.filter(|(_, bytes)| bytes.eq_ignore_ascii_case(pattern));
                hits.map(move |(start, _)| (number, start..start + pattern.len()))
            })
            .collect();
        stops.sort_by_key(|(_, range)| (range.end, range.start));
        stops
    }

    fn fast(text: &[u8]) -> Stops {
        let mut stops = Vec::new();
        HEADS.search(text, &ANCHORS.patterns, |pattern, range| {
            stops.push((pattern, range));
            false
        });
        stops
    }

    #[test]
    fn every_pattern_is_found_at_every_place() {
        for pattern in &ANCHORS.patterns {
            for before in 0..9 {
                for behind in [0, 1, 2, 3, 9] {
                    let text = format!("{}{pattern}{}", "é".repeat(before), "!".repeat(behind));
                    let text = text.get(before % 2..).unwrap_or(&text);
                    for text in [text, &text.to_uppercase()] {
                        assert_eq!(fast(text.as_bytes()), slow(text.as_bytes()), "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_long_is_searched_in_order_and_not_behind_the_stop() {
        let text = ANCHORS.patterns.join(" = ").repeat(3);
        let stops = fast(text.as_bytes());
        assert!(stops.len() >= ANCHORS.patterns.len() * 3 && stops == slow(text.as_bytes()));
        let mut count = 0;
        each_anchor(text.as_bytes(), |_, _| {
            count += 1;
            count == 3
        });
        assert_eq!(count, 3);
    }

    proptest! {
        #[test]
        fn any_mixture_is_searched_alike(
            parts in prop::collection::vec(
                (0..ANCHORS.patterns.len(), "[a-zA-Z_.~ \\u{0}\\u{7f}é-]{0,3}", any::<bool>()),
                0..20,
            ),
        ) {
            let mut text = String::new();
            for (pattern, between, is_large) in parts {
                let pattern = &ANCHORS.patterns[pattern];
                text += &if is_large { pattern.to_uppercase() } else { pattern.clone() };
                text += &between;
            }
            prop_assert_eq!(fast(text.as_bytes()), slow(text.as_bytes()));
        }
    }
}

//! Everything that may begin a secret or name one, found in one pass, and what to try there.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use crate::formats::{self, Format};
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

// So many letters of a shape's literal are searched for, which makes the automaton small; the shape has them all.
const SHAPE_ANCHOR_MAX: usize = 8;

// Shortest that are in many texts stand last; their order means nothing else.
const WORDS: [&str; 9] =
    ["key", "token", "secret", "passw", "passphrase", "auth", "cred", "api", "access"];

/// Those of all formats, made when the first text comes.
pub(crate) static ANCHORS: LazyLock<Anchors> = LazyLock::new(build);

// One is made fast, the other searches fast: who looks at a few lines should not wait for it.
static MADE_FAST: LazyLock<Heads> = LazyLock::new(|| Heads::of(&ANCHORS.patterns));
static SEARCHES_FAST: LazyLock<AhoCorasick> = LazyLock::new(automaton);

// From so many bytes on, in all texts, the fast search is worth its making.
const MANY_BYTES: usize = 256 << 10;
static BYTES_SEEN: AtomicUsize = AtomicUsize::new(0);

/// Goes to each anchor in a text until it is told to stop, in the order of their ends, the longest first. Whether it
/// is the first text or one of many makes no difference but of time.
pub(crate) fn each_anchor(text: &[u8], stop: impl FnMut(&[Action], Range<usize>) -> bool) {
    let seen = BYTES_SEEN.fetch_add(text.len(), Ordering::Relaxed).saturating_add(text.len());
    if seen > MANY_BYTES { by_automaton(text, stop) } else { by_heads(text, stop) }
}

fn by_automaton(text: &[u8], mut stop: impl FnMut(&[Action], Range<usize>) -> bool) {
    for hit in SEARCHES_FAST.find_overlapping_iter(text) {
        if stop(&ANCHORS.actions[hit.pattern().as_usize()], hit.range()) {
            return;
        }
    }
}

fn by_heads(text: &[u8], mut stop: impl FnMut(&[Action], Range<usize>) -> bool) {
    let mut hits = MADE_FAST.hits(text, &ANCHORS.patterns);
    hits.sort_unstable_by_key(|(_, range)| (range.end, range.start));
    for (pattern, range) in hits {
        if stop(&ANCHORS.actions[pattern], range) {
            return;
        }
    }
}

fn automaton() -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(&ANCHORS.patterns)
        .expect("a few hundred short patterns fit")
}

/// The patterns by a hash of their first bytes.
struct Heads {
    /// How many bytes are hashed: as many as every pattern has.
    length: usize,
    /// By hash: one more than the place of the last pattern that has it.
    last: Vec<u16>,
    /// By pattern: the same of the one before it.
    earlier: Vec<u16>,
}

const HEAD_BYTES_MAX: usize = 3;
const HEADS: usize = 4096;

impl Heads {
    fn of(patterns: &[String]) -> Self {
        let shortest = patterns.iter().map(String::len).min();
        let length = shortest.unwrap_or_default().min(HEAD_BYTES_MAX);
        let (mut last, mut earlier) = (vec![0; HEADS], Vec::with_capacity(patterns.len()));
        for (place, pattern) in patterns.iter().enumerate() {
            let head = head(&pattern.as_bytes()[..length]);
            earlier.push(std::mem::replace(&mut last[head], index(place + 1)));
        }
        Self { length, last, earlier }
    }

    /// The patterns in a text, by their numbers, with their places.
    fn hits(&self, text: &[u8], patterns: &[String]) -> Vec<(usize, Range<usize>)> {
        let mut hits = Vec::new();
        if self.length == 0 {
            return hits;
        }
        for (start, bytes) in text.windows(self.length).enumerate() {
            let mut next = self.last[head(bytes)];
            while let Some(pattern) = usize::from(next).checked_sub(1) {
                let end = start + patterns[pattern].len();
                let here = text.get(start..end);
                if here.is_some_and(|it| it.eq_ignore_ascii_case(patterns[pattern].as_bytes())) {
                    hits.push((pattern, start..end));
                }
                next = self.earlier[pattern];
            }
        }
        hits
    }
}

fn head(bytes: &[u8]) -> usize {
    let mix = |hash: usize, byte: &u8| hash * 37 + usize::from(byte.to_ascii_lowercase());
    bytes.iter().fold(0, mix) % HEADS
}

fn build() -> Anchors {
    let mut list = List::default();
    let mut readings = Vec::new();
    for format in formats::all() {
        let number = index(readings.len());
        let shapes: Vec<Shape> =
            format.shapes.iter().filter_map(|shape| Shape::read(shape)).collect();
        if format.near.is_empty() {
            for (place, shape) in shapes.iter().enumerate() {
                if let Some(anchor) = shape.anchor() {
                    let anchor = &anchor[..anchor.floor_char_boundary(SHAPE_ANCHOR_MAX)];
                    list.add(anchor, Action::Shape { format: number, shape: index(place) });
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

#[derive(Default)]
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
    use super::*;

    type Stops = Vec<(Vec<Action>, Range<usize>)>;

    fn slow(text: &[u8]) -> Stops {
        let mut stops = Vec::new();
        by_heads(text, |actions, range| {
            stops.push((actions.to_vec(), range));
            false
        });
        stops
    }

    fn fast(text: &[u8]) -> Stops {
        let mut stops = Vec::new();
        by_automaton(text, |actions, range| {
            stops.push((actions.to_vec(), range));
            false
        });
        stops
    }

    #[test]
    fn both_searches_stop_at_the_same_places() {
        let all = ANCHORS.patterns.concat();
        let spread = ANCHORS.patterns.join(" = ").to_uppercase();
        let pairs = ANCHORS.patterns.windows(2).map(|pair| format!("{}{}", pair[1], pair[0]));
        let texts = [all, spread, pairs.collect(), "ke".to_owned(), String::new()];
        for text in texts.iter().map(String::as_bytes).chain([&b"\xffkey\xc3\0TOKEN"[..]]) {
            assert_eq!(slow(text), fast(text));
        }
        assert!(slow(texts[0].as_bytes()).len() >= ANCHORS.patterns.len());
        let mut count = 0;
        by_heads(texts[1].as_bytes(), |_, _| {
            count += 1;
            count == 3
        });
        assert_eq!(count, 3);
    }
}

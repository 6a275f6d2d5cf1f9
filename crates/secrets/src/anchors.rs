//! One automaton over everything that may begin a secret or name one, and what to try where it stops.

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
static MADE_FAST: LazyLock<AhoCorasick> =
    LazyLock::new(|| automaton(AhoCorasickKind::NoncontiguousNFA));
static SEARCHES_FAST: LazyLock<AhoCorasick> = LazyLock::new(|| automaton(AhoCorasickKind::DFA));

// From so many bytes on, in all texts, the fast search is worth its making.
const MANY_BYTES: usize = 256 << 10;
static BYTES_SEEN: AtomicUsize = AtomicUsize::new(0);

/// The automaton for a text of so many bytes. Both find the same.
pub(crate) fn automaton_for(bytes: usize) -> &'static AhoCorasick {
    let seen = BYTES_SEEN.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
    if seen > MANY_BYTES { &SEARCHES_FAST } else { &MADE_FAST }
}

fn automaton(kind: AhoCorasickKind) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(kind))
        .build(&ANCHORS.patterns)
        .expect("a few hundred short patterns fit")
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
    patterns: Vec<String>,
    actions: Vec<Vec<Action>>,
}

impl List {
    fn add(&mut self, anchor: &str, action: Action) {
        let small = anchor.to_ascii_lowercase();
        let place = self.patterns.iter().position(|known| *known == small).unwrap_or_else(|| {
            self.patterns.push(small);
            self.actions.push(Vec::new());
            self.patterns.len() - 1
        });
        if !self.actions[place].contains(&action) {
            self.actions[place].push(action);
        }
    }
}

//! Texts of licences in other texts, found by comparing words with the texts of the SPDX list.
//!
//! Short sequences of words ("anchors") of each known text lead to the few that may be in a text; those are compared
//! word by word. Copies of a licence differ in names and in words that mean little, which costs little; a word that
//! makes another licence of it (`not`, `commercial`, `advertising`) costs so much that it is not recognised.

use std::ops::Range;

use crate::words::{STEP_WORDS, Words, step_hash};

static WORDS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.bin"));
static TEXTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/texts.bin"));
static ANCHORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/anchors.bin"));
#[allow(clippy::unreadable_literal, reason = "made by the build script")]
static KNOWN: &[Known] = include!(concat!(env!("OUT_DIR"), "/known.rs"));

const RANGES_BYTES: usize = 2 * 4097;
const ANCHOR_BYTES: usize = 8;
const HITS_MAX: usize = 400_000;
// A word that no known text has.
const UNKNOWN: u16 = u16::MAX;
// So many words are skipped at most on both sides to find where the texts are the same again, and so many words in
// order make that sure.
const SKIPPED_MAX: usize = 70;
const SAME_WORDS: usize = 3;

// Costs are in tenths of a word that counts.
const COSTS: [u32; 4] = [2, 10, 50, 2];
// Of words that are missing without others in their place.
const MISSING_COSTS: [u32; 4] = [4, 10, 50, 10];
// What a text is worth more that many know.
const COMMON_BONUS: u64 = 20;
const COST_MAX: u32 = 250;

struct Known {
    id: &'static str,
    start: usize,
    len: usize,
    n_anchors: usize,
    is_exception: bool,
    is_common: bool,
}

impl Known {
    fn word(&self, at: usize) -> u16 {
        number(TEXTS, (self.start + at) * 2)
    }

    // Short texts have little that may differ.
    fn budget(&self) -> u32 {
        let len = u32::try_from(self.len).unwrap_or(u32::MAX);
        ((len * 3 / 10).min(15) + len * 12 / 100).min(COST_MAX)
    }

    // A title that copies often leave out.
    fn title_max(&self) -> usize {
        (self.len / 6).min(24)
    }

    // A name or an address at the end.
    fn signature_max(&self) -> usize {
        (self.len / 12).min(14)
    }
}

/// A known text within another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// Its name in the SPDX list.
    pub(crate) id: &'static str,
    /// True if it is no licence, but an exception from one.
    pub(crate) is_exception: bool,
    /// The words that it covers.
    pub(crate) words: Range<usize>,
    /// How much differs, in tenths of a word.
    pub(crate) cost: u32,
}

/// The known texts in a text, in its order; they do not overlap.
pub(crate) fn find(words: &Words) -> Vec<Match> {
    let text: Vec<u16> = words.hashes.iter().map(|hash| place(*hash)).collect();
    let mut candidates = Vec::new();
    for (known, cluster) in clusters(&hits(words)) {
        if let Some((words, cost)) = align(known, &text, &cluster) {
            candidates.push((known, words, cost));
        }
    }
    // What explains most comes first.
    candidates.sort_by_key(|(known, words, cost)| {
        let explained = words.len() as u64 * 10;
        let bonus = if known.is_common { COMMON_BONUS } else { 0 };
        let score = (explained + bonus).saturating_sub(u64::from(*cost) * 8);
        (std::cmp::Reverse(score), !known.is_common, known.id, words.start)
    });
    let mut matches: Vec<Match> = Vec::new();
    for (known, words, cost) in candidates {
        let overlaps = |other: &Match| {
            let shared =
                words.end.min(other.words.end).saturating_sub(words.start.max(other.words.start));
            shared * 10 > words.len().min(other.words.len()) * 3
        };
        if !matches.iter().any(overlaps) {
            let Known { id, is_exception, .. } = *known;
            matches.push(Match { id, is_exception, words, cost });
        }
    }
    matches.sort_by_key(|found| found.words.start);
    matches
}

// A known sequence of words: in which text, its place there and in the text at hand.
#[derive(Clone, Copy)]
struct Hit {
    known: u16,
    at: usize,
    place: usize,
}

fn hits(words: &Words) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (at, window) in words.hashes.windows(STEP_WORDS).enumerate() {
        let hash = step_hash(window);
        for entry in range(ANCHORS, hash) {
            let entry = RANGES_BYTES + entry * ANCHOR_BYTES;
            if number32(ANCHORS, entry) == hash {
                let known = number(ANCHORS, entry + 4);
                hits.push(Hit { known, at, place: usize::from(number(ANCHORS, entry + 6)) });
            }
        }
        if hits.len() > HITS_MAX {
            break;
        }
    }
    hits.sort_by_key(|hit| (hit.known, hit.at));
    hits
}

// Hits that are of one copy of a text, if they are enough of it.
fn clusters(hits: &[Hit]) -> Vec<(&'static Known, Vec<Hit>)> {
    const OPEN_MAX: usize = 32;
    let mut clusters = Vec::new();
    for hits in hits.chunk_by(|left, right| left.known == right.known) {
        let known = &KNOWN[usize::from(hits[0].known)];
        let slack = 8 + known.len / 25;
        // Within a copy the places grow together; a sequence that a text has twice is off.
        let mut open: Vec<Vec<Hit>> = Vec::new();
        for hit in hits {
            let drift = |cluster: &Vec<Hit>| {
                let last = cluster[cluster.len() - 1];
                let drift = (last.at + hit.place).abs_diff(hit.at + last.place);
                if hit.place > last.place { drift } else { usize::MAX }
            };
            let nearest = open.iter_mut().min_by_key(|cluster| drift(cluster));
            if let Some(cluster) = nearest.filter(|cluster| drift(cluster) <= slack) {
                cluster.push(*hit);
                continue;
            }
            if open.len() >= OPEN_MAX {
                finish(known, open.remove(0), &mut clusters);
            }
            open.push(vec![*hit]);
        }
        for cluster in open {
            finish(known, cluster, &mut clusters);
        }
    }
    clusters
}

fn finish(
    known: &'static Known,
    cluster: Vec<Hit>,
    clusters: &mut Vec<(&'static Known, Vec<Hit>)>,
) {
    if cluster.len() * 10 >= known.n_anchors * 4 && cluster.len() > 1 {
        clusters.push((known, cluster));
    }
}

// The words that a known text covers, and what differs; `None` if that is too much.
fn align(known: &Known, text: &[u16], cluster: &[Hit]) -> Option<(Range<usize>, u32)> {
    let budget = known.budget();
    let first = cluster.first()?;
    let (title, before) = (known.title_max(), first.place);
    let (head, cost) = walk(
        &|at| known.word(before - 1 - at),
        before,
        &|at| text[first.at - 1 - at],
        first.at,
        title,
        budget,
    )?;
    let (tail, more) = walk(
        &|at| known.word(first.place + at),
        known.len - first.place,
        &|at| text[first.at + at],
        text.len() - first.at,
        known.signature_max(),
        budget - cost,
    )?;
    Some((first.at - head..first.at + tail, cost + more))
}

// Walks along both texts; says how many words of the second the first one covers.
fn walk(
    known: &impl Fn(usize) -> u16,
    known_len: usize,
    text: &impl Fn(usize) -> u16,
    text_len: usize,
    free: usize,
    budget: u32,
) -> Option<(usize, u32)> {
    let (mut left, mut right, mut cost) = (0, 0, 0);
    while left < known_len {
        if right < text_len && known(left) == text(right) {
            (left, right) = (left + 1, right + 1);
            continue;
        }
        let same = |left: usize, right: usize| {
            let count = SAME_WORDS.min(known_len.saturating_sub(left));
            count > 0
                && right + count <= text_len
                && (0..count).all(|at| known(left + at) == text(right + at))
        };
        // Names may be other ones, or none; a word that makes another licence counts there too.
        let is_idle = || (left..known_len).all(|at| weight(known(at), &COSTS) < COSTS[2]);
        let next = (1..=SKIPPED_MAX).find_map(|total| {
            (0..=total)
                .map(|skipped| (left + skipped, right + total - skipped))
                .find(|(left, right)| same(*left, *right))
        });
        let is_free = known_len - left <= free;
        let (left_end, right_end) = match next {
            Some((left_end, _)) if is_free && left_end > left && is_idle() => break,
            Some(next) => next,
            None if is_free => break,
            None => (known_len, right),
        };
        let is_missing = (right_end - right) * 2 < left_end - left;
        let costs = if is_missing { &MISSING_COSTS } else { &COSTS };
        let removed: u32 = (left..left_end).map(|at| weight(known(at), costs)).sum();
        let added: u32 = (right..right_end).map(|at| weight(text(at), &COSTS)).sum();
        cost += removed.max(added);
        if cost > budget {
            return None;
        }
        (left, right) = (left_end, right_end);
    }
    Some((right, cost))
}

/// How much a word says, in tenths of one that counts.
pub(crate) fn weight_of(hash: u32) -> u32 {
    weight(place(hash), &COSTS)
}

fn weight(place: u16, costs: &[u32; 4]) -> u32 {
    let n_words = (WORDS.len() - RANGES_BYTES) / 5;
    let class = WORDS.get(RANGES_BYTES + n_words * 4 + usize::from(place)).copied();
    costs[usize::from(class.filter(|_| place != UNKNOWN).unwrap_or(0))]
}

// The place of a word in the list of words.
fn place(hash: u32) -> u16 {
    let found = range(WORDS, hash).find(|at| number32(WORDS, RANGES_BYTES + at * 4) == hash);
    found.and_then(|at| u16::try_from(at).ok()).unwrap_or(UNKNOWN)
}

// The entries whose hashes begin as this one.
fn range(table: &[u8], hash: u32) -> Range<usize> {
    let start = (hash >> 20) as usize * 2;
    usize::from(number(table, start))..usize::from(number(table, start + 2))
}

fn number(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::words;

    const ISC: &str = "Permission to use, copy, modify, and/or distribute this software for any purpose with or \
        without fee is hereby granted, provided that the above copyright notice and this permission notice appear \
        in all copies.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO \
        THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR \
        BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING \
        FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, \
        ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.";

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> =
            find(&words(text, 100_000)).into_iter().map(|found| found.id).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn texts() {
        check(ISC, &["ISC"]);
        check(&ISC.replace("THE AUTHOR ", "FOO BAR LTD "), &["ISC"]);
        check(&format!("Some words before.\n{ISC}\nAnd after that:\n{ISC}"), &["ISC", "ISC"]);
        check(&ISC.replace("provided that the above copyright notice and this permission notice appear in all copies", ""), &["0BSD"]);
        check(&ISC.replace("for any purpose", "for any non-commercial purpose"), &[]);
        check(&ISC[..200], &[]);
        check("", &[]);
    }
}

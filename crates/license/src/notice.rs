//! What a text grants: whole texts of licences, and the sentences that name one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use crate::text;
use crate::words::{Words, hash, words};

const BYTES_MAX: usize = 1 << 20;
const WORDS_MAX: usize = 150_000;
const GRANTS_MAX: usize = 200;
// What is kept of texts that were read, by thread.
const MEMO_TEXT_BYTES_MAX: usize = 64 << 10;
const MEMO_BYTES_MAX: usize = 2 << 20;
const MEMO_ENTRY_BYTES: usize = 200;
// The end of the GNU licences shows a notice that is to be used with others.
const APPENDIX_WORDS: usize = 450;
// So many words after a name its version may be said, before it the word that grants something.
const VERSION_WORDS: usize = 24;
const CONTEXT_WORDS: usize = 14;

/// What a text says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// SPDX expressions, each once, in the text's order.
    pub expressions: Vec<String>,
    /// Words of the text.
    pub n_words: usize,
    /// Words that belong to none of them.
    pub n_unexplained: usize,
    /// How much these words say of licences, in tenths of a word that counts.
    pub weight_unexplained: u32,
}

impl Reading {
    /// The expression of a text that is nothing but one licence.
    pub fn only(&self) -> Option<&str> {
        match self.expressions.as_slice() {
            [one] if self.is_explained() => Some(one),
            _ => None,
        }
    }

    /// True if little is left that could say something else.
    pub fn is_explained(&self) -> bool {
        let is_little = self.n_unexplained <= 12.max(self.n_words / 10);
        let is_idle =
            self.n_unexplained <= 25.max(self.n_words / 6) && self.weight_unexplained <= 60;
        is_little || is_idle
    }
}

#[derive(Clone, Debug)]
struct Grant {
    expression: String,
    words: Range<usize>,
    is_exception: bool,
}

thread_local! {
    // Copyright files of many packages repeat the same texts.
    static READINGS: RefCell<Memo> = RefCell::default();
}

#[derive(Default)]
struct Memo {
    readings: HashMap<Box<[u8]>, Reading>,
    bytes: usize,
}

/// Reads a text. What a thread has read once, it does not compare with the known texts again.
pub fn read_text(bytes: &[u8]) -> Reading {
    if bytes.len() > MEMO_TEXT_BYTES_MAX {
        return read_anew(bytes);
    }
    if let Some(known) = READINGS.with_borrow(|memo| memo.readings.get(bytes).cloned()) {
        return known;
    }
    let reading = read_anew(bytes);
    READINGS.with_borrow_mut(|memo| {
        if memo.bytes + bytes.len() + MEMO_ENTRY_BYTES > MEMO_BYTES_MAX {
            *memo = Memo::default();
        }
        memo.bytes += bytes.len() + MEMO_ENTRY_BYTES;
        memo.readings.insert(bytes.into(), reading.clone());
    });
    reading
}

fn read_anew(bytes: &[u8]) -> Reading {
    let decoded = String::from_utf8_lossy(&bytes[..bytes.len().min(BYTES_MAX)]);
    let words = words(&decoded, WORDS_MAX);
    let scan = Scan { text: &decoded, words: &words };
    let mut grants: Vec<Grant> = text::find(&words)
        .into_iter()
        .map(|found| Grant {
            expression: found.id.to_owned(),
            words: found.words,
            is_exception: found.is_exception,
        })
        .collect();
    let taken = scan.taken(&grants);
    let is_free = |at: usize| !taken.iter().any(|range| range.contains(&at));
    grants.extend(scan.tags());
    grants.extend(scan.gnu(&is_free));
    grants.extend(scan.named(&is_free));
    grants.sort_by_key(|grant| (grant.words.start, std::cmp::Reverse(grant.words.end)));
    grants.truncate(GRANTS_MAX);
    let mut covered = vec![false; words.hashes.len()];
    for range in grants.iter().map(|grant| &grant.words).chain(&taken) {
        covered[range.start.min(range.end)..range.end.min(words.hashes.len())].fill(true);
    }
    scan.cover_boilerplate(&mut covered);
    let unexplained = || covered.iter().zip(&words.hashes).filter(|(is_covered, _)| !**is_covered);
    let weights = unexplained().map(|(_, word)| text::weight_of(*word));
    Reading {
        expressions: join(grants),
        n_words: covered.len(),
        n_unexplained: unexplained().count(),
        weight_unexplained: weights.sum(),
    }
}

// Exceptions belong to the licence before or after them; a text of a GNU licence is only there because of the notice.
fn join(grants: Vec<Grant>) -> Vec<String> {
    let mut expressions: Vec<String> = Vec::new();
    let is_gnu = |text: &str| {
        ["GPL-", "LGPL-", "AGPL-", "Apache-2.0"].iter().any(|family| text.starts_with(family))
            && !text.contains(' ')
    };
    let noticed: Vec<String> = grants
        .iter()
        .filter_map(|grant| grant.expression.strip_suffix("-or-later"))
        .map(|version| format!("{version}-only"))
        .collect();
    let has_lesser = grants.iter().any(|grant| grant.expression.starts_with("LGPL-3.0-"));
    let mut last: Option<(usize, usize)> = None;
    for grant in grants {
        if grant.is_exception {
            let near = last.filter(|(place, end)| {
                is_gnu(&expressions[*place]) && grant.words.start <= end + 150
            });
            if let Some((place, _)) = near {
                let with = format!("{} WITH {}", expressions[place], grant.expression);
                expressions[place] = with;
                last = None;
            }
            continue;
        }
        let is_text = grant.words.len() > 600;
        if is_text && noticed.contains(&grant.expression) {
            continue;
        }
        // Version 3 of the lesser licence takes in the text of the other, which stands beside it for that.
        if is_text && grant.expression == "GPL-3.0-only" && has_lesser {
            continue;
        }
        let end = grant.words.end;
        let place = expressions.iter().position(|known| *known == grant.expression);
        let place = place.unwrap_or_else(|| {
            expressions.push(grant.expression);
            expressions.len() - 1
        });
        last = Some((place, end));
    }
    let mut seen = std::collections::BTreeSet::new();
    expressions.retain(|expression| seen.insert(expression.clone()));
    expressions
}

// Words as their hashes, which the compiler makes.
macro_rules! hashes {
    ($($word:literal),+ $(,)?) => {
        const { &[$(hash($word)),+] }
    };
}

struct Scan<'a> {
    text: &'a str,
    words: &'a Words,
}

// Words that a name of a GNU licence begins or ends with, and how many they are.
struct Name {
    family: &'static str,
    words: Range<usize>,
    version: Option<Version>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Version {
    text: String,
    end: usize,
    has_plus: bool,
}

impl Scan<'_> {
    fn is(&self, at: usize, expected: &[u32]) -> bool {
        let found = self.words.hashes.get(at..at + expected.len());
        found == Some(expected)
    }

    fn is_one(&self, at: usize, expected: &[u32]) -> bool {
        let found = self.words.hashes.get(at);
        found.is_some_and(|found| expected.contains(found))
    }

    fn has(&self, range: Range<usize>, expected: &[u32]) -> bool {
        range.into_iter().any(|at| self.is_one(at, expected))
    }

    fn len(&self) -> usize {
        self.words.hashes.len()
    }

    // Words in which a name grants nothing: texts, and the models of notices after them.
    fn taken(&self, grants: &[Grant]) -> Vec<Range<usize>> {
        let mut taken = Vec::new();
        for grant in grants {
            let mut range = grant.words.clone();
            let model = (range.end..(range.end + 40).min(self.len()))
                .find(|at| self.is(*at, hashes!["how", "to", "apply", "these", "terms"]));
            if let Some(model) = model.filter(|_| range.len() > 600) {
                range.end = (model + APPENDIX_WORDS).min(self.len());
            }
            let apache = (range.end..(range.end + 20).min(self.len()))
                .find(|at| self.is(*at, hashes!["how", "to", "apply", "the", "apache", "license"]));
            if let Some(model) = apache {
                range.end = (model + 190).min(self.len());
            }
            taken.push(range);
        }
        taken
    }

    // `SPDX-License-Identifier: MIT` (SPDX specification, annex E).
    fn tags(&self) -> Vec<Grant> {
        let mut grants = Vec::new();
        for at in 0..self.len() {
            if !self.is(at, hashes!["spdx", "license", "identifier"]) {
                continue;
            }
            let start = self.words.starts[at + 2] as usize + "identifier".len();
            let line =
                self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            let value = line.trim_start_matches(':').trim().trim_end_matches("*/").trim();
            if let Some(expression) = crate::name::python_expression(value) {
                let end = at + 3 + value.split(|c: char| !c.is_alphanumeric()).count();
                let words = at..end.min(self.len());
                grants.push(Grant { expression, words, is_exception: false });
            }
        }
        grants
    }

    fn gnu(&self, is_free: &dyn Fn(usize) -> bool) -> Vec<Grant> {
        let names: Vec<Name> =
            (0..self.len()).filter(|at| is_free(*at)).filter_map(|at| self.gnu_name(at)).collect();
        let mut grants = Vec::new();
        for (place, name) in names.iter().enumerate() {
            if !self.is_grant(name.words.start) {
                continue;
            }
            let next = names.get(place + 1).map_or(self.len(), |next| next.words.start);
            let before = place.checked_sub(1).map_or(0, |place| names[place].words.end);
            let Some((versions, is_later, end)) = self.gnu_versions(name, before, next) else {
                continue;
            };
            let suffix = if is_later { "or-later" } else { "only" };
            let ids: Vec<String> = versions
                .iter()
                .filter_map(|version| crate::name::gnu(self.family(name, end), version, suffix))
                .collect();
            if ids.len() != versions.len() {
                continue;
            }
            let mut expression = ids.join(" OR ");
            let artistic =
                (end..(end + 10).min(self.len())).find(|at| self.is_one(*at, hashes!["artistic"]));
            let mut last = end;
            if let Some(at) =
                artistic.filter(|at| self.has(end.saturating_sub(1)..*at, hashes!["or"]))
            {
                expression = format!("{expression} OR Artistic-1.0-Perl");
                last = at + 2;
            }
            let words = self.sentence_start(name.words.start)..last.min(self.len());
            grants.push(Grant { expression, words, is_exception: false });
        }
        grants
    }

    // A document's licence that names no invariant sections has an identifier of its own.
    fn family(&self, name: &Name, end: usize) -> &'static str {
        let near = end..(end + 24).min(self.len());
        let is_free = near.into_iter().any(|at| {
            self.is(at, hashes!["no", "invariant", "sections"])
                || self.is(at, hashes!["without", "any", "invariant", "sections"])
                || self.is(at, hashes!["without", "invariant", "sections"])
        });
        if name.family == "GFDL" && is_free { "GFDL-NIV" } else { name.family }
    }

    fn gnu_name(&self, at: usize) -> Option<Name> {
        let found = |family, len, version| Some(Name { family, words: at..at + len, version });
        if self.is(at, hashes!["free", "documentation", "license"]) {
            return found("GFDL", 3, None);
        }
        if self.is(at, hashes!["general", "public"])
            && self.is_one(at + 2, hashes!["license", "licenses"])
        {
            let back = |n: usize| at.checked_sub(n);
            let family = match () {
                () if back(1).is_some_and(|at| self.is_one(at, hashes!["lesser", "library"])) => {
                    "LGPL"
                }
                () if back(1).is_some_and(|at| self.is_one(at, hashes!["affero"])) => "AGPL",
                () => "GPL",
            };
            return found(family, 3, None);
        }
        let word = self.words.hashes.get(at)?;
        if let Some((_, family)) = ACRONYMS.iter().find(|(acronym, _)| acronym == word) {
            return found(family, 1, None);
        }
        let (_, family, len) = VERSIONED.iter().find(|(versioned, _, _)| versioned == word)?;
        let start = self.words.starts[at] as usize + len - 1;
        found(family, 1, self.version_at(at, start))
    }

    // The name is in a sentence that grants something, and not in one that says where its text is.
    fn is_grant(&self, at: usize) -> bool {
        const POINTING: &[u32] =
            hashes!["copy", "copies", "text", "texts", "see", "found", "received"];
        const GRANTING: &[u32] = hashes![
            "terms",
            "under",
            "licensed",
            "license",
            "licensing",
            "covered",
            "released",
            "distributed",
            "conditions",
            "redistribute",
            "either",
            "governed",
            "modify",
            "same"
        ];
        let is_pointing = self.has(at.saturating_sub(6)..at, POINTING);
        !is_pointing && self.has(at.saturating_sub(CONTEXT_WORDS)..at, GRANTING)
    }

    fn sentence_start(&self, at: usize) -> usize {
        let back = at.saturating_sub(30)..at;
        back.into_iter()
            .find(|at| self.is_one(*at, hashes!["this", "you", "the"]))
            .unwrap_or(at.saturating_sub(CONTEXT_WORDS))
    }

    // Versions, whether later ones are granted too, and where that ends.
    fn gnu_versions(
        &self,
        name: &Name,
        before: usize,
        next: usize,
    ) -> Option<(Vec<String>, bool, usize)> {
        let end = name.words.end;
        let own = name.version.clone();
        let ahead = own.or_else(|| {
            (end..next.min(end + VERSION_WORDS)).find_map(|at| self.version_after(at, end))
        });
        if let Some(first) = ahead {
            let mut versions = vec![first.text.clone()];
            let mut last = first.end;
            // `version 2 or version 3`, `2 or 3`
            if self.is_one(last, hashes!["or", "and"]) {
                let number =
                    if self.is_one(last + 1, hashes!["version"]) { last + 2 } else { last + 1 };
                let start = self.words.starts.get(number).map(|start| *start as usize);
                if let Some(second) = start.and_then(|start| self.version_at(number, start)) {
                    versions.push(second.text);
                    last = second.end;
                }
            }
            let limit = next.min(last + 12);
            let later =
                (last..limit).find(|at| self.is_one(*at, hashes!["later", "newer", "higher"]));
            let later =
                later.filter(|at| !self.has(last..*at, hashes!["not", "no", "only", "without"]));
            let end = later.map_or(last, |at| {
                if self.is_one(at + 1, hashes!["version", "versions"]) { at + 2 } else { at + 1 }
            });
            return Some((versions, first.has_plus || later.is_some(), end));
        }
        // `version 2 or later of the GNU General Public License`
        let start = before.max(name.words.start.saturating_sub(14));
        let at = (start..name.words.start)
            .rev()
            .find(|at| self.is_one(*at, hashes!["version", "versions"]))?;
        let version = self.version_after(at, at).or_else(|| {
            let at = (start..at).rev().find(|at| self.is_one(*at, hashes!["version"]))?;
            self.version_after(at, at)
        })?;
        let is_later = self.has(version.end..name.words.start, hashes!["later", "newer"]);
        Some((vec![version.text], version.has_plus || is_later, end))
    }

    // A number after `version`, or straight after the name.
    fn version_after(&self, at: usize, name_end: usize) -> Option<Version> {
        if at == name_end
            && let Some(version) = self.version_at(at, *self.words.starts.get(at)? as usize)
        {
            return Some(version);
        }
        if self.is_one(at, hashes!["version", "v"]) {
            let next = at + 1;
            return self.version_at(next, *self.words.starts.get(next)? as usize);
        }
        if self.is_one(at, hashes!["v1", "v2", "v3"]) {
            return self.version_at(at, self.words.starts[at] as usize + 1);
        }
        None
    }

    // The number that begins at a byte of a word.
    fn version_at(&self, at: usize, start: usize) -> Option<Version> {
        let rest = self.text.get(start..)?;
        let len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let text = rest[..len].trim_end_matches('.');
        if text.is_empty() || text.len() > 4 || !text.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let has_plus = rest[text.len()..].starts_with('+');
        let n_words = text.split('.').count();
        Some(Version { text: text.to_owned(), end: at + n_words, has_plus })
    }

    // Other licences that are granted by name.
    fn named(&self, is_free: &dyn Fn(usize) -> bool) -> Vec<Grant> {
        let mut grants = Vec::new();
        for at in (0..self.len()).filter(|at| is_free(*at)) {
            let found = if self.is(at, hashes!["same", "terms", "as", "perl"]) {
                Some(("Artistic-1.0-Perl OR GPL-1.0-or-later", 4))
            } else if self.is(at, hashes!["apache", "license"]) && self.is_grant(at) {
                let after = (at + 2..at + 5).find_map(|at| self.version_after(at, at));
                after
                    .filter(|version| version.text == "2.0")
                    .map(|version| ("Apache-2.0", version.end - at))
            } else if self.is(at, hashes!["mozilla", "public", "license"]) && self.is_grant(at) {
                let after = (at + 3..at + 6).find_map(|at| self.version_after(at, at));
                after.and_then(|version| match version.text.as_str() {
                    "1.0" => Some(("MPL-1.0", version.end - at)),
                    "1.1" => Some(("MPL-1.1", version.end - at)),
                    "2.0" => Some(("MPL-2.0", version.end - at)),
                    _ => None,
                })
            } else if self.is(at, hashes!["common", "licenses"]) {
                COMMON
                    .iter()
                    .find(|(words, _)| self.is(at + 2, words))
                    .map(|(words, id)| (*id, 2 + words.len()))
            } else if self.is_public_domain(at) {
                Some((PUBLIC_DOMAIN, 2))
            } else {
                None
            };
            if let Some((expression, len)) = found {
                let start = self.sentence_start(at).max(at.saturating_sub(16));
                let words = start..(at + len).min(self.len());
                grants.push(Grant {
                    expression: expression.to_owned(),
                    words,
                    is_exception: false,
                });
            }
        }
        grants
    }

    // `placed in the public domain`, not `you may place changes in the public domain`.
    fn is_public_domain(&self, at: usize) -> bool {
        const PLACED: &[u32] = hashes![
            "is",
            "are",
            "placed",
            "released",
            "put",
            "was",
            "were",
            "it",
            "dedicated",
            "donated",
            "belongs",
            "hereby",
            "contributed",
            "files"
        ];
        if !self.is(at, hashes!["public", "domain"]) {
            return false;
        }
        let before = if at > 0 && self.is_one(at - 1, hashes!["the"]) { at - 1 } else { at };
        let is_in = before > 1 && self.is_one(before - 1, hashes!["in", "into", "to"]);
        let is_placed = is_in && self.is_one(before - 2, PLACED);
        let is_plain = before > 0 && self.is_one(before - 1, hashes!["is", "are"]);
        (is_placed || is_plain)
            && !self.has(at.saturating_sub(8)..at, hashes!["not", "no", "cannot", "if", "or"])
    }

    // Sentences that say nothing of a licence, but stand beside one in copyright files.
    fn cover_boilerplate(&self, covered: &mut [bool]) {
        const SENTENCES: [(&[u32], usize); 7] = [
            (hashes!["you", "may", "not", "use", "this", "file", "except", "in", "compliance"], 72),
            (hashes!["on", "debian"], 36),
            (hashes!["this", "program", "is", "distributed", "in", "the", "hope"], 48),
            (hashes!["is", "distributed", "in", "the", "hope"], 48),
            (hashes!["are", "distributed", "in", "the", "hope"], 48),
            (hashes!["you", "should", "have", "received", "a", "copy"], 42),
            (hashes!["the", "full", "text", "of"], 28),
        ];
        for at in 0..self.len() {
            for (beginning, len) in SENTENCES {
                if self.is(at, beginning) {
                    let end = (at + len).min(self.len());
                    covered[at..end].fill(true);
                }
            }
        }
    }
}

const ACRONYMS: [(u32, &str); 3] =
    [(hash("gpl"), "GPL"), (hash("lgpl"), "LGPL"), (hash("agpl"), "AGPL")];

// Acronyms with a version, and how many bytes they have.
const VERSIONED: [(u32, &str, usize); 9] = [
    (hash("gplv2"), "GPL", 5),
    (hash("gplv3"), "GPL", 5),
    (hash("gpl2"), "GPL", 4),
    (hash("gpl3"), "GPL", 4),
    (hash("lgplv2"), "LGPL", 6),
    (hash("lgplv3"), "LGPL", 6),
    (hash("lgpl2"), "LGPL", 5),
    (hash("lgpl3"), "LGPL", 5),
    (hash("agplv3"), "AGPL", 6),
];

// Files of `/usr/share/common-licenses` that are one licence, in one version.
const COMMON: [(&[u32], &str); 6] = [
    (hashes!["apache", "2", "0"], "Apache-2.0"),
    (hashes!["artistic"], "Artistic-1.0-Perl"),
    (hashes!["bsd"], "BSD-3-Clause"),
    (hashes!["cc0", "1", "0"], "CC0-1.0"),
    (hashes!["mpl", "1", "1"], "MPL-1.1"),
    (hashes!["mpl", "2", "0"], "MPL-2.0"),
];

/// Work without any rights reserved; the SPDX list has no name for it.
pub(crate) const PUBLIC_DOMAIN: &str = "LicenseRef-public-domain";

//! Makes the index of licence texts that `src/text.rs` reads, from the SPDX list's texts.
//!
//! `words.bin`: for each of 4096 ranges of hashes where it begins, then hashes and weights of all words, sorted by hash.
//! `texts.bin`: the texts, each word as its place in that list. `anchors.bin`: ranges again, then short sequences of
//! words, each with the text and the place in it. All numbers are little-endian.

#![allow(clippy::unwrap_used, reason = "a build that cannot make its index is to fail")]

#[allow(dead_code, reason = "the crate uses all of it")]
#[path = "src/words.rs"]
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use words::{STEP_WORDS, hash, step_hash};

// Shorter texts are in many others by chance.
const WORDS_MIN: usize = 16;
const RANGES: usize = 4096;

// Names of holders, and words that only join others: two copies of a licence may differ in them.
const LIGHT: &[&str] = &[
    "the",
    "of",
    "and",
    "or",
    "a",
    "an",
    "to",
    "in",
    "by",
    "its",
    "their",
    "this",
    "that",
    "is",
    "are",
    "any",
    "such",
    "for",
    "copyright",
    "holder",
    "holders",
    "author",
    "authors",
    "contributor",
    "contributors",
    "owner",
    "owners",
    "organization",
    "company",
    "university",
    "regents",
    "foundation",
    "project",
    "institute",
    "inc",
    "corporation",
    "corp",
    "ltd",
    "name",
    "names",
    "above",
    "group",
    "team",
    "software",
    "program",
    "library",
    "version",
    "code",
    "files",
    "file",
    "copyrights",
    "year",
    "license",
    "other",
    "named",
    "www",
    "http",
    "com",
    "org",
    "html",
    "free",
    "documentation",
    "all",
    "nor",
    "neither",
    "it",
    "he",
    "his",
    "her",
    "they",
    "as",
    "following",
    "licensor",
    "licensors",
    "individual",
    "person",
    "community",
    "developers",
    "package",
    "work",
    "california",
    "berkeley",
    "massachusetts",
    "technology",
    "carnegie",
    "mellon",
    "stanford",
    "sun",
    "microsystems",
    "digital",
    "equipment",
    "consortium",
    "maintainers",
    "party",
    "parties",
    "labs",
    "laboratory",
    "systems",
    "international",
    "networks",
    "silicon",
    "graphics",
    "school",
    "college",
    "department",
];

// Words that make another licence of one.
const CRITICAL: &[&str] = &[
    "not",
    "no",
    "without",
    "commercial",
    "noncommercial",
    "evil",
    "military",
    "modify",
    "modification",
    "modified",
    "sell",
    "sublicense",
    "distribute",
    "fee",
    "advertising",
    "acknowledgment",
    "prohibited",
    "forbidden",
    "educational",
    "academic",
    "research",
    "nuclear",
    "except",
    "unless",
    "royalty",
    "personal",
    "government",
    "patent",
];

struct Text {
    id: String,
    words: Vec<u32>,
    is_exception: bool,
    is_common: bool,
}

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/words.rs");
    let texts = texts();
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for text in &texts {
        let distinct: BTreeSet<u32> = text.words.iter().copied().collect();
        for word in distinct {
            *counts.entry(word).or_default() += 1;
        }
    }
    let out = std::env::var("OUT_DIR").unwrap();
    let out = Path::new(&out);
    std::fs::write(out.join("words.bin"), vocabulary(&counts, texts.len())).unwrap();
    let places: BTreeMap<u32, u16> = counts.keys().copied().zip(0..).collect();
    let (mut bytes, mut table, mut anchors) = (Vec::new(), String::new(), Vec::new());
    for (number, text) in (0_u16..).zip(&texts) {
        let start = bytes.len() / 2;
        bytes.extend(text.words.iter().flat_map(|word| places[word].to_le_bytes()));
        let n_anchors = anchor(&text.words, number, &mut anchors);
        let Text { id, words, is_exception, is_common } = text;
        writeln!(
            table,
            "Known {{ id: {id:?}, start: {start}, len: {}, n_anchors: {n_anchors}, is_exception: {is_exception}, is_common: {is_common} }},",
            words.len()
        )
        .unwrap();
    }
    anchors.sort_unstable();
    let mut indexed = ranges(anchors.iter().map(|anchor| anchor.0));
    for (hash, text, place) in anchors {
        indexed.extend_from_slice(&hash.to_le_bytes());
        indexed.extend_from_slice(&text.to_le_bytes());
        indexed.extend_from_slice(&place.to_le_bytes());
    }
    std::fs::write(out.join("texts.bin"), bytes).unwrap();
    std::fs::write(out.join("anchors.bin"), indexed).unwrap();
    std::fs::write(out.join("known.rs"), format!("&[\n{table}]\n")).unwrap();
}

fn texts() -> Vec<Text> {
    let mut texts: Vec<Text> = Vec::new();
    for (id, text) in spdx::text::LICENSE_TEXTS {
        let Some(license) = spdx::license_id(id) else { continue };
        let is_variant = id.ends_with("-or-later")
            || id.ends_with("invariants-only")
            || id.contains("-invariants");
        let is_special =
            id.ends_with('+') || id.starts_with("any-OSI") || id.contains("NOASSERTION");
        if !license.is_deprecated() && !is_variant && !is_special {
            let is_common = license.is_osi_approved();
            add(&mut texts, id, body(id, text), false, is_common);
            for variant in variants(id, text) {
                add(&mut texts, id, &variant, false, is_common);
            }
        }
    }
    for (id, text) in spdx::text::EXCEPTION_TEXTS {
        if spdx::exception_id(id).is_some_and(|exception| !exception.is_deprecated()) {
            add(&mut texts, id, text, true, false);
        }
    }
    texts
}

// What follows the terms is no part of them: how to apply them, and with one licence the text of another.
fn body<'a>(id: &str, text: &'a str) -> &'a str {
    let mut end = text.len();
    let upper = text.to_ascii_uppercase();
    for mark in
        ["END OF TERMS AND CONDITIONS", "APPENDIX: HOW TO APPLY", "HOW TO APPLY THESE TERMS"]
    {
        if let Some(at) = upper.find(mark).filter(|at| *at > 1000) {
            end = end.min(at);
        }
    }
    if id.starts_with("OLDAP") {
        end = end.min(text.find("OpenLDAP is a registered trademark").unwrap_or(end));
    }
    if id.starts_with("LGPL-3") {
        // Its own title has a word more; the sentences of both name the other's in small letters.
        let at = text.find("\nGNU GENERAL PUBLIC LICENSE").filter(|at| *at > 5000);
        end = end.min(at.unwrap_or(end));
    }
    &text[..end]
}

// What the list's templates call optional, left out as many copies have it.
fn variants(id: &str, text: &str) -> Vec<String> {
    match id {
        "Unicode-DFS-2015" | "Unicode-DFS-2016" => {
            text.find("Permission is hereby").map(|at| text[at..].to_owned()).into_iter().collect()
        }
        "BSD-2-Clause-Darwin" => {
            text.find("Redistribution and").map(|at| text[at..].to_owned()).into_iter().collect()
        }
        // The same permission, by somebody else.
        "FSFULLRWD" => {
            let terms = &text[text.find("This Makefile.in").unwrap()..];
            let flat = terms.split_whitespace().collect::<Vec<_>>().join(" ");
            let start = flat.find("the Free Software Foundation gives").unwrap();
            let (before, rest) = flat.split_at(start);
            let rest =
                rest.replace("the Free Software Foundation", "as a special exception the author");
            let before = before.replace("Makefile.in", "file");
            let other = format!("{before}{rest}");
            vec![other.replace("This program is", "This file is"), other]
        }
        // Who is named without "neither" is the author alone.
        "BSD-3-Clause" => {
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let start = flat.find("Neither the name of").unwrap();
            let stop = start + flat[start..].find(" be used to endorse").unwrap();
            vec![format!("{}The name of the author may not{}", &flat[..start], &flat[stop..])]
        }
        "HPND" | "HPND-sell-variant" => {
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let end = flat.find("implied warranty.").unwrap() + "implied warranty.".len();
            let start = flat.find(", and that the name of").unwrap();
            let permission = "prior permission";
            let stop = flat.find(permission).unwrap() + permission.len();
            vec![
                flat[..end].to_owned(),
                format!("{}{}", &flat[..start], &flat[stop..]),
                format!("{}{}", &flat[..start], &flat[stop..end]),
            ]
        }
        _ => Vec::new(),
    }
}

fn add(texts: &mut Vec<Text>, id: &str, text: &str, is_exception: bool, is_common: bool) {
    let words = words::words(text, usize::MAX).hashes;
    if words.len() < WORDS_MIN {
        return;
    }
    match texts.iter_mut().find(|known| known.words == words) {
        // Of two names for one text the one that more people know.
        Some(known) if is_common && !known.is_common => id.clone_into(&mut known.id),
        Some(_) => {}
        None => texts.push(Text { id: id.to_owned(), words, is_exception, is_common }),
    }
}

fn ranges(sorted: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut starts = vec![0_u16; RANGES + 1];
    let mut count = 0_u16;
    for hash in sorted {
        count = count.checked_add(1).expect("numbers are of 16 bits");
        starts[(hash >> 20) as usize + 1] = count;
    }
    for at in 1..starts.len() {
        starts[at] = starts[at].max(starts[at - 1]);
    }
    starts.iter().flat_map(|start| start.to_le_bytes()).collect()
}

// 0: may differ, 1: counts, 2: counts much, 3: rare, which may be a name or what one licence has more than another.
fn vocabulary(counts: &BTreeMap<u32, usize>, n_texts: usize) -> Vec<u8> {
    let light: BTreeSet<u32> = LIGHT.iter().map(|word| hash(word)).collect();
    let critical: BTreeSet<u32> = CRITICAL.iter().map(|word| hash(word)).collect();
    let mut bytes = ranges(counts.keys().copied());
    bytes.extend(counts.keys().flat_map(|word| word.to_le_bytes()));
    bytes.extend(counts.iter().map(|(word, count)| match () {
        () if critical.contains(word) => 2,
        () if light.contains(word) => 0,
        () if *count * 100 < n_texts * 4 => 3,
        () => 1,
    }));
    bytes
}

// Sequences at equal distances.
fn anchor(words: &[u32], number: u16, anchors: &mut Vec<(u32, u16, u16)>) -> usize {
    let last = words.len() - STEP_WORDS;
    let count = (words.len() / 10).clamp(4, 40).min(last + 1);
    for at in 0..count {
        let place = at * last / (count - 1).max(1);
        let hash = step_hash(&words[place..place + STEP_WORDS]);
        anchors.push((hash, number, u16::try_from(place).expect("texts are short")));
    }
    count
}

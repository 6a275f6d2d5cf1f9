//! Maven's versions: `1.2-rc-1` (`ComparableVersion` of Maven 3.8).
//!
//! Numbers and words are in lists, each list the last part of the one before. A list ends with what is not zero and no
//! word for a release. Maven's rules go in a circle in two places: a word between dots, and a word beside a list that
//! holds only a pre-release (`1-x`, `1-0-alpha`, `1`). Here a word begins a list in any case, and what is older than
//! nothing sorts before it.

use crate::key::{push_inverted, push_number, push_text, split_digits, split_while};

const WORD_BEFORE: u8 = 1;
const LIST_BEFORE: u8 = 2;
const END: u8 = 3;
const WORD_AFTER: u8 = 4;
const LIST_AFTER: u8 = 5;
const NUMBER: u8 = 6;

const WORDS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];
const RELEASE: usize = 5;

enum Item<'a> {
    Number(&'a str),
    Word(&'a str),
}

impl Item<'_> {
    fn is_null(&self) -> bool {
        match self {
            Self::Number(digits) => digits.bytes().all(|digit| digit == b'0'),
            Self::Word(word) => word.is_empty(),
        }
    }
}

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it has a character that is not allowed");
    }
    if !text.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return Err("it has neither a number nor a word");
    }
    let lower = text.to_ascii_lowercase();
    let mut lists = lists(&lower);
    for list in &mut lists {
        let significant = list.iter().rposition(|item| !item.is_null());
        list.truncate(significant.map_or(0, |last| last + 1));
    }
    while lists.last().is_some_and(Vec::is_empty) {
        lists.pop();
    }
    Ok(encode(&lists).into())
}

fn lists(lower: &str) -> Vec<Vec<Item<'_>>> {
    let mut lists = vec![Vec::new()];
    let mut rest = lower;
    let mut is_begun = true;
    while let Some(first) = rest.bytes().next() {
        let (part, after) = split_while(rest, |byte| {
            !b".-".contains(byte) && byte.is_ascii_digit() == first.is_ascii_digit()
        });
        let list = lists.len() - 1;
        if part.is_empty() {
            if is_begun {
                lists[list].push(Item::Number("0"));
            }
        } else if first.is_ascii_digit() {
            lists[list].push(Item::Number(split_digits(part).0));
        } else {
            let before_digit = after.starts_with(|next: char| next.is_ascii_digit());
            let word = Item::Word(word(part, before_digit));
            if lists[list].is_empty() {
                lists[list].push(word);
            } else {
                lists.push(vec![word]);
            }
        }
        rest = after;
        is_begun = false;
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            is_begun = true;
        } else if let Some(after) = rest.strip_prefix('-') {
            rest = after;
            is_begun = true;
            lists.push(Vec::new());
        } else if !rest.is_empty() {
            lists.push(Vec::new());
        }
    }
    lists
}

fn word(word: &str, before_digit: bool) -> &str {
    match word {
        "a" if before_digit => "alpha",
        "b" if before_digit => "beta",
        "m" if before_digit => "milestone",
        "ga" | "final" | "release" => "",
        "cr" => "rc",
        other => other,
    }
}

fn encode(lists: &[Vec<Item<'_>>]) -> Vec<u8> {
    // A list is before nothing if what it begins with is.
    let mut before = vec![false; lists.len()];
    for place in (0..lists.len()).rev() {
        before[place] = match lists[place].first() {
            Some(Item::Word(word)) => WORDS[..RELEASE].contains(word),
            Some(Item::Number(_)) => false,
            None => before.get(place + 1).copied().unwrap_or(false),
        };
    }
    let mut key = Vec::with_capacity(16);
    for (place, list) in lists.iter().enumerate() {
        if place > 0 {
            key.push(if before[place] { LIST_BEFORE } else { LIST_AFTER });
        }
        let mut zeros = 0;
        for item in list {
            match item {
                Item::Number(_) if item.is_null() => zeros += 1,
                Item::Number(digits) => {
                    key.push(NUMBER);
                    push_inverted(&mut key, zeros);
                    push_number(&mut key, digits);
                    zeros = 0;
                }
                Item::Word(word) => push_word(&mut key, word),
            }
        }
    }
    key.push(END);
    key
}

fn push_word(key: &mut Vec<u8>, word: &str) {
    let rank = WORDS.iter().position(|known| *known == word);
    let tag = if rank.is_some_and(|rank| rank < RELEASE) { WORD_BEFORE } else { WORD_AFTER };
    key.push(tag);
    key.push(rank.and_then(|rank| u8::try_from(rank).ok()).unwrap_or(u8::MAX));
    if rank.is_none() {
        push_text(key, word);
    }
}

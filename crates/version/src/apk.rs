//! Alpine's versions: `1.2.3a_rc1_p2~hash-r4` (apk-package(5); apk-tools 3, `version.c`).
//!
//! The number of the first part compares as a number; in the parts after a dot a leading zero makes it a fraction that
//! compares as text. Where one version goes on and the other does not, the longer is newer, unless it goes on with a
//! suffix of a release to come. The key writes that order down as bytes: the tags sort as what may follow does.

use crate::key::{push_number, split_digits};

const SUFFIX_BEFORE: u8 = 1;
const END: u8 = 2;
const REVISION: u8 = 3;
const HASH: u8 = 4;
const SUFFIX_NUMBER: u8 = 5;
const SUFFIX_AFTER: u8 = 6;
const LETTER: u8 = 7;
const FRACTION: u8 = 8;
const NUMBER: u8 = 9;
const TEXT_END: u8 = 0;

const BEFORE: [&str; 4] = ["alpha", "beta", "pre", "rc"];
const AFTER: [&str; 5] = ["cvs", "svn", "git", "hg", "p"];

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let mut key = Vec::with_capacity(3 * text.len() + 8);
    let (digits, mut rest) = split_digits(text);
    if digits.is_empty() {
        return Err("it does not start with a digit");
    }
    push_number(&mut key, digits);
    while let Some(after) = rest.strip_prefix('.') {
        let (digits, after) = split_digits(after);
        if digits.is_empty() {
            return Err("no digit stands after a `.`");
        }
        if digits.starts_with('0') {
            key.push(FRACTION);
            key.extend_from_slice(digits.as_bytes());
            key.push(TEXT_END);
        } else {
            key.push(NUMBER);
            push_number(&mut key, digits);
        }
        rest = after;
    }
    if let Some(letter) = rest.bytes().next().filter(u8::is_ascii_lowercase) {
        key.extend([LETTER, letter]);
        rest = &rest[1..];
    }
    rest = suffixes(&mut key, rest)?;
    if let Some(after) = rest.strip_prefix('~') {
        let end = after.bytes().position(|byte| !matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let (hash, after) = after.split_at(end.unwrap_or(after.len()));
        if hash.is_empty() {
            return Err("no hash stands after the `~`");
        }
        key.push(HASH);
        key.extend_from_slice(hash.as_bytes());
        key.push(TEXT_END);
        rest = after;
    }
    if let Some(after) = rest.strip_prefix("-r") {
        let (digits, after) = split_digits(after);
        if digits.is_empty() {
            return Err("no number stands after `-r`");
        }
        key.push(REVISION);
        push_number(&mut key, digits);
        rest = after;
    }
    if !rest.is_empty() {
        return Err("it has a part that is not allowed there");
    }
    key.push(END);
    Ok(key.into())
}

fn suffixes<'a>(key: &mut Vec<u8>, text: &'a str) -> Result<&'a str, &'static str> {
    let mut rest = text;
    while let Some(after) = rest.strip_prefix('_') {
        let end = after.bytes().position(|byte| !byte.is_ascii_lowercase());
        let (name, after) = after.split_at(end.unwrap_or(after.len()));
        let place = |names: &[&str]| names.iter().position(|known| *known == name);
        let (tag, place) = match (place(&BEFORE), place(&AFTER)) {
            (Some(place), _) => (SUFFIX_BEFORE, place),
            (None, Some(place)) => (SUFFIX_AFTER, place),
            (None, None) => return Err("it has a suffix that is not known"),
        };
        key.push(tag);
        key.push(u8::try_from(place).unwrap_or(u8::MAX));
        let (digits, after) = split_digits(after);
        if !digits.is_empty() {
            key.push(SUFFIX_NUMBER);
            push_number(key, digits);
        }
        rest = after;
    }
    Ok(rest)
}

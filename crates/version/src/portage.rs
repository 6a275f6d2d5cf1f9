//! Gentoo's versions: `1.2.3b_rc1_p2-r4` (Package Manager Specification 8, §3.2 and §3.3).

use crate::key::{push_number, push_small, push_text, split_digits};

const COMPONENTS_END: u8 = 1;
const FRACTION: u8 = 2;
const NUMBER: u8 = 3;

// The place of what follows: `_p` is the only suffix that is newer than none.
const SUFFIXES: [(&str, u8); 5] = [("alpha", 1), ("beta", 2), ("pre", 3), ("rc", 4), ("p", 6)];
const SUFFIXES_END: u8 = 5;

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let mut key = Vec::with_capacity(16);
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
            push_text(&mut key, digits.trim_end_matches('0'));
        } else {
            key.push(NUMBER);
            push_number(&mut key, digits);
        }
        rest = after;
    }
    key.push(COMPONENTS_END);
    let letter = rest.bytes().next().filter(u8::is_ascii_lowercase);
    key.push(letter.unwrap_or(0));
    rest = &rest[usize::from(letter.is_some())..];
    while let Some(after) = rest.strip_prefix('_') {
        let known = SUFFIXES.iter().find_map(|(name, tag)| Some((*tag, after.strip_prefix(name)?)));
        let (tag, after) = known.ok_or("it has a suffix that is not known")?;
        let (digits, after) = split_digits(after);
        key.push(tag);
        push_number(&mut key, digits);
        rest = after;
    }
    key.push(SUFFIXES_END);
    if let Some(after) = rest.strip_prefix("-r") {
        let (digits, after) = split_digits(after);
        if digits.is_empty() {
            return Err("no number stands after `-r`");
        }
        push_number(&mut key, digits);
        rest = after;
    } else {
        push_small(&mut key, 0);
    }
    if !rest.is_empty() {
        return Err("it has a part that is not allowed there");
    }
    Ok(key.into())
}

//! Debian's versions: `[epoch:]upstream[-revision]` (deb-version(7); dpkg's `parseversion` and `verrevcmp`).
//!
//! dpkg compares turn by turn a part without digits and a number. In the part without digits `~` sorts before the end,
//! the end before letters, letters before everything else. The key writes that order down as bytes.

use crate::key::{push_number, split_digits};

const TILDE: u8 = 1;
// The end of a part without digits, and of the whole. Both sort after `~` and before any character.
const END: u8 = 2;
const NOT_A_LETTER: u8 = 0x80;

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => (self::epoch(epoch)?, rest),
        None => (0, text),
    };
    let (upstream, revision) = match rest.rsplit_once('-') {
        Some((_, "")) => return Err("nothing stands after the last `-`"),
        Some((upstream, revision)) => (upstream, revision),
        None => (rest, ""),
    };
    if upstream.is_empty() {
        return Err("it has no upstream part");
    }
    if !upstream.starts_with(|first: char| first.is_ascii_digit()) {
        return Err("the upstream part does not start with a digit");
    }
    if !upstream.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+~:".contains(&byte)) {
        return Err("the upstream part has a character that is not allowed");
    }
    if !revision.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+~".contains(&byte)) {
        return Err("the revision has a character that is not allowed");
    }
    let mut key = Vec::with_capacity(2 * text.len() + 16);
    key.extend_from_slice(&epoch.to_be_bytes());
    push_part(&mut key, upstream);
    push_part(&mut key, revision);
    Ok(key.into())
}

fn epoch(text: &str) -> Result<u32, &'static str> {
    if text.is_empty() {
        return Err("the epoch before `:` is empty");
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the epoch before `:` is not a number");
    }
    match text.parse::<i32>() {
        Ok(epoch) => Ok(epoch.unsigned_abs()),
        Err(_) => Err("the epoch before `:` is too large"),
    }
}

fn push_part(key: &mut Vec<u8>, part: &str) {
    let mut rest = part;
    loop {
        let end = rest.bytes().position(|byte| byte.is_ascii_digit()).unwrap_or(rest.len());
        let (words, numbers) = rest.split_at(end);
        key.extend(words.bytes().map(|byte| match byte {
            b'~' => TILDE,
            byte if byte.is_ascii_alphabetic() => byte,
            byte => NOT_A_LETTER | byte,
        }));
        key.push(END);
        let (digits, after) = split_digits(numbers);
        push_number(key, digits);
        rest = after;
        if rest.is_empty() {
            key.push(END);
            return;
        }
    }
}

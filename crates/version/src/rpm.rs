//! RPM's versions: `[epoch:]version[-release]` (rpm-version(7); rpm's `rpmvercmp`).
//!
//! RPM compares runs of letters and numbers; whatever else stands between them only separates. `~` sorts before the end,
//! the end before `^`, that before letters, letters before numbers. The key writes that order down as bytes.

use crate::key::{push_number, split_digits};

const TILDE: u8 = 1;
const END: u8 = 2;
const CARET: u8 = 3;
const LETTERS: u8 = 4;
const NUMBER: u8 = 5;
const LETTERS_END: u8 = 0;

/// The key of a version without surrounding blanks. Without a release it sorts before the same with one.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) => (self::epoch(epoch)?, rest),
        None => (0, text),
    };
    let (version, release) = match rest.rsplit_once('-') {
        Some((_, "")) => return Err("nothing stands after the last `-`"),
        Some((version, release)) => (version, Some(release)),
        None => (rest, None),
    };
    if version.is_empty() {
        return Err("it has no version part");
    }
    // rpm's ALLOWED_CHARS_VERREL, and `-` as old packages have it.
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._+%{}~^-".contains(&byte);
    if !rest.bytes().all(is_allowed) {
        return Err("it has a character that is not allowed");
    }
    let mut key = Vec::with_capacity(2 * text.len() + 16);
    key.extend_from_slice(&epoch.to_be_bytes());
    push_part(&mut key, version);
    key.push(u8::from(release.is_some()));
    push_part(&mut key, release.unwrap_or_default());
    Ok(key.into())
}

fn epoch(text: &str) -> Result<u32, &'static str> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the epoch before `:` is not a number");
    }
    text.parse().map_err(|_| "the epoch before `:` is too large")
}

fn push_part(key: &mut Vec<u8>, part: &str) {
    let mut rest = part;
    while let Some(first) = rest.bytes().next() {
        match first {
            b'~' | b'^' => {
                key.push(if first == b'~' { TILDE } else { CARET });
                rest = &rest[1..];
            }
            b'0'..=b'9' => {
                let (digits, after) = split_digits(rest);
                key.push(NUMBER);
                push_number(key, digits);
                rest = after;
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                let end = rest.bytes().position(|byte| !byte.is_ascii_alphabetic());
                let (letters, after) = rest.split_at(end.unwrap_or(rest.len()));
                key.push(LETTERS);
                key.extend_from_slice(letters.as_bytes());
                key.push(LETTERS_END);
                rest = after;
            }
            _ => rest = &rest[1..],
        }
    }
    key.push(END);
}

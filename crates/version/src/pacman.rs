//! Arch Linux's versions: `[epoch:]version[-release]` (vercmp(8); libalpm's `rpmvercmp`).
//!
//! As RPM of old, but how many separators stand between two runs counts, and letters right behind a number make it older.
//! Versions that end in a separator have no order that holds for three of them, and are refused. A version without
//! a release sorts before the same with one; pacman calls them equal, which is no order either.

use crate::key::{push_number, split_digits};

const LETTERS: u8 = 1;
const END: u8 = 2;
const NUMBER: u8 = 3;
const SEPARATORS: u8 = 4;
const LETTERS_END: u8 = 0;

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    if epoch.is_empty() || !epoch.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the epoch before `:` is not a number");
    }
    let (version, release) = match rest.rsplit_once('-') {
        Some((_, "")) => return Err("nothing stands after the last `-`"),
        Some((version, release)) => (version, Some(release)),
        None => (rest, None),
    };
    if version.is_empty() {
        return Err("it has no version part");
    }
    if !rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"/:".contains(&byte)) {
        return Err("it has a character that is not allowed");
    }
    let mut key = Vec::with_capacity(3 * text.len() + 16);
    push_number(&mut key, epoch);
    push_part(&mut key, version)?;
    key.push(u8::from(release.is_some()));
    if let Some(release) = release {
        push_part(&mut key, release)?;
    }
    Ok(key.into())
}

fn push_part(key: &mut Vec<u8>, part: &str) -> Result<(), &'static str> {
    let mut rest = part;
    while !rest.is_empty() {
        let start = rest.bytes().position(|byte| byte.is_ascii_alphanumeric());
        let start = start.ok_or("a part ends in a separator")?;
        if start > 0 {
            key.push(SEPARATORS);
            key.extend_from_slice(&u16::try_from(start).unwrap_or(u16::MAX).to_be_bytes());
        }
        rest = &rest[start..];
        let (digits, after) = split_digits(rest);
        if digits.is_empty() {
            let end = rest.bytes().position(|byte| !byte.is_ascii_alphabetic());
            let (letters, after) = rest.split_at(end.unwrap_or(rest.len()));
            key.push(LETTERS);
            key.extend_from_slice(letters.as_bytes());
            key.push(LETTERS_END);
            rest = after;
        } else {
            key.push(NUMBER);
            push_number(key, digits);
            rest = after;
        }
    }
    key.push(END);
    Ok(())
}

//! Conda's versions: `[epoch!]1.2.3rc1[+local]` (conda's `VersionOrder`).

use std::cmp::Ordering;

use crate::key::{Part, is_number, push_number, push_padded, push_text, split_digits, split_while};

const DEVELOPMENT: u8 = 1;
const WORD: u8 = 2;
const NUMBER: u8 = 1;
const POST: u8 = 2;

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let lower = text.to_ascii_lowercase();
    let (epoch, rest) = lower.split_once('!').unwrap_or(("0", &lower));
    if !is_number(epoch) {
        return Err("the epoch before `!` is not a number");
    }
    let (version, local) = match rest.split_once('+') {
        Some((version, local)) => (version, Some(local)),
        None => (rest, None),
    };
    let mut key = Vec::with_capacity(24);
    push_number(&mut key, epoch);
    push_components(&mut key, version)?;
    match local {
        Some(local) => push_components(&mut key, local)?,
        None => push_padded(&mut key, &[]),
    }
    Ok(key.into())
}

fn push_components(key: &mut Vec<u8>, text: &str) -> Result<(), &'static str> {
    if text.contains('-') && text.contains('_') {
        return Err("it has both `-` and `_`");
    }
    let components: Result<Vec<Part>, _> = text.split(['.', '_', '-']).map(component).collect();
    push_padded(key, &components?);
    Ok(())
}

// A run of digits and letters is a list of its own, which a number begins.
fn component(text: &str) -> Result<Part, &'static str> {
    if text.is_empty() {
        return Err("a part is empty");
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("it has a character that is not allowed");
    }
    let mut parts = Vec::new();
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        parts.push(Part { beside_zero: Ordering::Equal, key: Vec::new() });
    }
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, after) = split_digits(rest);
        let mut key = Vec::new();
        if digits.is_empty() {
            let (word, after) = split_while(rest, u8::is_ascii_alphabetic);
            let beside_zero = if word == "post" { Ordering::Greater } else { Ordering::Less };
            match word {
                "post" => key.push(POST),
                "dev" => key.push(DEVELOPMENT),
                _ => {
                    key.push(WORD);
                    push_text(&mut key, word);
                }
            }
            parts.push(Part { beside_zero, key });
            rest = after;
        } else {
            key.push(NUMBER);
            push_number(&mut key, digits);
            let beside_zero = digits.bytes().any(|digit| digit != b'0').cmp(&false);
            parts.push(Part { beside_zero, key });
            rest = after;
        }
    }
    let first = parts.iter().find(|part| part.beside_zero.is_ne());
    let beside_zero = first.map_or(Ordering::Equal, |part| part.beside_zero);
    let mut key = Vec::new();
    push_padded(&mut key, &parts);
    Ok(Part { beside_zero, key })
}

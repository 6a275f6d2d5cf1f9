//! Ruby's versions: numbers and words, `1.2.0.rc1` (`Gem::Version`).
//!
//! A word makes what it stands in older; zeros before the first word and at the end do not count.

use std::cmp::Ordering;

use crate::key::{Part, push_number, push_padded, push_text, split_digits, split_while};

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let (release, behind) = match text.split_once('-') {
        Some((release, behind)) => (release, Some(behind)),
        None => (text, None),
    };
    if !release.starts_with(|first: char| first.is_ascii_digit()) {
        return Err("it does not start with a number");
    }
    let is_word = |word: &str, extra: &[u8]| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || extra.contains(&byte);
        !word.is_empty() && word.bytes().all(is_allowed)
    };
    let (first, others) = release.split_once('.').map_or((release, None), |(f, o)| (f, Some(o)));
    if !first.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the first part is not a number");
    }
    if !others.is_none_or(|others| others.split('.').all(|word| is_word(word, b"")))
        || !behind.is_none_or(|behind| behind.split('.').all(|word| is_word(word, b"-")))
    {
        return Err("a part is empty or has a character that is not allowed");
    }
    let mut parts = Vec::new();
    let mut n_before_words = None;
    let text = text.replace('-', ".pre.");
    let mut rest = text.as_str();
    while let Some(first) = rest.bytes().next() {
        let (word, after) = match first {
            b'0'..=b'9' => split_digits(rest),
            b'.' => {
                rest = &rest[1..];
                continue;
            }
            _ => split_while(rest, u8::is_ascii_alphabetic),
        };
        let mut key = Vec::new();
        let beside_zero = if first.is_ascii_digit() {
            push_number(&mut key, word);
            word.bytes().any(|digit| digit != b'0').cmp(&false)
        } else {
            n_before_words.get_or_insert(parts.len());
            push_text(&mut key, word);
            Ordering::Less
        };
        parts.push(Part { beside_zero, key });
        rest = after;
    }
    let n_before_words = n_before_words.unwrap_or(parts.len());
    let significant = parts[..n_before_words].iter().rposition(|part| part.beside_zero.is_ne());
    parts.drain(significant.map_or(0, |last| last + 1)..n_before_words);
    let mut key = Vec::with_capacity(16);
    push_padded(&mut key, &parts);
    Ok(key.into())
}

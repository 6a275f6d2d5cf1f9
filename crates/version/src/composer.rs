//! Composer's versions: `1.2.3.4-beta2` (composer/semver's `VersionParser`, PHP's `version_compare`).
//!
//! A version is brought to four numbers, or to the numbers of a date, and a stability. A branch (`dev-main`) has no place
//! among releases: Composer finds it neither older nor newer than one.

use crate::key::{is_number, push_number, split_digits};

const DEVELOPMENT: u8 = 1;
const ALPHA: u8 = 2;
const BETA: u8 = 3;
const CANDIDATE: u8 = 4;
const END: u8 = 5;
const NUMBER: u8 = 6;
const PATCH: u8 = 7;

// The longer word first where another begins it; none is `stable`.
const STABILITIES: [(&str, Option<u8>); 9] = [
    ("stable", None),
    ("beta", Some(BETA)),
    ("b", Some(BETA)),
    ("rc", Some(CANDIDATE)),
    ("alpha", Some(ALPHA)),
    ("a", Some(ALPHA)),
    ("patch", Some(PATCH)),
    ("pl", Some(PATCH)),
    ("p", Some(PATCH)),
];
// What stands for `x` in `1.x-dev`.
const ANY: &str = "9999999";

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let lower = text.to_ascii_lowercase();
    let mut text = lower.as_str();
    for flag in ["@stable", "@rc", "@beta", "@alpha", "@dev"] {
        text = text.strip_suffix(flag).unwrap_or(text);
    }
    if text.starts_with("dev-") || matches!(text, "master" | "trunk" | "default") {
        return Err("it is a branch, which has no place among the releases");
    }
    if let Some((before, build)) = text.split_once('+') {
        let is_plain = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
        if !is_plain(build) || !is_plain(before) || before.contains(',') {
            return Err("what follows `+` is not allowed");
        }
        text = before;
    }
    let text = text.strip_prefix('v').unwrap_or(text);
    let found = classical(text).or_else(|| date(text)).or_else(|| branch(text));
    let key = found
        .ok_or("it is neither numbers with a stability, nor a date, nor a branch of numbers")?;
    Ok(key.into())
}

fn push_part(key: &mut Vec<u8>, digits: &str) {
    key.push(NUMBER);
    push_number(key, digits);
}

fn classical(text: &str) -> Option<Vec<u8>> {
    let (first, mut rest) = split_digits(text);
    if first.is_empty() || first.len() > 5 {
        return None;
    }
    let mut key = Vec::with_capacity(16);
    push_part(&mut key, first);
    for _ in 0..3 {
        let (digits, after) = rest.strip_prefix('.').map(split_digits).unwrap_or_default();
        push_part(&mut key, digits);
        if !digits.is_empty() {
            rest = after;
        }
    }
    modifier(key, rest)
}

// Four digits, one to six times two of them, and at most two times one to three; a separator may stand before each.
fn date(text: &str) -> Option<Vec<u8>> {
    let end = text.bytes().position(|byte| !(byte.is_ascii_digit() || b".:-".contains(&byte)));
    let run = text[..end.unwrap_or(text.len())].trim_end_matches(['.', ':', '-']);
    let year = run.get(..4).filter(|year| is_number(year))?;
    is_date(run.as_bytes(), year.len(), 0, 0).then_some(())?;
    let mut key = Vec::with_capacity(16);
    for digits in run.split(['.', ':', '-']) {
        push_part(&mut key, digits);
    }
    modifier(key, &text[run.len()..])
}

// At most eight calls deep.
fn is_date(run: &[u8], at: usize, n_pairs: usize, n_short: usize) -> bool {
    if at == run.len() {
        return n_pairs > 0;
    }
    let start = at + usize::from(b".:-".contains(&run[at]));
    let n_digits = run[start..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    (n_digits >= 2 && n_pairs < 6 && n_short == 0 && is_date(run, start + 2, n_pairs + 1, 0))
        || (n_pairs > 0
            && n_short < 2
            && (1..=n_digits).any(|n| is_date(run, start + n, n_pairs, n_short + 1)))
}

fn modifier(key: Vec<u8>, text: &str) -> Option<Vec<u8>> {
    let without = text.strip_prefix(['.', '_', '-']).unwrap_or(text);
    stability(key.clone(), without).or_else(|| stability(key, text))
}

fn stability(mut key: Vec<u8>, text: &str) -> Option<Vec<u8>> {
    let known = STABILITIES.iter().find_map(|(word, tag)| Some((*tag, text.strip_prefix(word)?)));
    let mut rest = text;
    let is_stable = known.is_some_and(|(tag, _)| tag.is_none());
    if let Some((tag, after)) = known {
        key.extend(tag);
        rest = after;
        loop {
            let (digits, after) = split_digits(rest.strip_prefix(['.', '-']).unwrap_or(rest));
            if digits.is_empty() {
                break;
            }
            if !is_stable {
                push_part(&mut key, digits);
            }
            rest = after;
        }
    }
    let after = rest.strip_prefix(['.', '-']).unwrap_or(rest);
    if after == "dev" {
        if !is_stable {
            key.push(DEVELOPMENT);
        }
    } else if !rest.is_empty() {
        return None;
    }
    key.push(END);
    Some(key)
}

fn branch(text: &str) -> Option<Vec<u8>> {
    let name = text.strip_suffix("dev")?;
    let name = name.strip_suffix(['.', '-']).unwrap_or(name);
    let mut parts = name.split('.');
    let mut key = Vec::with_capacity(24);
    push_part(&mut key, parts.next().filter(|first| is_number(first))?);
    for _ in 0..3 {
        match parts.next() {
            None | Some("x" | "*") => push_part(&mut key, ANY),
            Some(digits) if is_number(digits) => push_part(&mut key, digits),
            Some(_) => return None,
        }
    }
    parts.next().is_none().then_some(())?;
    key.extend([DEVELOPMENT, END]);
    Some(key)
}

//! Python's versions: `[epoch!]release[{a|b|rc}n][.postn][.devn][+local]` (PEP 440, appendix B for what is accepted).

use std::fmt::Write as _;

use crate::key::{push_number, split_digits};
use crate::{InvalidVersion, Scheme, VERSION_BYTES_MAX};

/// The key of a version without surrounding blanks.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    let lower = text.to_ascii_lowercase();
    Ok(Parts::parse(&lower)?.key().into())
}

/// The canonical text of a Python version: `1.0-RC.1` is `1.0rc1`.
pub fn canonical(text: &str) -> Result<String, InvalidVersion> {
    let invalid = |reason| InvalidVersion {
        scheme: Scheme::Pep440,
        text: text.chars().take(100).collect(),
        reason,
    };
    if text.len() > VERSION_BYTES_MAX {
        return Err(invalid("it is too long"));
    }
    let lower = text.trim().to_ascii_lowercase();
    Ok(Parts::parse(&lower).map_err(invalid)?.canonical())
}

// The parts as they stand in the text, lower-case; numbers are digits, of any length.
struct Parts<'a> {
    epoch: &'a str,
    release: Vec<&'a str>,
    pre: Option<(Pre, &'a str)>,
    post: Option<&'a str>,
    dev: Option<&'a str>,
    local: Vec<&'a str>,
}

#[derive(Clone, Copy)]
enum Pre {
    Alpha,
    Beta,
    Candidate,
}

const PRE: [(&str, Pre); 8] = [
    ("alpha", Pre::Alpha),
    ("a", Pre::Alpha),
    ("beta", Pre::Beta),
    ("b", Pre::Beta),
    ("preview", Pre::Candidate),
    ("pre", Pre::Candidate),
    ("rc", Pre::Candidate),
    ("c", Pre::Candidate),
];
const POST: [(&str, ()); 3] = [("post", ()), ("rev", ()), ("r", ())];
const DEV: [(&str, ()); 1] = [("dev", ())];

impl<'a> Parts<'a> {
    fn parse(lower: &'a str) -> Result<Self, &'static str> {
        let text = lower.strip_prefix('v').unwrap_or(lower);
        let (text, local) = match text.split_once('+') {
            Some((public, local)) => (public, local_parts(local)?),
            None => (text, Vec::new()),
        };
        let (epoch, text) = match text.split_once('!') {
            Some((epoch, rest)) => (epoch, rest),
            None => ("0", text),
        };
        if epoch.is_empty() || !epoch.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("the epoch before `!` is not a number");
        }
        let (release, rest) = release(text)?;
        let (pre, rest) = suffix(rest, &PRE);
        let (post, rest) = post(rest);
        let (dev, rest) = suffix(rest, &DEV);
        if !rest.is_empty() {
            return Err("what follows the release is no pre-, post- or development release");
        }
        Ok(Self { epoch, release, pre, post, dev: dev.map(|((), number)| number), local })
    }

    // The order of PEP 440: 1.dev1 < 1a1.dev1 < 1a1 < 1rc1 < 1 < 1+local < 1.post1.dev1 < 1.post1.
    fn key(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(32);
        push_number(&mut key, self.epoch);
        let significant = self.release.iter().rposition(|part| part.contains(|digit| digit != '0'));
        for part in &self.release[..significant.map_or(0, |last| last + 1)] {
            key.push(2);
            push_number(&mut key, part);
        }
        key.push(1);
        match self.pre {
            None if self.post.is_none() && self.dev.is_some() => key.push(0),
            None => key.push(4),
            Some((pre, number)) => {
                key.push(match pre {
                    Pre::Alpha => 1,
                    Pre::Beta => 2,
                    Pre::Candidate => 3,
                });
                push_number(&mut key, number);
            }
        }
        match self.post {
            None => key.push(0),
            Some(number) => {
                key.push(1);
                push_number(&mut key, number);
            }
        }
        match self.dev {
            None => key.push(1),
            Some(number) => {
                key.push(0);
                push_number(&mut key, number);
            }
        }
        // A shorter local version sorts first, words before numbers.
        for part in &self.local {
            if part.bytes().all(|byte| byte.is_ascii_digit()) {
                key.push(3);
                push_number(&mut key, part);
            } else {
                key.push(2);
                key.extend_from_slice(part.as_bytes());
                key.push(0);
            }
        }
        key.push(1);
        key
    }

    fn canonical(&self) -> String {
        let mut text = String::new();
        let epoch = number(self.epoch);
        if epoch != "0" {
            text.push_str(epoch);
            text.push('!');
        }
        let release: Vec<&str> = self.release.iter().map(|part| number(part)).collect();
        text.push_str(&release.join("."));
        if let Some((pre, digits)) = self.pre {
            text.push_str(match pre {
                Pre::Alpha => "a",
                Pre::Beta => "b",
                Pre::Candidate => "rc",
            });
            text.push_str(number(digits));
        }
        if let Some(digits) = self.post {
            let _ = write!(text, ".post{}", number(digits));
        }
        if let Some(digits) = self.dev {
            let _ = write!(text, ".dev{}", number(digits));
        }
        for (index, part) in self.local.iter().enumerate() {
            text.push(if index == 0 { '+' } else { '.' });
            let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
            text.push_str(if is_number { number(part) } else { part });
        }
        text
    }
}

// Digits without leading zeros; no digits are zero.
fn number(digits: &str) -> &str {
    match digits.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    }
}

fn release(text: &str) -> Result<(Vec<&str>, &str), &'static str> {
    let (first, mut rest) = split_digits(text);
    if first.is_empty() {
        return Err("it does not start with a number");
    }
    let mut release = vec![first];
    while let Some(after) = rest.strip_prefix('.') {
        let (digits, remaining) = split_digits(after);
        if digits.is_empty() {
            break;
        }
        release.push(digits);
        rest = remaining;
    }
    Ok((release, rest))
}

// `[-_.]? word [-_.]? digits?`; without the word nothing is taken.
fn suffix<'a, T: Copy>(text: &'a str, words: &[(&str, T)]) -> (Option<(T, &'a str)>, &'a str) {
    let start = skip_separator(text);
    for (word, meaning) in words {
        if let Some(after) = start.strip_prefix(word) {
            let (digits, rest) = split_digits(skip_separator(after));
            return (Some((*meaning, digits)), rest);
        }
    }
    (None, text)
}

// `1.0-1` is `1.0.post1`.
fn post(text: &str) -> (Option<&str>, &str) {
    if let Some(after) = text.strip_prefix('-') {
        let (digits, rest) = split_digits(after);
        if !digits.is_empty() {
            return (Some(digits), rest);
        }
    }
    let (post, rest) = suffix(text, &POST);
    (post.map(|((), number)| number), rest)
}

fn skip_separator(text: &str) -> &str {
    text.strip_prefix(['-', '_', '.']).unwrap_or(text)
}

fn local_parts(local: &str) -> Result<Vec<&str>, &'static str> {
    let parts: Vec<&str> = local.split(['-', '_', '.']).collect();
    let well_formed =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if parts.iter().all(well_formed) {
        Ok(parts)
    } else {
        Err("the local version after `+` has an empty part or a character that is not allowed")
    }
}

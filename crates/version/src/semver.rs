//! Semantic versions and their kin: `1.2.3-label.1+build` (Semantic Versioning 2.0.0, §9–11).
//!
//! Missing numbers are zero and a `v` may stand in front, as OSV's own reader has it. What the kin differ in is a [`Kind`].

use crate::key::{is_number, push_number, push_text, split_digits, split_while};

// What may stand in a place of the labels, in order.
const END: u8 = 1;
const NUMBER: u8 = 2;
const WORD: u8 = 3;
const RELEASE: u8 = 4;
const REVISION: u8 = 5;

/// What a scheme takes that others do not.
#[derive(Clone, Copy, Default)]
struct Kind {
    /// Labels may follow the numbers without a `-`, and `=` may stand in front.
    is_loose: bool,
    /// What is behind `+` counts.
    has_build: bool,
    /// There may be a fourth number, and labels are of one case.
    is_nuget: bool,
    /// A number behind `-` is a revision, which is newer.
    has_revision: bool,
}

/// crates.io, Hex and Swift.
pub(crate) fn key(text: &str) -> Result<Box<[u8]>, &'static str> {
    read(text, Kind::default())
}

/// npm: node-semver's loose form.
pub(crate) fn npm(text: &str) -> Result<Box<[u8]>, &'static str> {
    read(text, Kind { is_loose: true, ..Kind::default() })
}

/// Pub: the build counts (pub_semver).
pub(crate) fn pub_dart(text: &str) -> Result<Box<[u8]>, &'static str> {
    read(text, Kind { has_build: true, ..Kind::default() })
}

/// Julia's `VersionNumber`: the build counts.
pub(crate) fn julia(text: &str) -> Result<Box<[u8]>, &'static str> {
    read(text, Kind { has_build: true, is_loose: true, ..Kind::default() })
}

/// NuGet: four numbers, labels without case.
pub(crate) fn nuget(text: &str) -> Result<Box<[u8]>, &'static str> {
    read(&text.to_ascii_lowercase(), Kind { is_nuget: true, ..Kind::default() })
}

/// Bitnami: `1.2.3-4` is a later build of `1.2.3`.
pub(crate) fn bitnami(text: &str) -> Result<Box<[u8]>, &'static str> {
    read(text, Kind { has_revision: true, ..Kind::default() })
}

/// Go: modules (golang.org/x/mod/semver) and the releases of Go itself (`go1.22rc1`, `go1.22.1 X:exp`).
pub(crate) fn go(text: &str) -> Result<Box<[u8]>, &'static str> {
    let (text, is_toolchain) = match text.strip_prefix("go") {
        // What its maker adds behind a blank or a `-` does not count.
        Some(rest) => (rest.split_whitespace().next().unwrap_or_default(), true),
        None => (text, false),
    };
    let (numbers, rest) = split_while(text, |byte| byte.is_ascii_digit() || *byte == b'.');
    for word in ["rc", "beta"] {
        if let Some(digits) = rest.strip_prefix(word) {
            let (digits, behind) = split_digits(digits);
            if digits.is_empty() || !(behind.is_empty() || is_toolchain && behind.starts_with('-'))
            {
                return Err("what follows the numbers is no release of Go");
            }
            return read(&format!("{numbers}-{word}.{digits}"), Kind::default());
        }
    }
    let is_label = ["-rc", "-beta", "-0"].iter().any(|label| rest.starts_with(label));
    if is_toolchain && rest.starts_with('-') && !is_label {
        return read(numbers, Kind::default());
    }
    read(text, Kind::default())
}

fn read(text: &str, kind: Kind) -> Result<Box<[u8]>, &'static str> {
    let text = if kind.is_loose {
        text.trim_start_matches(['=', 'v', ' '])
    } else {
        text.strip_prefix('v').unwrap_or(text)
    };
    let (text, build) = match text.split_once('+') {
        Some((text, build)) => (text, Some(build)),
        None => (text, None),
    };
    let mut key = Vec::with_capacity(16);
    let rest = numbers(&mut key, text, if kind.is_nuget || kind.has_revision { 4 } else { 3 })?;
    let labels = match rest.strip_prefix('-') {
        _ if rest.is_empty() => None,
        Some(labels) => Some(labels),
        None if kind.is_loose => Some(rest),
        None => return Err("what follows the numbers does not begin with `-`"),
    };
    match labels {
        None => key.push(RELEASE),
        Some(revision) if kind.has_revision && is_number(revision) => {
            let is_zero = revision.bytes().all(|digit| digit == b'0');
            key.push(if is_zero { RELEASE } else { REVISION });
            if !is_zero {
                push_number(&mut key, revision);
            }
        }
        Some(labels) => push_labels(&mut key, labels)?,
    }
    let mut behind = Vec::new();
    if let Some(build) = build {
        push_labels(&mut behind, build)?;
    }
    if kind.has_build {
        key.push(u8::from(build.is_some()));
        key.extend_from_slice(&behind);
    }
    Ok(key.into())
}

fn numbers<'a>(key: &mut Vec<u8>, text: &'a str, n_max: usize) -> Result<&'a str, &'static str> {
    let (first, mut rest) = split_digits(text);
    if first.is_empty() {
        return Err("it does not start with a number");
    }
    push_number(key, first);
    let mut n_read = 1;
    while let Some(after) = rest.strip_prefix('.') {
        let (digits, after) = split_digits(after);
        if digits.is_empty() {
            return Err("no number stands after a `.`");
        }
        n_read += 1;
        if n_read > n_max {
            return Err("it has too many numbers");
        }
        push_number(key, digits);
        rest = after;
    }
    for _ in n_read..n_max {
        push_number(key, "");
    }
    Ok(rest)
}

fn push_labels(key: &mut Vec<u8>, labels: &str) -> Result<(), &'static str> {
    for label in labels.split('.') {
        if label.is_empty() {
            return Err("a label is empty");
        }
        if !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err("a label has a character that is not allowed");
        }
        if is_number(label) {
            key.push(NUMBER);
            push_number(key, label);
        } else {
            key.push(WORD);
            push_text(key, label);
        }
    }
    key.push(END);
    Ok(())
}

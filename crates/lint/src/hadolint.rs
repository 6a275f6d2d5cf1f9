//! hadolint's configuration file, as it stands (<https://github.com/hadolint/hadolint#configure>).
//!
//! Its format, colours and verbosity are settings of that program and not heeded; ids of rules that only it has are
//! passed over. What is no such file is an error with its line. Aliases and deep nesting are refused.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};
use sealift_diagnostic::Level;

use crate::{Error, LabelKind, LabelSchema, rule};

const DEPTH_MAX: usize = 8;
const VALUES_MAX: usize = 10_000;
const KEY_BYTES_MAX: usize = 256;

/// What such a file chooses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HadolintConfig {
    /// Rules that are off.
    pub ignore: Vec<String>,
    /// Levels of rules.
    pub levels: BTreeMap<String, Level>,
    /// Registries that base images may come from.
    pub registries: Vec<String>,
    /// What labels must look like.
    pub labels: LabelSchema,
    /// Least level that fails: `Some(None)` is never.
    pub fail_on: Option<Option<Level>>,
    /// Whether comments in the file are not heeded.
    pub disregards_comments: bool,
}

/// Read a `.hadolint.yaml`.
pub fn read_hadolint(text: &str) -> Result<HadolintConfig, Error> {
    let mut config = HadolintConfig::default();
    let mut never_fails = false;
    for value in values(text)? {
        let Value { line, path, text } = &value;
        let fail = |reason: String| Error::Hadolint { line: *line, reason };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["ignored", "-"] => config.ignore.extend(known(text)),
            ["override", level, "-"] => {
                let level = level.parse::<Level>().map_err(|error| fail(error.to_string()))?;
                config.levels.extend(known(text).map(|name| (name, level)));
            }
            ["trustedRegistries", "-"] => config.registries.push(text.clone()),
            ["label-schema", name] => {
                let kind = LabelKind::parse(text).map_err(|error| fail(error.to_string()))?;
                config.labels.labels.insert((*name).to_owned(), kind);
            }
            ["strict-labels"] => config.labels.is_strict = is_true(&value)?,
            ["disable-ignore-pragma"] => config.disregards_comments = is_true(&value)?,
            ["no-fail"] => never_fails = is_true(&value)?,
            ["failure-threshold"] => {
                config.fail_on =
                    Some(match text.as_str() {
                        "ignore" | "none" => None,
                        level => Some(level.parse().map_err(
                            |error: sealift_diagnostic::UnknownLevel| fail(error.to_string()),
                        )?),
                    });
            }
            [name @ ("ignored" | "trustedRegistries" | "override" | "label-schema"), ..]
                if !text.is_empty() =>
            {
                return Err(fail(format!("`{name}` has a value that is not expected there")));
            }
            _ => {}
        }
    }
    if never_fails {
        config.fail_on = Some(None);
    }
    Ok(config)
}

// Rules that only hadolint has cannot be switched off here.
fn known(name: &str) -> impl Iterator<Item = String> {
    rule(name).is_some().then(|| name.to_owned()).into_iter()
}

fn is_true(value: &Value) -> Result<bool, Error> {
    match value.text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Error::Hadolint {
            line: value.line,
            reason: format!("`{}` is neither `true` nor `false`", value.path.concat()),
        }),
    }
}

/// A scalar, and the keys that lead to it; `-` is an item of a list.
struct Value {
    line: usize,
    path: Vec<String>,
    text: String,
}

/// A collection that is not at its end.
struct Open {
    is_map: bool,
    key: Option<String>,
}

fn values(text: &str) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Error::Hadolint {
            line: error.marker().line(),
            reason: error.info().to_owned(),
        })?;
        let fail = |reason: &str| {
            Err(Error::Hadolint { line: span.start.line(), reason: reason.to_owned() })
        };
        match event {
            Event::Alias(_) => return fail("aliases (`*name`) are not read here"),
            Event::Scalar(scalar, ..) => {
                match open.last_mut() {
                    // Every value keeps the keys that lead to it.
                    Some(last) if last.is_map && last.key.is_none() => {
                        if scalar.len() > KEY_BYTES_MAX {
                            return fail("a key is too long");
                        }
                        last.key = Some(scalar.into_owned());
                        continue;
                    }
                    Some(_) => {}
                    None if scalar.is_empty() => continue,
                    None => return fail("this is no list of keys and values"),
                }
                if found.len() >= VALUES_MAX {
                    return fail("has too many values");
                }
                let path = open.iter().map(|it| it.key.clone().unwrap_or_else(|| "-".to_owned()));
                found.push(Value {
                    line: span.start.line(),
                    path: path.collect(),
                    text: scalar.into_owned(),
                });
                close(&mut open);
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() >= DEPTH_MAX {
                    return fail("is nested too deeply");
                }
                if open.last().is_some_and(|last| last.is_map && last.key.is_none()) {
                    return fail("a key must be a text");
                }
                open.push(Open { is_map: matches!(event, Event::MappingStart(..)), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                close(&mut open);
            }
            _ => {}
        }
    }
    Ok(found)
}

// What a key stands for has ended.
fn close(open: &mut [Open]) {
    if let Some(last) = open.last_mut() {
        last.key = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key() {
        let config = read_hadolint(
            "failure-threshold: warning\nformat: tty\nno-color: true\nignored: [DL3008, SC9999]\noverride:\n  error:\n    - DL3015\n  info: []\n  style: [DL3007]\ntrustedRegistries:\n  - docker.io\n  - '*.gcr.io'\nlabel-schema:\n  maintainer: text\n  created: rfc3339\nstrict-labels: true\ndisable-ignore-pragma: true\n",
        )
        .unwrap();
        assert_eq!(config.ignore, ["DL3008"]);
        assert_eq!(config.levels["DL3015"], Level::Error);
        assert_eq!(config.levels["DL3007"], Level::Style);
        assert_eq!(config.registries, ["docker.io", "*.gcr.io"]);
        assert_eq!(config.labels.labels["created"], LabelKind::Time);
        assert!(config.labels.is_strict && config.disregards_comments);
        assert_eq!(config.fail_on, Some(Some(Level::Warning)));
        assert_eq!(
            read_hadolint("no-fail: true\nfailure-threshold: info").unwrap().fail_on,
            Some(None)
        );
        assert_eq!(read_hadolint("failure-threshold: none").unwrap().fail_on, Some(None));
        for empty in ["", "---\n", "# nothing\n", "ignored:\n"] {
            assert_eq!(read_hadolint(empty).unwrap(), HadolintConfig::default(), "{empty}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_line() {
        for (text, line) in [
            ("ignored:\n  a: b\n", 2),
            ("ignored: DL3008\n", 1),
            ("\nlabel-schema:\n  x: colour\n", 3),
            ("failure-threshold: fatal\n", 1),
            ("no-fail: perhaps\n", 1),
            ("override:\n  fatal: [DL3008]\n", 2),
            ("a: *b\n", 1),
            ("just text\n", 1),
            ("a: [\n", 2),
        ] {
            let Err(Error::Hadolint { line: found, .. }) = read_hadolint(text) else {
                panic!("{text}: {:?}", read_hadolint(text));
            };
            assert_eq!(found, line, "{text}");
        }
        assert!(read_hadolint(&format!("{}: 1\n", "a".repeat(1_000))).is_err());
        assert!(read_hadolint(&"[".repeat(100_000)).is_err());
        assert!(read_hadolint(&"{a: ".repeat(100_000)).is_err());
        assert!(read_hadolint(&format!("ignored:\n{}", "- DL3008\n".repeat(20_000))).is_err());
    }
}

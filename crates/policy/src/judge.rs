//! Judgement: the known rules of all policies, one after the other, within limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use regorus::Value;
use sealift_model::{Level, Verdict, Violation};
use sealift_oci::Digest;
use serde_json::{Map, Value as Json};

use crate::Error;
use crate::metadata;
use crate::place::Place;
use crate::policies::Loaded;
use crate::rules::{KnownRule, Meaning, Message, messages};

const VIOLATIONS_MAX: usize = 1000;

/// What policies say of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// For each violation of the verdict, what the rule says besides its message, and what the policy says of itself.
    pub metadata: Vec<Map<String, Json>>,
    /// Violations that an `exception` rule of the policy takes back.
    pub excepted: Vec<Violation>,
    /// Number of rules that had nothing to object.
    pub passed: usize,
}

// What one rule says.
struct Said {
    violation: Violation,
    metadata: Map<String, Json>,
}

impl Loaded {
    /// Judges an input by all known rules.
    pub(crate) fn judge(
        &mut self,
        input: Json,
        digests: Vec<(String, Digest)>,
    ) -> Result<Judgement, Error> {
        let start = Instant::now();
        self.begin(input)?;
        let rules = self.rules.known.clone();
        let mut excepted_names: BTreeMap<String, Result<BTreeSet<String>, Place>> = BTreeMap::new();
        let (mut said, mut excepted, mut passed) = (Vec::new(), Vec::new(), 0);
        for rule in rules.iter() {
            let left = self.settings.time_max.saturating_sub(start.elapsed());
            let found = self.judge_rule(rule, left, &said);
            if found.is_empty() {
                passed += 1;
                continue;
            }
            let exceptions = self.rules.exceptions.get(&rule.package).cloned();
            let Some(exception) = exceptions.filter(|_| rule.meaning != Meaning::Permission) else {
                said.extend(found);
                continue;
            };
            let names = excepted_names.entry(rule.package.clone()).or_insert_with(|| {
                let left = self.settings.time_max.saturating_sub(start.elapsed());
                self.value(&exception, left).map(|value| names(&value))
            });
            match names {
                Ok(names) if is_excepted(&rule.name, names) => {
                    excepted.extend(found.into_iter().map(|said| said.violation));
                }
                Ok(_) => said.extend(found),
                Err(place) => {
                    said.push(failed(rule, place, "exception"));
                    said.extend(found);
                }
            }
        }
        self.annotate(&mut said);
        let (violations, metadata) =
            said.into_iter().map(|said| (said.violation, said.metadata)).unzip();
        let verdict = Verdict::from_violations(violations, digests);
        Ok(Judgement { verdict, metadata, excepted, passed })
    }

    fn judge_rule(&mut self, rule: &KnownRule, left: Duration, before: &[Said]) -> Vec<Said> {
        let simple = |level, message: String| Said {
            violation: violation(rule, level, message),
            metadata: Map::new(),
        };
        let value = match self.value(&rule.path, left) {
            Ok(value) => value,
            Err(place) => return vec![failed(rule, &place, &rule.name)],
        };
        match rule.meaning {
            Meaning::Reasons(level) => match messages(&rule.name, &value) {
                Ok(mut messages) => {
                    let more = messages.len().saturating_sub(VIOLATIONS_MAX);
                    messages.truncate(VIOLATIONS_MAX);
                    if more > 0 {
                        messages
                            .push(Message::plain(format!("and {more} more of `{}`", rule.name)));
                    }
                    let said = messages.into_iter().map(|message| Said {
                        violation: violation(rule, level, message.text),
                        metadata: message.metadata,
                    });
                    said.collect()
                }
                Err(why) => vec![simple(Level::Error, why)],
            },
            Meaning::Permission => {
                let is_explained = before.iter().any(|said| {
                    said.violation.package == rule.package && said.violation.level >= Level::Deny
                });
                match value {
                    Value::Bool(true) => Vec::new(),
                    _ if is_explained => Vec::new(),
                    Value::Bool(false) | Value::Undefined => {
                        vec![simple(Level::Deny, "`allow` is false".to_owned())]
                    }
                    _ => vec![simple(Level::Error, "`allow` is not a truth value".to_owned())],
                }
            }
        }
    }

    // What the package says of itself goes below what the rule says.
    fn annotate(&mut self, said: &mut [Said]) {
        let mut known: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
        for said in said {
            let package = &said.violation.package;
            if !known.contains_key(package) {
                let annotations = self.annotations_of(package);
                known.insert(package.clone(), annotations);
            }
            for (name, value) in known.get(package).into_iter().flatten() {
                said.metadata.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }

    fn annotations_of(&mut self, package: &str) -> Map<String, Json> {
        let mut annotations = Map::new();
        if let Some(path) = self.rules.own_metadata.get(package).cloned()
            && let Ok(value) = self.value(&path, Duration::from_millis(200))
            && let Ok(Json::Object(object)) = serde_json::to_value(&value)
        {
            annotations.extend(metadata::brief(&object));
        }
        for index in self.rules.files_of.get(package).into_iter().flatten() {
            annotations.extend(self.annotations.get(*index).cloned().unwrap_or_default());
        }
        annotations
    }
}

fn violation(rule: &KnownRule, level: Level, message: String) -> Violation {
    Violation {
        level,
        package: rule.package.clone(),
        rule: rule.name.clone(),
        file: rule.files.join(", "),
        message,
    }
}

fn failed(rule: &KnownRule, place: &Place, name: &str) -> Said {
    let what = if name == rule.name { "the rule".to_owned() } else { format!("`{name}`") };
    let message = match place.line {
        0 => format!("{what} failed: {}", place.message),
        line => format!("{what} failed in line {line}: {}", place.message),
    };
    let mut violation = violation(rule, Level::Error, message);
    if let Some(file) = &place.file {
        violation.file.clone_from(file);
    }
    Said { violation, metadata: Map::new() }
}

// The names in `exception`, a set or array of sets or arrays of texts.
fn names(value: &Value) -> BTreeSet<String> {
    let items = |value: &Value| -> Vec<Value> {
        match value {
            Value::Array(array) => array.iter().cloned().collect(),
            Value::Set(set) => set.iter().cloned().collect(),
            _ => Vec::new(),
        }
    };
    let texts = items(value).into_iter().flat_map(|inner| items(&inner));
    texts.filter_map(|text| text.as_string().ok().map(ToString::to_string)).collect()
}

// The rule `deny_root` by `root`; the rule `deny` by an empty text, as conftest has it, or by its own name.
fn is_excepted(rule: &str, names: &BTreeSet<String>) -> bool {
    let suffix = rule.split_once('_').map_or("", |(_, suffix)| suffix);
    names.contains(suffix) || names.contains(rule)
}

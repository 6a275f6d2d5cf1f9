//! Configurations of gitleaks, read as they are. <https://github.com/gitleaks/gitleaks#configuration>

use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::custom::{Allowlist, Inner, Keywords, Pattern, Rule, Rules, Target};
use crate::secret::hex;

/// Bytes that a configuration may have.
pub const CONFIG_BYTES_MAX: u64 = 4 << 20;
const RULES_MAX: usize = 5000;
const DEPTH_MAX: usize = 3;

/// Why a configuration is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is no TOML of the right form.
    #[error("it is no configuration of gitleaks: {0}")]
    Form(String),
    /// It is too large.
    #[error("it has more than {RULES_MAX} rules")]
    TooMany,
    /// A rule has nothing to look for.
    #[error("rule {0} has no id")]
    NoId(usize),
    /// A pattern is none.
    #[error("a pattern of `{rule}` cannot be read: {reason}")]
    Pattern {
        /// The rule, or `allowlist`.
        rule: String,
        /// Why.
        reason: String,
    },
    /// A word is not known.
    #[error("`{rule}` has `{word}` where {expected} is meant")]
    Word {
        /// The rule, or `allowlist`.
        rule: String,
        /// What is there.
        word: String,
        /// What may be there.
        expected: &'static str,
    },
    /// What it extends cannot be read.
    #[error("it extends `{path}`, which cannot be read: {reason}")]
    Extended {
        /// The other file.
        path: String,
        /// Why.
        reason: String,
    },
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    extend: Extend,
    rules: Vec<RuleEntry>,
    allowlist: Option<AllowEntry>,
    allowlists: Vec<AllowEntry>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Extend {
    use_default: bool,
    path: Option<String>,
    url: Option<String>,
    disabled_rules: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RuleEntry {
    id: String,
    description: String,
    regex: String,
    path: String,
    secret_group: usize,
    entropy: f64,
    keywords: Vec<String>,
    allowlist: Option<AllowEntry>,
    allowlists: Vec<AllowEntry>,
    required: Vec<toml::Value>,
    skip_report: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AllowEntry {
    condition: String,
    commits: Vec<String>,
    paths: Vec<String>,
    regex_target: String,
    regexes: Vec<String>,
    stopwords: Vec<String>,
    target_rules: Vec<String>,
}

impl Rules {
    /// Reads a configuration; `open` gives the text of another that it extends.
    pub fn read(
        text: &str,
        open: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, ConfigError> {
        let mut inner = Inner::default();
        let mut hasher = Sha256::new();
        take(text, open, &mut inner, &mut hasher, 1)?;
        inner.digest = hex(&hasher.finalize());
        // A rule that has a pattern of its own takes the place of ours.
        let replaced =
            inner.rules.iter().filter(|rule| rule.pattern.is_some()).map(|rule| rule.id.clone());
        let replaced: Vec<String> = replaced.collect();
        let disabled = std::mem::take(&mut inner.disabled);
        inner.rules.retain(|rule| !disabled.contains(&rule.id));
        inner.keywords = Keywords::of(&inner.rules);
        inner.disabled = disabled;
        inner.replaced = replaced;
        Ok(Self(Some(Arc::new(inner))))
    }
}

// The outer file's rules come first, so that they win.
fn take(
    text: &str,
    open: &mut dyn FnMut(&str) -> Result<String, String>,
    inner: &mut Inner,
    hasher: &mut Sha256,
    depth: usize,
) -> Result<(), ConfigError> {
    hasher.update((text.len() as u64).to_le_bytes());
    hasher.update(text);
    let document: Document =
        toml::from_str(text).map_err(|error| ConfigError::Form(error.message().to_owned()))?;
    for (number, entry) in (1..).zip(document.rules) {
        if entry.id.is_empty() {
            return Err(ConfigError::NoId(number));
        }
        let known = inner.rules.iter().any(|rule| rule.id == entry.id && rule.pattern.is_some());
        if !known {
            let rule = rule(entry, &mut inner.notes)?;
            inner.rules.push(rule);
        }
        if inner.rules.len() > RULES_MAX {
            return Err(ConfigError::TooMany);
        }
    }
    for entry in document.allowlist.into_iter().chain(document.allowlists) {
        let list = allowlist("allowlist", entry, &mut inner.notes)?;
        inner.allowlists.push(list);
    }
    inner.disabled.extend(document.extend.disabled_rules);
    inner.uses_own |= document.extend.use_default;
    if let Some(url) = document.extend.url {
        inner.notes.push(format!("what it extends at `{url}` is not fetched"));
    }
    let Some(path) = document.extend.path else { return Ok(()) };
    let fail = |reason: String| ConfigError::Extended { path: path.clone(), reason };
    if depth >= DEPTH_MAX {
        return Err(fail(format!("files extend each other more than {DEPTH_MAX} deep")));
    }
    let other = open(&path).map_err(fail)?;
    take(&other, open, inner, hasher, depth + 1)
}

fn rule(entry: RuleEntry, notes: &mut Vec<String>) -> Result<Rule, ConfigError> {
    let id = entry.id;
    let pattern = |source: &str| {
        let read = (!source.is_empty()).then(|| Pattern::read(source)).transpose();
        read.map_err(|reason| ConfigError::Pattern { rule: id.clone(), reason })
    };
    let (search, path) = (pattern(&entry.regex)?, pattern(&entry.path)?);
    if !entry.required.is_empty() {
        notes.push(format!("rule `{id}` counts without the rules that it requires"));
    }
    if entry.skip_report {
        notes.push(format!("rule `{id}` is reported, though it says `skipReport`"));
    }
    let lists = entry.allowlist.into_iter().chain(entry.allowlists);
    let allowlists = lists.map(|list| allowlist(&id, list, notes)).collect::<Result<_, _>>()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held between 0 and 80"
    )]
    let entropy_tenths = (entry.entropy.clamp(0.0, 8.0) * 10.0) as u32;
    Ok(Rule {
        description: entry.description.chars().take(200).collect(),
        pattern: search,
        path,
        secret_group: entry.secret_group,
        entropy_tenths,
        keywords: entry.keywords.into_iter().filter(|word| !word.is_empty()).collect(),
        allowlists,
        id,
    })
}

fn allowlist(
    rule: &str,
    entry: AllowEntry,
    notes: &mut Vec<String>,
) -> Result<Allowlist, ConfigError> {
    let word = |word: &str, expected| ConfigError::Word {
        rule: rule.to_owned(),
        word: word.to_owned(),
        expected,
    };
    let patterns = |sources: Vec<String>| {
        let read = |source: String| Pattern::read(&source);
        let read = sources.into_iter().map(read).collect::<Result<Vec<_>, _>>();
        read.map_err(|reason| ConfigError::Pattern { rule: rule.to_owned(), reason })
    };
    let needs_all = match entry.condition.to_ascii_uppercase().as_str() {
        "" | "OR" | "||" => false,
        "AND" | "&&" => true,
        _ => return Err(word(&entry.condition, "`AND` or `OR`")),
    };
    let target = match entry.regex_target.to_ascii_lowercase().as_str() {
        "" | "secret" => Target::Secret,
        "match" => Target::Match,
        "line" => Target::Line,
        _ => return Err(word(&entry.regex_target, "`secret`, `match` or `line`")),
    };
    if !entry.commits.is_empty() {
        notes.push(format!("commits of an allowlist of `{rule}` mean nothing for files"));
    }
    Ok(Allowlist {
        needs_all,
        paths: patterns(entry.paths)?,
        target,
        patterns: patterns(entry.regexes)?,
        stop_words: entry.stopwords,
        rules: entry.target_rules,
        asks_for_commits: !entry.commits.is_empty(),
    })
}

//! What the user chose, and what is known beside the Dockerfile.

use std::collections::BTreeMap;

use sealift_diagnostic::{Diagnostic, Level, Rule, closest};
use thiserror::Error;

use crate::{rule::rule, rule::rules};

/// What the user chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Rules that are off, by id, name or alias.
    pub ignore: Vec<String>,
    /// Levels of rules that differ from their own, by id, name or alias.
    pub levels: BTreeMap<String, Level>,
    /// The lowest level that fails the gate.
    pub fail_on: Level,
}

impl Default for Config {
    fn default() -> Self {
        Self { ignore: Vec::new(), levels: BTreeMap::new(), fail_on: Level::Error }
    }
}

/// A configuration that names what does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Error {
    /// No rule has this id, name or alias.
    #[error("there is no rule `{name}`")]
    UnknownRule {
        /// The name.
        name: String,
    },
}

impl Error {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        let Self::UnknownRule { name } = self;
        let known = rules()
            .flat_map(|rule| [rule.id, rule.name].into_iter().chain(rule.aliases.iter().copied()));
        Some(match closest(name, known) {
            Some(known) => format!("did you mean `{known}`?"),
            None => "the reference of rules lists them all".to_owned(),
        })
    }
}

impl Config {
    /// Refuse names that no rule has: a mistyped one would ignore nothing, silently.
    pub fn check(&self) -> Result<(), Error> {
        match self.ignore.iter().chain(self.levels.keys()).find(|name| rule(name).is_none()) {
            Some(name) => Err(Error::UnknownRule { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// The findings that fail the gate.
    pub fn failures<'a>(&self, findings: &'a [Diagnostic]) -> Vec<&'a Diagnostic> {
        findings.iter().filter(|finding| finding.level >= self.fail_on).collect()
    }

    pub(crate) fn ignores(&self, rule: &Rule) -> bool {
        self.ignore.iter().any(|name| rule.is_called(name))
    }

    /// Give a finding the level that the user chose for its rule.
    pub(crate) fn adjust(&self, finding: &mut Diagnostic) {
        let Some(rule) = finding.rule.as_deref().and_then(rule) else { return };
        if let Some((_, level)) = self.levels.iter().find(|(name, _)| rule.is_called(name)) {
            finding.level = *level;
        }
    }
}

/// What is known beside the Dockerfile.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Text of `.dockerignore`; `None` when there is none.
    pub dockerignore: Option<&'a str>,
    /// Paths of the files in the build context, relative, with `/`; `None` when nobody looked, and then no rule says
    /// anything about single files.
    pub context_files: Option<&'a [String]>,
    /// What the user chose.
    pub config: &'a Config,
}

impl<'a> Context<'a> {
    /// Nothing is known but what the user chose.
    pub fn new(config: &'a Config) -> Self {
        Self { dockerignore: None, context_files: None, config }
    }
}

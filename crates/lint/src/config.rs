//! What the user chose, and what is known beside the Dockerfile.

use std::collections::BTreeMap;

use sealift_diagnostic::{Diagnostic, Level, Rule, closest};
use sealift_oci::{Digest, Platform};
use thiserror::Error;

use crate::{
    PackageIndex,
    edition::{EDITIONS, Edition},
    label::{LabelKind, LabelSchema},
    rule::{rule, rules},
};

/// Rules that are off unless the user gives them a level.
const OPTIONAL: &[&str] = &["SL3032", "SL3044"];

/// What the user chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Rules that are off, by id, name or alias.
    pub ignore: Vec<String>,
    /// Levels of rules that differ from their own, by id, name or alias; a rule that is off by itself is on with one.
    pub levels: BTreeMap<String, Level>,
    /// The lowest level that fails the gate.
    pub fail_on: Level,
    /// The rules in force; all of them if none is chosen.
    pub edition: Option<Edition>,
    /// Registries that base images may come from, `*` for any text; any registry if there is none.
    pub registries: Vec<String>,
    /// What labels must look like.
    pub labels: LabelSchema,
    /// Whether `# hadolint …` comments are not heeded.
    pub disregards_hadolint: bool,
    /// Today, `2026-01-31`, for suppressions that end; without it none has ended.
    pub today: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ignore: Vec::new(),
            levels: BTreeMap::new(),
            fail_on: Level::Error,
            edition: None,
            registries: Vec::new(),
            labels: LabelSchema::default(),
            disregards_hadolint: false,
            today: None,
        }
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
    /// There is no such edition.
    #[error("there is no edition `{name}`")]
    UnknownEdition {
        /// The name.
        name: String,
    },
    /// There is no such type of labels.
    #[error("there is no type `{name}` of labels")]
    UnknownLabelKind {
        /// The name.
        name: String,
    },
    /// A file for hadolint cannot be read.
    #[error("line {line}: {reason}")]
    Hadolint {
        /// Where.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

impl Error {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        let name = match self {
            Self::UnknownRule { name } => name,
            Self::UnknownEdition { .. } => {
                let known: Vec<String> =
                    EDITIONS.iter().map(|(year, _)| format!("`{year}`")).collect();
                return Some(format!(
                    "editions are {}, and versions such as `0.1.0`",
                    known.join(", ")
                ));
            }
            Self::UnknownLabelKind { .. } => {
                return Some(format!("types are {}", LabelKind::NAMES.join(", ")));
            }
            Self::Hadolint { .. } => return None,
        };
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
        self.check_beside(&|_| false)
    }

    /// The same where other kinds of files have rules of their own.
    pub fn check_beside(&self, is_known: &dyn Fn(&str) -> bool) -> Result<(), Error> {
        let mut names = self.ignore.iter().chain(self.levels.keys());
        match names.find(|name| rule(name).is_none() && !is_known(name)) {
            Some(name) => Err(Error::UnknownRule { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// The findings that fail the gate.
    pub fn failures<'a>(&self, findings: &'a [Diagnostic]) -> Vec<&'a Diagnostic> {
        findings.iter().filter(|finding| finding.level >= self.fail_on).collect()
    }

    /// Whether a rule is in force: not ignored, not newer than the edition, not off by itself.
    pub fn is_on(&self, rule: &Rule) -> bool {
        let has_level = || self.levels.keys().any(|name| rule.is_called(name));
        self.allows(rule) && (is_on_by_default(rule) || has_level())
    }

    /// Whether a rule is neither ignored nor newer than the edition.
    pub(crate) fn allows(&self, rule: &Rule) -> bool {
        !self.ignore.iter().any(|name| rule.is_called(name))
            && self.edition.as_ref().is_none_or(|edition| edition.has(rule))
    }

    /// Whether that is so for every rule, as for most users.
    pub(crate) fn allows_all(&self) -> bool {
        self.ignore.is_empty() && self.edition.is_none()
    }

    /// Whether the rule of a finding is in force; what no rule says always is.
    pub(crate) fn has_on(&self, finding: &Diagnostic) -> bool {
        finding.rule.as_deref().and_then(rule).is_none_or(|rule| self.is_on(rule))
    }

    /// Give a finding the level that the user chose for its rule.
    pub(crate) fn adjust(&self, finding: &mut Diagnostic) {
        if self.levels.is_empty() {
            return;
        }
        let Some(rule) = finding.rule.as_deref().and_then(rule) else { return };
        if let Some((_, level)) = self.levels.iter().find(|(name, _)| rule.is_called(name)) {
            finding.level = *level;
        }
    }
}

/// Whether a rule is on when nobody chooses.
pub fn is_on_by_default(rule: &Rule) -> bool {
    !OPTIONAL.contains(&rule.id)
}

/// Says what names stand for now; asked only where the user wants it.
pub trait Resolver: std::fmt::Debug + Sync {
    /// The digest that an image has now, by its name as the file has it.
    fn digest(&self, image: &str) -> Option<Digest>;

    /// The SHA-256 of the file that a URL stands for now.
    fn checksum(&self, url: &str) -> Option<Digest>;

    /// The platforms that an image is there for; `None` if nobody knows.
    fn platforms(&self, image: &str) -> Option<Vec<Platform>>;

    /// The platform that is built for when nobody says another.
    fn target(&self) -> Platform;
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
    /// What is known of the packages of base images; without it no rule says anything about them.
    pub packages: Option<&'a dyn PackageIndex>,
    /// Who can say what names stand for; without it no digest is put in.
    pub resolver: Option<&'a dyn Resolver>,
}

impl<'a> Context<'a> {
    /// Nothing is known but what the user chose.
    pub fn new(config: &'a Config) -> Self {
        Self { dockerignore: None, context_files: None, config, packages: None, resolver: None }
    }
}

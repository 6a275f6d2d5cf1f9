//! What a rule is, and how it reports.

use std::sync::LazyLock;

use sealift_diagnostic::Rule;
pub(crate) use sealift_diagnostic::Sink;

use crate::{CHECKS, is_on_by_default, view::View};

/// A rule with what looks for its findings.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its words.
    pub rule: Rule,
    pub(crate) run: fn(&View<'_>, &mut Sink),
}

/// A rule for each file: without its words, which are ten times as long as the rest and would be walked over every time.
pub(crate) struct Step {
    pub(crate) rule: &'static Rule,
    pub(crate) run: fn(&View<'_>, &mut Sink),
    pub(crate) is_on_by_default: bool,
}

/// All of them, in the order of their ids.
pub(crate) static STEPS: LazyLock<Vec<Step>> = LazyLock::new(|| {
    let step = |Check { rule, run }: &'static Check| Step {
        rule,
        run: *run,
        is_on_by_default: is_on_by_default(rule),
    };
    CHECKS.iter().map(step).collect()
});

/// What a group of rules is about; the thousands of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // The names say it all.
pub enum Group {
    Syntax,
    Security,
    Reproducibility,
    Correctness,
    Size,
    Shell,
    Containers,
    Kubernetes,
    Image,
}

impl Group {
    /// The heading for it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Syntax => "Syntax",
            Self::Security => "Security",
            Self::Reproducibility => "Reproducibility",
            Self::Correctness => "Correctness",
            Self::Size => "Size and speed",
            Self::Shell => "Shell inside RUN",
            Self::Containers => "Compose files and containers",
            Self::Kubernetes => "Kubernetes",
            Self::Image => "Images",
        }
    }
}

impl Group {
    /// The group of a rule.
    pub fn of(rule: &Rule) -> Self {
        match rule.id.as_bytes().get(2) {
            Some(b'1') => Self::Security,
            Some(b'2') => Self::Reproducibility,
            Some(b'3') => Self::Correctness,
            Some(b'4') => Self::Size,
            Some(b'5') => Self::Shell,
            Some(b'6') => Self::Containers,
            Some(b'7') => Self::Kubernetes,
            Some(b'8') => Self::Image,
            _ => Self::Syntax,
        }
    }
}

/// Every rule, in the order of their ids.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    CHECKS.iter().map(|check| &check.rule)
}

/// The first rule with this id, name or alias.
pub fn rule(name: &str) -> Option<&'static Rule> {
    // Most ask by id.
    by_id(name).or_else(|| rules().find(|rule| rule.is_called(name)))
}

/// Whether a rule has this id.
pub fn has_id(id: &str) -> bool {
    by_id(id).is_some()
}

fn by_id(id: &str) -> Option<&'static Rule> {
    // The table is in that order.
    let index = CHECKS.binary_search_by_key(&id, |check| check.rule.id).ok()?;
    Some(&CHECKS[index].rule)
}

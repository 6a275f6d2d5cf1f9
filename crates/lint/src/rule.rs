//! What a rule is, and how it reports.

use sealift_diagnostic::{Diagnostic, Level, Span};

use crate::{RULES, view::View};

/// One rule; everything that its documentation needs.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Stable id.
    pub id: &'static str,
    /// Stable name, in words.
    pub name: &'static str,
    /// Level of its findings unless the user chose another.
    pub level: Level,
    /// Ids of the same rule in other tools.
    pub aliases: &'static [&'static str],
    /// Why it matters.
    pub why: &'static str,
    /// What to do.
    pub fix: &'static str,
    /// First version that has it.
    pub since: &'static str,
    pub(crate) check: fn(&View<'_>, &mut Sink),
}

/// What a group of rules is about; the thousands of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // The names say it all.
pub enum Group {
    Syntax,
    Security,
    Reproducibility,
    Correctness,
    Size,
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
        }
    }
}

impl Rule {
    /// Its group.
    pub fn group(&self) -> Group {
        match self.id.as_bytes().get(2) {
            Some(b'1') => Group::Security,
            Some(b'2') => Group::Reproducibility,
            Some(b'3') => Group::Correctness,
            Some(b'4') => Group::Size,
            _ => Group::Syntax,
        }
    }

    /// Whether `name` is its id, name or one of its aliases, in any case.
    pub fn is_called(&self, name: &str) -> bool {
        [self.id, self.name]
            .iter()
            .chain(self.aliases)
            .any(|known| known.eq_ignore_ascii_case(name.trim()))
    }
}

/// The first rule with this id, name or alias.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.is_called(name))
}

/// Longest message.
const MESSAGE_BYTES_MAX: usize = 300;

/// Where a rule puts its findings.
pub(crate) struct Sink {
    rule: &'static Rule,
    pub(crate) findings: Vec<Diagnostic>,
}

impl Sink {
    pub(crate) fn new(rule: &'static Rule) -> Self {
        Self { rule, findings: Vec::new() }
    }

    /// Report a finding; it can be refined through what is returned.
    pub(crate) fn add(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let mut message = message.into();
        // A word of the file in a message can be of any length.
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        let mut finding = Diagnostic::new(self.rule.level, span, message)
            .with_rule(self.rule.id)
            .with_why(self.rule.why)
            .with_help(self.rule.fix);
        finding.aliases = self.rule.aliases.iter().map(|&alias| alias.to_owned()).collect();
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }
}

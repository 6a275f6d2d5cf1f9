//! Where a rule puts its findings.

use crate::{Diagnostic, Fix, Rule, Span};

/// Longest message.
const MESSAGE_BYTES_MAX: usize = 300;

/// The findings of one rule, behind those of others if there are any; each gets the rule's words.
#[derive(Debug)]
pub struct Sink {
    /// The rule.
    pub rule: &'static Rule,
    /// What was found so far.
    pub findings: Vec<Diagnostic>,
}

impl Sink {
    /// An empty one.
    pub fn new(rule: &'static Rule) -> Self {
        Self { rule, findings: Vec::new() }
    }

    /// Reports a finding; it can be refined through what is returned.
    pub fn add(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        let mut message = message.into();
        // A word of the file in a message can be of any length.
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
        let mut finding = Diagnostic::new(self.rule.level, span, message)
            .with_rule(self.rule.id)
            .with_why(self.rule.why)
            .with_help(self.rule.fix);
        finding.aliases = self.rule.aliases.into();
        self.findings.push(finding);
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// Reports a finding with a fix, if there is one.
    pub fn add_with(
        &mut self,
        span: Span,
        message: impl Into<String>,
        fix: Option<Fix>,
    ) -> &mut Diagnostic {
        let finding = self.add(span, message);
        finding.fixes.extend(fix);
        finding
    }
}

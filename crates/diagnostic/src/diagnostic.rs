//! One finding on a text.

use std::borrow::Cow;

use crate::{Fix, Level, Span};

/// One finding on a text, with all that a person needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable id of the rule, such as `SL1001`.
    pub rule: Option<Cow<'static, str>>,
    /// How much it matters.
    pub level: Level,
    /// What is wrong, in one line: lower-case, no full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Words at the caret.
    pub label: Option<String>,
    /// Why it matters.
    pub why: Option<Cow<'static, str>>,
    /// What to do.
    pub help: Option<Cow<'static, str>>,
    /// Ids of the same rule in other tools.
    pub aliases: Cow<'static, [&'static str]>,
    /// Other places that explain it.
    pub related: Vec<(Span, String)>,
    /// Ways to mend it, the best first.
    pub fixes: Vec<Fix>,
}

impl Diagnostic {
    /// A finding with no more than its message.
    pub fn new(level: Level, span: Span, message: impl Into<String>) -> Self {
        Self {
            rule: None,
            level,
            message: message.into(),
            span,
            label: None,
            why: None,
            help: None,
            aliases: Cow::Borrowed(&[]),
            related: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// An error.
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self::new(Level::Error, span, message)
    }

    /// The same with a rule's id.
    #[must_use]
    pub fn with_rule(mut self, rule: impl Into<Cow<'static, str>>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// The same with words at the caret.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same with a reason.
    #[must_use]
    pub fn with_why(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// The same with a remedy.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Cow<'static, str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with one more place.
    #[must_use]
    pub fn with_related(mut self, span: Span, label: impl Into<String>) -> Self {
        self.related.push((span, label.into()));
        self
    }

    /// The same with a way to mend it.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fixes.push(fix);
        self
    }
}

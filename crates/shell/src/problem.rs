//! What is not understood in a script.

use std::fmt;

use sealift_diagnostic::Span;

/// A place that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is the matter.
    pub kind: ProblemKind,
    /// Where.
    pub span: Span,
}

/// Why a place is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// This opens something that never closes.
    Unclosed(&'static str),
    /// A construct lacks this word.
    Missing(&'static str),
    /// A command should stand here.
    NoCommand,
    /// Nothing of this kind may stand here.
    Unexpected,
    /// What stands between `${` and `}` is no expansion.
    BadExpansion,
    /// A heredoc without the line that ends it.
    EndlessHeredoc,
    /// Nested deeper than is read; the rest is not looked at.
    TooDeep,
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed(what) => write!(f, "this `{what}` is never closed"),
            Self::Missing(what) => write!(f, "`{what}` is missing"),
            Self::NoCommand => f.write_str("a command is missing"),
            Self::Unexpected => f.write_str("the shell does not expect this here"),
            Self::BadExpansion => f.write_str("this is no expansion that a shell knows"),
            Self::EndlessHeredoc => f.write_str("no line ends this heredoc"),
            Self::TooDeep => f.write_str("this is nested too deep to be read"),
        }
    }
}

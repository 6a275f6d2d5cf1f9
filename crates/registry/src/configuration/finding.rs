//! What there is to say of a configuration: where, what, and what to do.

use std::fmt;
use std::sync::Arc;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Good to know.
    Note,
    /// Probably a mistake; the server starts.
    Warning,
    /// The server does not start with it.
    Error,
}

impl Level {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of the file, from 1.
    Line(usize),
    /// A variable of the environment.
    Variable(Arc<str>),
}

/// Something to say of a configuration. No message repeats a value that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub level: Level,
    /// Where.
    pub place: Place,
    /// Key, with the keys that it is in, joined by dots; empty if it is about the whole.
    pub key: String,
    /// What.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Finding {
    /// An error.
    pub fn error(place: Place, key: &str, message: impl Into<String>) -> Self {
        Self::new(Level::Error, place, key, message)
    }

    /// A warning.
    pub fn warning(place: Place, key: &str, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, place, key, message)
    }

    /// A note.
    pub fn note(place: Place, key: &str, message: impl Into<String>) -> Self {
        Self::new(Level::Note, place, key, message)
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The finding in one line, with the name of the file.
    pub fn line(&self, file: &str) -> String {
        let key =
            if self.key.is_empty() { String::new() } else { format!("`{}`: ", shown(&self.key)) };
        let place = match &self.place {
            Place::Line(line) => format!("{file}:{line}"),
            Place::Variable(name) => format!("{name} (environment)"),
        };
        format!("{place}: {}: {key}{}", self.level.name(), self.message)
    }

    fn new(level: Level, place: Place, key: &str, message: impl Into<String>) -> Self {
        Self { level, place, key: key.to_owned(), message: message.into(), hint: None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(formatter, "line {line}"),
            Self::Variable(name) => formatter.write_str(name),
        }
    }
}

/// A foreign text for a message: short and without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(80).map(|c| if c.is_control() { '?' } else { c }).collect();
    if shown.len() < text.len() && text.chars().count() > 80 {
        shown.push('…');
    }
    shown
}

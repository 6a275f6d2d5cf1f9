//! How much a finding matters.

use std::{fmt, str::FromStr};

/// How much a finding matters; ordered, so that `level >= Level::Warning` reads as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A matter of taste.
    Style,
    /// Good to know.
    Info,
    /// Should be changed.
    Warning,
    /// Wrong or dangerous.
    Error,
}

/// A word that names no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLevel(pub String);

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no level; levels are error, warning, info, style", self.0)
    }
}

impl std::error::Error for UnknownLevel {}

impl Level {
    /// All levels, highest first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warning, Self::Info, Self::Style];

    /// The lower-case word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Style => "style",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_ordered_and_parse() {
        assert!(Level::Error > Level::Warning && Level::Info > Level::Style);
        assert_eq!("Warning".parse(), Ok(Level::Warning));
        assert_eq!(
            "fatal".parse::<Level>().unwrap_err().to_string(),
            "`fatal` is no level; levels are error, warning, info, style"
        );
    }
}

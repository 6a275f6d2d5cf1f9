//! Variable expansion and word splitting as the builder does them: `$A`, `${A}`, `${A:-x}`, `${A-x}`, `${A:+x}`,
//! `${A+x}`, `${A:?e}`, `${A?e}`, `${A#p}`, `${A##p}`, `${A%p}`, `${A%%p}`, `${A/p/r}`, `${A//p/r}`.
//!
//! Invariant: bounded depth, output and work, whatever the text and the values.

mod expand;
mod letters;
mod pattern;

use std::collections::BTreeSet;

use thiserror::Error;

/// Looks a variable up.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Why a word cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[allow(missing_docs)] // Each field is named in its message.
pub enum Error {
    #[error("a `{0}` has no partner")]
    Unclosed(char),
    #[error("`${{` is not followed by a name")]
    BadSubstitution,
    #[error("`{0}` is no modifier of a variable")]
    Modifier(String),
    #[error("`{0}` is no pattern")]
    Pattern(String),
    #[error("variable `{name}`: {message}")]
    Required { name: String, message: String },
    #[error("variables are nested too deeply")]
    TooDeep,
    #[error("the expanded text is too long")]
    TooLong,
}

impl Error {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Modifier(_) => Some(
                "modifiers are `:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` `//`".to_owned(),
            ),
            Self::Required { name, .. } => {
                Some(format!("set it with `--build-arg {name}=…` or `ENV {name}=…`"))
            }
            Self::Pattern(_) => Some("only `*`, `?` and `\\` can be escaped".to_owned()),
            _ => None,
        }
    }
}

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The escape character.
    pub escape: char,
    /// What quotes mean.
    pub quotes: Quotes,
    /// Whether an unset variable stays as it was written.
    pub keep_unset: bool,
}

/// What quotes mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// They group, and are removed.
    Remove,
    /// They are letters like any other.
    Ignore,
}

/// An expanded text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expansion {
    /// The text as one word.
    pub text: String,
    /// The text split at white space outside quotes.
    pub words: Vec<String>,
    /// Variables that were found.
    pub matched: BTreeSet<String>,
    /// Variables that were not found and have no default.
    pub unmatched: BTreeSet<String>,
}

/// Expand a word to one string; quotes and escapes are removed.
pub fn expand(word: &str, lookup: &Lookup<'_>, escape: char) -> Result<String, Error> {
    let options = Options { escape, quotes: Quotes::Remove, keep_unset: false };
    expand_with(word, lookup, options).map(|expansion| expansion.text)
}

/// Expand a text and split the result at white space outside quotes.
pub fn expand_words(text: &str, lookup: &Lookup<'_>, escape: char) -> Result<Vec<String>, Error> {
    let options = Options { escape, quotes: Quotes::Remove, keep_unset: false };
    expand_with(text, lookup, options).map(|expansion| expansion.words)
}

/// Expand the body of a heredoc: quotes stay, and the escape character is always a backslash.
pub fn expand_heredoc(text: &str, lookup: &Lookup<'_>) -> Result<String, Error> {
    let options = Options { escape: '\\', quotes: Quotes::Ignore, keep_unset: false };
    expand_with(text, lookup, options).map(|expansion| expansion.text)
}

/// Expand with every choice open.
pub fn expand_with(text: &str, lookup: &Lookup<'_>, options: Options) -> Result<Expansion, Error> {
    expand::run(text, lookup, options)
}

/// Names of the variables that a text refers to; a text that cannot be expanded refers to none.
pub fn references(text: &str, escape: char) -> BTreeSet<String> {
    let options = Options { escape, quotes: Quotes::Remove, keep_unset: true };
    if !text.contains('$') {
        return BTreeSet::new();
    }
    // Every variable is empty, so that `:-` and `:+` words are looked at as well as the name itself.
    expand_with(text, &|_| Some(String::new()), options)
        .map(|found| found.matched)
        .unwrap_or_default()
}

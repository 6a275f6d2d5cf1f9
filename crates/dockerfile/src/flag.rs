//! Flags: `--name=value` words between the keyword and the arguments.

use sealift_diagnostic::{Diagnostic, Span, closest};

use crate::{Keyword, Text, Word, split};

/// One flag as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Name without dashes.
    pub name: String,
    /// Value with quotes removed; `None` without `=`.
    pub value: Option<Word>,
    /// The whole flag.
    pub span: Span,
}

/// What the value of a flag is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Bool,
    One,
    Many,
}

/// The flags that an instruction knows.
fn known(keyword: Keyword) -> &'static [(&'static str, Takes)] {
    use Takes::{Bool, Many, One};
    match keyword {
        Keyword::From => &[("platform", One)],
        Keyword::Run => &[("mount", Many), ("network", One), ("security", One), ("device", Many)],
        Keyword::Copy => &[
            ("from", One),
            ("chown", One),
            ("chmod", One),
            ("link", Bool),
            ("parents", Bool),
            ("exclude", Many),
        ],
        Keyword::Add => &[
            ("chown", One),
            ("chmod", One),
            ("link", Bool),
            ("keep-git-dir", Bool),
            ("checksum", One),
            ("unpack", Bool),
            ("exclude", Many),
        ],
        Keyword::Healthcheck => &[
            ("interval", One),
            ("timeout", One),
            ("start-period", One),
            ("start-interval", One),
            ("retries", One),
        ],
        _ => &[],
    }
}

/// Read the flags at the start of the range; also returns where the arguments start.
pub(crate) fn read(line: &Text, start: usize) -> (Vec<Flag>, usize) {
    let mut flags = Vec::new();
    let text = line.as_str();
    let mut at = start;
    loop {
        at = text.len() - split::trim_start(&text[at..]).len();
        if !text[at..].starts_with("--") {
            return (flags, at);
        }
        let (word, end) = unquote(text, at);
        let whole = line.span(at..end);
        if word == "--" {
            return (flags, end);
        }
        let body = word.get(2..).unwrap_or("");
        let (name, value) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (body, None),
        };
        let value = value.map(|value| {
            let from = text[at..end].find('=').map_or(at, |equals| at + equals + 1);
            Word::new(value, line.span(from..end))
        });
        flags.push(Flag { name: name.to_owned(), value, span: whole });
        at = end;
    }
}

/// One word with quotes and backslashes taken out, and where it ends.
fn unquote(text: &str, start: usize) -> (String, usize) {
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut letters = text[start..].char_indices();
    while let Some((at, letter)) = letters.next() {
        match (letter, quote) {
            (_, None) if letter.is_whitespace() => return (word, start + at),
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if letter == open => quote = None,
            ('\\', _) => word.extend(letters.next().map(|(_, letter)| letter)),
            _ => word.push(letter),
        }
    }
    (word, text.len())
}

/// Check the flags of an instruction against those it knows.
pub(crate) fn check(keyword: Keyword, flags: &[Flag], problems: &mut Vec<Diagnostic>) {
    let known = known(keyword);
    for (index, flag) in flags.iter().enumerate() {
        let shown = format!("--{}", flag.name);
        let Some((_, takes)) = known.iter().find(|(name, _)| *name == flag.name) else {
            problems.push(unknown(keyword, flag, known));
            continue;
        };
        let value = flag.value.as_ref().map(|value| value.to_ascii_lowercase());
        let wrong = match (takes, value.as_deref()) {
            (Takes::Bool, None | Some("true" | "false")) => None,
            (Takes::Bool, Some(value)) => {
                Some(format!("flag `{shown}` is either `true` or `false`, but it is `{value}`"))
            }
            (Takes::One | Takes::Many, None) => Some(format!("flag `{shown}` has no value")),
            (Takes::One | Takes::Many, Some(_)) => None,
        };
        if let Some(message) = wrong {
            problems.push(Diagnostic::error(flag.span, message).with_help(format!(
                "write `{shown}={}`",
                if *takes == Takes::Bool { "true" } else { "…" }
            )));
        }
        if let Some(first) = flags[..index].iter().find(|other| other.name == flag.name)
            && *takes != Takes::Many
        {
            problems.push(
                Diagnostic::error(flag.span, format!("flag `{shown}` is given twice"))
                    .with_related(first.span, "first here"),
            );
        }
    }
}

fn unknown(keyword: Keyword, flag: &Flag, known: &[(&'static str, Takes)]) -> Diagnostic {
    let message = format!("`{}` knows no flag `--{}`", keyword.as_str(), flag.name);
    let diagnostic = Diagnostic::error(flag.span, message);
    match closest(&flag.name, known.iter().map(|(name, _)| *name)) {
        Some(name) => diagnostic.with_help(format!("did you mean `--{name}`?")),
        None if known.is_empty() => diagnostic.with_help("this instruction takes no flags"),
        None => {
            let names: Vec<String> = known.iter().map(|(name, _)| format!("`--{name}`")).collect();
            diagnostic.with_help(format!("its flags are {}", names.join(", ")))
        }
    }
}

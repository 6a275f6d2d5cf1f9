//! Patterns for names and paths. They cost time that grows with the text only, whatever they are.

use regex::{Regex, RegexBuilder};

const CHARS_MAX: usize = 1000;
const PROGRAM_BYTES_MAX: usize = 32 << 10;

/// A pattern that a whole text must match.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    text: String,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// A regular expression.
    pub(crate) fn regex(text: &str) -> Result<Self, String> {
        check_length(text)?;
        let regex = compile(text, PROGRAM_BYTES_MAX);
        let regex = regex.ok_or_else(|| format!("`{text}` is not a regular expression"))?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// A glob over paths: `*` and `?` stay within a folder, `**` between slashes is any folders, `[a-z]` and `{a,b}` are
    /// alternatives.
    pub(crate) fn glob(text: &str) -> Result<Self, String> {
        check_length(text)?;
        let regex = translate(text).and_then(|it| compile(&it, PROGRAM_BYTES_MAX));
        let regex = regex.ok_or_else(|| format!("`{text}` is not a pattern of paths"))?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Any of several.
    pub(crate) fn any(patterns: &[Self]) -> Result<Self, String> {
        let text = patterns.iter().map(|it| it.regex.as_str()).collect::<Vec<_>>().join("|");
        let regex = compile(&text, PROGRAM_BYTES_MAX * 8).ok_or("are too many patterns")?;
        Ok(Self { text, regex })
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

fn check_length(text: &str) -> Result<(), String> {
    if text.chars().count() > CHARS_MAX {
        return Err(format!("is longer than {CHARS_MAX} characters"));
    }
    Ok(())
}

// `None` if it is no regular expression, or one that would need much memory.
fn compile(text: &str, bytes_max: usize) -> Option<Regex> {
    RegexBuilder::new(&format!("^(?:{text})$")).size_limit(bytes_max).build().ok()
}

fn translate(glob: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = glob;
    let mut n_open = 0_usize;
    let mut is_start = true;
    while let Some(first) = rest.chars().next() {
        // A `**` that is a whole part of the path.
        if is_start && (rest == "**" || rest.starts_with("**/")) {
            if rest == "**" {
                // `a/**` is `a` too.
                if out.ends_with('/') {
                    out.pop();
                    out.push_str("(?:/.*)?");
                } else {
                    out.push_str(".*");
                }
                rest = "";
            } else {
                out.push_str("(?:[^/]+/)*");
                rest = &rest[3..];
            }
            continue;
        }
        is_start = first == '/';
        rest = &rest[first.len_utf8()..];
        match first {
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '{' => {
                n_open += 1;
                out.push_str("(?:");
            }
            '}' if n_open > 0 => {
                n_open -= 1;
                out.push(')');
            }
            ',' if n_open > 0 => out.push('|'),
            '[' => rest = class(rest, &mut out)?,
            '\\' => {
                let escaped = rest.chars().next()?;
                out.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4])));
                rest = &rest[escaped.len_utf8()..];
            }
            other => out.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    (n_open == 0).then_some(out)
}

// What is behind a `[`: characters and spans of them.
fn class<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let (text, start) = match text.strip_prefix(['!', '^']) {
        Some(text) => (text, "[^/"),
        None => (text, "["),
    };
    let end = text.find(']').filter(|end| *end > 0)?;
    out.push_str(start);
    for character in text[..end].chars() {
        match character {
            '-' => out.push('-'),
            other if other.is_ascii_alphanumeric() => out.push(other),
            other if other.is_ascii() => out.extend(['\\', other]),
            other => out.push(other),
        }
    }
    out.push(']');
    Some(&text[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        let check = |glob: &str, text: &str, expected: bool| {
            let pattern = Pattern::glob(glob).unwrap();
            assert_eq!(pattern.matches(text), expected, "{glob} {text}");
        };
        check("usr/lib/*/METADATA", "usr/lib/a/METADATA", true);
        check("usr/lib/*/METADATA", "usr/lib/a/b/METADATA", false);
        check("**/METADATA", "METADATA", true);
        check("**/METADATA", "a/b/METADATA", true);
        check("a/**", "a/b/c", true);
        check("a/**", "a", true);
        check("a/**", "ab", false);
        check("**", "a/b", true);
        check("a/**/b", "a/b", true);
        check("a/**/b", "a/x/y/b", true);
        check("a**b", "ax/yb", false);
        check("a?c", "abc", true);
        check("a?c", "a/c", false);
        check("{a,b.c}/x", "b.c/x", true);
        check("{a,b.c}/x", "bxc/x", false);
        check("[a-c]x", "bx", true);
        check("[!a-c]x", "bx", false);
        check("[!a]", "/", false);
        check(r"\*a", "*a", true);
        check(r"\*a", "ba", false);
        check("a.b", "axb", false);
        for bad in ["[", "a{b", "x\\", "[]"] {
            assert!(Pattern::glob(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn regular_expressions_match_the_whole_text() {
        let pattern = Pattern::regex("linux(-.*)?-headers-.*").unwrap();
        assert!(pattern.matches("linux-rt-headers-6"));
        assert!(!pattern.matches("xlinux-headers-6"));
        // Otherwise it would be all that begins with the one or ends with the other.
        let pattern = Pattern::regex("a|b").unwrap();
        assert!(pattern.matches("b") && !pattern.matches("ax") && !pattern.matches("xb"));
        for bad in ["(", "a{1000}{1000}{1000}", "(?=a)", &"a".repeat(2000)] {
            assert!(Pattern::regex(bad).is_err());
        }
    }
}

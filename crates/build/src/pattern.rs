//! Patterns of paths: Go's `filepath.Match` for sources of `COPY`, and the same with `**` for ignore files.
//!
//! Matching keeps a set of positions instead of backtracking, so that no pattern makes it slow.

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Token>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Character(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `**/`: nothing, or anything that ends in a slash.
    Deep,
    /// `**` at the end.
    Rest,
    Class {
        is_negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Whether `**` crosses slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stars {
    /// As in a shell: `**` is `*`.
    Shallow,
    /// As in ignore files.
    Deep,
}

/// True if a source has wildcards.
pub(crate) fn has_wildcards(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

impl Pattern {
    /// Compiles a pattern.
    pub(crate) fn parse(text: &str, stars: Stars) -> Result<Self, &'static str> {
        let mut tokens = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            tokens.push(match character {
                '*' if stars == Stars::Deep && rest.peek() == Some(&'*') => {
                    rest.next();
                    rest.next_if_eq(&'/');
                    if rest.peek().is_none() { Token::Rest } else { Token::Deep }
                }
                '*' => Token::Star,
                '?' => Token::Any,
                '[' => class(&mut rest)?,
                '\\' => Token::Character(rest.next().ok_or("it ends in a backslash")?),
                other => Token::Character(other),
            });
        }
        Ok(Self(tokens))
    }

    /// True if the pattern matches the whole text.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut positions = vec![false; self.0.len() + 1];
        self.enter(&mut positions, 0);
        for character in text.chars() {
            let mut next = vec![false; self.0.len() + 1];
            for (position, token) in self.0.iter().enumerate() {
                if !positions[position] {
                    continue;
                }
                match token {
                    Token::Rest => self.enter(&mut next, position),
                    Token::Star if character != '/' => self.enter(&mut next, position),
                    // Inside, the next token may only begin after a slash.
                    Token::Deep => {
                        next[position] = true;
                        if character == '/' {
                            self.enter(&mut next, position + 1);
                        }
                    }
                    token if token.takes(character) => self.enter(&mut next, position + 1),
                    _ => {}
                }
            }
            positions = next;
        }
        positions[self.0.len()]
    }

    // Marks a position, and those after it that need no character.
    fn enter(&self, positions: &mut [bool], start: usize) {
        for (position, is_marked) in positions.iter_mut().enumerate().skip(start) {
            *is_marked = true;
            if !matches!(self.0.get(position), Some(Token::Star | Token::Deep | Token::Rest)) {
                break;
            }
        }
    }
}

impl Token {
    fn takes(&self, character: char) -> bool {
        match self {
            Self::Character(own) => *own == character,
            Self::Any => character != '/',
            Self::Class { is_negated, ranges } => {
                let is_in = ranges.iter().any(|(low, high)| (*low..=*high).contains(&character));
                is_in != *is_negated
            }
            Self::Star | Self::Deep | Self::Rest => false,
        }
    }
}

fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Token, &'static str> {
    const OPEN: &str = "a `[` has no `]`";
    let is_negated = rest.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match rest.next().ok_or(OPEN)? {
            ']' if !ranges.is_empty() => return Ok(Token::Class { is_negated, ranges }),
            ']' | '-' => return Err("a `[…]` is empty or has a stray `-`"),
            '\\' => rest.next().ok_or(OPEN)?,
            other => other,
        };
        let mut high = low;
        if rest.next_if_eq(&'-').is_some() {
            high = match rest.next().ok_or(OPEN)? {
                ']' | '-' => return Err("a range in `[…]` has no end"),
                '\\' => rest.next().ok_or(OPEN)?,
                other => other,
            };
        }
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expected: bool) {
        let pattern = Pattern::parse(pattern, Stars::Shallow).unwrap();
        assert_eq!(pattern.matches(text), expected, "{pattern:?} on {text}");
    }

    #[test]
    fn as_filepath_match() {
        // The table of Go's path/filepath/match_test.go, where it applies.
        for (pattern, text, expected) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("a*", "ab/c", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("a???b", "a☺b", false),
            ("[a-ζ]*", "α", true),
            ("a?b", "a/b", false),
            ("a*b", "a/b", false),
            ("[\\]a]", "]", true),
            ("[\\-x]", "x", true),
            ("*x", "xxx", true),
        ] {
            check(pattern, text, expected);
        }
        for pattern in ["[]a]", "[-]", "[x-]", "[-x]", "[", "[^", "[^bc", "a[", "a\\"] {
            assert!(Pattern::parse(pattern, Stars::Shallow).is_err(), "{pattern}");
        }
    }

    #[test]
    fn hostile_patterns_are_fast() {
        let pattern = Pattern::parse(&"*a".repeat(200), Stars::Deep).unwrap();
        assert!(!pattern.matches(&"a".repeat(2000).replace("aaaaaaaaaa", "aaaaaaaaa/")));
        let pattern = Pattern::parse(&"**/a".repeat(200), Stars::Deep).unwrap();
        assert!(!pattern.matches(&"a/".repeat(1000)));
    }
}
